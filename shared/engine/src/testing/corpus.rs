//! The golden corpus: small definitions with the inputs that happen to them and what must come out, log hash included.
//!
//! A case is `corpus/<name>.json`: `{definition, input?, trigger?, seed?, fuel?, semantics?, mail?, steps, status, output? | error?}`. Its hash
//! stands in `corpus/hashes.txt`. Mail is signals that nobody took in the run before: `[{signal, correlation?, sender, payload?}]`. A step is one of
//! `{"answer": path, "value" (with "since": milliseconds one that was kept) | "error": {code, retryable?, detail?}, "attempt"?}` · `{"timer": true}` (the next one that is due) ·
//! `{"after": milliseconds}` · `{"again": true}` (the last input once more) · `{"cancel": reason}` · `{"tried_again": by}` ·
//! `{"now": milliseconds}` (the time must be this many after the start) ·
//! `{"signal": name, "correlation"?, "sender"?, "payload"?}` · `{"task": path, "choice", "form"?, "by"?}` ·
//! `{"child": path, "value" | "error" | "cancelled": reason}` · `{"chosen": path, "batch": number}` · to a batch
//! `{"join": number of a run, "item"}` and `{"leave": number of a run}`; with `"refused": code` the input must be refused with this code.

use crate::{Command, EffectId, Input, Lineage, Machine, Mail, Outcome, Parent, RunInfo, Stamped, TimerId, compile};
use holon_flow::{Definition, capability::NodeError};
use holon_model::{Millis, Payload, Timestamp, Value, canon, json};
use std::collections::BTreeMap;

macro_rules! cases {
    ($($name:literal)*) => {
        /// Name and text of every case.
        pub const CASES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../corpus/", $name, ".json")))),*];
    };
}

cases! {
    "sequence" "diamond_any" "join_all" "join_first" "join_inputs" "triggers" "disabled" "result_and_sinks"
    "when" "switch" "switch_default" "map_all" "map_all_fails" "map_all_settled" "map_any" "map_first" "map_empty"
    "map_of_calls" "map_nested" "try_catch" "try_finally" "try_finally_cancelled" "parallel" "parallel_fails"
    "wait" "wait_until_past" "respond" "fail" "error_port" "retry" "retry_exhausted" "retry_scope" "timeout_call"
    "timeout_scope" "cancel" "late_and_double" "out_of_fuel" "per_item" "names" "result_fails" "cancel_waiting"
    "wait_timeout" "retry_map" "catch_fails" "map_bad_items" "unicode_and_numbers"
    "race_first_wins" "race_all_fail" "race_after_failure" "race_cancelled" "race_retried" "race_cleans_up" "loop_while"
    "loop_until" "loop_limit" "loop_stop" "loop_never" "loop_bad_condition" "loop_body_fails" "loop_in_map"
    "timeout_fallback" "timeout_fallback_scope" "timeout_fallback_fails" "deadline" "deadline_kept" "signal"
    "signal_early" "signal_refused" "signal_timeout" "signal_fallback" "signal_cancelled" "signals_in_order"
    "race_of_signal_and_time" "approval" "approval_answered_twice" "approval_escalates" "approval_fallback"
    "approval_fallback_no_choice" "approval_cancelled" "saga" "saga_undone" "saga_first_step_fails"
    "saga_compensation_retried" "saga_parked_retried" "saga_parked_skipped" "saga_parked_finished" "saga_cancelled"
    "saga_cancelled_while_compensating" "saga_cancelled_while_parked" "saga_timeout" "saga_retried" "saga_nested"
    "saga_nested_cancelled" "saga_in_deadline" "saga_handled" "flow_call" "flow_call_retried"
    "flow_call_cancelled_there" "flow_call_cancelled" "flow_call_timeout" "flow_call_too_deep" "flow_call_deep"
    "continued" "continued_when_waited" "continued_stops_the_rest" "continued_cancelled" "continued_in_a_scope"
    "retry_of_a_run_has_all_attempts" "retry_of_a_run_ends_too" "retry_of_a_run_in_a_scope" "retry_after"
    "retry_after_is_no_shorter" "retry_after_in_older_runs" "at_most_once" "approval_title_kept_in_no_column"
    "approval_assignee_too_long" "approval_escalates_to_nobody" "approval_context_too_large" "approval_in_older_runs"
    "signal_correlation_kept_in_no_column" "signal_refused_that_is_kept_in_no_column" "signal_in_older_runs"
    "large_integers" "large_integers_in_older_runs" "flow_call_budget" "kept_answers" "kept_answer_without_key"
    "turns_in_a_map" "turns_over_nested_maps" "turns_of_a_scope" "turns_stopped" "turns_cancelled"
    "turns_end_with_a_failure" "turns_of_waits" "turns_of_what_takes_none"
    "batch_member" "batch_member_is_told_another" "batch_member_cancelled"
    "batch_member_cancelled_before_it_was_chosen" "batch_member_without_bounds" "batch_full" "batch_in_time"
    "batch_of_nothing" "batch_item_taken_back" "batch_cancelled_while_it_collects" "batch_fails"
    "batch_of_no_such_node" "batch_takes_no_joining_by_a_run" "batch_beyond_its_budget" "flow_call_of_a_path"
    "batch_waits_for_its_first_item" "batch_item_taken_back_before_it_came"
    "continued_hands_on_signals" "continued_in_older_runs" "continued_begins_with_signals"
    "saga_compensation_keeps_its_key" "saga_parked_keeps_its_key"
    "doubt" "doubt_fails" "doubt_handled" "doubt_not_asked" "doubt_cancelled"
}

