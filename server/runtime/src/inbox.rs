//! Runs that another replica drives: what happens to them is left in the inbox, where nothing can lose it, and the one that holds
//! their shard takes it in and says what became of it. Whoever is not told so in time may try again: the run knows what it has.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use holon_engine::{Input, Machine, Stamped, decode_input, encode_input};
use holon_model::{RunId, TenantId};
use tokio::sync::{mpsc, oneshot};

use crate::api::{DeliverError, Delivered};
use crate::driver::Msg;
use crate::onward::CONTINUED;
use crate::order::Order;
use crate::runtime::Shared;
use crate::store::{Entry, Letter, Posted, shard_of};
use crate::wake::Word;

/// Letters that are read at once.
const MOST: usize = 1_024;
/// The inbox is looked into at least this often, with up to as much again of [`JITTER_MS`].
const LOOK_EVERY_MS: u64 = 800;
const JITTER_MS: u64 = 400;
/// An order begins with it; an input never does.
const ORDER: u8 = 0xf0;
/// How long whoever left a letter waits for what becomes of it: longer than it takes until the runs of a replica that died are driven on.
const SAID_WITHIN: Duration = Duration::from_secs(6);
/// What runs say when they do not take something in; a word from a newer build may say something else.
const CODES: [&str; 22] = [
    "already_cancelled",
    "already_started",
    "batch_closed",
    "child_goes_on",
    "duplicate_signal",
    "invalid_form",
    "invalid_signal",
    "joined_already",
    "kept_already",
    "mailbox_full",
    "not_a_batch",
    "not_paused",
    "not_started",
    "parked",
    "paused_already",
    "queued",
    CONTINUED,
    "unknown_child",
    "unknown_choice",
    "unknown_effect",
    "unknown_signal",
    "unknown_task",
];
const OVER: &str = "run_over";

/// What happens to a run from outside.
#[derive(Clone)]
pub(crate) enum Happening {
    /// Something that its journal tells.
    Input(Input),
    /// What a person orders.
    Order(Order),
}

impl Happening {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Input(input) => encode_input(input),
            Self::Order(order) => {
                let mut bytes = vec![ORDER];
                bytes.extend(postcard::to_allocvec(order).unwrap_or_default());
                bytes
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&ORDER, order) => postcard::from_bytes(order).ok().map(Self::Order),
            _ => decode_input(bytes).ok().map(Self::Input),
        }
    }
}

/// What becomes of something that is handed to a run.
enum Handed {
    /// The run said so.
    Answered(Result<Delivered, DeliverError>),
    /// The run went to another replica, or is going, and has not taken it in.
    Elsewhere,
    /// No answer came in time.
    Late,
}

impl Shared {
    /// Tells a run what happened, wherever it is driven; answers when the run has taken it in, and that is durable, or when nobody says
    /// what becomes of a letter that is.
    pub(crate) async fn tell(&self, tenant: TenantId, run: RunId, what: Happening) -> Result<Delivered, DeliverError> {
        if let Some(answer) = self.tell_here(tenant, run, &what).await {
            return answer;
        }
        let what = self.redacted(tenant, run, what).await?;
        let (letter, answer) = self.leave_letter(tenant, run, &what).await?;
        let answer = tokio::time::timeout(SAID_WITHIN.min(self.start_within), answer).await;
        self.posted().remove(&letter);
        match answer {
            Ok(Ok(answer)) => answer,
            // The letter is there, and so will the one be who reads it.
            Ok(Err(_)) | Err(_) => Ok(Delivered::Kept),
        }
    }

    /// The same, but answers as soon as it cannot be lost any more: the run will take it in, or refuse it without anybody's harm.
    pub(crate) async fn see_told(&self, tenant: TenantId, run: RunId, what: Happening) -> Result<(), DeliverError> {
        if let Some(answer) = self.tell_here(tenant, run, &what).await {
            return answer.map(drop);
        }
        let what = self.redacted(tenant, run, what).await?;
        let (letter, _) = self.leave_letter(tenant, run, &what).await?;
        self.posted().remove(&letter);
        Ok(())
    }

    /// Tells a run that is driven here; nothing when it is not, or goes.
    async fn tell_here(
        &self,
        tenant: TenantId,
        run: RunId,
        what: &Happening,
    ) -> Option<Result<Delivered, DeliverError>> {
        if self.is_over() {
            return Some(Err(DeliverError::Unavailable));
        }
        if self.shards.drives(run) {
            let handed = tokio::time::timeout(self.start_within, self.hand_in(tenant, run, what.clone(), None)).await;
            match handed.unwrap_or(Handed::Late) {
                Handed::Answered(answer) => return Some(answer),
                Handed::Late => return Some(Err(DeliverError::Unavailable)),
                Handed::Elsewhere if self.is_over() => return Some(Err(DeliverError::Unavailable)),
                Handed::Elsewhere => {}
            }
        }
        None
    }

