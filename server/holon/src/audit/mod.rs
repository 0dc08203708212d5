//! The audit log: one row for every change, written in the change's own transaction, so that neither exists without
//! the other.

use holon_model::intent::IntentPayload;
use holon_model::{AuditId, Intent, Value};
use holon_platform::clock::{Clock, mint, to_db};
use holon_platform::db::TenantTx;
use sqlx::PgConnection;

use crate::http::request_id;

/// Writes down that an intent was carried out on `subject` (a typed id). `detail` holds what a reader needs and never
/// a secret.
///
/// # Errors
/// When the database refuses; then the change must not be committed either.
pub async fn record<P: IntentPayload>(
    tx: &mut TenantTx<'_>,
    clock: &dyn Clock,
    intent: &Intent<P>,
    subject: &str,
    detail: &Value,
) -> Result<(), sqlx::Error> {
    record_in(tx.conn(), clock, intent, subject, detail).await
}

/// The same on a connection whose transaction has the intent's tenant set: sign-up, before there is a `TenantTx`.
///
/// # Errors
/// When the database refuses.
pub async fn record_in<P: IntentPayload>(
    connection: &mut PgConnection,
    clock: &dyn Clock,
    intent: &Intent<P>,
    subject: &str,
    detail: &Value,
) -> Result<(), sqlx::Error> {
    let id: AuditId = mint(clock);
    let context = &intent.context;
    sqlx::query!(
        "insert into audit_event (tenant_id, event_id, at, environment_id, actor, person_id, source, intent_id, \
         intent_type, subject, detail, request_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12)",
        context.tenant.0,
        id.0,
        to_db(clock.now()),
        context.environment.0,
        context.actor.label(),
        context.actor.person().map(|person| person.0),
        intent.source.as_str(),
        intent.id.0,
        intent.kind(),
        subject,
        detail.to_json(),
        request_id().map(|id| id.to_string()),
    )
    .execute(connection)
    .await?;
    Ok(())
}
