//! Lists of runs, newest first. They never read payloads: what a line shows stands before them in the row.
//!
//! Four questions, each with the index that gives its runs in order: the runs of a label, those that ended in a status (otherwise than well: of one flow, too), those
//! that are live in one, and all of them (by flow, by trigger or by correlation). What else is asked is looked at line by line.

use std::collections::BTreeMap;

use holon_model::wire::runs::{PARKED, RunSummary, is_over};
use holon_model::{FlowId, Millis, RunId, Timestamp};
use holon_platform::clock::{from_db, least_id, to_db};
use holon_platform::db::TenantTx;
use time::OffsetDateTime;
use uuid::Uuid;

/// Which runs. What is set is asked together.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// In this status, or [`PARKED`].
    pub status: Option<String>,
    /// Started by a trigger of this kind.
    pub trigger: Option<String>,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before then.
    pub until: Option<Timestamp>,
    /// About this.
    pub correlation: Option<String>,
    /// With all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Older than this one.
    pub before: Option<RunId>,
}

/// A run's id is minted a moment before the run is accepted; where the store was away, up to so long.
const MINTED_BEFORE: Millis = Millis(3_600_000);
/// Clocks of several servers differ by less.
const SKEW: Millis = Millis(60_000);

/// A filter as the statements take it.
struct Asked<'a> {
    tenant: Uuid,
    environment: Uuid,
    flow: Option<Uuid>,
    trigger: Option<&'a str>,
    correlation: Option<&'a str>,
    status: Option<&'a str>,
    /// Of the paused ones those only that no person paused.
    parked: bool,
    /// The first id that can be meant, and the first one that cannot be any more: ids go by time, so these say which
    /// partitions are read at all.
    from: Uuid,
    before: Uuid,
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    limit: i64,
}

impl<'a> Asked<'a> {
    fn of(tx: &TenantTx<'_>, filter: &'a Filter, limit: i64) -> Self {
        let until = filter.until.map_or(Uuid::max(), |until| least_id(until.plus(SKEW)));
        let before = filter.before.map_or(until, |before| before.0.min(until));
        Self {
            tenant: tx.tenant().0,
            environment: tx.context().environment.0,
            flow: filter.flow.map(|flow| flow.0),
            trigger: filter.trigger.as_deref(),
            correlation: filter.correlation.as_deref(),
            status: filter.status.as_deref().map(|status| if status == PARKED { "paused" } else { status }),
            parked: filter.status.as_deref() == Some(PARKED),
            from: filter.since.map_or(Uuid::nil(), |since| least_id(since.minus(MINTED_BEFORE))),
            before,
            since: filter.since.map(to_db),
            until: filter.until.map(to_db),
            limit,
        }
    }
}

/// A line of a list as its row has it.
struct Line {
    run_id: Uuid,
    flow_id: Uuid,
    version: i32,
    trigger: String,
    actor: String,
    started_at: OffsetDateTime,
    status: String,
    ended_at: Option<OffsetDateTime>,
    error: Option<String>,
    flow_name: Option<String>,
    labels: Option<String>,
    correlation: Option<String>,
    reason: Option<String>,
    paused_by: Option<String>,
}

impl From<Line> for RunSummary {
    fn from(line: Line) -> Self {
        Self {
            id: RunId(line.run_id),
            flow: FlowId(line.flow_id),
            flow_name: line.flow_name.unwrap_or_default(),
            version: line.version,
            status: line.status,
            trigger: line.trigger,
            // The catalogue knows it: `starters`.
            trigger_title: String::new(),
            started_by: Some(line.actor),
            started_by_name: None,
            started_at: from_db(line.started_at),
            finished_at: line.ended_at.map(from_db),
            error: line.error,
            labels: super::labels(line.labels),
            correlation: line.correlation,
            reason: line.reason,
            paused_by: line.paused_by,
        }
    }
}

