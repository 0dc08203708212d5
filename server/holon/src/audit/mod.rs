//! The audit log: one row for every change, written in the change's own transaction, so that neither exists without
//! the other. The row of a start is handed to the runtime ([`row`]), which writes it in the commit that accepts the run.

use holon_model::intent::IntentPayload;
use holon_model::{Intent, TenantId, Value};
use holon_platform::clock::{Clock, mint, to_db};
use holon_platform::db::TenantTx;
use holon_runtime::store::AuditRow;
use sqlx::PgConnection;

use crate::http::request_id;

/// What the log says of an intent that is carried out on `subject` (a typed id). `detail` holds what a reader needs and never
/// a secret.
pub fn row<P: IntentPayload>(clock: &dyn Clock, intent: &Intent<P>, subject: &str, detail: &Value) -> AuditRow {
    let context = &intent.context;
    AuditRow {
        id: mint(clock),
        at: clock.now(),
        environment: context.environment,
        actor: context.actor.label(),
        person: context.actor.person(),
        source: intent.source.as_str(),
        intent: intent.id,
        kind: intent.kind(),
        subject: subject.to_owned(),
        detail: detail.to_json(),
        request: request_id().map(|id| id.to_string()),
    }
}

/// Writes down that an intent was carried out on `subject`, see [`row`].
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
    write(connection, intent.context.tenant, row(clock, intent, subject, detail)).await
}

/// Writes a row down on a connection whose transaction may do so for this tenant.
///
/// # Errors
/// When the database refuses.
pub async fn write(connection: &mut PgConnection, tenant: TenantId, row: AuditRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into audit_event (tenant_id, event_id, at, environment_id, actor, person_id, source, intent_id, \
         intent_type, subject, detail, request_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12)",
        tenant.0,
        row.id.0,
        to_db(row.at),
        row.environment.0,
        row.actor,
        row.person.map(|person| person.0),
        row.source,
        row.intent.0,
        row.kind,
        row.subject,
        row.detail,
        row.request,
    )
    .execute(connection)
    .await?;
    Ok(())
}
