//! What must be refused: damaged, too large, too many, from another century.

use minicbor::Encoder;
use seldinger_core::sync::frame::{Frame, MOST_BYTES, PAGE_RECORDS, Page, Receipt, pack};
use seldinger_core::time::{DAY_MS, Hlc, UtcMillis};
use serde_json::json;

use super::reading::{self, NOW};
use super::{Form, Vector, valid};

/// All of it.
pub fn all() -> Vec<Vector> {
    let mut all = frames();
    all.extend(pages());
    all.extend(records());
    all.extend(gone());
    all.extend(codes());
    all.extend(pairing());
    all
}

type Out = Encoder<Vec<u8>>;
type Wrote = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn cbor(write: impl FnOnce(&mut Out) -> Wrote) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    write(&mut out).unwrap();
    out.into_writer()
}

fn frames() -> Vec<Vector> {
    let hello = Frame::Hello(valid::hello()).encode();
    let frame = |name, means, bytes| Vector::new(name, Form::Frame, means, bytes);
    let mut device = hello.clone();
    // The device id 7001 as it is written, and as one of 64 bits.
    let at = device.windows(3).position(|part| part == [0x19, 0x1b, 0x59]).unwrap();
    device.splice(at..at + 3, [0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0]);
    let refusal = |count: u64, why: u8| {
        cbor(|out| out.array(3)?.u8(2)?.u64(9)?.array(1)?.array(count)?.u32(0)?.u8(why).map(|_| ()))
    };
    let many = cbor(|out| out.array(3)?.u8(2)?.u64(9)?.array(1 << 60).map(|_| ()));
    let mut all = vec![
        frame("frame_empty", "no bytes", Vec::new()),
        frame(
            "frame_truncated",
            "a Hello without its last byte",
            hello[..hello.len() - 1].to_vec(),
        ),
        frame("frame_trailing", "a Hello and a byte", [&hello[..], &[0]].concat()),
        frame("frame_tag", "an unknown tag", cbor(|out| out.array(1)?.u8(9).map(|_| ()))),
        frame(
            "frame_count",
            "a Bye of three elements",
            cbor(|out| out.array(3)?.u8(6)?.u8(0)?.u8(0).map(|_| ())),
        ),
        frame(
            "frame_why",
            "a Bye for an unknown reason",
            cbor(|out| out.array(2)?.u8(6)?.u8(99).map(|_| ())),
        ),
        frame("frame_open", "an array without its length", vec![0x9f, 0x05, 0xff]),
        frame(
            "frame_text",
            "a number where the tag is text",
            cbor(|out| out.array(1)?.str("5").map(|_| ())),
        ),
        frame("hello_device", "a device id of 64 bits", device),
        frame(
            "hello_short",
            "a Hello of ten elements",
            [&[0x8a], &hello[1..hello.len() - 9]].concat(),
        ),
        frame("ack_why", "set aside for an unknown reason", refusal(2, 7)),
        frame("ack_pair", "a refusal of three elements", refusal(3, 0)),
        frame("ack_many", "more refusals than bytes", many),
        frame(
            "root_short",
            "a root of 15 bytes",
            cbor(|out| out.array(4)?.u8(3)?.u64(1)?.u64(1)?.bytes(&[0; 15]).map(|_| ())),
        ),
        frame(
            "sums_few",
            "sums of 255 buckets",
            cbor(|out| {
                out.array(2)?.u8(4)?.array(510)?;
                (0..255).try_for_each(|_| out.u64(0)?.bytes(&[0; 16]).map(|_| ()))
            }),
        ),
    ];
    let large = cbor(|out| {
        out.array(7)?.u8(1)?.u64(0)?.u64(1)?.bool(false)?.bool(false)?.u32(1).map(|_| ())
    });
    let length = u32::try_from(MOST_BYTES).unwrap().to_be_bytes();
    let mut large =
        frame("frame_large", "a page of over 4 MiB", [&large[..], &[0x5a], &length].concat());
    large.zeros = MOST_BYTES;
    all.push(large);
    all
}

fn pages() -> Vec<Vector> {
    let page = |name, means, count: usize, packed| {
        let count = u32::try_from(count).unwrap();
        let page = Page {
            from: 0,
            to: 9,
            more: false,
            is_repair: false,
            receipt: Receipt::default(),
            count,
            packed,
        };
        Vector::new(name, Form::Page, means, Frame::Page(page).encode())
    };
    let one = pack([b"record".as_slice()].into_iter());
    let many = vec![b"".as_slice(); PAGE_RECORDS + 1];
    let bomb = vec![0; MOST_BYTES];
    vec![
        page("page_lies", "two records, says three", 3, pack([b"1".as_slice(), b"2"].into_iter())),
        page("page_bomb", "4 KiB that unpack to over 4 MiB", 1, pack([&bomb[..]].into_iter())),
        page(
            "page_plain",
            "not compressed",
            1,
            cbor(|out| out.array(1)?.bytes(b"record").map(|_| ())),
        ),
        page("page_cut", "compressed, and cut", 1, one[..one.len() - 1].to_vec()),
        page("page_many", "501 records", PAGE_RECORDS + 1, pack(many.into_iter())),
    ]
}

