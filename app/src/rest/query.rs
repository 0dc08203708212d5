//! Addresses with a query: percent-encoding of what people typed.

/// Builds `path?a=1&b=2`, leaving out what is empty.
#[derive(Debug, Clone)]
pub struct Query(String);

impl Query {
    /// Starts at a path.
    pub fn new(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Adds a parameter, if it says something.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            encode(value, &mut self.0);
        }
        self
    }

    /// The address.
    pub fn build(self) -> String {
        self.0
    }
}

/// A text as one segment of an address.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out);
    out
}

/// RFC 3986: everything but the unreserved characters as percent and two digits.
fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn an_address_leaves_out_what_is_empty_and_encodes_what_was_typed() {
        let address = Query::new("/flows").with("q", "a&b ü").with("cursor", "").with("limit", "50").build();
        assert_eq!(address, "/flows?q=a%26b%20%C3%BC&limit=50");
    }
}
