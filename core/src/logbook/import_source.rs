//! Where imported lines come from. They are read twice: checked, then written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{LineProblem, LogbookError, Result};
use crate::export::jsonl::{LINE_BYTES_SKIPPED_MAX, Lines};

/// Where imported lines come from.
#[derive(Clone)]
pub enum ImportSource {
    /// A file; it is read twice, so no pipe.
    Path(PathBuf),
    /// What was read already.
    Bytes(Arc<[u8]>),
    /// What came through a pipe, and is kept in memory packed.
    Packed(Packed),
}

/// What came once and is read again: packed in memory, since a file of it would be readable.
#[derive(Clone)]
pub struct Packed {
    pieces: Arc<Pieces>,
    bytes: u64,
}

impl ImportSource {
    /// Reads what can be read only once, such as standard input, to its end.
    ///
    /// # Errors
    /// `BadLine` where it is no text of lines; `TooMuchAtOnce` where even packed it is too much.
    pub fn read_once(mut input: impl Read) -> Result<Self> {
        let mut packer = Packer::new()?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match input.read(&mut piece) {
                Ok(0) => return packer.finish(),
                Ok(read) => packer.add(&piece[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) fn open(&self) -> Result<Lines> {
        let input: Box<dyn BufRead + Send> = match self {
            Self::Path(path) => {
                let file = File::open(path).map_err(|error| LogbookError::reading(&error))?;
                Box::new(BufReader::with_capacity(1 << 16, file))
            }
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::Packed(packed) => Box::new(BufReader::new(packed.open()?)),
        };
        Ok(Lines::new(input))
    }

    pub(super) fn bytes(&self) -> Result<u64> {
        match self {
            Self::Path(path) => {
                let about = std::fs::metadata(path);
                Ok(about.map_err(|error| LogbookError::reading(&error))?.len())
            }
            Self::Bytes(bytes) => Ok(bytes.len() as u64),
            Self::Packed(packed) => Ok(packed.bytes),
        }
    }
}

impl Packed {
    /// From its beginning.
    ///
    /// # Errors
    /// `Io` where there is no memory for unpacking.
    pub fn open(&self) -> Result<impl Read + Send + use<>> {
        let reader = PiecesReader { pieces: self.pieces.clone(), piece: 0, at: 0 };
        Ok(zstd::stream::read::Decoder::new(reader)?)
    }
}

const PIECE_BYTES: usize = 1 << 18;
/// Lines of JSON pack to a tenth or less: this is some gigabytes of them.
const PACKED_BYTES_MAX: usize = 160 << 20;
/// The quickest; it runs as fast as a disk reads.
const PACKING_LEVEL: i32 = 1;

/// Packs what comes in pieces.
pub struct Packer {
    packing: zstd::stream::write::Encoder<'static, Pieces>,
    bytes: u64,
    /// Of the line that has not ended yet.
    line_bytes: usize,
    lines: u64,
}

impl Packer {
    /// Begins.
    ///
    /// # Errors
    /// `Io` where there is no memory for it.
    pub fn new() -> Result<Self> {
        let packing = zstd::stream::write::Encoder::new(Pieces::default(), PACKING_LEVEL)?;
        Ok(Self { packing, bytes: 0, line_bytes: 0, lines: 0 })
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// `BadLine` where a line does not end; `TooMuchAtOnce`.
    pub fn add(&mut self, piece: &[u8]) -> Result<()> {
        let ends = piece.split(|byte| *byte == b'\n').count() as u64 - 1;
        let rest = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let before = if ends == 0 { self.line_bytes } else { 0 };
        self.line_bytes = before + piece.len() - rest;
        self.lines += ends;
        self.bytes += piece.len() as u64;
        if self.line_bytes > LINE_BYTES_SKIPPED_MAX {
            let reason = LineProblem::TooLarge;
            return Err(LogbookError::BadLine { line: self.lines + 1, reason });
        }
        self.packing.write_all(piece)?;
        if self.packing.get_ref().bytes > PACKED_BYTES_MAX {
            return Err(LogbookError::TooMuchAtOnce);
        }
        Ok(())
    }

    /// All of it, to be read.
    ///
    /// # Errors
    /// `Io` where there is no memory for the rest.
    pub fn finish(self) -> Result<ImportSource> {
        let pieces = Arc::new(self.packing.finish()?);
        Ok(ImportSource::Packed(Packed { pieces, bytes: self.bytes }))
    }
}

/// Bytes in pieces, so that to grow they are never copied.
#[derive(Default)]
struct Pieces {
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let has_room = |piece: &&mut Vec<u8>| piece.capacity() - piece.len() >= bytes.len();
        if let Some(piece) = self.pieces.last_mut().filter(has_room) {
            piece.extend_from_slice(bytes);
        } else {
            let mut piece = Vec::with_capacity(bytes.len().max(PIECE_BYTES));
            piece.extend_from_slice(bytes);
            self.pieces.push(piece);
        }
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct PiecesReader {
    pieces: Arc<Pieces>,
    piece: usize,
    at: usize,
}

impl Read for PiecesReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.pieces.get(self.piece) {
            let rest = &piece[self.at..];
            if rest.is_empty() {
                (self.piece, self.at) = (self.piece + 1, 0);
                continue;
            }
            let read = rest.len().min(into.len());
            into[..read].copy_from_slice(&rest[..read]);
            self.at += read;
            return Ok(read);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpacked(source: &ImportSource) -> Vec<u8> {
        let ImportSource::Packed(packed) = source else { panic!("it is packed") };
        let mut bytes = Vec::new();
        packed.open().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, source.bytes().unwrap());
        bytes
    }

    proptest! {
        #[test]
        fn what_came_once_can_be_read_again(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..20),
        ) {
            let mut packer = Packer::new().unwrap();
            for piece in &pieces {
                packer.add(piece).unwrap();
            }
            let source = packer.finish().unwrap();
            prop_assert_eq!(unpacked(&source), pieces.concat());
            prop_assert_eq!(unpacked(&source), pieces.concat());
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused_and_memory_is_bounded() {
        let endless = ImportSource::read_once(Read::chain(&b"ok\n"[..], io::repeat(0)));
        let refused = LogbookError::BadLine { line: 2, reason: LineProblem::TooLarge };
        assert_eq!(endless.err(), Some(refused));
        // Noise with line ends does not pack.
        let mut state = 1_u64;
        let mut noise = move |bytes: &mut [u8]| {
            for byte in bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = state.to_be_bytes()[0];
            }
        };
        let mut packer = Packer::new().unwrap();
        let mut piece = vec![0; PIECE_BYTES];
        let told = (0..2_000).find_map(|_| {
            noise(&mut piece);
            packer.add(&piece).err()
        });
        assert_eq!(told, Some(LogbookError::TooMuchAtOnce));
        assert!(packer.packing.get_ref().bytes < PACKED_BYTES_MAX + (1 << 20));
    }
}