/// The parts of a record that go wrong here, right as they are.
struct Parts {
    tag: u8,
    id: Vec<u8>,
    kind: Vec<u8>,
    at: i64,
    stamps: Vec<u8>,
    fields: String,
    /// The stamp of a value beside the one that is shown.
    beside: Option<(u64, u64)>,
    /// Who wrote that, where it is not that stamp.
    author: Option<(u64, u64)>,
}

/// A moment of the logical clock.
const HLC: u64 = NOW.0.cast_unsigned() << 16;

/// Packed stamps of one device, all of one write.
fn stamps(device: u64, mut hlc: u64) -> Vec<u8> {
    let mut packed = vec![1, 1];
    packed.extend(device.to_be_bytes());
    while hlc >= 0x80 {
        packed.push((hlc & 0x7f) as u8 | 0x80);
        hlc >>= 7;
    }
    packed.push((hlc & 0x7f) as u8);
    packed.extend([0, 0, 0]);
    packed
}

impl Parts {
    fn right() -> Self {
        let fields = json!({"role": "assisted"}).to_string();
        let (id, kind, stamps) = (vec![1; 16], b"case".to_vec(), stamps(5, HLC));
        Self { tag: 0, id, kind, at: NOW.0, stamps, fields, beside: None, author: None }
    }

    fn bytes(&self) -> Vec<u8> {
        cbor(|out| {
            out.array(9)?.u8(self.tag)?.bytes(&self.id)?;
            // Text of any bytes: its head is that of a byte string, of another type.
            let at = out.writer().len();
            out.bytes(&self.kind)?;
            out.writer_mut()[at] |= 0x20;
            out.i64(self.at)?.i16(-300)?.bool(true)?.bytes(&self.stamps)?.str(&self.fields)?;
            out.array(u64::from(self.beside.is_some()))?;
            if let Some((hlc, device)) = self.beside {
                out.array(4)?.str("role")?.array(2)?.u64(hlc)?.u64(device)?.str("\"observed\"")?;
                match self.author {
                    Some((hlc, device)) => out.array(2)?.u64(hlc)?.u64(device)?,
                    None => out.null()?,
                };
            }
            Ok(())
        })
    }
}

fn records() -> Vec<Vector> {
    let record = |name, means, bytes| Vector::new(name, Form::Record, means, bytes);
    let parts = |name, means, change: fn(Parts) -> Parts| {
        record(name, means, change(Parts::right()).bytes())
    };
    let right = Parts::right().bytes();
    assert!(reading::read(Form::Record, &right).is_ok(), "each must be wrong in one thing only");
    vec![
        record("record_truncated", "without its last byte", right[..right.len() - 1].to_vec()),
        record("record_trailing", "and a byte", [&right[..], &[0]].concat()),
        parts("record_tag", "an unknown tag", |right| Parts { tag: 2, ..right }),
        parts("record_id", "an id of 15 bytes", |right| Parts { id: vec![1; 15], ..right }),
        parts("record_utf8", "a kind that is not UTF-8", |right| Parts {
            kind: vec![0xc3, 0x28],
            ..right
        }),
        parts("record_fields", "fields that are no object", |right| Parts {
            fields: "[1]".into(),
            ..right
        }),
        parts("record_json", "fields that are no JSON", |right| Parts {
            fields: "{\"a\":".into(),
            ..right
        }),
        parts("record_deep", "fields within fields within fields …", |right| {
            let fields = "{\"a\":".repeat(1_000) + "1" + &"}".repeat(1_000);
            Parts { fields, ..right }
        }),
        parts("record_moment", "typed in the year 292278994", |right| Parts {
            at: i64::MAX,
            ..right
        }),
        parts("record_device", "stamps of a device id of 64 bits", |right| Parts {
            stamps: stamps(u64::MAX, HLC),
            ..right
        }),
        parts("record_stamps", "stamps of a later version", |right| {
            let stamps = [&[2], &right.stamps[1..]].concat();
            Parts { stamps, ..right }
        }),
        parts("record_stamps_cut", "stamps without their end", |right| {
            let stamps = right.stamps[..right.stamps.len() - 1].to_vec();
            Parts { stamps, ..right }
        }),
        parts("record_beside", "a value that the record has not heard of", |right| Parts {
            beside: Some((HLC + 1, 5)),
            ..right
        }),
        parts("record_stranger", "a value of a device that it has not heard of", |right| Parts {
            beside: Some((1, 6)),
            ..right
        }),
        parts("record_author", "an author that the record has not heard of", |right| Parts {
            beside: Some((HLC, 5)),
            author: Some((HLC, 6)),
            ..right
        }),
        parts("record_far_ahead", "written in 200 years", |right| {
            let in_200_years = Hlc::from_ms(UtcMillis(NOW.0 + 200 * 366 * DAY_MS));
            Parts { stamps: stamps(5, in_200_years.0), ..right }
        }),
        parts("record_end_of_time", "written with the last of all stamps", |right| Parts {
            stamps: stamps(5, u64::MAX),
            ..right
        }),
    ]
}

