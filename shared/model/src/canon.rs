//! The canonical encoding: one value, one sequence of bytes, on every platform. What hashes cover.
//!
//! Each item is a tag byte and its content; lengths are 8 bytes, little-endian; maps are sorted by UTF-8 bytes; a number is its
//! shortest exact decimal text, so `1`, `1.0` and `1.00` are one number. RFC 8785 does not fit: it knows only doubles.

use crate::{Decimal, Value};

/// Appends canonical items to a buffer.
#[derive(Debug, Default, Clone)]
pub struct Canon(Vec<u8>);

impl Canon {
    /// An empty encoding.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Forgets the bytes, keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// blake3 of the bytes so far.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }

    /// One byte that says what follows.
    pub fn tag(&mut self, tag: u8) -> &mut Self {
        self.0.push(tag);
        self
    }

    /// A number of 64 bits.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Bytes with their length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.u64(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// Text with its length.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Text of at most 255 bytes with its length in one byte: names that stand everywhere. Longer text is cut there.
    pub fn short(&mut self, text: &str) -> &mut Self {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        self.0.push(length);
        self.0.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
        self
    }

    /// A value, whole.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Null => self.tag(b'n'),
            Value::Bool(false) => self.tag(b'f'),
            Value::Bool(true) => self.tag(b't'),
            Value::Int(value) => {
                let mut digits = [0; 20];
                self.tag(b'd').bytes(int_text(*value, &mut digits))
            }
            Value::Decimal(value) => self.tag(b'd').text(&number_text(*value)),
            Value::Str(text) => self.tag(b's').text(text),
            Value::List(items) => {
                self.tag(b'l').u64(items.len() as u64);
                items.iter().fold(self, |canon, item| canon.value(item))
            }
            Value::Map(map) => {
                self.tag(b'm').u64(map.len() as u64);
                map.iter().fold(self, |canon, (key, value)| canon.text(key).value(value))
            }
            Value::Blob(blob) => self.tag(b'b').text(&blob.hash).u64(blob.len).text(&blob.media_type),
        }
    }
}

/// The shortest exact text of a number: no trailing zeros, no `-0`.
pub fn number_text(value: Decimal) -> String {
    value.normalize().to_string()
}

/// Digits without allocating: numbers are most of what hot runs hash.
fn int_text(value: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = value.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}

/// Lower-case hexadecimal text of a hash.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: Value) -> Vec<u8> {
        Canon::new().value(&value).as_bytes().to_vec()
    }

    #[test]
    fn equal_numbers_have_one_encoding() {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        assert_eq!(bytes(Value::Int(1)), bytes(decimal("1.00")));
        assert_eq!(bytes(Value::Int(0)), bytes(decimal("-0.0")));
        assert_ne!(bytes(Value::Int(1)), bytes(Value::str("1")));
        for value in [i64::MIN, -1, 0, 7, i64::MAX] {
            assert_eq!(bytes(Value::Int(value)), bytes(Value::Decimal(value.into())));
        }
    }

    #[test]
    fn neighbouring_texts_do_not_run_together() {
        assert_ne!(bytes(Value::list(["ab".into(), "c".into()])), bytes(Value::list(["a".into(), "bc".into()])));
    }
}
