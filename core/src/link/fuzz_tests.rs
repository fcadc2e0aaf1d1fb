//! Decoders of what strangers send: whatever comes, an error or a value that reads back, never a panic.
//!
//! Half of the inputs are noise, half are good ones with a few bytes changed, cut off or repeated: the
//! latter get past the first check. A short run each time; `FUZZ_SECONDS=60` for a long one.

use std::time::Duration;
use std::{env, thread};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::bundle::{self, Bundle};
use super::wire::Patience;
use super::*;
use crate::ids::SystemIds;
use crate::logbook::tests::{book, fields};
use crate::record::{decode_traveling, encode_traveling};
use crate::sync::frame::{self, Frame, MOST_BYTES, Page, unpack};
use crate::sync::pairing::{DeviceName, PairMessage, Party, ProofKind, SealKey, Why};
use crate::sync::session::{Effect, Event};
use crate::sync::{Fingerprint, Invitation, PairingSecret, TypedSecret};
use crate::time::UtcMillis;

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(30);

/// What is done to a good input.
#[derive(Debug, Clone)]
enum Harm {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

fn harms() -> impl Strategy<Value = Vec<Harm>> {
    let place = any::<prop::sample::Index>;
    let harm = prop_oneof![
        8 => (place(), any::<u8>()).prop_map(|(at, to)| Harm::Set(at, to)),
        1 => place().prop_map(Harm::Cut),
        1 => (place(), place()).prop_map(|(from, to)| Harm::Repeat(from, to)),
        1 => (place(), prop::collection::vec(any::<u8>(), 0..9)).prop_map(|(at, b)| Harm::Insert(at, b)),
    ];
    prop::collection::vec(harm, 0..4)
}

fn harmed(mut bytes: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        let length = bytes.len() + 1;
        match harm {
            Harm::Set(at, to) => {
                if let Some(byte) = bytes.get_mut(at.index(length)) {
                    *byte = *to;
                }
            }
            Harm::Cut(at) => bytes.truncate(at.index(length)),
            Harm::Repeat(from, to) => {
                let (one, other) = (from.index(length), to.index(length));
                let again = bytes[one.min(other)..one.max(other)].to_vec();
                bytes.extend(again);
            }
            Harm::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
        }
    }
    bytes
}

/// Gives `decode` inputs until the time is over, and at least 300.
fn fuzz(good: &[Vec<u8>], mut decode: impl FnMut(&[u8])) {
    let seconds = env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = now() + seconds.map_or(Duration::from_millis(300), Duration::from_secs);
    let good = prop::sample::select(good.to_vec());
    let inputs = prop_oneof![
        (good, harms()).prop_map(|(good, harms)| harmed(good, &harms)),
        prop::collection::vec(any::<u8>(), 0..400),
    ];
    let mut runner = TestRunner::default();
    let mut runs = 0;
    while runs < 300 || now() < until {
        let input = inputs.new_tree(&mut runner).unwrap().current();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| decode(&input)));
        assert!(outcome.is_ok(), "this input: {input:02x?}");
        runs += 1;
    }
}

fn invitation() -> Invitation {
    let addresses = ["10.0.0.1:4711".to_owned(), "laptop.local:4711".to_owned()];
    Invitation::new(Fingerprint([1; 32]), PairingSecret([2; 32]), &addresses, UtcMillis(i64::MAX))
}

#[test]
fn invitations() {
    fuzz(&[invitation().text().as_bytes().to_vec()], |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(read) = Invitation::read(&text, UtcMillis(0)) {
            assert!(Invitation::read(&read.text(), UtcMillis(0)) == Ok(read));
        }
    });
}

#[test]
fn typed_codes() {
    let code = PairingSecret([3; 32]).typed().text();
    fuzz(&[code.as_bytes().to_vec(), code.to_lowercase().into_bytes()], |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(read) = text.parse::<TypedSecret>() {
            assert!(read.text().parse() == Ok(read));
        }
    });
}

#[test]
fn pairing_messages() {
    let (name, seal_key, word) = (DeviceName::new("phone"), SealKey([4; 32]), [5; 32]);
    let good = [
        PairMessage::Proof {
            kind: ProofKind::Typed,
            proof: word,
            name: name.clone(),
            seal_key,
            commitment: word,
        },
        PairMessage::Proven { proof: word, name, seal_key, nonce: word },
        PairMessage::Reveal { nonce: word },
        PairMessage::Done,
        PairMessage::Refused(Why::Expired),
    ];
    fuzz(&good.map(|message| message.to_bytes()), |input| {
        if let Ok(read) = PairMessage::read(input) {
            assert_eq!(PairMessage::read(&read.to_bytes()), Ok(read));
        }
    });
}

