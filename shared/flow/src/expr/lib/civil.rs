//! The calendar: days and civil dates of the proleptic Gregorian calendar, in whole numbers.
//!
//! After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Years 1 to 9999, as RFC 3339 has them.

pub(in crate::expr) const DAY: i64 = 86_400_000;
/// 0001-01-01T00:00:00Z.
pub(in crate::expr) const FIRST: i64 = -62_135_596_800_000;
/// 9999-12-31T23:59:59.999Z.
pub(in crate::expr) const LAST: i64 = 253_402_300_799_999;

/// A moment taken apart, on the clock of some offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expr) struct Civil {
    pub(in crate::expr) year: i64,
    /// 1 to 12.
    pub(in crate::expr) month: i64,
    /// 1 to 31.
    pub(in crate::expr) day: i64,
    pub(in crate::expr) hour: i64,
    pub(in crate::expr) minute: i64,
    pub(in crate::expr) second: i64,
    pub(in crate::expr) millis: i64,
    /// 0 is Sunday.
    pub(in crate::expr) weekday: i64,
    /// From 1.
    pub(in crate::expr) year_day: i64,
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Days of a month.
pub(in crate::expr) fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Civil {
    /// The moment `millis` since 1970 on a clock `offset` minutes ahead of UTC.
    pub(in crate::expr) fn from_millis(millis: i64, offset: i64) -> Self {
        let local = millis + offset * 60_000;
        let (days, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = (shifted_month + 2) % 12 + 1;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1000 % 60,
            millis: rest % 1000,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_from_civil(year, 1, 1) + 1,
        }
    }

    /// Milliseconds since 1970 of this moment on a clock `offset` minutes ahead of UTC; `None` when there is no such moment.
    pub(in crate::expr) fn to_millis(self, offset: i64) -> Option<i64> {
        let in_range = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
            && (0..1000).contains(&self.millis);
        let clock = self.hour * 3_600_000 + self.minute * 60_000 + self.second * 1000 + self.millis;
        let millis =
            in_range.then(|| days_from_civil(self.year, self.month, self.day) * DAY + clock - offset * 60_000)?;
        (FIRST..=LAST).contains(&millis).then_some(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_comes_back() {
        let mut millis = FIRST;
        while millis <= LAST {
            let civil = Civil::from_millis(millis, 0);
            assert_eq!(civil.to_millis(0), Some(millis), "{civil:?}");
            millis += DAY;
        }
        let epoch = Civil::from_millis(0, 0);
        assert_eq!((epoch.year, epoch.month, epoch.day, epoch.weekday, epoch.year_day), (1970, 1, 1, 4, 1));
        assert_eq!(Civil::from_millis(FIRST, 0).year, 1);
        assert_eq!((Civil::from_millis(LAST, 0).year, Civil::from_millis(LAST, 0).millis), (9999, 999));
    }
}