/// The log hashes that must come out: `name hash` a line.
pub const HASHES: &str = include_str!("../../corpus/hashes.txt");

/// When every case starts.
const START: Timestamp = Timestamp(1_000);

/// A case that was run.
#[derive(Debug)]
pub struct Ran {
    /// The machine at the end.
    pub machine: Machine,
    /// The inputs that counted.
    pub journal: Vec<Stamped<Input>>,
    /// The log hash after each of them.
    pub hashes: Vec<[u8; 32]>,
    /// Every command, in order.
    pub commands: Vec<Command>,
    /// What the case says must come out.
    pub expected: Value,
}

/// Runs the case of this text.
///
/// # Panics
/// When the text is not a case, or a step answers an effect that is not outstanding.
pub fn run(text: &str) -> Ran {
    let case = json::parse(text.as_bytes()).expect("a case is JSON");
    let definition = case.get("definition").cloned().unwrap_or_default();
    let definition = Definition::from_value(&definition).expect("a case has a definition");
    let flow = compile(&definition, &super::catalogue()).expect("a case compiles");
    let mut world = Stage {
        ran: Ran {
            machine: Machine::new(flow),
            journal: Vec::new(),
            hashes: Vec::new(),
            commands: Vec::new(),
            expected: case.clone(),
        },
        now: START,
        calls: BTreeMap::new(),
        asks: BTreeMap::new(),
        timers: BTreeMap::new(),
        last: None,
    };
    let number = |name: &str| case.get(name).and_then(Value::as_int).and_then(|number| u64::try_from(number).ok());
    let mut run = RunInfo::new(super::run_id(1), number("seed").unwrap_or(0), world.now);
    run.trigger = case.get("trigger").and_then(Value::as_str).map(Into::into);
    run.fuel = number("fuel").unwrap_or(run.fuel);
    run.bytes = number("bytes").unwrap_or(run.bytes);
    // Cases were written when there was one meaning only, and keep it.
    run.semantics = number("semantics").and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
    run.lineage = number("depth").map(|depth| {
        let depth = u32::try_from(depth).unwrap_or(u32::MAX);
        Box::new(Lineage { depth, ..Lineage::default() })
    });
    run.mail = case.get("mail").and_then(Value::as_list).map(|signals| Box::new(mail(signals)));
    if run.mail.is_some() {
        run.lineage.get_or_insert_default().generation = 1;
    }
    let input = Payload::Inline(case.get("input").cloned().unwrap_or_default());
    world.feed(Input::Start { input, run: Box::new(run) });
    for step in case.get("steps").and_then(Value::as_list).unwrap_or_default() {
        world.step(step);
    }
    world.ran
}

struct Stage {
    ran: Ran,
    now: Timestamp,
    calls: BTreeMap<String, (EffectId, u32)>,
    /// Tasks and calls of other flows, the last of each path.
    asks: BTreeMap<String, EffectId>,
    timers: BTreeMap<TimerId, Timestamp>,
    last: Option<Input>,
}

impl Stage {
    fn asked(&self, path: &str) -> EffectId {
        *self.asks.get(path).unwrap_or_else(|| panic!("`{path}` was never asked for"))
    }

    /// Feeds an input, which must be refused with the code that the step names.
    fn refusable(&mut self, step: &Value, input: Input) {
        let refused = self.ran.machine.check(&input).err().map(|refusal| refusal.code);
        assert_eq!(refused, step.get("refused").and_then(Value::as_str), "{input:?}");
        self.feed(input);
    }

