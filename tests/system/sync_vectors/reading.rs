//! Vectors as JSON: what a reader of the protocol understands.

use std::sync::Arc;

use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{Logbook, Setup};
use seldinger_core::record::sums::Sums;
use seldinger_core::sync::frame::{Frame, Hello, NotAFrame, Receipt, WhyRefused, unpack};
use seldinger_core::sync::pairing::{DeviceName, PairMessage, Party, ProofKind, SealKey};
use seldinger_core::sync::session::{Effect, Event, Incoming};
use seldinger_core::sync::{Fingerprint, Invitation, TypedSecret};
use seldinger_core::time::UtcMillis;
use serde_json::{Value, json};
use system_tests::{FixedClock, setup};

use super::{Form, hex};

/// The device that a copy hears of.
pub const PEER: Fingerprint = Fingerprint([7; 32]);

/// When codes are read.
pub const NOW: UtcMillis = UtcMillis(1_792_000_000_000);

/// What the bytes say; else how they are refused.
pub fn read(form: Form, bytes: &[u8]) -> Result<Value, String> {
    let text = || str::from_utf8(bytes).map_err(|error| error.to_string());
    match form {
        Form::Frame => decoded(bytes).map(|frame| frame_says(&frame)),
        Form::Page => page_says(bytes),
        Form::Record => record_says(bytes),
        Form::Invitation => match Invitation::read(text()?, NOW) {
            Ok(invitation) => Ok(json!({
                "fingerprint": invitation.fingerprint.to_string(), "secret": hex(&invitation.secret.0),
                "addresses": invitation.addresses, "expires": invitation.expires.0,
                "typed_code": *invitation.secret.typed().text(),
            })),
            Err(refused) => Err(refused.to_string()),
        },
        Form::TypedCode => match text()?.parse::<TypedSecret>() {
            Ok(secret) => Ok(json!({ "secret": hex(&secret.0) })),
            Err(refused) => Err(refused.to_string()),
        },
        Form::Pairing => match PairMessage::read(bytes) {
            Ok(message) => Ok(pairing_says(&message)),
            Err(refused) => Err(refused.to_string()),
        },
    }
}

fn decoded(bytes: &[u8]) -> Result<Frame, String> {
    Frame::decode(bytes).map_err(|refused: NotAFrame| refused.to_string())
}

fn frame_says(frame: &Frame) -> Value {
    match frame {
        Frame::Hello(hello) => json!({ "hello": hello_says(hello) }),
        Frame::Page(page) => json!({ "page": {
            "from": page.from, "to": page.to, "more": page.more, "is_repair": page.is_repair,
            "count": page.count,
        }}),
        Frame::Ack { to, refused } => {
            let refused: Vec<Value> = refused
                .iter()
                .map(|refusal| json!({ "place": refusal.place, "why": why(refusal.why) }))
                .collect();
            json!({ "ack": { "to": to, "refused": refused } })
        }
        Frame::Root { head, cursor, root } => {
            json!({ "root": { "head": head, "cursor": cursor, "root": hex(&root.0) } })
        }
        Frame::Sums(sums) => {
            let filled: Vec<Value> = (0..)
                .zip(sums.buckets())
                .filter(|(_, bucket)| bucket.count > 0)
                .map(|(place, bucket): (u32, _)| {
                    json!({ "bucket": place, "count": bucket.count, "sum": hex(&bucket.sum.to_be_bytes()) })
                })
                .collect();
            json!({ "sums": { "root": hex(&sums.root().0), "filled": filled } })
        }
        Frame::Still => json!("still"),
        Frame::Bye(why) => json!({ "bye": format!("{why:?}") }),
    }
}

fn hello_says(hello: &Hello) -> Value {
    json!({
        "protocol": [hello.protocol.0, hello.protocol.1], "schema": hello.schema,
        "replica": hello.replica.0, "knows": hello.knows.map(|(replica, _)| replica.0),
        "cursor": hello.knows.map_or(0, |(_, cursor)| cursor), "head": hello.head,
        "waiting": hello.waiting, "root": hex(&hello.root.0), "now": hello.now.0,
        "receipt": hex(&hello.receipt.0),
    })
}

fn page_says(bytes: &[u8]) -> Result<Value, String> {
    let frame = decoded(bytes)?;
    let Frame::Page(page) = &frame else { return Err("another frame".to_owned()) };
    let records = unpack(page).map_err(|refused| refused.to_string())?;
    let mut says = frame_says(&frame);
    says["records"] = records.iter().map(|record| hex(record)).collect();
    Ok(says)
}

