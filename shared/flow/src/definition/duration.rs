//! Durations as people write them in definitions and config: `"90s"`, `"1h30m"`, `"250ms"`, or whole milliseconds.

use super::limits::MAX_DURATION;
use holon_model::{Millis, Value};

const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const FORM: &str =
    "a duration is written like `\"30s\"`, `\"1h30m\"` or `\"250ms\"` (w, d, h, m, s, ms), or as whole milliseconds";

/// The duration that `value` states.
///
/// # Errors
/// A sentence that says how durations are written, or that it is longer than a hundred years.
pub fn parse(value: &Value) -> Result<Millis, String> {
    let millis = match value {
        Value::Str(text) => from_text(text).ok_or_else(|| FORM.to_owned())?,
        _ => value.as_int().and_then(|millis| u64::try_from(millis).ok()).ok_or_else(|| FORM.to_owned())?,
    };
    if millis > MAX_DURATION {
        Err("the duration is longer than a hundred years".to_owned())
    } else {
        Ok(Millis(millis))
    }
}

fn from_text(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut last = usize::MAX;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (at, (_, millis)) = UNITS.iter().enumerate().find(|(_, (name, _))| *name == &rest[..unit])?;
        // Larger units first, each once: `1h30m`, not `30m1h`.
        if last != usize::MAX && at <= last {
            return None;
        }
        last = at;
        total = total.checked_add(number.checked_mul(*millis)?)?;
        rest = rest[unit..].trim_start();
    }
    Some(total)
}

/// The shortest text that [`parse`] reads back.
pub fn format(duration: Millis) -> String {
    if duration.0 == 0 {
        return "0s".to_owned();
    }
    let mut rest = duration.0;
    let mut text = String::new();
    for (unit, millis) in UNITS {
        if rest >= millis {
            text.push_str(&format!("{}{unit}", rest / millis));
            rest %= millis;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, millis) in [
            ("5s", 5_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1d 2h", 93_600_000),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(&text.into()), Ok(Millis(millis)), "{text}");
            assert_eq!(parse(&format(Millis(millis)).into()), Ok(Millis(millis)));
        }
        assert_eq!(parse(&Value::Int(1_500)), Ok(Millis(1_500)));
        assert_eq!(format(Millis(5_400_001)), "1h30m1ms");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", " ", "5", "s", "5x", "-5s", "1.5s", "30m1h", "5s5s", "99999999999999999999s", "200000w", "5é"]
        {
            assert!(parse(&text.into()).is_err(), "{text:?}");
        }
        assert!(parse(&Value::Int(-1)).is_err() && parse(&Value::Null).is_err());
    }
}
