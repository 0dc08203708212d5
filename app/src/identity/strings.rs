//! What people read on the pages before the first page.

use holon_model::wire::identity::SHORTEST_PASSWORD;

pub const BY_INVITATION: &str = "Sign-up is by invitation";
pub const BY_INVITATION_WHAT: &str =
    "Open the link in your invitation. If you have none, ask whoever runs this Holon for one.";
pub const CANNOT_SIGN_IN: &str = "Signing in cannot work from this address";
pub const CLOSED: &str = "Sign-up is closed";
pub const CLOSED_WHAT: &str =
    "Whoever runs this Holon does not take new sign-ups at present. If you have an account, sign in.";
pub const CREATE: &str = "Create workspace";
pub const EMAIL: &str = "E-mail";
pub const FIRST_RUN: &str = "Set up Holon";
pub const FIRST_RUN_WHAT: &str =
    "You are the first person here, so you become the operator: you decide who else may sign up.";
pub const HAVE_ACCOUNT: &str = "Have an account?";
pub const NAME: &str = "Your name";
pub const NEW_HERE: &str = "New here?";
pub const PASSWORD: &str = "Password";
pub const RULE_EMAIL: &str = "Is not your e-mail or name";
pub const SIGN_IN: &str = "Sign in";
pub const SIGN_IN_WHAT: &str = "Draw flows, watch them run, and prove what they did.";
pub const SIGN_UP: &str = "Sign up";
pub const SIGN_UP_TITLE: &str = "Create your workspace";
pub const SIGN_UP_WHAT: &str = "A workspace holds your flows, runs and connections, apart from everybody else's.";
pub const WORKSPACE: &str = "Workspace";
pub const WORKSPACE_HINT: &str = "Your team's or project's name. Other workspaces cannot see into it.";

/// What a password must have.
pub fn rule_length() -> String {
    format!("At least {SHORTEST_PASSWORD} characters")
}
