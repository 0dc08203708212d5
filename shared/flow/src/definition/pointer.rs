//! Where something stands in a definition: a chain on the stack that becomes a JSON pointer only when it is reported.

/// A place, and the place it is in.
#[derive(Debug, Clone, Copy)]
pub struct Pointer<'a> {
    parent: Option<&'a Pointer<'a>>,
    token: Token<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    Root,
    Key(&'a str),
    Index(usize),
    /// Already written as a pointer.
    Rest(&'a str),
}

impl Pointer<'static> {
    /// The whole document.
    pub const ROOT: Self = Self { parent: None, token: Token::Root };
}

impl<'a> Pointer<'a> {
    /// The member `key` of this place.
    pub fn key<'b>(&'b self, key: &'b str) -> Pointer<'b> {
        Pointer { parent: Some(self), token: Token::Key(key) }
    }

    /// The item `index` of this place.
    pub fn index(&self, index: usize) -> Pointer<'_> {
        Pointer { parent: Some(self), token: Token::Index(index) }
    }

    /// The place that `pointer` leads to from here; it starts with `/` or is empty.
    pub fn rest<'b>(&'b self, pointer: &'b str) -> Pointer<'b> {
        Pointer { parent: Some(self), token: Token::Rest(pointer) }
    }
}

impl std::fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // As deep as scopes may nest, which is little.
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.token {
            Token::Root => Ok(()),
            Token::Key(key) => write!(f, "/{}", escape(key)),
            Token::Index(index) => write!(f, "/{index}"),
            Token::Rest(pointer) => f.write_str(pointer),
        }
    }
}

/// A key as a token of a JSON pointer (RFC 6901).
pub fn escape(key: &str) -> std::borrow::Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_reads_as_a_pointer() {
        let nodes = Pointer::ROOT.key("nodes");
        let node = nodes.key("a/b");
        assert_eq!(node.index(3).rest("/x").to_string(), "/nodes/a~1b/3/x");
        assert_eq!(Pointer::ROOT.to_string(), "");
    }
}
