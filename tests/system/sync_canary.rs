//! What was written is nowhere on the wire, and what was erased is in nothing that is sent.

use std::path::Path;

use seldinger_core::sync::frame::{Frame, Unpacker};
use seldinger_core::sync::pairing::PairMessage;
use serde_json::json;
use system_tests::{BadLink, Call, Hostile, Laptop, Remote, case};

const PHONE: &str = env!("CARGO_BIN_EXE_phone");
const FIRST: &str = "canary-before-pairing-Zq7";
const LIVE: &str = "canary-while-connected-Xw4";
const BACK: &str = "canary-from-the-phone-Kp9";
/// In the clear in each handshake: it shows that the tap works.
const IN_CLEAR: &str = "seldinger/1";

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// All records of the pages that were heard, unpacked.
fn records(call: &Call) -> Vec<Vec<u8>> {
    let mut unpacker = Unpacker::default();
    let pages = call.heard.iter().filter_map(|bytes| match Frame::decode(bytes) {
        Ok(Frame::Page(page)) => Some(unpacker.unpack(&page).unwrap()),
        _ => None,
    });
    pages.flatten().collect()
}

/// Hears and acknowledges pages until one has this in it.
fn hear_until(call: &mut Call, canary: &str) {
    while !records(call).iter().any(|record| has(record, canary.as_bytes())) {
        if let Frame::Page(page) = call.frame().expect("a page comes") {
            call.say(&Frame::Ack { to: page.to, refused: Vec::new() });
        }
    }
}

#[test]
fn two_processes_say_nothing_in_the_clear() {
    let (laptop, folder) = (Laptop::new(), tempfile::tempdir().unwrap());
    let link = BadLink::to(&laptop.at, 1);
    laptop.book.create_case(case(1, FIRST)).unwrap();
    let mut phone = Remote::phone(PHONE, folder.path(), "Phone");
    phone.until("here");
    laptop.pair(&mut phone, &link.at);
    phone.tell("wait 1");
    phone.until("has 1");
    // Both are connected and in step now.
    laptop.book.create_case(case(2, LIVE)).unwrap();
    phone.tell("wait 2");
    phone.until("has 2");
    phone.tell(&format!("jot picc, assisted, {BACK}"));
    phone.until("jotted");
    phone.tell("wait 3");
    phone.until("has 3");
    laptop.until(|laptop| holds(laptop, BACK).then_some(()));
    assert!(has(&std::fs::read(exported(&mut phone, folder.path())).unwrap(), LIVE.as_bytes()));
    for carried in link.carried() {
        assert!(carried.len() > 1_000);
        for secret in [FIRST, LIVE, BACK, "Laptop", "Phone", "Okafor"] {
            assert!(!has(&carried, secret.as_bytes()), "{secret} is on the wire");
        }
    }
    assert!(has(&link.carried()[0], IN_CLEAR.as_bytes()), "the tap is dry");
}

/// Whether a case says this.
fn holds(laptop: &Laptop, text: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.jsonl");
    let format = seldinger_core::logbook::ExportFormat::Jsonl;
    let options = seldinger_core::logbook::ExportOptions::default();
    laptop.book.export_job(&file, format, &options).unwrap().run(|_| ()).unwrap();
    has(&std::fs::read(file).unwrap(), text.as_bytes())
}

fn exported(phone: &mut Remote, folder: &Path) -> std::path::PathBuf {
    let file = folder.join("phone.jsonl");
    phone.tell(&format!("export {}", file.display()));
    phone.until("exported ");
    file
}

/// Compression alone hides words from whoever looks for them; so here the very bytes are looked for.
#[test]
fn no_frame_is_on_the_wire_as_it_was_before_encryption() {
    let (laptop, peer) = (Laptop::new(), Hostile::new("Reader"));
    let link = BadLink::to(&laptop.at, 1);
    laptop.book.add_peer(&peer.party).unwrap();
    laptop.book.create_case(case(1, FIRST)).unwrap();
    let (mut call, _) = peer.greet(&link.at);
    hear_until(&mut call, FIRST);
    laptop.book.create_case(case(2, LIVE)).unwrap();
    hear_until(&mut call, LIVE);
    let [_, carried] = link.carried();
    let frames = call.heard.iter().filter(|frame| frame.len() >= 32);
    assert!(frames.clone().count() >= 3, "a hello and two pages");
    for frame in frames {
        for piece in frame.chunks_exact(16) {
            assert!(!has(&carried, piece), "a piece of a frame is on the wire");
        }
    }
}

/// What a device hears that is let in only now.
fn newly_met(laptop: &Laptop, until: &str) -> Call {
    let peer = Hostile::new("Reader");
    laptop.book.add_peer(&peer.party).unwrap();
    let (mut call, _) = peer.greet(&laptop.at);
    hear_until(&mut call, until);
    call
}

#[test]
fn what_was_erased_before_is_in_no_page() {
    const ERASED: &str = "canary-of-an-erased-case-Vb2";
    const TAKEN_OUT: &str = "canary-taken-out-of-a-note-Hn5";
    const KEPT: &str = "canary-that-is-kept-Rt6";
    let laptop = Laptop::new();
    let gone = laptop.book.create_case(case(1, ERASED)).unwrap().id;
    let note = format!("before {TAKEN_OUT} after");
    let edited = laptop.book.create_case(case(2, &note)).unwrap().id;
    // Both are known elsewhere; that is no reason to send what was taken out.
    let early = newly_met(&laptop, TAKEN_OUT);
    assert!(records(&early).iter().any(|record| has(record, ERASED.as_bytes())));
    drop(early);
    let cleaned = vec![("note".to_owned(), Some(json!("before  after")))];
    laptop.book.transact(|tx| tx.edit(edited, cleaned, None)).unwrap();
    laptop.book.erase(gone).unwrap();
    laptop.book.create_case(case(3, KEPT)).unwrap();
    let late = newly_met(&laptop, KEPT);
    let found = records(&late);
    assert!(found.iter().any(|record| has(record, &edited.bytes())), "the edited case is sent");
    assert!(found.iter().any(|record| has(record, &gone.bytes())), "its tombstone is sent");
    for canary in [ERASED, TAKEN_OUT] {
        assert!(!found.iter().any(|record| has(record, canary.as_bytes())), "{canary} is sent");
        assert!(!late.heard.iter().any(|frame| has(frame, canary.as_bytes())), "{canary} is sent");
    }
    assert!(late.heard.iter().all(|frame| !PairMessage::is_one(frame)));
}
