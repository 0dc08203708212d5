//! What the OpenAPI document says of ids, values and instants.

use crate::{Timestamp, Value, ids};
use std::borrow::Cow;
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
    schema::{SchemaType, Type},
};
use utoipa::{PartialSchema, ToSchema};

impl PartialSchema for Value {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("Any JSON value. Numbers are exact: 64-bit integers, else decimals of up to 28 digits."))
            .into()
    }
}

impl ToSchema for Value {
    fn name() -> Cow<'static, str> {
        "Value".into()
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .description(Some("Milliseconds since 1970-01-01T00:00:00Z."))
            .into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }
}

macro_rules! id_schemas {
    ($($name:ident),*) => {$(
        impl PartialSchema for ids::$name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(format!("^{}_[0-9a-f]{{32}}$", ids::$name::PREFIX)))
                    .into()
            }
        }

        impl ToSchema for ids::$name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

id_schemas!(
    TenantId,
    PersonId,
    EnvironmentId,
    SessionId,
    TokenId,
    FlowId,
    RunId,
    WebhookId,
    LinkId,
    ScheduleId,
    AlertId,
    FiringId,
    ConnectionId,
    IntentId,
    AuditId,
    RequestId,
    ClaimId,
    PublishedId,
    SubscriptionId,
    PollId,
    ReplicaId
);
