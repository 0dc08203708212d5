//! What a preview remembers of those before it: of each thing that was computed what it was computed of, what came of it, and what it cost.
//!
//! What is computed is a function of config, input and the names that it reads; so who finds all of them the same has its result, and
//! charges what it cost: events, budget and log hash are those of a run that remembers nothing. Config is known by its number
//! ([`holon_flow::known`]), input and names are compared as they are written. Effects, and whatever else is answered from outside, are
//! not computed here and never remembered. The runs of a server remember nothing.

use crate::arena::{GraphId, NodeId};
use holon_flow::{
    capability::NodeError,
    expr::{Meter, Scope},
};
use holon_model::Value;
use std::{
    cell::RefCell,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// For so many previews what is not asked for is kept: while an expression is being typed, what follows it does not run.
const AGE: u32 = 16;
/// Bytes that are kept at most, by what was charged for them.
const MOST: u64 = 64 * 1024 * 1024;
/// Bytes that a call takes besides the values made in it, roughly.
const CALL: u64 = 512;
/// How far from where it was last time a call is looked for, when items came or went before it.
const NEAR: usize = 4;

/// What came of a call: a port's number and the value on it, or why there is none.
pub(crate) type Done = Result<(u32, Value), NodeError>;

/// A memory; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// With the number of the config, in its order: a list, since maps of one's own are a lot of code for the browser to load.
    calls: Vec<(u64, Calls)>,
    /// Number of the preview.
    preview: u32,
    /// Microseconds since some moment.
    clock: fn() -> u64,
    /// In the order of the nodes.
    took: Vec<((GraphId, NodeId), Took)>,
}

/// How often something was computed in a preview, and how long that took: the rest was remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Took {
    /// So many times.
    pub times: u32,
    /// All of them together, in microseconds, by the clock that was handed in.
    pub micros: u64,
}

/// The calls of one config, in the order in which they were made.
#[derive(Debug, Default)]
struct Calls {
    before: Vec<Option<Call>>,
    /// Where in them the next one is expected.
    at: usize,
    now: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// Of what reads it whole; else what is read of it is among the names.
    input: Option<Value>,
    read: Vec<(Read, Option<Value>)>,
    done: Done,
    fuel: u64,
    bytes: u64,
    /// The last preview that asked for it.
    asked: u32,
}

#[derive(Debug)]
enum Read {
    Name(Arc<str>),
    Node(Arc<str>),
    Nodes,
}

/// What is computed: config by its number, the node it is of, if it is a node's, and the input where it is read whole.
pub(crate) struct Asked<'a> {
    pub number: u64,
    pub node: Option<(GraphId, NodeId)>,
    pub input: Option<&'a Value>,
}

