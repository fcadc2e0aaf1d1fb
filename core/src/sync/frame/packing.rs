//! The records of a page, compressed.
//!
//! The pages of one session are one stream: what a page says like those before it costs nothing again.
//! Where pages may be read alone, each is a stream of its own.

use std::io;

use minicbor::{Decoder, Encoder};
use zstd::stream::raw::{self, CParameter, DParameter, InBuffer, Operation as _, OutBuffer};

use super::{MOST_BYTES, NotAFrame, PAGE_RECORDS, Page, Read, Wrote, array};

const LEVEL: i32 = 3;
/// Both sides remember so much of what went before: 2 MiB.
const WINDOW_LOG: u32 = 21;
const CHUNK: usize = 128 * 1024;

/// Packs records, each as `record::travel` writes it.
pub fn pack<'a>(records: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    // Compressing into memory fails only where there is none left.
    zstd::bulk::compress(&joined(records), LEVEL).unwrap_or_default()
}

/// Unpacks the records of a page that stands alone; it must hold as many as it says.
pub fn unpack(page: &Page) -> Read<Vec<Vec<u8>>> {
    let plain = zstd::bulk::decompress(&page.packed, MOST_BYTES).map_err(|_| NotAFrame)?;
    parted(page.count, &plain)
}

/// Packs the pages of a session, in their order.
#[derive(Default)]
pub(crate) struct Packer(Option<raw::Encoder<'static>>);

impl Packer {
    pub(crate) fn pack<'a>(&mut self, records: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
        // Without memory for it the page is nothing, and the other side hangs up.
        self.packed(&joined(records)).unwrap_or_default()
    }

    fn packed(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let encoder = match &mut self.0 {
            Some(encoder) => encoder,
            none => {
                let mut encoder = raw::Encoder::new(LEVEL)?;
                encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
                none.insert(encoder)
            }
        };
        let (mut packed, mut chunk) = (Vec::new(), vec![0; CHUNK]);
        let mut input = InBuffer::around(plain);
        loop {
            let mut output = OutBuffer::around(&mut chunk[..]);
            let is_read = input.pos == plain.len();
            let left = if is_read {
                encoder.flush(&mut output)?
            } else {
                encoder.run(&mut input, &mut output)?
            };
            packed.extend_from_slice(output.as_slice());
            if is_read && left == 0 {
                return Ok(packed);
            }
        }
    }
}

/// Unpacks the pages of a session, in their order.
#[derive(Default)]
pub struct Unpacker(Option<raw::Decoder<'static>>);

impl Unpacker {
    /// The records of the next page; it must hold as many as it says.
    pub fn unpack(&mut self, page: &Page) -> Read<Vec<Vec<u8>>> {
        let plain = self.plain(&page.packed).map_err(|_| NotAFrame)?;
        parted(page.count, &plain)
    }

    fn plain(&mut self, packed: &[u8]) -> io::Result<Vec<u8>> {
        let decoder = match &mut self.0 {
            Some(decoder) => decoder,
            none => {
                let mut decoder = raw::Decoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
                none.insert(decoder)
            }
        };
        let (mut plain, mut chunk) = (Vec::new(), vec![0; CHUNK]);
        let mut input = InBuffer::around(packed);
        loop {
            let mut output = OutBuffer::around(&mut chunk[..]);
            decoder.run(&mut input, &mut output)?;
            let got = output.pos();
            plain.extend_from_slice(output.as_slice());
            if plain.len() > MOST_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if input.pos == packed.len() && got < CHUNK {
                return Ok(plain);
            }
        }
    }
}

fn joined<'a>(records: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    let wrote = write(&mut out, records);
    debug_assert!(wrote.is_ok(), "memory takes every byte");
    out.into_writer()
}

fn write<'a>(out: &mut super::Out, records: impl ExactSizeIterator<Item = &'a [u8]>) -> Wrote {
    out.array(records.len() as u64)?;
    for record in records {
        out.bytes(record)?;
    }
    Ok(())
}

fn parted(expected: u32, plain: &[u8]) -> Read<Vec<Vec<u8>>> {
    let mut input = Decoder::new(plain);
    let count = array(&mut input)?;
    if count != u64::from(expected) || expected as usize > PAGE_RECORDS {
        return Err(NotAFrame);
    }
    let records = (0..count).map(|_| Ok(input.bytes()?.to_vec()));
    let records = records.collect::<Read<_>>()?;
    if input.position() == plain.len() { Ok(records) } else { Err(NotAFrame) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(count: u32, packed: Vec<u8>) -> Page {
        Page {
            from: 0,
            to: 1,
            more: false,
            is_repair: false,
            receipt: super::super::Receipt::default(),
            count,
            packed,
        }
    }

    #[test]
    fn pages_of_a_session_remember_those_before() {
        let random = |seed: u64| -> Vec<u8> {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            };
            (0..50_000).map(|_| next()).collect()
        };
        let (mut packer, mut unpacker) = (Packer::default(), Unpacker::default());
        let (one, other) = (random(1), random(2));
        let mut sizes = Vec::new();
        for record in [&one, &other, &one] {
            let sent = packer.pack([record.as_slice(), b"end"].into_iter());
            sizes.push(sent.len());
            let records = unpacker.unpack(&page(2, sent)).unwrap();
            assert_eq!(records, [record.clone(), b"end".to_vec()]);
        }
        assert!(sizes[0] > 40_000 && sizes[1] > 40_000 && sizes[2] < 1_000, "{sizes:?}");
        let empty = packer.pack(std::iter::empty());
        assert_eq!(unpacker.unpack(&page(0, empty)), Ok(Vec::new()));
    }

    #[test]
    fn a_stream_that_is_damaged_cut_off_or_grows_too_large_is_no_page() {
        let packed = Packer::default().pack([b"one".as_slice(), b"two"].into_iter());
        let unpack =
            |count, packed: &[u8]| Unpacker::default().unpack(&page(count, packed.to_vec()));
        assert_eq!(unpack(2, &packed).unwrap().len(), 2);
        assert_eq!(unpack(1, &packed), Err(NotAFrame));
        for end in 0..packed.len() {
            assert_eq!(unpack(2, &packed[..end]), Err(NotAFrame), "cut at {end}");
        }
        let bomb = zstd::bulk::compress(&vec![0; MOST_BYTES * 4], LEVEL).unwrap();
        assert_eq!(unpack(0, &bomb), Err(NotAFrame));
        // A window beyond what is remembered.
        let mut wide = zstd::bulk::Compressor::new(19).unwrap();
        wide.set_parameter(CParameter::WindowLog(27)).unwrap();
        wide.set_parameter(CParameter::ContentSizeFlag(false)).unwrap();
        let wide = wide.compress(&vec![7; MOST_BYTES]).unwrap();
        assert_eq!(unpack(0, &wide), Err(NotAFrame));
    }
}