    /// Hands something to a run that lives here.
    async fn hand_in(&self, tenant: TenantId, run: RunId, what: Happening, letter: Option<i64>) -> Handed {
        let (told, answer) = oneshot::channel();
        let message = match what {
            Happening::Input(input) => Msg::Deliver { tenant, run, input: Box::new(input), told, letter },
            Happening::Order(order) => Msg::Order { tenant, run, order, told },
        };
        if self.driver(run).send(message).is_err() {
            return Handed::Elsewhere;
        }
        answer.await.map_or(Handed::Elsewhere, Handed::Answered)
    }

    /// What a letter is to say: all of it but what the flow says is not to be kept, since a letter is a row. Which node is given something
    /// its run knows, so that is read; nothing is read for flows that keep everything, but which flow it is.
    async fn redacted(&self, tenant: TenantId, run: RunId, what: Happening) -> Result<Happening, DeliverError> {
        let Happening::Input(input) = what else { return Ok(what) };
        let given = matches!(
            input,
            Input::Signal { .. }
                | Input::TaskAnswered { .. }
                | Input::EffectCompleted { .. }
                | Input::ChildEnded { .. }
        );
        if !given {
            return Ok(Happening::Input(input));
        }
        let unavailable = |_| DeliverError::Unavailable;
        // Of one that is not there it is said when the letter is left.
        let Some(row) = self.store.history(tenant, run).await.map_err(unavailable)? else {
            return Ok(Happening::Input(input));
        };
        let loaded = self.definitions.load(tenant, row.facts.flow, row.facts.version).await;
        let flow = loaded.map_err(|_| DeliverError::Unavailable)?;
        if !flow.compiled.redacts_given() {
            return Ok(Happening::Input(input));
        }
        let entries = self.store.journal(tenant, run, 0).await.map_err(unavailable)?;
        let redacting = move || {
            let read = |entry: &Entry| Some(Stamped::new(entry.at, decode_input(&entry.input).ok()?));
            let machine = Machine::replay(flow.compiled.clone(), entries.iter().map_while(read));
            // Of an answer that nothing asked for it is not known what is to be replaced: it is refused, and stands nowhere.
            machine.check(&input).map(|()| machine.redacted(input))
        };
        let redacted = self.driving.compute(redacting).await.ok_or(DeliverError::Unavailable)?;
        Ok(Happening::Input(redacted?))
    }

    /// Leaves a letter; its number, and who is told what becomes of it.
    async fn leave_letter(
        &self,
        tenant: TenantId,
        run: RunId,
        what: &Happening,
    ) -> Result<(i64, oneshot::Receiver<Result<Delivered, DeliverError>>), DeliverError> {
        let (store, me, body) = (&self.store, self.replica, what.encode());
        // Whoever has to do with a batch asks until that answers, for days where it cannot: one letter says it.
        let posted = match what {
            Happening::Input(Input::Joined { .. } | Input::Left { .. }) => {
                store.post_once(tenant, run, me, &body).await
            }
            _ => store.post(tenant, run, me, &body).await,
        };
        let Posted { id, owner } = match posted {
            Ok(Some(posted)) => posted,
            Ok(None) => return Err(self.missing(tenant, run).await),
            Err(_) => return Err(DeliverError::Unavailable),
        };
        let (told, answer) = oneshot::channel();
        self.posted().insert(id, told);
        match owner {
            Some(owner) if owner == self.replica => self.inbox.notify_one(),
            Some(owner) => self.wake.say(owner, Word::Inbox),
            None => {}
        }
        Ok((id, answer))
    }

    /// Why a run does not live here.
    pub async fn missing(&self, tenant: TenantId, run: RunId) -> DeliverError {
        match self.store.history(tenant, run).await {
            Ok(Some(row)) if row.ended.is_some() => DeliverError::Over,
            // Live, but not in memory here.
            Ok(Some(_)) | Err(_) => DeliverError::Unavailable,
            Ok(None) => DeliverError::NotFound,
        }
    }

    /// What became of a letter that was left here.
    fn taken(&self, letter: i64, answer: Result<Delivered, DeliverError>) {
        if let Some(told) = self.posted().remove(&letter) {
            // Whoever asked may be gone.
            let _ = told.send(answer);
        }
    }

