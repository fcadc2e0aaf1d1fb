//! Everything that crosses a border, made from fixed clocks and seeds.

use std::sync::Arc;

use seldinger_core::ids::{DeviceId, RecordId};
use seldinger_core::logbook::Logbook;
use seldinger_core::record::NewRecord;
use seldinger_core::record::sums::{Digest, Sums};
use seldinger_core::sync::frame::{Frame, Hello, Page, Receipt, Refusal, Why, WhyRefused, pack};
use seldinger_core::sync::pairing::{
    Channel, DeviceName, Joiner, PairMessage, Party, SealKey, Why as NoPair, Window,
};
use seldinger_core::sync::{Fingerprint, Invitation, PairingSecret};
use seldinger_core::time::{DAY_MS, UtcMillis};
use serde_json::{Value, json};
use system_tests::{FixedClock, fields, setup};

use super::reading::{Copy, NOW};
use super::{Form, Vector};

/// All of it.
pub fn all() -> Vec<Vector> {
    let records = records();
    let mut all = frames();
    all.push(page(&records));
    all.extend(records);
    all.extend(codes());
    all.extend(pairing());
    all
}

/// The first thing that is said.
pub fn hello() -> Hello {
    Hello {
        protocol: (1, 1),
        schema: 2,
        replica: DeviceId(7_001),
        knows: Some((DeviceId(7_002), 90)),
        head: 1_200,
        waiting: 17,
        root: sums().root(),
        now: NOW,
        receipt: Receipt([9; 16]),
    }
}

/// Two records in the bucket 3, one in the bucket 250.
pub fn sums() -> Sums {
    let mut sums = Sums::default();
    for (last, digest) in [(3, 255), (3, 2), (250, 9)] {
        let mut id = [0; 16];
        id[15] = last;
        sums.add(RecordId::from_bytes(id), Digest([digest; 16]));
    }
    sums
}

fn frames() -> Vec<Vector> {
    let frame = |name, means, frame: Frame| Vector::new(name, Form::Frame, means, frame.encode());
    let refused = vec![
        Refusal { place: 0, why: WhyRefused::Unreadable },
        Refusal { place: 499, why: WhyRefused::FarAhead },
    ];
    let moved = Page {
        from: 90,
        to: 120,
        more: false,
        is_repair: false,
        receipt: Receipt([10; 16]),
        count: 0,
        packed: pack([].into_iter()),
    };
    let (head, cursor, root) = (1_200, 90, sums().root());
    let mut later = Frame::Hello(hello()).encode();
    later[0] += 1;
    later.push(0xf6);
    vec![
        frame("hello", "the first frame to a device that is known", Frame::Hello(hello())),
        frame(
            "hello_first",
            "to a device that was never heard",
            Frame::Hello(Hello { knows: None, ..hello() }),
        ),
        Vector::new("hello_later", Form::Frame, "a later version says more at the end", later),
        frame("page_empty", "nothing but a step over what came from the other", Frame::Page(moved)),
        frame(
            "ack",
            "all up to 120 is saved, two records are set aside",
            Frame::Ack { to: 120, refused },
        ),
        frame("ack_all", "all up to 120 is saved", Frame::Ack { to: 120, refused: Vec::new() }),
        frame("root", "what all records say", Frame::Root { head, cursor, root }),
        frame("sums", "what the records of each bucket say", Frame::Sums(Box::new(sums()))),
        frame("still", "still here", Frame::Still),
        frame("bye", "the end", Frame::Bye(Why::Stopped)),
        frame(
            "bye_renewed",
            "the sender was restored from an older copy",
            Frame::Bye(Why::Renewed),
        ),
    ]
}

/// A page of two records.
fn page(records: &[Vector]) -> Vector {
    let packed = pack(records[..2].iter().map(|record| record.bytes.as_slice()));
    let page = Page {
        from: 120,
        to: 130,
        more: true,
        is_repair: false,
        receipt: Receipt([11; 16]),
        count: 2,
        packed,
    };
    Vector::new("page", Form::Page, "two records, and there are more", Frame::Page(page).encode())
}

/// The only record of a book, as it travels.
fn only(copy: &Copy) -> Vec<u8> {
    let mut records = copy.records();
    assert_eq!(records.len(), 1);
    records.remove(0).1
}

fn put(copy: &Copy, kind: &str, content: Value) -> RecordId {
    let id = RecordId::from_content(kind.as_bytes());
    let new = NewRecord { id, kind: kind.to_owned(), at: copy.book.now(), fields: fields(content) };
    copy.book.transact(|tx| tx.create(new)).unwrap();
    id
}

fn edit(copy: &Copy, id: RecordId, patch: &[(&str, Value)]) {
    let patch = patch.iter().map(|(path, value)| ((*path).to_owned(), Some(value.clone())));
    let patch: Vec<_> = patch.collect();
    copy.book.transact(|tx| tx.edit(id, patch, None)).unwrap();
}

