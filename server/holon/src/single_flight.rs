//! The same question asked by many at once is asked once: whoever comes while it is on its way waits for the same answer, also when
//! that is an error. Without this, a crowd that finds nothing kept asks the database the same thing a thousand times, and nobody
//! is answered for as long.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

/// Questions kept before those that nobody waits for any more are forgotten.
const FEW: usize = 64;

type Flight<T> = Shared<BoxFuture<'static, T>>;

/// Questions that are on their way, by what is asked.
pub struct SingleFlight<K, T: Clone> {
    flights: Mutex<HashMap<K, WeakShared<BoxFuture<'static, T>>>>,
}

impl<K, T: Clone> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self { flights: Mutex::default() }
    }
}

impl<K: Eq + Hash, T: Clone> SingleFlight<K, T> {
    /// The answer to `key`: of the question that is on its way, or of a new one, which `ask` makes. When everybody who waits
    /// gives up, so does the question.
    pub async fn share(&self, key: K, ask: impl FnOnce() -> BoxFuture<'static, T>) -> T {
        let flight = self.join(key, ask);
        flight.await
    }

    fn join(&self, key: K, ask: impl FnOnce() -> BoxFuture<'static, T>) -> Flight<T> {
        let mut flights = self.lock();
        // One that was answered is none any more.
        if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade).filter(|flight| flight.peek().is_none()) {
            return flight;
        }
        if flights.len() >= FEW {
            flights.retain(|_, flight| flight.upgrade().is_some());
        }
        let flight = ask().shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, WeakShared<BoxFuture<'static, T>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_crowd_asks_once_and_who_comes_after_the_answer_asks_anew() {
        let (flights, asked, gate) =
            (SingleFlight::default(), Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (asked, gate) = (asked.clone(), gate.clone());
            async move {
                let number = asked.fetch_add(1, Relaxed);
                gate.acquire().await.map(drop).map_err(|error| error.to_string())?;
                Ok::<_, String>(number)
            }
            .boxed()
        };
        let crowd = futures::future::join_all((0..100).map(|_| flights.share("one", ask)));
        let other = flights.share("other", ask);
        let open = async { gate.add_permits(1_000) };
        let (crowd, other, ()) = tokio::join!(crowd, other, open);
        assert!(crowd.iter().all(|answer| *answer == Ok(0)), "{crowd:?}");
        assert_eq!(other, Ok(1));
        assert_eq!(flights.share("one", ask).await, Ok(2));
    }

    #[tokio::test]
    async fn the_first_may_give_up_and_when_all_do_the_question_is_dropped() {
        let flights = SingleFlight::<String, u32>::default();
        let held = Arc::new(());
        let forever = || {
            let held = held.clone();
            async move {
                let _held = held;
                std::future::pending().await
            }
            .boxed()
        };
        let first = flights.join("one".into(), forever);
        let second = flights.join("one".into(), || async { 7 }.boxed());
        drop(first);
        assert_eq!(Arc::strong_count(&held), 2, "somebody waits for it");
        assert!(second.clone().now_or_never().is_none());
        drop(second);
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(flights.share("one".into(), || async { 7 }.boxed()).await, 7);
        for number in 0..10 * FEW {
            assert_eq!(flights.share(number.to_string(), || async { 1 }.boxed()).await, 1);
        }
        assert!(flights.lock().len() <= FEW);
    }
}
