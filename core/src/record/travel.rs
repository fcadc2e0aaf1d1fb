//! A record, or what is left of one, as it travels between devices: one compact array (CBOR), the same
//! for every driver. The stamps go as they are stored.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::dots::Dot;
use super::merge::{Sibling, Whole};
use super::meta::Meta;
use super::{Fields, Record, bounds};
use crate::ids::{DeviceId, RecordId};
use crate::time::{DAY_MS, Hlc, Moment, Stamp, UtcMillis};

/// What one local sequence number stands for.
#[derive(Clone, PartialEq)]
pub(crate) enum Traveling {
    /// A record, deleted or not.
    Record(Box<Whole>),
    /// One that was erased for good or purged.
    Gone(Gone),
}

impl Traveling {
    /// Which record.
    pub(crate) fn id(&self) -> RecordId {
        match self {
            Self::Record(whole) => whole.record.id,
            Self::Gone(gone) => gone.id,
        }
    }
}

/// What is left of a record.
#[derive(Clone, PartialEq)]
pub(crate) struct Gone {
    pub(crate) id: RecordId,
    /// Erased for good: beats any edit.
    pub(crate) erased: bool,
    pub(crate) stamp: Stamp,
    /// What a purged record had taken in: an edit beyond that brings it back. Nothing of one that was erased,
    /// which no edit does.
    pub(crate) seen: Seen,
}

impl Gone {
    /// Without what it had taken in, where it is erased for good.
    pub(super) fn for_good(mut self) -> Self {
        if self.erased {
            self.seen.clear();
        }
        self
    }
}

/// For each device the highest of its stamps.
pub(crate) type Seen = std::collections::BTreeMap<DeviceId, Hlc>;

/// The bytes are not a record; why does not matter to anybody but a programmer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl From<minicbor::decode::Error> for Unreadable {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

type Read<T> = Result<T, Unreadable>;
/// Writing into memory cannot fail.
type Out = Encoder<Vec<u8>>;
type Wrote = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

const RECORD: u8 = 0;
const GONE: u8 = 1;
const TOO_LARGE: u8 = 2;
/// Moments that can be written down, the years 0 to 9999 with a day to spare on both sides.
const MOMENTS_MS: std::ops::RangeInclusive<i64> =
    -62_167_219_200_000 - DAY_MS..=253_402_300_800_000 + DAY_MS;
/// No clock is further from UTC.
const MOST_OFFSET_MIN: u16 = 24 * 60 - 1;

pub(crate) fn encode(traveling: &Traveling) -> Vec<u8> {
    let mut out = Encoder::new(Vec::with_capacity(1024));
    let wrote = match traveling {
        Traveling::Record(whole) => encode_whole(&mut out, whole),
        Traveling::Gone(gone) => encode_gone(&mut out, gone),
    };
    debug_assert!(wrote.is_ok());
    out.into_writer()
}

/// What goes in place of a record that no page can hold: the other side may have an older form of it.
pub(crate) fn too_large(id: RecordId) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    let wrote =
        out.array(2).and_then(|out| out.u8(TOO_LARGE)).and_then(|out| out.bytes(&id.bytes()));
    debug_assert!(wrote.is_ok());
    out.into_writer()
}

/// Whether these bytes stand for a record that is too large.
pub(crate) fn is_too_large(bytes: &[u8]) -> bool {
    let mut input = Decoder::new(bytes);
    matches!((input.array(), input.u8()), (Ok(Some(2)), Ok(TOO_LARGE)))
}

fn encode_whole(out: &mut Out, whole: &Whole) -> Wrote {
    let Whole { record, siblings } = whole;
    out.array(9)?.u8(RECORD)?.bytes(&record.id.bytes())?.str(&record.kind)?;
    out.i64(record.at.utc.0)?;
    match record.at.offset_min {
        Some(offset) => out.i16(offset)?,
        None => out.null()?,
    };
    out.bool(record.alive)?.bytes(&record.meta.encode())?.str(&json(&record.fields))?;
    out.array(siblings.len() as u64)?;
    for sibling in siblings {
        let Sibling { path, stamp: written, dot } = sibling;
        out.array(4)?.str(path)?;
        stamp(out, *written)?;
        match &dot.value {
            Some(value) => out.str(&value.to_string())?,
            None => out.null()?,
        };
        if dot.author == *written {
            out.null()?;
        } else {
            stamp(out, dot.author)?;
        }
    }
    Ok(())
}

