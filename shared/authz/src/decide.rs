//! The decision itself: a pure function of what is held and what is asked.

use holon_model::context::Permissions;

/// What was decided, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A grant allows it and none forbids it.
    Allow,
    /// No grant allows it.
    NotGranted,
    /// A grant forbids it, whatever others allow.
    Forbidden,
}

/// Decides whether `resource:verb` is allowed. What is not a grant grants nothing.
#[must_use]
pub fn decide(held: &Permissions, resource: &str, verb: &str) -> Decision {
    let matches = |grant: &str| match grant.split_once(':') {
        Some((r, v)) => r == resource && (v == verb || v == "*"),
        None => false,
    };
    if held.0.iter().filter_map(|grant| grant.strip_prefix('!')).any(matches) {
        return Decision::Forbidden;
    }
    if held.0.iter().any(|grant| matches(grant)) { Decision::Allow } else { Decision::NotGranted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(grants: &[&str]) -> Permissions {
        Permissions(grants.iter().map(|g| (*g).to_owned()).collect())
    }

    #[test]
    fn nothing_is_allowed_unless_granted() {
        for grants in [&[][..], &["runs:read"], &["flow:read"], &["flows:readx"], &["flows"], &["*"], &["*:*"], &[":"]]
        {
            assert_eq!(decide(&held(grants), "flows", "read"), Decision::NotGranted, "{grants:?}");
        }
        for grants in [&["flows:read"][..], &["flows:*"], &["flows:*", "runs:read"]] {
            assert_eq!(decide(&held(grants), "flows", "read"), Decision::Allow, "{grants:?}");
        }
    }

    #[test]
    fn what_is_narrowed_allows_what_both_allow_and_never_more() {
        let sides = [
            held(&[]),
            held(&["flows:*"]),
            held(&["flows:read", "runs:*"]),
            held(&["flows:*", "!flows:delete"]),
            held(&["runs:start", "!runs:*", "flows:delete"]),
            crate::worker_permissions(),
            crate::Role::Owner.permissions(true, true),
        ];
        for (one, other) in sides.iter().flat_map(|one| sides.iter().map(move |other| (one, other))) {
            let narrowed = one.narrowed_to(other);
            for &(resource, verb) in crate::actions::ALL {
                let allows = |held: &Permissions| decide(held, resource, verb) == Decision::Allow;
                assert_eq!(
                    allows(&narrowed),
                    allows(one) && allows(other),
                    "{resource}:{verb} of {one:?} and {other:?}"
                );
            }
        }
    }

    #[test]
    fn a_forbid_wins_over_every_grant() {
        for forbid in ["!flows:delete", "!flows:*"] {
            let held = held(&["flows:*", "flows:delete", forbid]);
            assert_eq!(decide(&held, "flows", "delete"), Decision::Forbidden, "{forbid}");
        }
        assert_eq!(decide(&held(&["flows:*", "!flows:delete"]), "flows", "read"), Decision::Allow);
    }
}
