//! What a run that goes on in another one hands on: signals that came and nobody took, and whose deliveries counted.
//!
//! Whoever sent a signal was told that it cannot be lost, and knows nothing of how a history is cut into runs. So the mailbox
//! goes on with the run: in the start of the next one, where it is journaled and hashed like all that a run begins with.

use crate::{Input, Machine, Outcome, log::Log, signal::Mailbox};
use holon_model::{Payload, Value, canon::Canon};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many senders' ids go on: those that came last. A run remembers all of its own; of a chain of runs, which may be without
/// end, somebody must forget. Each costs 16 bytes in the start of every run that goes on.
pub(crate) const MAX_SENDERS: usize = 1_000;
/// What signals may weigh together that wait in a run which may go on in another one: they stand in that one's first input.
pub(crate) const MAX_MAIL: u64 = 16 << 20;

/// The mail of a run that goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Signals that nobody took, by name and correlation; in order of these, and those of one oldest first.
    early: Vec<(Arc<str>, Arc<str>, Vec<Value>)>,
    /// Hashes of name, correlation and sender's id of those that came last, oldest first.
    seen: Vec<[u8; 16]>,
}

impl Mail {
    /// The first meaning of flows in which a start carries it.
    pub const SINCE: u32 = 4;

    /// Adds a signal that came after the run was over, unless its sender's id is known. One that was acknowledged is added
    /// however much there is.
    pub fn put(&mut self, name: &str, correlation: &str, sender: &str, payload: &Payload) {
        let print = fingerprint(name, correlation, sender);
        if self.seen.contains(&print) {
            return;
        }
        self.seen.push(print);
        let forgotten = self.seen.len().saturating_sub(MAX_SENDERS);
        self.seen.drain(..forgotten);
        let at = self.early.binary_search_by(|(n, c, _)| (&**n, &**c).cmp(&(name, correlation)));
        let at = at.unwrap_or_else(|at| {
            self.early.insert(at, (name.into(), correlation.into(), Vec::new()));
            at
        });
        self.early[at].2.push(payload.to_value());
    }

    /// Whether there is nothing to hand on.
    pub fn is_empty(&self) -> bool {
        self.early.is_empty() && self.seen.is_empty()
    }

    /// How many signals wait in it.
    pub fn waiting(&self) -> usize {
        self.early.iter().map(|(.., values)| values.len()).sum()
    }

    /// The signals that wait in it, for people.
    pub(crate) fn shown(&self) -> Value {
        let signals = self.early.iter().flat_map(|(name, correlation, values)| {
            let signal = |value: &Value| {
                Value::map([
                    ("name", Value::Str(name.clone())),
                    ("correlation", Value::Str(correlation.clone())),
                    ("payload", value.clone()),
                ])
            };
            values.iter().map(signal).collect::<Vec<_>>()
        });
        Value::list(signals)
    }

    /// What the log hash covers.
    pub(crate) fn content(&self, canon: &mut Canon) {
        canon.tag(b'M').u64(self.early.len() as u64);
        for (name, correlation, values) in &self.early {
            canon.text(name).text(correlation).u64(values.len() as u64);
            for value in values {
                canon.value(value);
            }
        }
        canon.u64(self.seen.len() as u64);
        for print in &self.seen {
            canon.bytes(print);
        }
    }
}

impl Mailbox {
    /// What goes on of it.
    fn handed_on(&self) -> Mail {
        let early = self.early.iter();
        let early = early.map(|((name, correlation), values)| {
            (name.clone(), correlation.clone(), values.iter().cloned().collect::<Vec<_>>())
        });
        // Runs of an older meaning do not know which came last.
        let seen = match self.recent.is_empty() {
            true => self.seen.iter().take(MAX_SENDERS).copied().collect(),
            false => self.recent.iter().copied().collect(),
        };
        Mail { early: early.collect(), seen }
    }

    /// The mailbox of a run that begins with this; `orders`: whether it is to know which senders came last.
    pub(crate) fn of(mail: Mail, orders: bool) -> Self {
        let Mail { early, seen } = mail;
        let mut mailbox = Self::default();
        for print in seen {
            mailbox.note(print, orders);
        }
        for (name, correlation, values) in early {
            mailbox.kept += crate::arena::len(&values);
            mailbox.early.entry((name, correlation)).or_default().extend(values);
        }
        mailbox.weigh();
        mailbox
    }

    /// Computes what waits in it weighs: snapshots do not say.
    pub(crate) fn weigh(&mut self) {
        self.weight = self.early.values().flatten().map(Value::weight).sum();
    }

    /// Notes that this delivery counted; `orders`: whether it is to know which came last.
    pub(crate) fn note(&mut self, print: [u8; 16], orders: bool) {
        self.seen.insert(print);
        if orders {
            self.recent.push_back(print);
            if self.recent.len() > MAX_SENDERS {
                self.recent.pop_front();
            }
        }
    }
}

impl Machine {
    /// What the run that goes on for this one begins with besides its input; nothing unless the run is over as continued, and has
    /// had signals.
    pub fn mail(&self) -> Option<Mail> {
        let continued = matches!(self.core.outcome, Some(Outcome::Continued { .. }));
        Some(self.core.mailbox.handed_on()).filter(|mail| continued && !mail.is_empty())
    }

    /// Whether a signal of this sender's id counted in this run, or in one before it that handed this on.
    pub fn has_counted(&self, input: &Input) -> bool {
        let Input::Signal { name, correlation, sender, .. } = input else { return false };
        self.core.mailbox.seen.contains(&fingerprint(name, correlation, sender))
    }

    /// Whether the run's mail may go on in another one, so that it is bounded and its senders are known in order.
    pub(crate) fn hands_on(&self) -> bool {
        self.means(Mail::SINCE) && self.flow.needs.continuing
    }
}

impl Log {
    /// The run is over, and hands this on.
    pub(crate) fn mail(&mut self, mail: &Mail) {
        mail.content(self.canon());
    }
}

/// What tells deliveries apart.
pub(crate) fn fingerprint(name: &str, correlation: &str, sender: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for text in [name, correlation, sender] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    let mut print = [0; 16];
    print.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    print
}