/// A page of runs, newest first.
///
/// A run stands in `run_hist` from its start on; whether it is over says its second row, and until then `run_live`.
pub async fn list(tx: &mut TenantTx<'_>, filter: &Filter, limit: i64) -> Result<Vec<RunSummary>, sqlx::Error> {
    let labels = filter.labels.iter().flat_map(|(key, value)| [key, value]);
    let mut texts = labels.chain(&filter.trigger).chain(&filter.correlation);
    if texts.any(|text| text.contains('\0')) {
        // No column holds that, and no statement takes it.
        return Ok(Vec::new());
    }
    // Each question is planned for what it asks: a plan for all of them reads what most of them leave out.
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true) as mode")
        .fetch_one(tx.conn())
        .await?;
    let asked = Asked::of(tx, filter, limit);
    // Those of one flow that ended well are most of its runs: they are found among all of it.
    let well = filter.flow.is_some() && filter.status.as_deref() == Some("completed");
    let narrow = filter.correlation.is_some() || well;
    let lines = match (&filter.labels, &filter.status) {
        (labels, _) if !labels.is_empty() => of_label(tx, &asked, labels).await?,
        (_, Some(status)) if is_over(status) && !narrow => that_ended(tx, &asked, status).await?,
        (_, Some(status)) if !is_over(status) && !narrow => that_live(tx, &asked).await?,
        _ => of_any_kind(tx, &asked).await?,
    };
    let mut found: Vec<RunSummary> = lines.into_iter().map(RunSummary::from).collect();
    super::called(tx, &mut found).await?;
    Ok(found)
}

async fn of_any_kind(tx: &mut TenantTx<'_>, asked: &Asked<'_>) -> Result<Vec<Line>, sqlx::Error> {
    sqlx::query_as!(
        Line,
        r#"select s.run_id, s.flow_id, s.version, s.trigger, s.actor, s.started_at,
             coalesce(e.status, l.status, 'queued') as "status!", e.at as "ended_at?", e.error as "error?",
             f.name as "flow_name?", s.labels::text as "labels?", s.correlation,
             case when l.status in ('paused', 'queued') then l.reason end as "reason?", l.paused_by as "paused_by?"
           from run_hist s
           left join run_hist e on e.tenant_id = s.tenant_id and e.run_id = s.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = s.tenant_id and l.run_id = s.run_id
           left join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
           where s.tenant_id = $1 and s.environment_id = $2 and s.moment = 'started'
             and s.run_id >= $3 and s.run_id < $4
             and ($5::uuid is null or s.flow_id = $5)
             and ($6::text is null or s.trigger = $6)
             and ($7::text is null or s.correlation = $7)
             and ($8::text is null or e.status = $8 or e.status is null and coalesce(l.status, 'queued') = $8)
             and (not $12 or l.parked)
             and ($9::timestamptz is null or s.started_at >= $9)
             and ($10::timestamptz is null or s.started_at < $10)
           order by s.run_id desc limit $11"#,
        asked.tenant,
        asked.environment,
        asked.from,
        asked.before,
        asked.flow,
        asked.trigger,
        asked.correlation,
        asked.status,
        asked.since,
        asked.until,
        asked.limit,
        asked.parked,
    )
    .fetch_all(tx.conn())
    .await
}

