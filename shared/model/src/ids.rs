//! Every typed id of Holon, minted in one registry: `prefix_` and 32 hexadecimal digits of a UUID.
//!
//! A flow's id is never mistaken for a run's: they are different types, and their text forms differ too.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_` and 32 hexadecimal digits")]
pub struct IdError {
    /// The prefix that was expected, such as `flow`.
    pub prefix: &'static str,
    /// What was given instead, cut at 64 characters.
    pub text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The 128 bits, big-endian.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError { prefix: $prefix, text: text.chars().take(64).collect() };
                let hex = text.strip_prefix(concat!($prefix, "_")).ok_or_else(error)?;
                if hex.len() != 32 {
                    return Err(error());
                }
                Uuid::try_parse(hex).map(Self).map_err(|_| error())
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.as_bytes().serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map(|bytes| Self(Uuid::from_bytes(bytes)))
                }
            }
        }
    )*};
}

ids! {
    /// A tenant: one workspace and everything in it.
    TenantId = "tenant";
    /// A person who can sign in.
    PersonId = "person";
    /// An environment of a tenant.
    EnvironmentId = "env";
    /// A browser session.
    SessionId = "session";
    /// A personal API token.
    TokenId = "token";
    /// A flow (a definition with its history).
    FlowId = "flow";
    /// One execution of a flow.
    RunId = "run";
    /// A webhook address.
    WebhookId = "hook";
    /// A claim of a worker on a task.
    ClaimId = "claim";
    /// A link: an address that answers one task, or takes one delivery for one run, once.
    LinkId = "link";
    /// A schedule: when a flow is started by itself.
    ScheduleId = "schedule";
    /// An event that flows publish and subscribe to.
    PublishedId = "event";
    /// A subscription: a published flow that is started by events.
    SubscriptionId = "sub";
    /// A poll: a published flow that looks at an endpoint every so often.
    PollId = "poll";
    /// A connection: a credential by name.
    ConnectionId = "conn";
    /// An alert rule: what is looked for and who is told.
    AlertId = "alert";
    /// A firing of an alert rule.
    FiringId = "firing";
    /// An intent: what a person or program asked for.
    IntentId = "intent";
    /// A row of the audit log.
    AuditId = "audit";
    /// A request, as logged and as shown in errors.
    RequestId = "req";
    /// A server process, for as long as it lives.
    ReplicaId = "replica";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints_and_refuses_another_kind() {
        let id = FlowId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string(), "flow_01900000000070008000000000000001");
        assert_eq!(id.to_string().parse::<FlowId>(), Ok(id));
        assert!(id.to_string().parse::<RunId>().is_err());
        assert!("flow_0190-0000-0000-7000-8000-000000000001".parse::<FlowId>().is_err());
    }
}