fn encode_gone(out: &mut Out, gone: &Gone) -> Wrote {
    out.array(5)?.u8(GONE)?.bytes(&gone.id.bytes())?.bool(gone.erased)?;
    stamp(out, gone.stamp)?;
    encode_seen(out, &gone.seen)
}

fn encode_seen(out: &mut Out, seen: &Seen) -> Wrote {
    out.map(seen.len() as u64)?;
    for (device, hlc) in seen {
        out.u64(device.0)?.u64(hlc.0)?;
    }
    Ok(())
}

/// As it is stored.
pub(crate) fn seen_bytes(seen: &Seen) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    let wrote = encode_seen(&mut out, seen);
    debug_assert!(wrote.is_ok());
    out.into_writer()
}

/// From what was stored.
pub(crate) fn read_seen(bytes: &[u8]) -> Read<Seen> {
    decode_seen(&mut Decoder::new(bytes))
}

fn stamp(out: &mut Out, stamp: Stamp) -> Wrote {
    out.array(2)?.u64(stamp.hlc.0)?.u64(stamp.device.0)?;
    Ok(())
}

fn json(fields: &Fields) -> String {
    // A map of strings to JSON values is always written.
    serde_json::to_string(fields).unwrap_or_default()
}

pub(crate) fn decode(bytes: &[u8]) -> Read<Traveling> {
    let mut input = Decoder::new(bytes);
    let length = array(&mut input)?;
    let traveling = match (input.u8()?, length) {
        (RECORD, 9) => Traveling::Record(Box::new(decode_whole(&mut input)?)),
        (GONE, 5) => Traveling::Gone(Gone {
            id: id(&mut input)?,
            erased: input.bool()?,
            stamp: read_stamp(&mut input)?,
            seen: decode_seen(&mut input)?,
        }),
        _ => return Err(Unreadable),
    };
    if input.position() == bytes.len() { Ok(traveling) } else { Err(Unreadable) }
}

fn decode_whole(input: &mut Decoder<'_>) -> Read<Whole> {
    let id = id(input)?;
    let kind = input.str()?.to_owned();
    let utc = UtcMillis(input.i64()?);
    let offset_min = if null(input)? { None } else { Some(input.i16()?) };
    let alive = input.bool()?;
    let meta = Meta::decode(input.bytes()?).ok_or(Unreadable)?;
    let seen = meta.seen();
    if seen.keys().any(|device| i64::try_from(device.0).is_err()) {
        return Err(Unreadable);
    }
    let fields: Fields = serde_json::from_str(input.str()?).map_err(|_| Unreadable)?;
    if !bounds::is_word(&kind) {
        return Err(Unreadable);
    }
    let mut siblings = Vec::new();
    for _ in 0..array(input)? {
        expect_array(input, 4)?;
        let path = input.str()?.to_owned();
        let stamp = read_stamp(input)?;
        let value = if null(input)? { None } else { Some(input.str()?) };
        let value = value.map(serde_json::from_str).transpose().map_err(|_| Unreadable)?;
        let author = if null(input)? { stamp } else { read_stamp(input)? };
        siblings.push(Sibling { path, stamp, dot: Dot { value, author } });
    }
    let at = Moment { utc, offset_min };
    let is_moment = MOMENTS_MS.contains(&utc.0)
        && offset_min.is_none_or(|offset| offset.unsigned_abs() <= MOST_OFFSET_MIN)
        && bounds::is_moment(at);
    // What stands beside a record was written by somebody whom it has heard.
    let known = |stamp: &Stamp| seen.get(&stamp.device) >= Some(&stamp.hlc);
    let all_known = meta.authors.values().all(known)
        && siblings.iter().all(|one| known(&one.stamp) && known(&one.dot.author));
    if !is_moment || !all_known {
        return Err(Unreadable);
    }
    Ok(Whole { record: Record { id, kind, at, fields, alive, lseq: 0, meta }, siblings })
}