/// What is left of records.
fn gone() -> Vec<Vector> {
    let record = |name, means, bytes| Vector::new(name, Form::Record, means, bytes);
    let gone = |device: u64, hlc: u64, seen: u64| {
        cbor(|out| {
            out.array(5)?.u8(1)?.bytes(&[2; 16])?.bool(false)?.array(2)?.u64(hlc)?.u64(device)?;
            out.map(1)?.u64(5)?.u64(seen).map(|_| ())
        })
    };
    vec![
        record("gone_device", "erased by a device id of 64 bits", gone(u64::MAX, HLC, HLC)),
        record("gone_far_ahead", "erased at the end of time", gone(5, u64::MAX, HLC)),
        record("gone_seen", "has seen what was written at the end of time", gone(5, HLC, u64::MAX)),
        record(
            "too_large",
            "stands for a record that no page can hold",
            cbor(|out| out.array(2)?.u8(2)?.bytes(&[2; 16]).map(|_| ())),
        ),
    ]
}

fn codes() -> Vec<Vector> {
    let whole = valid::invitation(UtcMillis(NOW.0 + 1));
    let typed = "0123-4567-89AB-CDEF-GHJK-MNPQ-RS";
    let letter = |text: &str, place: usize| {
        let mut letters = text.as_bytes().to_vec();
        letters[place] = if letters[place] == b'A' { b'B' } else { b'A' };
        letters
    };
    let scanned = |name, means, text: Vec<u8>| Vector::new(name, Form::Invitation, means, text);
    let by_hand = |name, means, text: Vec<u8>| Vector::new(name, Form::TypedCode, means, text);
    vec![
        scanned("invitation_damaged", "another letter in its middle", letter(&whole, 60)),
        scanned(
            "invitation_cut",
            "without its last letter",
            whole.as_bytes()[..whole.len() - 1].to_vec(),
        ),
        scanned(
            "invitation_expired",
            "from yesterday",
            valid::invitation(UtcMillis(NOW.0)).into_bytes(),
        ),
        scanned("invitation_other", "another code", b"WIFI:S:ward;T:WPA;P:secret;;".to_vec()),
        by_hand("typed_code_mistyped", "another letter", letter(&valid::typed(), 7)),
        by_hand(
            "typed_code_short",
            "a letter is missing",
            typed.as_bytes()[..typed.len() - 1].to_vec(),
        ),
        by_hand(
            "typed_code_letter",
            "a letter that no code has",
            typed.replace('A', "U").into_bytes(),
        ),
    ]
}

fn pairing() -> Vec<Vector> {
    let said = |name, means, bytes| Vector::new(name, Form::Pairing, means, bytes);
    let done = cbor(|out| out.array(3)?.str("pair")?.u8(1)?.u8(3).map(|_| ()));
    let reveal = |bytes: usize| {
        cbor(|out| out.array(4)?.str("pair")?.u8(1)?.u8(2)?.bytes(&vec![6; bytes]).map(|_| ()))
    };
    vec![
        said("pair_truncated", "without its last byte", done[..done.len() - 1].to_vec()),
        said("pair_trailing", "and a byte", [&done[..], &[0]].concat()),
        said(
            "pair_tag",
            "an unknown tag",
            cbor(|out| out.array(3)?.str("pair")?.u8(1)?.u8(9).map(|_| ())),
        ),
        said(
            "pair_newer",
            "a later version",
            cbor(|out| out.array(3)?.str("pair")?.u8(2)?.u8(3).map(|_| ())),
        ),
        said(
            "pair_mark",
            "another mark",
            cbor(|out| out.array(3)?.str("hair")?.u8(1)?.u8(3).map(|_| ())),
        ),
        said("pair_nonce", "a nonce of 31 bytes", reveal(31)),
        said("pair_long", "over 1,024 bytes", reveal(1_024)),
    ]
}