    fn step(&mut self, step: &Value) {
        let text = |name: &str| step.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(path) = step.get("answer").and_then(Value::as_str) {
            let (id, attempt) = *self.calls.get(path).unwrap_or_else(|| panic!("`{path}` was never asked for"));
            let attempt =
                step.get("attempt").and_then(Value::as_int).and_then(|n| u32::try_from(n).ok()).unwrap_or(attempt);
            self.feed(Input::EffectCompleted { id, attempt, outcome: outcome(step) });
        } else if let Some(name) = text("signal") {
            let correlation = text("correlation").unwrap_or_default();
            let sender = text("sender").unwrap_or_else(|| self.ran.journal.len().to_string());
            let payload = payload(step, "payload");
            self.refusable(step, Input::Signal { name, correlation, sender, payload });
        } else if let Some(path) = text("task") {
            let id = self.asked(&path);
            let (choice, by) = (text("choice").unwrap_or_default(), text("by").unwrap_or_else(|| "ada".into()));
            self.refusable(step, Input::TaskAnswered { id, choice, form: payload(step, "form"), by });
        } else if let Some(path) = text("child") {
            let id = self.asked(&path);
            self.refusable(step, Input::ChildEnded { id, outcome: outcome(step) });
        } else if let Some(path) = text("chosen") {
            let batch = super::run_id(u32::try_from(number(step, "batch")).unwrap_or(2));
            let id = self.asked(&path);
            self.refusable(step, Input::BatchChosen { id, batch });
        } else if step.get("join").is_some() {
            self.refusable(step, Input::Joined { member: member(number(step, "join")), item: payload(step, "item") });
        } else if step.get("leave").is_some() {
            self.refusable(step, Input::Left { member: member(number(step, "leave")) });
        } else if step.get("timer").is_some() {
            let (due, id) = self.timers.iter().map(|(id, due)| (*due, *id)).min().expect("a timer is set");
            self.timers.remove(&id);
            self.now = self.now.max(due);
            self.feed(Input::TimerFired { id });
        } else if let Some(millis) = step.get("after").and_then(Value::as_int) {
            self.now = self.now.plus(Millis(u64::try_from(millis).unwrap_or(0)));
        } else if let Some(millis) = step.get("now").and_then(Value::as_int) {
            assert_eq!(self.now, START.plus(Millis(u64::try_from(millis).unwrap_or(0))), "{step:?}");
        } else if let Some(by) = text("tried_again") {
            self.feed(Input::TriedAgain { by });
        } else if step.get("again").is_some() {
            let last = self.last.clone().expect("something happened before");
            self.feed(last);
        } else {
            let reason = step.get("cancel").and_then(Value::as_str).expect("a step is one of those documented");
            self.feed(Input::Cancel { reason: reason.to_owned() });
        }
    }

    fn feed(&mut self, input: Input) {
        self.last = Some(input.clone());
        let stamped = Stamped::new(self.now, input);
        let decision = self.ran.machine.handle(stamped.clone());
        if decision.accepted {
            self.ran.journal.push(stamped);
            self.ran.hashes.push(self.ran.machine.log_hash());
        }
        for command in decision.commands {
            match &command {
                Command::RunEffect(effect) => {
                    self.calls.insert(effect.path.clone(), (effect.id, effect.attempt));
                }
                Command::SetTimer { id, due } => {
                    self.timers.insert(*id, *due);
                }
                Command::CancelTimer { id } => {
                    self.timers.remove(id);
                }
                Command::OpenTask(task) => {
                    self.asks.insert(task.path.clone(), task.id);
                }
                Command::StartChild(child) => {
                    self.asks.insert(child.path.clone(), child.id);
                }
                _ => {}
            }
            self.ran.commands.push(command);
        }
    }
}

fn number(step: &Value, field: &str) -> u64 {
    step.get(field).and_then(Value::as_int).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

/// The node of a run that has this number.
fn member(number: u64) -> Parent {
    let run = u32::try_from(number).unwrap_or(u32::MAX);
    Parent { run: super::run_id(run), id: EffectId([run.to_le_bytes()[0]; 16]) }
}

fn payload(step: &Value, field: &str) -> Payload {
    Payload::Inline(step.get(field).cloned().unwrap_or_default())
}

/// What the run before handed on.
fn mail(signals: &[Value]) -> Mail {
    let mut mail = Mail::default();
    for signal in signals {
        let text = |field: &str| signal.get(field).and_then(Value::as_str).unwrap_or_default();
        mail.put(text("signal"), text("correlation"), text("sender"), &payload(signal, "payload"));
    }
    mail
}

fn outcome(step: &Value) -> Outcome {
    if let Some(reason) = step.get("cancelled").and_then(Value::as_str) {
        return Outcome::Cancelled { reason: reason.to_owned() };
    }
    if let Some(since) = step.get("since").and_then(Value::as_int) {
        return Outcome::Kept { value: payload(step, "value"), since: Timestamp(since) };
    }
    let Some(error) = step.get("error") else { return Outcome::Ok(payload(step, "value")) };
    let code = error.get("code").and_then(Value::as_str).unwrap_or("failed");
    let mut failed = NodeError::new(code, "as the case says");
    failed.retryable = error.get("retryable") == Some(&Value::Bool(true));
    failed.detail = error.get("detail").cloned().unwrap_or_default();
    Outcome::Failed { error: failed }
}

/// `name hash` of every case as it comes out now.
pub fn lines() -> String {
    CASES.iter().fold(String::new(), |lines, (name, text)| {
        lines + name + " " + &canon::hex(&run(text).machine.log_hash()) + "\n"
    })
}