fn decode_seen(input: &mut Decoder<'_>) -> Read<Seen> {
    let mut seen = Seen::new();
    for _ in 0..input.map()?.ok_or(Unreadable)? {
        seen.insert(device(input)?, Hlc(input.u64()?));
    }
    Ok(seen)
}

fn id(input: &mut Decoder<'_>) -> Read<RecordId> {
    let bytes = input.bytes()?.try_into().map_err(|_| Unreadable)?;
    Ok(RecordId::from_bytes(bytes))
}

fn read_stamp(input: &mut Decoder<'_>) -> Read<Stamp> {
    expect_array(input, 2)?;
    Ok(Stamp { hlc: Hlc(input.u64()?), device: device(input)? })
}

/// A device id is stored as a positive number of 64 bits.
fn device(input: &mut Decoder<'_>) -> Read<DeviceId> {
    let id = input.u64()?;
    if i64::try_from(id).is_ok() { Ok(DeviceId(id)) } else { Err(Unreadable) }
}

fn array(input: &mut Decoder<'_>) -> Read<u64> {
    input.array()?.ok_or(Unreadable)
}

fn expect_array(input: &mut Decoder<'_>, length: u64) -> Read<()> {
    if array(input)? == length { Ok(()) } else { Err(Unreadable) }
}

fn null(input: &mut Decoder<'_>) -> Read<bool> {
    let is_null = input.datatype()? == Type::Null;
    if is_null {
        input.null()?;
    }
    Ok(is_null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MINUTE_MS;
    use proptest::prelude::*;

    fn stamp(hlc: u64) -> Stamp {
        Stamp { hlc: Hlc(hlc), device: DeviceId(1) }
    }

    fn whole(ms: i64, offset: i16, beside: u64) -> Whole {
        let meta = Meta::new(stamp(9), [].into());
        let at = Moment { utc: UtcMillis(ms), offset_min: Some(offset) };
        let id = RecordId::from_bytes([1; 16]);
        let (kind, fields) = ("case".to_owned(), Fields::new());
        let record = Record { id, kind, at, fields, alive: true, lseq: 0, meta };
        let dot = Dot { value: None, author: stamp(beside) };
        let sibling = Sibling { path: "role".to_owned(), stamp: stamp(9), dot };
        Whole { record, siblings: vec![sibling] }
    }

    #[test]
    fn no_moment_is_out_of_reach_and_no_stamp_is_unheard_of() {
        let reads = |whole| decode(&encode(&Traveling::Record(Box::new(whole)))).is_ok();
        assert!(reads(whole(0, -300, 9)));
        assert!(!reads(whole(0, -300, 10)));
        assert!(!reads(whole(0, 1440, 9)));
        for ms in [i64::MIN, -70_000_000_000_000, 260_000_000_000_000, i64::MAX] {
            assert!(!reads(whole(ms, 0, 9)), "{ms}");
        }
        // The first and the last minute that a text with four digits for the year can say, in UTC.
        let day = 1439;
        let first = *MOMENTS_MS.start() + DAY_MS - i64::from(day) * MINUTE_MS;
        let last = *MOMENTS_MS.end() - DAY_MS - MINUTE_MS + i64::from(day) * MINUTE_MS;
        for (ms, offset) in [(first, day), (last, -day)] {
            assert!(reads(whole(ms, offset, 9)) && !reads(whole(ms, 0, 9)), "{ms}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn what_is_gone_reads_back(id: [u8; 16], erased: bool, hlc: u64, device in 0..1u64 << 63, seen in prop::collection::btree_map(0..1u64 << 63, any::<u64>(), 0..4)) {
            let seen = seen.into_iter().map(|(device, hlc)| (DeviceId(device), Hlc(hlc))).collect();
            let stamp = Stamp { hlc: Hlc(hlc), device: DeviceId(device) };
            let gone = Traveling::Gone(Gone { id: RecordId::from_bytes(id), erased, stamp, seen });
            let bytes = encode(&gone);
            prop_assert!(decode(&bytes) == Ok(gone));
            for end in 0..bytes.len() {
                prop_assert!(decode(&bytes[..end]).is_err());
            }
        }
    }
}
