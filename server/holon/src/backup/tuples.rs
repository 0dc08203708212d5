//! Counts the rows in what Postgres copies out in binary, however it is cut into pieces.

/// `PGCOPY\n\xff\r\n\0`, then flags and the length of an extension.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const HEAD: usize = SIGNATURE.len() + 8;

/// A counter over the pieces of one table.
#[derive(Debug, Default)]
pub struct Tuples {
    /// Rows that began so far.
    pub rows: u64,
    state: State,
    /// Bytes of the number being read.
    held: Vec<u8>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// The number of fields is next.
    Row,
    /// The length of a field is next, and so many fields are left.
    Field(u16),
    /// So many bytes of a field are left, then so many fields.
    Bytes(usize, u16),
    /// The end was read.
    Ended,
}

impl Tuples {
    /// Takes a piece; false when it is not what Postgres writes.
    pub fn take(&mut self, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            match self.state {
                State::Head => {
                    let Some(head) = self.number::<HEAD>(&mut piece) else { return true };
                    // An extension is for versions to come.
                    if !head.starts_with(SIGNATURE) || head[HEAD - 4..] != [0; 4] {
                        return false;
                    }
                    self.state = State::Row;
                }
                State::Row => {
                    let Some(fields) = self.number(&mut piece) else { return true };
                    match i16::from_be_bytes(fields) {
                        -1 => self.state = State::Ended,
                        fields => {
                            self.rows += 1;
                            let Ok(fields) = u16::try_from(fields) else { return false };
                            self.state = State::next(fields);
                        }
                    }
                }
                State::Field(left) => {
                    let Some(length) = self.number(&mut piece) else { return true };
                    // -1 is null.
                    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(0);
                    self.state = if length == 0 { State::next(left - 1) } else { State::Bytes(length, left - 1) };
                }
                State::Bytes(length, left) => {
                    let taken = length.min(piece.len());
                    piece = &piece[taken..];
                    self.state = if taken == length { State::next(left) } else { State::Bytes(length - taken, left) };
                }
                State::Ended => return false,
            }
        }
        true
    }

    /// Whether the end was read.
    pub fn ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The next `N` bytes, when they are all there.
    fn number<const N: usize>(&mut self, piece: &mut &[u8]) -> Option<[u8; N]> {
        let taken = (N - self.held.len()).min(piece.len());
        self.held.extend_from_slice(&piece[..taken]);
        *piece = &piece[taken..];
        let number = self.held.as_slice().try_into().ok()?;
        self.held.clear();
        Some(number)
    }
}

impl State {
    fn next(fields: u16) -> Self {
        if fields == 0 { Self::Row } else { Self::Field(fields) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied() -> Vec<u8> {
        let mut out = [SIGNATURE, &[0; 8]].concat();
        // (1 byte, null), (empty, 5 bytes)
        for row in [[Some(&b"a"[..]), None], [Some(&b""[..]), Some(&b"\xff\xff\xff\xff\xff"[..])]] {
            out.extend(2_i16.to_be_bytes());
            for field in row {
                out.extend(field.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap()).to_be_bytes());
                out.extend(field.unwrap_or_default());
            }
        }
        out.extend((-1_i16).to_be_bytes());
        out
    }

    #[test]
    fn rows_are_counted_however_the_stream_is_cut() {
        let bytes = copied();
        for size in 1..=bytes.len() {
            let mut tuples = Tuples::default();
            assert!(bytes.chunks(size).all(|piece| tuples.take(piece)));
            assert!(tuples.ended());
            assert_eq!(tuples.rows, 2);
        }
    }

    #[test]
    fn what_is_no_copy_or_goes_on_after_its_end_is_refused() {
        assert!(!Tuples::default().take(&[b'x'; HEAD]));
        let mut tuples = Tuples::default();
        assert!(tuples.take(&copied()));
        assert!(!tuples.take(b"x"));
        let mut half = Tuples::default();
        assert!(half.take(&copied()[..HEAD + 4]) && !half.ended());
    }
}
