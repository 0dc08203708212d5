//! Those who tell runs something: signals, early and twice, answers to tasks, two at once, and answers of effects that were given before.

use std::sync::Arc;
use std::time::Duration;

use holon_engine::testing::rng::Rng;
use holon_engine::{EffectId, Input, TaskKind};
use holon_model::{Payload, RunId, TenantId, Value};
use holon_runtime::{DeliverError, Delivered};
use tokio::time::sleep;

use crate::clients::{Busy, ask, breath};
use crate::operators;
use crate::seed::numbers;
use crate::world::{World, low};

/// Looks now and then who waits for what, and tells some; when everything works, all.
pub async fn watch(world: Arc<World>) {
    let mut rng = numbers(world.plan.seed, "people");
    let mut said: u32 = 0;
    loop {
        sleep(Duration::from_millis(u64::from(300 + rng.below(1_200)))).await;
        let healing = world.is_healing();
        for (tenant, run, name, correlation) in world.store.asks().waits() {
            if healing || rng.percent(35) {
                said += 1;
                let sender = format!("sender {said}");
                signal(&world, &mut rng, Address { tenant, run }, &name, &correlation, &sender);
            }
        }
        for (tenant, run, task) in world.store.asks().open() {
            if !healing && !rng.percent(35) {
                continue;
            }
            let at_once = if rng.percent(30) { 2 } else { 1 };
            for _ in 0..at_once {
                said += 1;
                let choice = match task.kind {
                    TaskKind::Compensation if healing => rng.pick(&["skip", "finish"]).to_owned(),
                    TaskKind::Compensation => rng.pick(&["retry", "skip", "finish"]).to_owned(),
                    TaskKind::Approval => rng.pick(&task.choices).key,
                };
                let by = format!("person {said}");
                let busy = Busy::new(&world);
                let (world, mut rng) = (world.clone(), Rng::new(rng.next_u64()));
                tokio::spawn(async move {
                    answer(&world, &mut rng, Address { tenant, run }, task.id, choice, by).await;
                    drop(busy);
                });
            }
        }
        if healing {
            operators::let_all_go(&world, &mut rng);
        } else if rng.percent(25) {
            tell_again(&world, &mut rng);
        }
    }
}

#[derive(Clone, Copy)]
struct Address {
    tenant: TenantId,
    run: RunId,
}

/// Signals that nobody may wait for yet, or ever.
pub fn send_early(world: &Arc<World>, rng: &mut Rng, tenant: TenantId, run: RunId) {
    for number in 0..=rng.below(2) {
        let (name, correlation) = rng.pick(&[("paid", "x"), ("paid", "x"), ("sent", ""), ("sent", "top")]);
        signal(world, rng, Address { tenant, run }, name, correlation, &format!("early {number} of {run}"));
    }
}

/// Sends a signal, maybe twice at once.
fn signal(world: &Arc<World>, rng: &mut Rng, to: Address, name: &str, correlation: &str, sender: &str) {
    let times = if rng.percent(30) { 2 } else { 1 };
    for _ in 0..times {
        let busy = Busy::new(world);
        let (world, mut rng) = (world.clone(), Rng::new(rng.next_u64()));
        let text = [name, correlation, sender].map(str::to_owned);
        tokio::spawn(async move {
            if rng.percent(50) {
                breath(&mut rng).await;
            }
            send(&world, &mut rng, to, text).await;
            drop(busy);
        });
    }
}

