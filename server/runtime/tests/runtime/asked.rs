//! What runs ask and change, as the operations by which the two stores are compared have it.

use holon_engine::{EffectId, Task, TaskKind};
use holon_model::{Millis, RunId, TenantId, Timestamp};
use holon_runtime::store::mem::MemStore;
use holon_runtime::store::pg::PgStore;
use holon_runtime::store::{Ask, EventRow, HandOut, RecordChange, StateChange, StateOf, States as _, ask_uuid};
use proptest::prelude::*;
use uuid::Uuid;

/// Something that a run asks, about one of two waits or tasks.
#[derive(Debug, Clone, Copy)]
pub enum AskOf {
    Await(u8),
    Drop(u8),
    Open(u8),
    Escalate(u8),
    Answered(u8),
    Close(u8),
    Keep(u8),
    Unkeep,
    HandOut(u8, u32),
    TakeBack(u8, Option<u32>),
    Nothing,
}

impl AskOf {
    pub fn ask(self) -> Ask {
        let id = |number: u8| EffectId([number; 16]);
        match self {
            Self::Await(number) => Ask::Await { id: id(number), name: "paid".into(), correlation: number.to_string() },
            Self::Drop(number) => Ask::Drop { id: id(number) },
            Self::Open(number) => Ask::Open(Box::new(Task {
                id: id(number),
                path: "ask".into(),
                kind: TaskKind::Approval,
                title: "Pay?".into(),
                context: holon_model::Value::Int(7),
                choices: Vec::new(),
                form: holon_model::Value::Null,
                assignees: vec!["ada \"the first\"".into()],
                due: None,
            })),
            Self::Escalate(number) => {
                Ask::Escalate { id: id(number), to: vec!["grace".into(), "ada \"the first\"".into()] }
            }
            Self::Answered(number) => {
                Ask::Answered { id: id(number), choice: "yes".into(), form: holon_model::Value::Null, by: "ada".into() }
            }
            Self::Close(number) => Ask::Close { id: id(number) },
            Self::Keep(number) => Ask::Keep { n: number.into(), input: vec![number; 3] },
            Self::Unkeep => Ask::Unkeep,
            Self::HandOut(number, attempt) => Ask::HandOut(Box::new(HandOut {
                id: id(number),
                attempt,
                path: "each[0]/do".into(),
                pool: "pool".into(),
                name: "do \"it\"".into(),
                input: holon_model::Value::Int(number.into()),
                timeout: Millis(60_000),
                heartbeat: Millis(1_000),
            })),
            Self::TakeBack(number, attempt) => Ask::TakeBack { id: id(number), attempt },
            Self::Nothing => Ask::Nothing,
        }
    }
}

/// What is asked in one commit: several things about a few ids, or what goes with a pause or the end.
pub fn asks() -> impl Strategy<Value = Vec<AskOf>> {
    let one = (0_u8..9, 0_u8..2, 1_u32..3).prop_map(|(what, number, attempt)| match what {
        0 => AskOf::Await(number),
        1 => AskOf::Drop(number),
        2 => AskOf::Open(number),
        3 => AskOf::Escalate(number),
        4 => AskOf::Answered(number),
        5 => AskOf::HandOut(number, attempt),
        6 => AskOf::TakeBack(number, Some(attempt)),
        7 => AskOf::TakeBack(number, None),
        _ => AskOf::Close(number),
    });
    prop_oneof![
        2 => Just(Vec::new()),
        5 => proptest::collection::vec(one, 1..5),
        1 => (0_u8..2).prop_map(|number| vec![AskOf::Keep(number)]),
        1 => Just(vec![AskOf::Unkeep]),
        1 => Just(vec![AskOf::Nothing]),
    ]
}

/// A change of one of two keys, or an event.
#[derive(Debug, Clone, Copy)]
pub struct ChangeOf {
    key: u8,
    /// Whether it was made from what is there, or from something else.
    late: bool,
    gone: bool,
    event: bool,
}

pub fn changes() -> impl Strategy<Value = ChangeOf> {
    (0_u8..2, proptest::bool::weighted(0.2), proptest::bool::weighted(0.3), any::<bool>())
        .prop_map(|(key, late, gone, event)| ChangeOf { key, late, gone, event })
}

impl ChangeOf {
    fn name(self) -> String {
        format!("key \"{}\"", self.key)
    }

    /// What a run proposes that read the store as it is now; `id` is of no other change.
    pub fn changes(self, mem: &MemStore, of: StateOf, id: Uuid, at: Timestamp) -> Vec<RecordChange> {
        let all = mem.states().all();
        let now = all.iter().find(|(whose, key, _)| *whose == of && *key == self.name()).map(|(.., row)| row.revision);
        let was = if self.late { Some(Uuid::from_u128(1)) } else { now };
        let value = (!self.gone).then(|| format!("{{\"n\":\"{id}\"}}"));
        let state = RecordChange::State(StateChange { key: self.name(), was, revision: id, value, at });
        let event = || RecordChange::Publish(EventRow { id, subject: "a.b".into(), data: "7".into(), at });
        if self.event { vec![state, event()] } else { vec![state] }
    }
}

/// What a run hands out to workers stands in both stores as the same rows.
pub async fn compare_work(mem: &MemStore, pool: &sqlx::PgPool, tenant: TenantId, run: RunId) {
    let rows: Vec<(Uuid, i32, String, String, String)> = sqlx::query_as(
        "select effect_id, attempt, pool, name, input from work where tenant_id = $1 and run_id = $2 order by effect_id, attempt",
    )
    .bind(tenant.0)
    .bind(run.0)
    .fetch_all(pool)
    .await
    .unwrap();
    let ours = mem.asks().work().into_iter().filter(|(whose, of, _)| (*whose, *of) == (tenant, run));
    let ours = ours
        .map(|(.., work)| (ask_uuid(work.id), work.attempt.cast_signed(), work.pool, work.name, work.input.to_json()));
    assert_eq!(ours.collect::<Vec<_>>(), rows);
}

/// State and events are the same in both stores.
pub async fn compare(mem: &MemStore, pg: &PgStore, pool: &sqlx::PgPool, of: StateOf) {
    for key in 0..2 {
        let key = ChangeOf { key, late: false, gone: false, event: false }.name();
        assert_eq!(mem.state(of, &key).await, pg.state(of, &key).await);
    }
    assert_eq!(mem.state_full(of).await, pg.state_full(of).await);
    let rows: Vec<(Uuid, Uuid, String, String)> = sqlx::query_as(
        "select event_id, run_id, subject, data from event_outbox where tenant_id = $1 order by event_id",
    )
    .bind(of.tenant.0)
    .fetch_all(pool)
    .await
    .unwrap();
    let events = mem.states().events();
    let ours = events.into_iter().filter(|(tenant, ..)| *tenant == of.tenant);
    let ours: Vec<_> = ours.map(|(_, _, run, event)| (event.id, run.0, event.subject, event.data)).collect();
    assert_eq!(ours, rows);
}