fn why(why: WhyRefused) -> &'static str {
    match why {
        WhyRefused::Unreadable => "unreadable",
        WhyRefused::FarAhead => "far ahead",
        WhyRefused::TooLarge => "too large",
        WhyRefused::TooMuch => "too much",
    }
}

fn pairing_says(message: &PairMessage) -> Value {
    match message {
        PairMessage::Proof { kind, proof, name, seal_key, commitment } => json!({ "proof": {
            "typed": *kind == ProofKind::Typed, "proof": hex(proof), "name": name.as_str(),
            "seal_key": hex(&seal_key.0), "commitment": hex(commitment),
        }}),
        PairMessage::Proven { proof, name, seal_key, nonce } => json!({ "proven": {
            "proof": hex(proof), "name": name.as_str(), "seal_key": hex(&seal_key.0), "nonce": hex(nonce),
        }}),
        PairMessage::Reveal { nonce } => json!({ "reveal": { "nonce": hex(nonce) } }),
        PairMessage::Done => json!("done"),
        PairMessage::Revoked { proof } => json!({ "revoked": { "proof": hex(proof) } }),
        PairMessage::Refused(why) => json!({ "refused": format!("{why:?}") }),
    }
}

/// A copy of the book that has heard of one device.
pub struct Copy {
    folder: tempfile::TempDir,
    /// The book.
    pub book: Logbook,
}

impl Copy {
    /// An empty one.
    pub fn new(seed: u64) -> Self {
        Self::at(seed, NOW)
    }

    /// An empty one whose clock stands at `now`.
    pub fn at(seed: u64, now: UtcMillis) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut setup = setup(&folder.path().join("book"), seed);
        setup.clock = Arc::new(FixedClock::at(now.0));
        let book = Logbook::create(setup).unwrap().0;
        let name = DeviceName::new("the other");
        book.add_peer(&Party { fingerprint: PEER, name, seal_key: SealKey([8; 32]) }).unwrap();
        Self { folder, book }
    }

    /// The same with another book.
    pub fn with(self, book: Logbook) -> Self {
        Self { book, ..self }
    }

    /// Closed, and opened again.
    pub fn reopened(self, setup: Setup) -> Self {
        let Self { folder, book } = self;
        drop(book);
        Self { folder, book: Logbook::open(setup).unwrap() }
    }

    /// Where it is.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Takes records in as a page of them would be; tells whether that changed anything, and why which
    /// were refused.
    pub fn take_in(&self, records: Vec<Vec<u8>>) -> (bool, Vec<&'static str>) {
        let apply = Effect::Apply(Incoming { cursor: None, receipt: Receipt::default(), records });
        match self.book.perform(PEER, &apply).unwrap() {
            Some(Event::Applied(applied)) => {
                (applied.changed, applied.refused.iter().map(|refusal| why(refusal.why)).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    /// What it would send, but for the record that names the device.
    pub fn records(&self) -> Vec<(RecordId, Vec<u8>)> {
        // What came from the device itself would not go back to it.
        let repair = Effect::Read { after: 0, buckets: Some((0..=255).collect()) };
        let Some(Event::Read(batch)) = self.book.perform(PEER, &repair).unwrap() else {
            panic!("nothing was read")
        };
        let is_device = |id| self.book.record(id).is_ok_and(|record| record.kind == "device");
        let records = batch.records.into_iter().filter(|record| !is_device(record.id));
        records.map(|record| (record.id, record.bytes)).collect()
    }

    /// The note and the role of its only record.
    pub fn texts(&self) -> (String, Value) {
        let id = self.records()[0].0;
        let fields = self.book.record(id).unwrap().fields;
        (fields["note"].as_str().unwrap().to_owned(), fields["role"].clone())
    }
}

/// What all records of a book say.
pub fn sums_of(book: &Logbook) -> Sums {
    match book.perform(PEER, &Effect::Sum).unwrap() {
        Some(Event::Summed { sums, .. }) => *sums,
        other => panic!("{other:?}"),
    }
}

/// What an empty book makes of a record: taken in, it is sent on just as it came.
fn record_says(bytes: &[u8]) -> Result<Value, String> {
    let copy = Copy::new(1);
    let (changed, refused) = copy.take_in(vec![bytes.to_vec()]);
    if let [why] = refused[..] {
        assert!(!changed && copy.records().is_empty());
        return Err(why.to_owned());
    }
    let records = copy.records();
    let [(id, again)] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!(hex(again), hex(bytes), "it is not sent on as it came");
    Ok(match copy.book.record(*id) {
        Err(_) => json!({ "id": id.to_string(), "gone": true }),
        Ok(record) => json!({
            "id": id.to_string(), "kind": record.kind, "at": record.at.rfc3339(), "alive": record.alive,
            "fields": record.fields,
        }),
    })
}
