//! A value that many wait for. They are woken in the order in which they came: what follows from a change follows in the same order
//! each time, which the wakers of `tokio::sync::watch` do not promise.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The value; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Watched<T>(Arc<(Mutex<T>, Notify)>);

impl<T: Copy> Watched<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new((Mutex::new(value), Notify::new())))
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is now.
    pub fn get(&self) -> T {
        *self.lock()
    }

    /// From now on it is this.
    pub fn set(&self, value: T) {
        self.change(|_| value);
    }

    /// From now on it is what this makes of it.
    pub fn change(&self, change: impl FnOnce(T) -> T) {
        {
            let mut value = self.lock();
            *value = change(*value);
        }
        self.0.1.notify_waiters();
    }

    /// Waits until it is one of those that are waited for.
    pub async fn wait_for(&self, wanted: impl Fn(T) -> bool) -> T {
        loop {
            // Made before the look: a change in between wakes it.
            let changed = self.0.1.notified();
            let value = self.get();
            if wanted(value) {
                return value;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_are_woken_in_the_order_in_which_they_came_and_none_misses_a_change() {
        let value = Watched::new(0);
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..20 {
            let (value, told) = (value.clone(), told.clone());
            tokio::spawn(async move {
                value.wait_for(|value| value >= 2).await;
                told.send(number).unwrap();
            });
        }
        tokio::task::yield_now().await;
        value.set(1);
        value.set(2);
        for number in 0..20 {
            assert_eq!(heard.recv().await, Some(number));
        }
        assert_eq!(value.wait_for(|value| value == 2).await, 2, "what is so already is not waited for");
    }
}