    /// Takes a letter in. What cannot be taken in now stays where it is.
    async fn take_in(self: Arc<Self>, letter: Letter, what: Happening) {
        let Letter { tenant, run, .. } = letter;
        let signal = match &what {
            Happening::Input(signal @ Input::Signal { .. }) => Some(signal.clone()),
            _ => None,
        };
        // An input goes with its commit; whatever else was done or refused is taken away here, and would be refused again.
        let mut leaves = matches!(what, Happening::Input(ref input) if !matches!(input, Input::Cancel { .. }));
        let answer = match self.hand_in(tenant, run, what, Some(letter.id)).await {
            Handed::Answered(Err(DeliverError::NotFound)) => Err(self.missing(tenant, run).await),
            Handed::Answered(answer) => answer,
            Handed::Elsewhere | Handed::Late => return,
        };
        let answer = match (answer, signal) {
            // Its sender may have been told that it is kept.
            (Err(DeliverError::Over), Some(signal)) => {
                leaves = false;
                self.pass_on(tenant, run, signal).await
            }
            (answer, _) => answer,
        };
        if answer == Err(DeliverError::Unavailable) {
            return;
        }
        if (answer.is_err() || !leaves)
            && let Err(error) = self.store.discard(self.replica, std::slice::from_ref(&letter)).await
        {
            tracing::warn!(%error, "a letter that was dealt with could not be taken away; trying again");
        }
        if letter.sender == self.replica {
            return self.taken(letter.id, answer);
        }
        let refused = match answer {
            Ok(Delivered::Kept) => return self.wake.say(letter.sender, Word::Kept { letter: letter.id }),
            Ok(Delivered::TakenIn) => None,
            Err(DeliverError::Refused { code, message }) => Some((code.to_owned(), message)),
            Err(DeliverError::Over) => Some((OVER.to_owned(), DeliverError::Over.to_string())),
            Err(error) => Some(("not_found".to_owned(), error.to_string())),
        };
        self.wake.say(letter.sender, Word::Taken { letter: letter.id, refused });
    }
}

fn refusal(code: &str, message: String) -> DeliverError {
    match code {
        OVER => DeliverError::Over,
        "not_found" => DeliverError::NotFound,
        code => {
            let code = CODES.into_iter().find(|known| *known == code).unwrap_or("refused");
            DeliverError::Refused { code, message }
        }
    }
}

/// Hears what other replicas say.
pub(crate) async fn hear(shared: Arc<Shared>, mut heard: mpsc::UnboundedReceiver<Word>) {
    while let Some(word) = heard.recv().await {
        match word {
            Word::Shards => shared.look.notify_one(),
            Word::Inbox => shared.inbox.notify_one(),
            Word::Turns => {
                // Found by the next look too.
                if let Err(error) = shared.look_for_turns().await {
                    tracing::warn!(%error, "nobody knows whose turn it is; looking again");
                }
            }
            Word::Work(pool) => shared.bell.ring(&pool),
            Word::Taken { letter, refused } => {
                let answer = refused.map_or(Ok(Delivered::TakenIn), |(code, message)| Err(refusal(&code, message)));
                shared.taken(letter, answer);
            }
            Word::Kept { letter } => shared.taken(letter, Ok(Delivered::Kept)),
        }
    }
}

/// Takes letters in for the shards that are here.
pub(crate) async fn pump(shared: Arc<Shared>) {
    // Letters that are being taken in, and those that this build cannot read. One that is done leaves the set before the next look
    // and never during one: what a look saw before it was deleted is not taken in again.
    let mut under_way = BTreeSet::new();
    let (done, mut finished) = mpsc::unbounded_channel::<i64>();
    let mut turn = u64::from(shared.replica.0.as_bytes()[15]);
    let mut more = false;
    loop {
        turn = turn.wrapping_mul(25_214_903_917).wrapping_add(11);
        let wait = if more { 0 } else { LOOK_EVERY_MS + (turn >> 16) % JITTER_MS };
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = shared.inbox.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(wait)) => {}
        }
        while let Ok(letter) = finished.try_recv() {
            under_way.remove(&letter);
        }
        more = false;
        let shards = shared.shards.all_here();
        if shards.is_empty() {
            continue;
        }
        let without: Vec<i64> = under_way.iter().copied().collect();
        let letters = match shared.store.letters(&shards, &without, MOST as i64).await {
            Ok(letters) => letters,
            Err(error) => {
                tracing::warn!(%error, "the inbox cannot be read; trying again");
                continue;
            }
        };
        more = letters.len() == MOST;
        for letter in letters {
            let id = letter.id;
            if !under_way.insert(id) {
                continue;
            }
            let Some(what) = Happening::decode(&letter.body) else {
                tracing::error!(run_id = %letter.run, shard = shard_of(letter.run), "a letter does not read; a newer server may read it");
                continue;
            };
            let (shared, done) = (shared.clone(), done.clone());
            tokio::spawn(async move {
                shared.take_in(letter, what).await;
                // The receiver lives as long as letters are read.
                let _ = done.send(id);
            });
        }
    }
}