fn records() -> Vec<Vector> {
    let record = |name, means, bytes| Vector::new(name, Form::Record, means, bytes);
    let plain = Copy::new(1);
    put(
        &plain,
        "case",
        json!({
            "procedure": "picc", "role": "assisted", "fluoro_min": 3.5, "labs": {"inr": 1.10, "platelets": 210},
            "tags": ["on call", "teaching"], "note": "Left basilic – 5 Fr.", "lesson": null,
        }),
    );
    let mut all = vec![record("record_plain", "a case as it was written", only(&plain))];
    let unknown = Copy::new(1);
    put(
        &unknown,
        "a kind of next year",
        json!({
            "tags": ["new"], "a.b": {"@c\\": [1, 2.0, {"deep": []}]}, "empty": {}, "ünïcode": "\u{1f9ea}",
        }),
    );
    all.push(record("record_unknown", "a kind and fields that nobody knows yet", only(&unknown)));
    let id = put(&plain, "case", json!({}));
    plain.book.delete(id).unwrap();
    all.push(record("record_deleted", "deleted, to be restored or purged", only(&plain)));
    plain.book.erase(id).unwrap();
    all.push(record("record_erased", "erased for good", only(&plain)));
    all.push(record("record_purged", "purged 31 days after it was deleted", purged()));
    all.extend(edited());
    all
}

/// What is left of a record that was deleted long ago.
fn purged() -> Vec<u8> {
    let first = Copy::new(1);
    let clock = Arc::new(FixedClock::at(NOW.0));
    let mut setup = setup(&first.folder().join("another"), 1);
    setup.clock = clock.clone();
    let copy = first.with(Logbook::create(setup.clone()).unwrap().0);
    let id = put(&copy, "case", json!({"role": "assisted"}));
    copy.book.delete(id).unwrap();
    clock.advance_ms(31 * DAY_MS);
    let copy = copy.reopened(setup);
    only(&copy)
}

/// One record that two devices edited apart, and what comes of it.
fn edited() -> Vec<Vector> {
    let (phone, laptop) = (Copy::new(1), Copy::at(2, UtcMillis(NOW.0 + 1_000)));
    let id = put(&phone, "case", json!({"role": "observed", "note": "left arm"}));
    laptop.take_in(vec![only(&phone)]);
    edit(
        &phone,
        id,
        &[("role", json!("assisted")), ("note", json!("left arm, typed on the phone."))],
    );
    edit(&laptop, id, &[("role", json!("performed")), ("note", json!("On the laptop: left arm"))]);
    let vector = |name, means, copy: &Copy| Vector::new(name, Form::Record, means, only(copy));
    let mut all = vec![
        vector("record_edited_on_phone", "a text and a role, edited on one device", &phone),
        vector("record_edited_on_laptop", "the same record, edited on the other", &laptop),
    ];
    laptop.take_in(vec![only(&phone)]);
    all.push(vector(
        "record_siblings",
        "both in one: of role and text the others are siblings",
        &laptop,
    ));
    all
}

/// The secret of all codes.
fn secret() -> PairingSecret {
    PairingSecret(std::array::from_fn(|place| u8::try_from(place).unwrap()))
}

/// What a QR says, until `expires`.
pub fn invitation(expires: UtcMillis) -> String {
    let addresses = ["192.168.1.20:47110".to_owned(), "[fe80::1]:47110".to_owned()];
    Invitation::new(Fingerprint([9; 32]), secret(), &addresses, expires).text().to_string()
}

/// The typed code of the same secret.
pub fn typed() -> String {
    secret().typed().text().to_string()
}

fn codes() -> Vec<Vector> {
    let typed = typed();
    let sloppy = typed.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
    let code = |name, form, means, text: String| Vector::new(name, form, means, text.into_bytes());
    vec![
        code("invitation", Form::Invitation, "what the QR says", invitation(UtcMillis(NOW.0 + 1))),
        code("typed_code", Form::TypedCode, "the typed code of the same secret", typed),
        code("typed_code_sloppy", Form::TypedCode, "the same as somebody types it", sloppy),
    ]
}

fn party(number: u8, name: &str) -> Party {
    let fingerprint = Fingerprint([number; 32]);
    Party { fingerprint, name: DeviceName::new(name), seal_key: SealKey([number + 100; 32]) }
}

fn pairing() -> Vec<Vector> {
    let (laptop, phone) = (party(1, "Laptop"), party(2, "Ann's phone"));
    let channel = |peer: &Party| Channel { exporter: [42; 32], peer: peer.fingerprint };
    let (to_phone, to_laptop) = (channel(&phone), channel(&laptop));
    let mut window = Window::open(laptop, secret(), [5; 32], NOW);
    let mut joiner = Joiner::typed(phone, &secret().typed(), [6; 32]);
    let proof = joiner.begin(to_laptop).unwrap();
    let proven = window.receive(&to_phone, proof.clone(), NOW, false).unwrap();
    let reveal = joiner.receive(proven.clone()).unwrap();
    let mut another = Window::open(party(1, "Laptop"), secret(), [5; 32], NOW);
    let revoked = another.receive(&to_phone, proof.clone(), NOW, true).unwrap();
    let said = |name, means, message: &PairMessage| {
        Vector::new(name, Form::Pairing, means, message.to_bytes())
    };
    vec![
        said(
            "pair_proof",
            "the joiner's proof by the typed code; exporter 42 × 32, keys 1 and 2 × 32",
            &proof,
        ),
        said("pair_proven", "the inviter's; its nonce is made from the seed 5 × 32", &proven),
        said("pair_reveal", "the joiner's nonce, 6 × 32: both know the digits", &reveal),
        said("pair_done", "the digits were right", &PairMessage::Done),
        said(
            "pair_refused",
            "another device knew the secret, too",
            &PairMessage::Refused(NoPair::TwoClaimants),
        ),
        said(
            "pair_revoked",
            "the window knows the joiner's key as revoked; the proof is the inviter's",
            &revoked,
        ),
    ]
}
