//! What roles may do. One role for now: the owner of a workspace may do everything in it.

use std::str::FromStr;

use holon_model::context::Permissions;

/// A member's role in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May do everything in the workspace.
    Owner,
}

/// Not the name of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role")]
pub struct UnknownRole(pub String);

const OWNER: &[&str] = &[
    "workspace:*",
    "flows:*",
    "state:*",
    "events:*",
    "runs:*",
    "tasks:*",
    "workers:*",
    "schedules:*",
    "polls:*",
    "alerts:*",
    "connections:*",
    "tokens:*",
];
/// The operator decides about the instance, which is nobody's workspace.
const OPERATOR: &[&str] = &["instance:*"];
/// All that a token for workers may do.
const WORKER: &[&str] = &["workers:claim"];
/// A token that leaked must not be able to make another one that outlives its revocation.
const NOT_BY_TOKEN: &[&str] = &["!tokens:edit", "!instance:edit"];

impl Role {
    /// The grants of this role; `operator` adds those of the instance's operator, `token` takes away what a token may
    /// not do.
    #[must_use]
    pub fn permissions(self, operator: bool, token: bool) -> Permissions {
        let Self::Owner = self;
        let grants = OWNER
            .iter()
            .chain(OPERATOR.iter().filter(|_| operator))
            .chain(NOT_BY_TOKEN.iter().filter(|_| token))
            .map(|grant| (*grant).to_owned());
        Permissions(grants.collect())
    }
}

/// What a token for workers may do, whoever made it: take tasks, and say what became of them.
#[must_use]
pub fn worker_permissions() -> Permissions {
    Permissions(WORKER.iter().map(|grant| (*grant).to_owned()).collect())
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "owner" => Ok(Self::Owner),
            other => Err(UnknownRole(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decision, actions, decide};

    #[test]
    fn the_owner_may_do_everything_in_the_workspace_and_the_operator_everything() {
        for &(resource, verb) in actions::ALL {
            let owner = decide(&Role::Owner.permissions(false, false), resource, verb);
            let operator = decide(&Role::Owner.permissions(true, false), resource, verb);
            assert_eq!(owner == Decision::Allow, resource != "instance", "{resource}:{verb}");
            assert_eq!(operator, Decision::Allow, "{resource}:{verb}");
        }
    }

    #[test]
    fn a_token_for_workers_takes_tasks_and_does_nothing_else() {
        for &(resource, verb) in actions::ALL {
            let allowed = decide(&worker_permissions(), resource, verb) == Decision::Allow;
            assert_eq!(allowed, (resource, verb) == ("workers", "claim"), "{resource}:{verb}");
        }
    }

    #[test]
    fn a_token_makes_no_tokens_and_changes_no_settings() {
        let held = Role::Owner.permissions(true, true);
        for &(resource, verb) in actions::ALL {
            let refused = verb == "edit" && (resource == "tokens" || resource == "instance");
            assert_eq!(decide(&held, resource, verb) == Decision::Allow, !refused, "{resource}:{verb}");
        }
    }
}
