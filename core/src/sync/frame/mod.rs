//! The frames of a session: CBOR arrays that begin with their tag.

mod packing;
mod receipt;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::ids::{DeviceId, RecordId};
use crate::record::sums::{BUCKETS, Bucket, Root, Sums};
use crate::time::UtcMillis;

pub(crate) use packing::Packer;
pub use packing::{Unpacker, pack, unpack};
pub use receipt::{Receipt, ReceiptKey};

/// The protocol versions that this build speaks.
pub const PROTOCOL: (u8, u8) = (1, 1);
/// A page holds at most so many records,
pub const PAGE_RECORDS: usize = 500;
/// and so many bytes before it is compressed; one larger record stands alone.
pub const PAGE_BYTES: usize = 256 * 1024;
/// No frame, and no page when it is unpacked, is larger.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Elements of a Hello; later versions may add to them.
const HELLO: u64 = 12;

/// What each side says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Lowest and highest protocol version that is spoken.
    pub protocol: (u8, u8),
    /// The schema of its book; for people who look for a fault.
    pub schema: u32,
    /// Its device id: another one than last time starts from nothing.
    pub replica: DeviceId,
    /// Whom it takes the other for, and how far it has taken that one in.
    pub knows: Option<(DeviceId, u64)>,
    /// Its highest local sequence.
    pub head: u64,
    /// How many records it has for the other.
    pub waiting: u64,
    /// What all its records say, as one hash.
    pub root: Root,
    /// Its clock.
    pub now: UtcMillis,
    /// The other's receipt for how far it has taken that one in.
    pub receipt: Receipt,
}

/// Records in the order of the sender's local sequence, beyond `from` and up to `to`.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// The receiver must have everything up to here,
    pub from: u64,
    /// and has everything up to here afterwards.
    pub to: u64,
    /// Another page follows.
    pub more: bool,
    /// Sent because sums differ: it moves no cursor.
    pub is_repair: bool,
    /// The sender's receipt for where it is afterwards.
    pub receipt: Receipt,
    /// How many records.
    pub count: u32,
    /// The records, compressed.
    pub packed: Vec<u8>,
}

quiet_debug!(Page);

impl Page {
    /// Whether it may come now: it goes on where the receiver is, or repairs. Cursors are stored as
    /// signed numbers.
    pub(crate) fn is_next(&self, cursor: u64) -> bool {
        let goes_on = self.from == cursor && self.to > self.from;
        i64::try_from(self.to).is_ok() && (self.is_repair || goes_on)
    }
}

/// Why a record was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum WhyRefused {
    /// Nobody can read it, or only a newer version can.
    Unreadable,
    /// It is dated in another century.
    FarAhead,
    /// It is larger than any record may be that is sent.
    TooLarge,
    /// More is in it than in any record that is taken in.
    TooMuch,
}

/// A record that was set aside by the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the page, counted from 0.
    pub place: u32,
    /// Why.
    pub why: WhyRefused,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum Why {
    /// This side, or the other, was asked to stop.
    Stopped,
    /// The other's version is too old for this one.
    TheirsTooOld,
    /// This version is too old for the other.
    OursTooOld,
    /// What came is no frame, or not one that may come now.
    Nonsense,
    /// Nothing was heard for too long.
    Silent,
    /// This copy of the book was restored: it goes on under a new device id, from the beginning.
    Renewed,
    /// Something on this side failed; nothing is lost.
    Failed,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Comes first.
    Hello(Hello),
    /// Records.
    Page(Page),
    /// The page up to here is saved.
    Ack {
        /// The page's `to`.
        to: u64,
        /// What of it was set aside.
        refused: Vec<Refusal>,
    },
    /// Both sides should say the same at these places.
    Root {
        /// The sender's highest local sequence.
        head: u64,
        /// How far it has taken in the other.
        cursor: u64,
        /// What all its records say.
        root: Root,
    },
    /// What the records of each bucket say.
    Sums(Box<Sums>),
    /// Still here.
    Still,
    /// The end.
    Bye(Why),
}

/// The bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame")]
pub struct NotAFrame;

impl From<minicbor::decode::Error> for NotAFrame {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

type Out = Encoder<Vec<u8>>;
type Wrote = Result<(), minicbor::encode::Error<std::convert::Infallible>>;
type Read<T> = Result<T, NotAFrame>;

impl Frame {
    /// As it goes over the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        let wrote = self.write(&mut out);
        debug_assert!(wrote.is_ok(), "memory takes every byte");
        out.into_writer()
    }

    fn write(&self, out: &mut Out) -> Wrote {
        match self {
            Self::Hello(hello) => write_hello(out, hello),
            Self::Page(page) => {
                out.array(8)?.u8(1)?.u64(page.from)?.u64(page.to)?.bool(page.more)?;
                out.bool(page.is_repair)?.bytes(&page.receipt.0)?;
                out.u32(page.count)?.bytes(&page.packed)?;
                Ok(())
            }
            Self::Ack { to, refused } => {
                out.array(3)?.u8(2)?.u64(*to)?.array(refused.len() as u64)?;
                for Refusal { place, why } in refused {
                    out.array(2)?.u32(*place)?.u8(*why as u8)?;
                }
                Ok(())
            }
            Self::Root { head, cursor, root } => {
                out.array(4)?.u8(3)?.u64(*head)?.u64(*cursor)?.bytes(&root.0)?;
                Ok(())
            }
            Self::Sums(sums) => {
                out.array(2)?.u8(4)?.array(BUCKETS as u64 * 2)?;
                for bucket in sums.buckets() {
                    out.u64(bucket.count)?.bytes(&bucket.sum.to_be_bytes())?;
                }
                Ok(())
            }
            Self::Still => out.array(1)?.u8(5).map(|_| ()),
            Self::Bye(why) => out.array(2)?.u8(6)?.u8(*why as u8).map(|_| ()),
        }
    }