impl Memory {
    /// An empty one. The clock tells microseconds since some moment; nothing that is computed depends on it.
    pub(crate) fn new(clock: fn() -> u64) -> Self {
        let state = State { calls: Vec::new(), preview: 0, clock, took: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A preview is over: what it computed, and how long that took.
    pub(crate) fn end(&self) -> Vec<((GraphId, NodeId), Took)> {
        let mut state = self.state();
        let mut weight = 0;
        let preview = state.preview;
        state.calls.retain_mut(|(_, calls)| {
            let older = mem::take(&mut calls.before);
            calls.before.extend(mem::take(&mut calls.now).into_iter().map(Some));
            calls
                .before
                .extend(older.into_iter().filter(|call| matches!(call, Some(call) if preview - call.asked < AGE)));
            calls.at = 0;
            weight += calls.before.iter().flatten().map(Call::weight).sum::<u64>();
            !calls.before.is_empty()
        });
        if weight > MOST {
            state.forget();
        }
        state.preview += 1;
        mem::take(&mut state.took)
    }
}

impl State {
    /// Keeps the youngest that are not too much together.
    fn forget(&mut self) {
        let mut left = MOST;
        for age in 0..AGE {
            for (_, calls) in &mut self.calls {
                calls.before.retain(|call| {
                    let Some(call) = call.as_ref().filter(|call| self.preview - call.asked == age) else { return true };
                    let kept = left.checked_sub(call.weight());
                    left = kept.unwrap_or(left);
                    kept.is_some()
                });
            }
        }
    }

    fn find(&mut self, asked: &Asked<'_>, names: &dyn Scope, meter: &mut Meter) -> Option<Done> {
        let place = self.calls.binary_search_by_key(&asked.number, |(number, _)| *number).ok()?;
        let calls = &mut self.calls[place].1;
        let near = calls.at.saturating_sub(NEAR)..(calls.at + NEAR + 1).min(calls.before.len());
        // Where it was before, then behind that, then before that.
        let places = (calls.at..near.end).chain((near.start..calls.at.min(near.end)).rev());
        for place in places {
            // What is left may be too little: then it is computed, and ends as it must.
            let fits =
                |call: &mut Call| meter.fuel > call.fuel && meter.bytes > call.bytes && call.is_of(asked.input, names);
            let Some(mut call) = calls.before[place].take_if(fits) else { continue };
            meter.fuel -= call.fuel;
            meter.bytes -= call.bytes;
            call.asked = self.preview;
            let done = call.done.clone();
            calls.at = place + 1;
            calls.now.push(call);
            return Some(done);
        }
        // In its place is something new.
        calls.at += 1;
        None
    }
}

impl Call {
    fn weight(&self) -> u64 {
        CALL + self.bytes
    }

    /// Whether it would be the same with this input and these names. Values that are the same are kept in the form that they have now,
    /// which the next preview finds at a glance.
    fn is_of(&mut self, input: Option<&Value>, names: &dyn Scope) -> bool {
        if !keep(&mut self.input, input.cloned()) {
            return false;
        }
        self.read.iter_mut().all(|(read, then)| {
            let now = match read {
                Read::Name(name) => names.name(name),
                Read::Node(key) => names.node(key),
                Read::Nodes => Some(names.nodes()),
            };
            keep(then, now)
        })
    }
}

/// What stands at this key in a sorted list.
fn entry<K: Ord + Copy, T: Default>(list: &mut Vec<(K, T)>, key: K) -> &mut T {
    let place = list.binary_search_by_key(&key, |(key, _)| *key).unwrap_or_else(|place| {
        list.insert(place, (key, T::default()));
        place
    });
    &mut list[place].1
}

/// Whether the two are the same; then the one of now is kept.
fn keep(then: &mut Option<Value>, now: Option<Value>) -> bool {
    let same = match (&then, &now) {
        (Some(then), Some(now)) => then.is_same(now),
        (then, now) => then.is_none() && now.is_none(),
    };
    if same {
        *then = now;
    }
    same
}

/// What comes of a call: remembered, else computed with names that note what is read.
pub(crate) fn call(
    memory: Option<&Memory>,
    asked: &Asked<'_>,
    names: &dyn Scope,
    meter: &mut Meter,
    compute: &dyn Fn(&dyn Scope, &mut Meter) -> Done,
) -> Done {
    let Some(memory) = memory else { return compute(names, meter) };
    let mut state = memory.state();
    if let Some(done) = state.find(asked, names, meter) {
        return done;
    }
    let (clock, preview) = (state.clock, state.preview);
    drop(state);
    let noted = Noted { names, read: RefCell::default() };
    let (fuel, bytes) = (meter.fuel, meter.bytes);
    let begun = clock();
    let done = compute(&noted, meter);
    let micros = clock().saturating_sub(begun);
    let mut state = memory.state();
    if let Some(node) = asked.node {
        let took = entry(&mut state.took, node);
        took.times += 1;
        took.micros += micros;
    }
    // What ran out of budget says nothing of another budget.
    if meter.fuel > 0 && meter.bytes > 0 {
        let (fuel, bytes) = (fuel - meter.fuel, bytes - meter.bytes);
        let (input, read) = (asked.input.cloned(), noted.read.into_inner());
        let call = Call { input, read, done: done.clone(), fuel, bytes, asked: preview };
        entry(&mut state.calls, asked.number).now.push(call);
    }
    done
}

/// Names that note what is read of them, each once: while something is computed they do not change.
struct Noted<'a> {
    names: &'a dyn Scope,
    read: RefCell<Vec<(Read, Option<Value>)>>,
}

impl Noted<'_> {
    fn note(&self, known: impl Fn(&Read) -> bool, read: impl FnOnce() -> Read, value: Option<&Value>) {
        let mut noted = self.read.borrow_mut();
        if !noted.iter().any(|(read, _)| known(read)) {
            noted.push((read(), value.cloned()));
        }
    }
}

impl Scope for Noted<'_> {
    fn name(&self, name: &str) -> Option<Value> {
        let value = self.names.name(name);
        let known = |read: &Read| matches!(read, Read::Name(known) if **known == *name);
        self.note(known, || Read::Name(name.into()), value.as_ref());
        value
    }

    fn node(&self, key: &str) -> Option<Value> {
        let value = self.names.node(key);
        let known = |read: &Read| matches!(read, Read::Node(known) if **known == *key);
        self.note(known, || Read::Node(key.into()), value.as_ref());
        value
    }

    fn nodes(&self) -> Value {
        let value = self.names.nodes();
        self.note(|read| matches!(read, Read::Nodes), || Read::Nodes, Some(&value));
        value
    }
}