/// Sends a signal until it is known what became of it.
async fn send(world: &World, rng: &mut Rng, to: Address, [name, correlation, sender]: [String; 3]) {
    let id = (to.run, name.clone(), correlation.clone(), sender.clone());
    world.promises.said().signals.entry(id.clone()).or_insert(false);
    loop {
        let payload = Payload::Inline(Value::str(sender.clone()));
        let (name, correlation, sender) = (name.clone(), correlation.clone(), sender.clone());
        let input = Input::Signal { name, correlation, sender, payload };
        let answer = ask(world, rng, |handle| async move { handle.deliver(to.tenant, to.run, input).await }).await;
        world.trace.note("signal", &[low(to.run.0), word(&answer)], || format!("{id:?} -> {answer:?}"));
        match answer {
            Some(Ok(Delivered::TakenIn)) => {
                world.promises.said().signals.insert(id, true);
                return;
            }
            // The run may refuse it yet. What came before it may be kept only, too.
            Some(Ok(Delivered::Kept)) => return,
            // It was taken in before, unless it is kept in a pause.
            Some(Err(DeliverError::Refused { code: "duplicate_signal", .. })) => {
                let mut said = world.promises.said();
                if !said.pauses.contains_key(&to.run) {
                    said.signals.insert(id, true);
                }
                return;
            }
            Some(Err(DeliverError::Refused { .. })) => return,
            Some(Err(DeliverError::Over)) => return world.must_be_over(to.tenant, to.run),
            Some(Err(DeliverError::NotFound)) => {
                return world.problems.add("lost", || format!("{} was there, and a signal did not find it", to.run));
            }
            Some(Err(DeliverError::Unavailable)) | None => breath(rng).await,
        }
    }
}

/// Answers a task until it is known whether it counts.
async fn answer(world: &World, rng: &mut Rng, to: Address, id: EffectId, choice: String, by: String) {
    let said = (to.run, id, by.clone());
    world.promises.said().tasks.insert(said.clone(), false);
    loop {
        let form = Payload::Inline(Value::map([("reason", Value::from("so it is"))]));
        let input = Input::TaskAnswered { id, choice: choice.clone(), form, by: by.clone() };
        let answer = ask(world, rng, |handle| async move { handle.deliver(to.tenant, to.run, input).await }).await;
        world.trace.note("task", &[low(to.run.0), word(&answer)], || format!("{said:?} {choice} -> {answer:?}"));
        match answer {
            Some(Ok(delivered)) => {
                world.promises.said().tasks.insert(said, delivered == Delivered::TakenIn);
                return;
            }
            Some(Err(DeliverError::Refused { .. })) => return,
            Some(Err(DeliverError::Over)) => return world.must_be_over(to.tenant, to.run),
            Some(Err(DeliverError::NotFound)) => {
                return world.problems.add("lost", || format!("{} was there, and an answer did not find it", to.run));
            }
            Some(Err(DeliverError::Unavailable)) | None => breath(rng).await,
        }
    }
}

/// Tells a run an answer of an effect that was given before, or will be: late and double.
fn tell_again(world: &Arc<World>, rng: &mut Rng) {
    let (to, key, attempt, outcome) = {
        let book = world.outside.book();
        if book.calls.is_empty() {
            return;
        }
        let call = rng.pick(&book.calls);
        let answers = book.answers.get(&(call.key.clone(), call.attempt));
        let Some(outcome) = answers.and_then(|answers| answers.last().cloned()) else { return };
        (Address { tenant: call.tenant, run: call.run }, call.key, call.attempt, outcome)
    };
    let Some(id) = parsed(&key) else { return };
    let busy = Busy::new(world);
    let (world, mut rng) = (world.clone(), Rng::new(rng.next_u64()));
    world.promises.said().doubled.insert((key, attempt));
    tokio::spawn(async move {
        let input = Input::EffectCompleted { id, attempt, outcome };
        let answer =
            ask(&world, &mut rng, |handle| async move { handle.deliver(to.tenant, to.run, input).await }).await;
        world.trace.note("again", &[low(to.run.0), word(&answer)], || format!("{} {id:?} -> {answer:?}", to.run));
        drop(busy);
    });
}

fn parsed(key: &str) -> Option<EffectId> {
    let mut id = [0; 16];
    for (byte, digits) in id.iter_mut().zip(key.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    (key.len() == 32).then_some(EffectId(id))
}

/// What came of something that was told, as the trace has it.
pub fn word(answer: &Option<Result<Delivered, DeliverError>>) -> u64 {
    match answer {
        None => 0,
        Some(Ok(Delivered::TakenIn)) => 1,
        Some(Ok(Delivered::Kept)) => 6,
        Some(Err(DeliverError::NotFound)) => 2,
        Some(Err(DeliverError::Over)) => 3,
        Some(Err(DeliverError::Unavailable)) => 4,
        Some(Err(DeliverError::Refused { .. })) => 5,
    }
}