async fn of_label(
    tx: &mut TenantTx<'_>,
    asked: &Asked<'_>,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<Line>, sqlx::Error> {
    let Some((key, value)) = labels.first_key_value() else { return Ok(Vec::new()) };
    let all = serde_json::to_string(labels).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query_as!(
        Line,
        r#"select s.run_id, s.flow_id, s.version, s.trigger, s.actor, s.started_at,
             coalesce(e.status, l.status, 'queued') as "status!", e.at as "ended_at?", e.error as "error?",
             f.name as "flow_name?", s.labels::text as "labels?", s.correlation,
             case when l.status in ('paused', 'queued') then l.reason end as "reason?", l.paused_by as "paused_by?"
           from run_label w
           join run_hist s on s.tenant_id = w.tenant_id and s.run_id = w.run_id and s.moment = 'started'
           left join run_hist e on e.tenant_id = s.tenant_id and e.run_id = s.run_id and e.moment = 'ended'
           left join run_live l on l.tenant_id = s.tenant_id and l.run_id = s.run_id
           left join flow f on f.tenant_id = s.tenant_id and f.flow_id = s.flow_id
           where w.tenant_id = $1 and w.key = $12 and w.value = $13 and w.run_id >= $3 and w.run_id < $4
             and s.environment_id = $2 and s.labels @> $14::text::jsonb
             and ($5::uuid is null or s.flow_id = $5)
             and ($6::text is null or s.trigger = $6)
             and ($7::text is null or s.correlation = $7)
             and ($8::text is null or coalesce(e.status, l.status, 'queued') = $8) and (not $15 or l.parked)
             and ($9::timestamptz is null or s.started_at >= $9)
             and ($10::timestamptz is null or s.started_at < $10)
           order by w.run_id desc limit $11"#,
        asked.tenant,
        asked.environment,
        asked.from,
        asked.before,
        asked.flow,
        asked.trigger,
        asked.correlation,
        asked.status,
        asked.since,
        asked.until,
        asked.limit,
        key,
        value,
        all,
        asked.parked,
    )
    .fetch_all(tx.conn())
    .await
}

async fn that_ended(tx: &mut TenantTx<'_>, asked: &Asked<'_>, status: &str) -> Result<Vec<Line>, sqlx::Error> {
    sqlx::query_as!(
        Line,
        r#"select e.run_id, e.flow_id, e.version, e.trigger, e.actor, e.started_at, e.status, e.at as "ended_at?", e.error,
             f.name as "flow_name?", e.labels::text as "labels?", e.correlation,
             null::text as "reason?", null::text as "paused_by?"
           from run_hist e left join flow f on f.tenant_id = e.tenant_id and f.flow_id = e.flow_id
           where e.tenant_id = $1 and e.environment_id = $2 and e.moment = 'ended' and e.status = $3
             and e.run_id >= $4 and e.run_id < $5
             and ($6::uuid is null or e.flow_id = $6)
             and ($7::text is null or e.trigger = $7)
             and ($8::timestamptz is null or e.started_at >= $8)
             and ($9::timestamptz is null or e.started_at < $9)
           order by e.run_id desc limit $10"#,
        asked.tenant,
        asked.environment,
        status,
        asked.from,
        asked.before,
        asked.flow,
        asked.trigger,
        asked.since,
        asked.until,
        asked.limit,
    )
    .fetch_all(tx.conn())
    .await
}

async fn that_live(tx: &mut TenantTx<'_>, asked: &Asked<'_>) -> Result<Vec<Line>, sqlx::Error> {
    sqlx::query_as!(
        Line,
        r#"select s.run_id, s.flow_id, s.version, s.trigger, s.actor, s.started_at, l.status,
             null::timestamptz as "ended_at?", null::text as "error?", f.name as "flow_name?",
             s.labels::text as "labels?", s.correlation,
             case when l.status in ('paused', 'queued') then l.reason end as "reason?", l.paused_by as "paused_by?"
           from run_live l
           join run_hist s on s.tenant_id = l.tenant_id and s.run_id = l.run_id and s.moment = 'started'
           left join flow f on f.tenant_id = l.tenant_id and f.flow_id = l.flow_id
           where l.tenant_id = $1 and l.environment_id = $2 and l.status = $3
             and l.run_id >= $4 and l.run_id < $5
             and ($6::uuid is null or l.flow_id = $6)
             and ($7::text is null or s.trigger = $7)
             and ($8::timestamptz is null or s.started_at >= $8)
             and ($9::timestamptz is null or s.started_at < $9)
             and (not $11 or l.parked)
           order by l.run_id desc limit $10"#,
        asked.tenant,
        asked.environment,
        asked.status,
        asked.from,
        asked.before,
        asked.flow,
        asked.trigger,
        asked.since,
        asked.until,
        asked.limit,
        asked.parked,
    )
    .fetch_all(tx.conn())
    .await
}
