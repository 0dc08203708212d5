//! Time and ids: the only place of Holon that reads the clock or mints a UUID.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use holon_model::{Millis, Timestamp};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio::sync::Notify;
use uuid::Uuid;

/// A source of time and of ids that rise with it.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// A new UUIDv7, greater than every one this clock gave before.
    fn uuid_v7(&self) -> Uuid;

    /// By which those who sleep until an instant are woken when the clock is moved by hand; nothing for one that goes by itself.
    fn moved(&self) -> Option<Arc<Notify>> {
        None
    }
}

/// A clock as it is handed around.
pub type SharedClock = Arc<dyn Clock>;

/// Mints a typed id: `let run: RunId = mint(&*clock);`
pub fn mint<I: From<Uuid>>(clock: &dyn Clock) -> I {
    I::from(clock.uuid_v7())
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock {
    ids: Mutex<IdState>,
}

impl SystemClock {
    /// The machine's clock, ready to be shared.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self::default())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn uuid_v7(&self) -> Uuid {
        let mut random = [0_u8; 8];
        crate::crypto::fill_random(&mut random);
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).next(self.now(), u64::from_be_bytes(random))
    }
}

/// A clock that stands still until a test moves it; its ids are the same in every run of the test.
#[derive(Debug)]
pub struct TestClock {
    state: Mutex<(Timestamp, IdState, u64)>,
    moved: Arc<Notify>,
}

impl TestClock {
    /// Starts at the given instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((now, IdState::default(), 0)), moved: Arc::default() })
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Millis) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.plus(by);
        drop(state);
        self.moved.notify_waiters();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn uuid_v7(&self) -> Uuid {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, ids, count) = &mut *state;
        *count += 1;
        ids.next(*now, *count)
    }

    fn moved(&self) -> Option<Arc<Notify>> {
        Some(self.moved.clone())
    }
}

/// What is needed to keep ids rising within one millisecond and when the clock steps back (RFC 9562 §6.2, method 1).
#[derive(Debug, Default)]
struct IdState {
    millis: u64,
    counter: u16,
}

impl IdState {
    const COUNTER_BITS: u32 = 12;

    fn next(&mut self, now: Timestamp, random: u64) -> Uuid {
        let millis = u64::try_from(now.0).unwrap_or(0);
        if millis > self.millis {
            self.millis = millis;
            self.counter = 0;
        } else {
            self.counter += 1;
            if self.counter >> Self::COUNTER_BITS != 0 {
                // 4096 ids in one millisecond: borrow the next one rather than repeat or wait.
                self.millis += 1;
                self.counter = 0;
            }
        }
        let high = (u128::from(self.millis) << 80) | (0x7 << 76) | (u128::from(self.counter) << 64);
        Uuid::from_u128(high | (0b10 << 62) | u128::from(random & (u64::MAX >> 2)))
    }
}

/// The smallest id of an instant, as [`Clock::uuid_v7`] gives ids: those of things that were made later are greater.
pub fn least_id(at: Timestamp) -> Uuid {
    Uuid::from_u128(u128::from(at.0.clamp(0, (1 << 48) - 1).unsigned_abs()) << 80)
}

/// The instant as Postgres stores it. Instants outside the years -9999 to 9999 become the nearest end.
#[must_use]
pub fn to_db(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).unwrap_or(if at.0 < 0 {
        OffsetDateTime::UNIX_EPOCH.replace_date(time::Date::MIN)
    } else {
        OffsetDateTime::UNIX_EPOCH.replace_date(time::Date::MAX)
    })
}

/// The instant as Postgres gave it, cut to milliseconds.
#[must_use]
pub fn from_db(at: OffsetDateTime) -> Timestamp {
    Timestamp(i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
}

/// The instant as flows read times: RFC 3339 in UTC, always with three digits of the second's fraction.
#[must_use]
pub fn to_text(at: Timestamp) -> String {
    const FORM: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    to_db(at).format(FORM).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_within_one_millisecond_and_when_the_clock_steps_back() {
        let mut ids = IdState::default();
        let mut last = ids.next(Timestamp(1_000), u64::MAX);
        for at in [1_000, 1_000, 999, 1_000, 5].into_iter().cycle().take(10_000) {
            let next = ids.next(Timestamp(at), 0);
            assert!(next > last, "{next} after {last}");
            last = next;
        }
    }

    #[test]
    fn an_id_is_a_version_7_uuid_that_carries_its_millisecond() {
        let id = IdState::default().next(Timestamp(0x0190_1234_5678), u64::MAX);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(id.as_u128() >> 80, 0x0190_1234_5678);
    }

    #[test]
    fn an_instant_survives_the_database() {
        for at in [0, 1, -1, 1_795_000_000_123, -62_000_000_001] {
            assert_eq!(from_db(to_db(Timestamp(at))), Timestamp(at));
        }
    }

    #[test]
    fn a_flow_reads_every_instant_in_one_form() {
        let text = [0, -1, 1_795_000_000_120].map(|at| to_text(Timestamp(at)));
        assert_eq!(text, ["1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2026-11-18T11:06:40.120Z"]);
    }
}
