//! The formats that are checked; a format with another name is a remark.

use std::net::{Ipv4Addr, Ipv6Addr};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Whether `text` has the format `name`; `None` for formats that are not checked.
pub(super) fn holds(name: &str, text: &str) -> Option<bool> {
    Some(match name {
        "date-time" => date_time(text),
        "date" => text.len() == 10 && date_time(&format!("{text}T00:00:00Z")),
        "time" => time(text),
        "email" => email(text),
        "hostname" => hostname(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "uri" => uri(text),
        "uri-reference" => uri_characters(text),
        "uuid" => uuid(text),
        "json-pointer" => text.is_empty() || (text.starts_with('/') && tildes(text)),
        "regex" => super::pattern(text).is_ok(),
        _ => return None,
    })
}

/// One parser for all three: that of patterns is 20 KB of the browser's module.
fn date_time(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

fn time(text: &str) -> bool {
    let zone = text.strip_suffix(['Z', 'z']).or_else(|| {
        let at = text.len().checked_sub(6)?;
        let zone = text.get(at..)?.as_bytes();
        let digits = [1, 2, 4, 5].iter().all(|at| zone[*at].is_ascii_digit());
        (matches!(zone[0], b'+' | b'-') && zone[3] == b':' && digits).then(|| &text[..at])
    });
    let Some(clock) = zone else { return false };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let fits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    fits && whole.len() == 8 && date_time(&format!("2000-01-01T{whole}Z"))
}

/// What mail systems accept in practice: one `@`, a local part without spaces, a domain.
fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    !local.is_empty()
        && local.len() <= 64
        && local.chars().all(fits)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && hostname(domain)
}

fn hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&text.len()) && text.split('.').all(label)
}

fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    scheme_fits && !rest.is_empty() && uri_characters(rest)
}

fn uri_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    let fits = |(at, byte): (usize, &u8)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)),
        b' ' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        _ => byte.is_ascii_graphic(),
    };
    bytes.iter().enumerate().all(fits)
}

fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn tildes(text: &str) -> bool {
    text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn formats_accept_what_fits_and_nothing_else() {
        for (name, good, bad) in [
            (
                "date-time",
                vec!["2026-12-24T18:00:00Z", "2026-12-24T18:00:00.5+01:00"],
                vec!["2026-12-24", "2026-13-24T18:00:00Z", ""],
            ),
            ("date", vec!["2024-02-29"], vec!["2023-02-29", "24-01-01", "2024-1-1", "2024-02-29T", "é024-02-2"]),
            (
                "time",
                vec!["18:00:00Z", "18:00:00.25+01:00"],
                vec!["18:00:00", "25:00:00Z", "18:00Z", "23:59:60Z", "18:00:00+01:00Z", "é"],
            ),
            ("email", vec!["a.b+c@example.com", "ö@example.com"], vec!["a", "a@", "@b", "a b@c", ".a@b", "a@b_c"]),
            ("hostname", vec!["example.com", "a"], vec!["", "-a", "a..b", "a_b"]),
            ("ipv4", vec!["127.0.0.1"], vec!["256.0.0.1", "1.2.3", "::1"]),
            ("ipv6", vec!["::1", "2001:db8::1"], vec!["1.2.3.4", "::g"]),
            ("uri", vec!["https://example.com/a?b=%20", "urn:a"], vec!["a", "https://a b", "x:%2", "1x:a"]),
            (
                "uuid",
                vec!["01234567-89ab-cdef-0123-456789abcdef"],
                vec!["01234567", "0123456789abcdef0123456789abcdef0123"],
            ),
            ("json-pointer", vec!["", "/a~1b"], vec!["a", "/~2"]),
            ("regex", vec!["^a+$"], vec!["("]),
        ] {
            for text in good {
                assert_eq!(holds(name, text), Some(true), "{name} {text}");
            }
            for text in bad {
                assert_eq!(holds(name, text), Some(false), "{name} {text}");
            }
        }
        assert_eq!(holds("colour", "red"), None);
    }
}
