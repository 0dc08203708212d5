//! The frames of a backup file: a kind, a length, a body. Behind a passphrase each body but the header's is sealed with
//! its number, so that no frame can be changed, moved or left out; the last frame is the hash of everything before it.

use std::io::{self, Read, Write};

use holon_platform::crypto::{PassphraseKey, random_bytes};

use super::Lock;
use super::manifest::{FORMAT, Header, Sealed};

/// The first line, for `file` and for people.
const MAGIC: &[u8] = b"holon backup 1\n";
/// Rows in one frame, about.
pub const CHUNK: usize = 256 << 10;
/// Bytes in one frame at most.
const MOST: usize = 16 << 20;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// What it comes from, JSON.
    Header = 1,
    /// The root key; only behind a passphrase.
    RootKey = 2,
    /// Begins a table, JSON.
    Table = 3,
    /// Rows of it.
    Rows = 4,
    /// What it holds, JSON.
    Manifest = 5,
    /// The hash of everything before it.
    End = 6,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Header, Self::RootKey, Self::Table, Self::Rows, Self::Manifest, Self::End]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

struct Seal {
    key: PassphraseKey,
    /// Frames belong to their file: the hash of its header.
    file: [u8; 32],
}

impl Seal {
    fn belongs_to(&self, kind: Kind) -> Vec<u8> {
        [b"holon backup|".as_slice(), &[kind as u8], &self.file].concat()
    }
}

/// Writes frames.
pub struct FrameWriter<W> {
    out: W,
    hasher: blake3::Hasher,
    seal: Option<Seal>,
    number: u64,
    /// Bytes so far.
    pub written: u64,
}

impl<W: Write> FrameWriter<W> {
    /// Begins a file.
    pub fn begin(out: W, mut header: Header, lock: &Lock) -> io::Result<Self> {
        let salt = lock.passphrase.as_ref().map(|_| random_bytes::<16>());
        header.sealed = salt.map(|salt| Sealed { salt: hex(&salt) });
        let body = serde_json::to_vec(&header)?;
        let mut writer = Self { out, hasher: blake3::Hasher::new(), seal: None, number: 0, written: 0 };
        writer.raw(MAGIC)?;
        writer.frame(Kind::Header, &body)?;
        if let (Some(passphrase), Some(salt)) = (&lock.passphrase, salt) {
            let key = PassphraseKey::new(passphrase, &salt);
            writer.seal = Some(Seal { key, file: *blake3::hash(&body).as_bytes() });
        }
        Ok(writer)
    }

    /// Writes one frame.
    pub fn frame(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        let sealed = self.seal.as_ref().map(|seal| seal.key.seal(self.number, &seal.belongs_to(kind), body));
        self.plain(kind, sealed.as_deref().unwrap_or(body))
    }

    fn plain(&mut self, kind: Kind, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(|_| io::Error::other("a frame of 4 GiB"))?;
        self.raw(&[kind as u8])?;
        self.raw(&length.to_le_bytes())?;
        self.raw(body)?;
        self.number += 1;
        Ok(())
    }

