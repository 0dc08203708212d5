//! What people read on the page of settings.

pub const ACCOUNT: &str = "Account";
pub const ALERTS: &str = "Alerts";
pub const ALERTS_GO: &str = "Manage alerts";
pub const ALERTS_WHAT: &str =
    "Hear of failed runs, late schedules and tasks that wait, in a chat, a program or a flow.";
pub const APPEARANCE: &str = "Appearance";
pub const APPEARANCE_WHAT: &str = "For this browser.";
pub const CLOSED: &str = "Closed";
pub const CLOSED_WHAT: &str = "Nobody can sign up.";
pub const COPY_LINK: &str =
    "Send this link to one person. It is valid for seven days and one sign-up, and is not shown again.";
pub const EMAIL: &str = "E-mail";
pub const ENVIRONMENT: &str = "Environment";
pub const INVITATION: &str = "By invitation";
pub const INVITATION_WHAT: &str = "Whoever holds an invitation link can sign up, once.";
pub const INVITE: &str = "Make invitation link";
pub const INVITE_TITLE: &str = "Invitations";
pub const INVITE_WHAT: &str = "An invited person gets a workspace of their own.";
pub const NAME: &str = "Name";
pub const OPEN: &str = "Open";
pub const OPEN_WHAT: &str = "Everybody who reaches this address can sign up.";
pub const SAVED: &str = "Saved.";
pub const SETTINGS: &str = "Settings";
pub const SIGN_UP: &str = "Sign-up";
pub const SIGN_UP_WHAT: &str = "Who may create a workspace on this Holon. You decide this as its operator.";
pub const THE_LINK: &str = "the link";
pub const TOKENS: &str = "API tokens";
pub const TOKENS_GO: &str = "Manage API tokens";
pub const TOKENS_WHAT: &str = "For programs that call the REST API as you.";
pub const WORKSPACE: &str = "Workspace";