    /// Reads one frame; every byte must belong to it.
    pub fn decode(bytes: &[u8]) -> Read<Self> {
        if bytes.len() > MOST_BYTES {
            return Err(NotAFrame);
        }
        let mut input = Decoder::new(bytes);
        let length = array(&mut input)?;
        let frame = match (input.u8()?, length) {
            (0, HELLO..) => {
                let hello = read_hello(&mut input)?;
                // What a later version says beyond; it must be understood that there is one.
                (HELLO..length).try_for_each(|_| input.skip())?;
                Self::Hello(hello)
            }
            (1, 8) => Self::Page(Page {
                from: input.u64()?,
                to: input.u64()?,
                more: input.bool()?,
                is_repair: input.bool()?,
                receipt: Receipt(exact(input.bytes()?)?),
                count: input.u32()?,
                packed: input.bytes()?.to_vec(),
            }),
            (2, 3) => {
                let to = input.u64()?;
                let count = array(&mut input)?;
                let refusals = (0..count).map(|_| read_refusal(&mut input));
                Self::Ack { to, refused: refusals.collect::<Read<_>>()? }
            }
            (3, 4) => {
                let (head, cursor) = (input.u64()?, input.u64()?);
                Self::Root { head, cursor, root: Root(exact(input.bytes()?)?) }
            }
            (4, 2) => Self::Sums(Box::new(read_sums(&mut input)?)),
            (5, 1) => Self::Still,
            (6, 2) => Self::Bye(read_why(input.u8()?)?),
            _ => return Err(NotAFrame),
        };
        if input.position() == bytes.len() { Ok(frame) } else { Err(NotAFrame) }
    }
}

fn write_hello(out: &mut Out, hello: &Hello) -> Wrote {
    out.array(HELLO)?.u8(0)?.u8(hello.protocol.0)?.u8(hello.protocol.1)?.u32(hello.schema)?;
    out.u64(hello.replica.0)?;
    match hello.knows {
        Some((replica, cursor)) => out.u64(replica.0)?.u64(cursor)?,
        None => out.null()?.u64(0)?,
    };
    out.u64(hello.head)?.u64(hello.waiting)?.bytes(&hello.root.0)?.i64(hello.now.0)?;
    out.bytes(&hello.receipt.0)?;
    Ok(())
}

fn read_hello(input: &mut Decoder<'_>) -> Read<Hello> {
    let protocol = (input.u8()?, input.u8()?);
    let schema = input.u32()?;
    let replica = device(input)?;
    let known = if input.datatype()? == Type::Null {
        input.null()?;
        None
    } else {
        Some(device(input)?)
    };
    let cursor = input.u64()?;
    Ok(Hello {
        protocol,
        schema,
        replica,
        knows: known.map(|replica| (replica, cursor)),
        head: input.u64()?,
        waiting: input.u64()?,
        root: Root(exact(input.bytes()?)?),
        now: UtcMillis(input.i64()?),
        receipt: Receipt(exact(input.bytes()?)?),
    })
}

fn read_refusal(input: &mut Decoder<'_>) -> Read<Refusal> {
    if array(input)? != 2 {
        return Err(NotAFrame);
    }
    let place = input.u32()?;
    let why = match input.u8()? {
        0 => WhyRefused::Unreadable,
        1 => WhyRefused::FarAhead,
        2 => WhyRefused::TooLarge,
        3 => WhyRefused::TooMuch,
        _ => return Err(NotAFrame),
    };
    Ok(Refusal { place, why })
}

fn read_why(number: u8) -> Read<Why> {
    let all = [
        Why::Stopped,
        Why::TheirsTooOld,
        Why::OursTooOld,
        Why::Nonsense,
        Why::Silent,
        Why::Renewed,
        Why::Failed,
    ];
    all.into_iter().find(|why| *why as u8 == number).ok_or(NotAFrame)
}

fn read_sums(input: &mut Decoder<'_>) -> Read<Sums> {
    if array(input)? != BUCKETS as u64 * 2 {
        return Err(NotAFrame);
    }
    let mut sums = Sums::default();
    for bucket in sums.buckets_mut() {
        let count = input.u64()?;
        *bucket = Bucket { count, sum: u128::from_be_bytes(exact(input.bytes()?)?) };
    }
    Ok(sums)
}

fn device(input: &mut Decoder<'_>) -> Read<DeviceId> {
    let id = input.u64()?;
    if i64::try_from(id).is_ok() { Ok(DeviceId(id)) } else { Err(NotAFrame) }
}

fn array(input: &mut Decoder<'_>) -> Read<u64> {
    input.array()?.ok_or(NotAFrame)
}

fn exact<const N: usize>(bytes: &[u8]) -> Read<[u8; N]> {
    bytes.try_into().map_err(|_| NotAFrame)
}

/// The record as it was sent is not needed to tell which one it is.
pub(crate) fn id_of(record: &[u8]) -> Option<RecordId> {
    let mut input = Decoder::new(record);
    input.array().ok()?;
    input.u8().ok()?;
    Some(RecordId::from_bytes(input.bytes().ok()?.try_into().ok()?))
}

#[cfg(test)]
pub(crate) mod tests;