#[test]
fn bundles() {
    let me = DeviceIdentity::generate(&SystemIds).unwrap();
    let from = DeviceIdentity::generate(&SystemIds).unwrap();
    let (name, payload) = (DeviceName::new("phone"), vec![6; 100]);
    let sent = Bundle { book: [7; 16], sequence: 8, name, payload };
    let file = bundle::seal(&sent, &me.seal_key(), &from).unwrap();
    let anyone = |_: &Fingerprint| true;
    fuzz(&[file], |input| {
        if let Ok(opened) = bundle::open(input, &me, &anyone) {
            assert!(opened.bundle == sent && opened.sender == from.fingerprint());
        }
    });
}

#[test]
fn session_frames() {
    let good: Vec<_> = frame::tests::all().iter().map(Frame::encode).collect();
    fuzz(&good, |input| {
        let Ok(read) = Frame::decode(input) else { return };
        assert_eq!(Frame::decode(&read.encode()), Ok(read.clone()));
        if let Frame::Page(page) = read {
            let _ = unpack(&page);
        }
    });
}

/// What is inside a page, once it is unpacked.
#[test]
fn pages() {
    let packed = frame::pack([b"one".as_slice(), b"two", b""].into_iter());
    let good = zstd::bulk::decompress(&packed, MOST_BYTES).unwrap();
    fuzz(&[good], |input| {
        let packed = zstd::bulk::compress(input, 1).unwrap();
        for count in 0..5 {
            let (from, to, more, is_repair) = (0, 1, false, false);
            let page = Page {
                from,
                to,
                more,
                is_repair,
                receipt: crate::sync::frame::Receipt::default(),
                count,
                packed: packed.clone(),
            };
            if let Ok(records) = unpack(&page) {
                assert_eq!(records.len(), count as usize);
            }
        }
    });
}

/// Records as they travel: cases, one of which was shared before its text was edited, and what is left of
/// one that was erased.
#[test]
fn records() {
    let (_folder, book) = book();
    let seal_key = SealKey([4; 32]);
    let fingerprint = Fingerprint([1; 32]);
    let party = Party { fingerprint, name: DeviceName::new("phone"), seal_key };
    book.add_peer(&party).unwrap();
    let case =
        |note: &str| book.create_case(fields(json!({"note": note, "pages": 2.5}))).unwrap().id;
    let (edited, gone) = (case("before"), case("erased"));
    let patch = vec![("note".to_owned(), Some(json!("before and after")))];
    book.transact(|tx| tx.edit(edited, patch, None)).unwrap();
    book.erase(gone).unwrap();
    let read = book.perform(fingerprint, &Effect::Read { after: 0, buckets: None });
    let Some(Event::Read(batch)) = read.unwrap() else { panic!("nothing was read") };
    let good: Vec<_> = batch.records.into_iter().map(|record| record.bytes).collect();
    assert_eq!(good.len(), 3);
    fuzz(&good, |input| {
        if let Ok(read) = decode_traveling(input) {
            assert!(decode_traveling(&encode_traveling(&read)).is_ok_and(|again| again == read));
        }
    });
}

/// Frames, as they come out of TLS: in whatever pieces, whatever they announce.
#[test]
fn frames() {
    let good = [
        [&[0, 0, 0, 3][..], b"abc", &[0, 0, 0, 0], &[0, 0, 0, 2], b"de"].concat(),
        [&[0, 0x3f, 0xff, 0xff][..], &[0; 50]].concat(),
    ];
    let me = DeviceIdentity::generate(&SystemIds).unwrap();
    let config = tls::answering(&me, std::sync::Arc::new(|_: &Fingerprint| true)).unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let patience = Patience { handshake: LONG, write: LONG };
    fuzz(&good, |input| {
        thread::scope(|both| {
            // Connected before anybody answers: nobody waits for a call that does not come.
            let near = std::net::TcpStream::connect(address).unwrap();
            let far = socket.accept().unwrap().0;
            let answer = both.spawn(|| Wire::accept(far, &config).unwrap());
            let calling = tls::calling(&me, Pin::Anyone).unwrap();
            let mut calling = Wire::agree(near, calling, patience).unwrap();
            let mut wire = answer.join().unwrap();
            let reading = both.spawn(move || {
                let mut got = Vec::new();
                loop {
                    match wire.next(LONG) {
                        Incoming::Frame(frame) => {
                            got.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
                            got.extend(frame);
                        }
                        Incoming::Closed(why) => return (got, why),
                        other => panic!("{other:?}"),
                    }
                }
            });
            calling.send_raw(input, true);
            calling.finish();
            let (got, why) = reading.join().unwrap();
            assert!(input.starts_with(&got));
            assert_eq!(why == LinkError::Ended, got.len() == input.len(), "{why:?}");
        });
    });
}
