//! Hashes and encodings of text.

use super::{V, charge_text, text};
use crate::expr::functions::{Function, entry};
use crate::expr::{Meter, fail::Fail, ops};
use holon_model::{Value, canon};

pub(in crate::expr) const FUNCTIONS: &[Function] = &[
    entry(
        "hash",
        &["hash(text) -> string"],
        "blake3 of the UTF-8 bytes, 64 hexadecimal digits.",
        &[("size(hash('holon'))", "64")],
        (1, 1),
        hash,
    ),
    entry(
        "base64_encode",
        &["base64_encode(text) -> string"],
        "The UTF-8 bytes in base64 with padding.",
        &[("base64_encode('hi!')", "\"aGkh\"")],
        (1, 1),
        base64_encode,
    ),
    entry(
        "base64_decode",
        &["base64_decode(text) -> string"],
        "The text whose UTF-8 bytes are given in base64, standard or URL-safe.",
        &[("base64_decode('aGkh')", "\"hi!\"")],
        (1, 1),
        base64_decode,
    ),
    entry(
        "base64.encode",
        &["base64.encode(text) -> string"],
        "The same as `base64_encode`.",
        &[("base64.encode('hello')", "\"aGVsbG8=\"")],
        (1, 1),
        base64_encode,
    ),
    entry(
        "base64.decode",
        &["base64.decode(text) -> string"],
        "The same as `base64_decode`.",
        &[("base64.decode('aGVsbG8')", "\"hello\"")],
        (1, 1),
        base64_decode,
    ),
    entry(
        "url_encode",
        &["url_encode(text) -> string"],
        "With all but letters, digits and `-_.~` written as %XX (RFC 3986).",
        &[("url_encode('a b/é')", "\"a%20b%2F%C3%A9\"")],
        (1, 1),
        url_encode,
    ),
    entry(
        "url_decode",
        &["url_decode(text) -> string"],
        "With each %XX read.",
        &[("url_decode('a%20b')", "\"a b\"")],
        (1, 1),
        url_decode,
    ),
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn hash(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    const HEX: usize = 64;
    let text = text(args, 0)?;
    ops::read(meter, text.len())?;
    charge_text(meter, HEX)?;
    Ok(Value::from(canon::hex(blake3::hash(text.as_bytes()).as_bytes())))
}

fn base64_encode(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len().div_ceil(3).saturating_mul(4))?;
    let mut out = String::with_capacity(text.len().div_ceil(3) * 4);
    for part in text.as_bytes().chunks(3) {
        let bits = part.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            out.push(if place > part.len() { '=' } else { char::from(ALPHABET[digit as usize]) });
        }
    }
    Ok(Value::from(out))
}

fn base64_decode(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len())?;
    let wrong = |message: &str| Fail::new("bad_conversion", message).of(0);
    let body = text.trim_end_matches('=');
    if text.len() - body.len() > 2 || body.len() % 4 == 1 {
        return Err(wrong("the text is not base64: its length cannot be"));
    }
    let mut bytes = Vec::with_capacity(body.len());
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in body.bytes() {
        let byte = match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
        let Some(digit) = ALPHABET.iter().position(|known| *known == byte) else {
            return Err(wrong("the text is not base64: it has other characters"));
        };
        bits = (bits << 6) | u32::try_from(digit).unwrap_or(0);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 255).unwrap_or(0));
        }
    }
    let decoded = String::from_utf8(bytes).map_err(|_| wrong("the bytes are not text in UTF-8"))?;
    Ok(Value::from(decoded))
}

fn url_encode(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len().saturating_mul(3))?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&canon::hex(&[byte]).to_ascii_uppercase());
        }
    }
    Ok(Value::from(out))
}

fn url_decode(args: &[V<'_>], meter: &mut Meter) -> Result<Value, Fail> {
    let text = text(args, 0)?;
    charge_text(meter, text.len())?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Err(Fail::new("bad_conversion", "two hexadecimal digits follow each `%`").of(0));
        };
        bytes.push(byte);
        rest = &tail[2..];
    }
    let decoded =
        String::from_utf8(bytes).map_err(|_| Fail::new("bad_conversion", "the bytes are not text in UTF-8").of(0))?;
    Ok(Value::from(decoded))
}