    /// Ends the file; gives back what it was written to.
    pub fn end(mut self) -> io::Result<W> {
        let hash = *self.hasher.finalize().as_bytes();
        self.plain(Kind::End, &hash)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// Why frames cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not what it should be.
    #[error("{0}")]
    Damaged(String),
    /// A passphrase is missing or given in vain.
    #[error("{0}")]
    Passphrase(&'static str),
}

fn damaged(why: impl Into<String>) -> Unreadable {
    Unreadable::Damaged(why.into())
}

/// Reads frames.
pub struct FrameReader<R> {
    input: R,
    hasher: blake3::Hasher,
    seal: Option<Seal>,
    number: u64,
}

impl<R: Read> FrameReader<R> {
    /// Begins to read a file.
    pub fn begin(input: R, lock: &Lock) -> Result<(Self, Header), Unreadable> {
        let mut reader = Self { input, hasher: blake3::Hasher::new(), seal: None, number: 0 };
        let mut magic = [0; MAGIC.len()];
        reader.exactly(&mut magic).map_err(|_| damaged("it is not a backup of Holon"))?;
        if magic != MAGIC {
            return Err(damaged("it is not a backup of Holon"));
        }
        let Some((Kind::Header, body)) = reader.read_frame()? else {
            return Err(damaged("it does not begin with a header"));
        };
        let header: Header =
            serde_json::from_slice(&body).map_err(|error| damaged(format!("its header does not read: {error}")))?;
        if header.format > FORMAT {
            return Err(damaged("it was made by a newer Holon; use that version"));
        }
        match (&header.sealed, &lock.passphrase) {
            (Some(sealed), Some(passphrase)) => {
                let salt = unhex(&sealed.salt).ok_or_else(|| damaged("its salt does not read"))?;
                let key = PassphraseKey::new(passphrase, &salt);
                reader.seal = Some(Seal { key, file: *blake3::hash(&body).as_bytes() });
            }
            (Some(_), None) => return Err(Unreadable::Passphrase("it is sealed; give --passphrase-file")),
            (None, Some(_)) => return Err(Unreadable::Passphrase("it is not sealed; leave --passphrase-file out")),
            (None, None) => {}
        }
        Ok((reader, header))
    }

    /// The next frame; `None` after the last one, when the hash of the file is right and nothing follows.
    pub fn read_frame(&mut self) -> Result<Option<(Kind, Vec<u8>)>, Unreadable> {
        let so_far = *self.hasher.finalize().as_bytes();
        let mut head = [0; 5];
        self.exactly(&mut head)?;
        let [kind, length @ ..] = head;
        let kind = Kind::of(kind).ok_or_else(|| damaged(format!("frame {} is of no kind", self.number)))?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > MOST {
            return Err(damaged(format!("frame {} has {length} bytes", self.number)));
        }
        let mut body = vec![0; length];
        self.exactly(&mut body)?;
        if kind == Kind::End {
            let mut rest = [0];
            return match () {
                () if body != so_far => Err(damaged("its hash is not that of its content")),
                () if self.input.read(&mut rest)? != 0 => Err(damaged("something follows its end")),
                () => Ok(None),
            };
        }
        if let Some(seal) = &self.seal {
            body = seal.key.open(self.number, &seal.belongs_to(kind), &body).map_err(|_| match self.number {
                1 => Unreadable::Passphrase("the passphrase is not the one that it was sealed with"),
                number => damaged(format!("frame {number} cannot be opened")),
            })?;
        }
        self.number += 1;
        Ok(Some((kind, body)))
    }

    fn exactly(&mut self, buffer: &mut [u8]) -> Result<(), Unreadable> {
        self.input.read_exact(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends in the middle"),
            _ => error.into(),
        })?;
        self.hasher.update(buffer);
        Ok(())
    }
}

/// Hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut out = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_model::Timestamp;
    use holon_platform::crypto::Secret;

    fn header() -> Header {
        Header {
            format: FORMAT,
            made_at: Timestamp(1),
            holon: "0.1.0".into(),
            postgres: "15".into(),
            root_key: "00".into(),
            migrations: vec![],
            sealed: None,
        }
    }

    fn lock(passphrase: Option<&str>) -> Lock {
        Lock { passphrase: passphrase.map(|text| Secret::new(text.as_bytes())) }
    }

    fn file(passphrase: Option<&str>) -> Vec<u8> {
        let mut writer = FrameWriter::begin(Vec::new(), header(), &lock(passphrase)).unwrap();
        writer.frame(Kind::Table, b"{}").unwrap();
        writer.frame(Kind::Rows, b"some rows").unwrap();
        writer.frame(Kind::Manifest, b"{}").unwrap();
        writer.end().unwrap()
    }

    fn read(bytes: &[u8], passphrase: Option<&str>) -> Result<Vec<(Kind, Vec<u8>)>, Unreadable> {
        let (mut reader, _) = FrameReader::begin(bytes, &lock(passphrase))?;
        let mut frames = Vec::new();
        while let Some(frame) = reader.read_frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn what_was_written_is_read_sealed_or_not() {
        for passphrase in [None, Some("tangerine boat")] {
            let bytes = file(passphrase);
            let frames = read(&bytes, passphrase).unwrap();
            assert_eq!(frames[1], (Kind::Rows, b"some rows".to_vec()));
            assert_eq!(frames.len(), 3);
            assert_eq!(passphrase.is_none(), bytes.windows(9).any(|w| w == b"some rows"));
        }
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let bytes = file(None);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(read(&bad, None).is_err(), "byte {at}");
            assert!(read(&bytes[..at], None).is_err(), "cut at {at}");
        }
        assert!(read(&[bytes.as_slice(), b"x"].concat(), None).is_err());
    }

    #[test]
    fn a_sealed_file_says_what_is_wrong_with_the_passphrase() {
        let (sealed, plain) = (file(Some("right")), file(None));
        for (bytes, passphrase, said) in [
            (&sealed, None, "is sealed"),
            (&sealed, Some("wrong"), "is not the one"),
            (&plain, Some("right"), "is not sealed"),
        ] {
            let error = read(bytes, passphrase).unwrap_err();
            assert!(matches!(error, Unreadable::Passphrase(text) if text.contains(said)), "{error}");
        }
    }
}
