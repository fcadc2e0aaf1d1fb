//! Devices that are not trusted, or not any more, and trusted ones that do not keep to the protocol.

use seldinger_core::ids::RecordId;
use seldinger_core::link::LinkError;
use seldinger_core::logbook::lan::{SyncState, SyncTrouble};
use seldinger_core::record::sums::{Root, Sums};
use seldinger_core::sync::frame::{
    Frame, Hello, MOST_BYTES, PAGE_RECORDS, Page, Receipt, Refusal, Why, WhyRefused, pack,
};
use seldinger_core::sync::pairing::PairMessage;
use seldinger_core::sync::session::Greeting;
use system_tests::{Call, Hostile, Laptop, SeededIds};

use super::{knows_nobody, laptop, serves_the_honest};

/// A laptop that trusts a device which does not deserve it; they have met.
fn betrayed() -> (Laptop, Hostile) {
    let (laptop, _) = laptop();
    let peer = trusted(&laptop, "Liar");
    (laptop, peer)
}

fn trusted(laptop: &Laptop, name: &str) -> Hostile {
    let peer = Hostile::new(name);
    laptop.book.add_peer(&peer.party).unwrap();
    let (mut call, _) = peer.greet(&laptop.at);
    call.say(&Frame::Bye(Why::Stopped));
    call.end();
    peer
}

/// What the book says, and where it stands towards a device.
fn stands(laptop: &Laptop, peer: &Hostile) -> Greeting {
    laptop.book.greet(peer.party.fingerprint).unwrap()
}

fn until_trouble(laptop: &Laptop, trouble: SyncTrouble) {
    laptop.until(|laptop| {
        let status = laptop.sync.status().unwrap();
        (status.state == SyncState::Failed { trouble }).then(|| {
            assert_eq!(status.told, Some(trouble.wording()));
        })
    });
}

fn page(from: u64, to: u64, count: u32, records: &[&[u8]]) -> Page {
    let packed = pack(records.iter().copied());
    Page { from, to, more: false, is_repair: false, receipt: Receipt::default(), count, packed }
}

#[test]
fn a_device_that_is_not_paired_hears_nothing() {
    let (laptop, _) = laptop();
    let stranger = Hostile::new("Stranger");
    let before = stands(&laptop, &stranger);
    let mut call = stranger.call(&laptop.at);
    call.say(&Frame::Hello(stranger.hello()));
    assert_eq!(call.end(), LinkError::Refused);
    assert!(call.heard.is_empty());
    // While a window is open it gets as far as saying something that is not a proof.
    laptop.qr();
    let records = Frame::Page(page(0, 1, 1, &[b"x"]));
    for frame in [Frame::Hello(stranger.hello()), records, Frame::Bye(Why::Stopped)] {
        let mut call = stranger.call(&laptop.at);
        call.say(&frame);
        call.end();
        assert!(call.heard.is_empty(), "{:?}", call.heard);
    }
    assert_eq!(stands(&laptop, &stranger), before);
    knows_nobody(&laptop);
    serves_the_honest(&laptop);
}

#[test]
fn a_revoked_device_is_cut_off_and_stays_outside() {
    let (laptop, peer) = betrayed();
    let (mut call, _) = peer.greet(&laptop.at);
    laptop.sync.revoke(peer.party.fingerprint, peer.party.name.as_str()).unwrap();
    call.end();
    let (before, heard) = (stands(&laptop, &peer), call.heard.len());
    call.say(&Frame::Page(page(0, 1, 1, &[b"x"])));
    assert_eq!(call.heard.len(), heard);
    let mut again = peer.call(&laptop.at);
    again.say(&Frame::Hello(peer.hello()));
    assert_eq!(again.end(), LinkError::Revoked);
    // An open window lets it prove a secret, and nothing else.
    laptop.qr();
    let mut again = peer.call(&laptop.at);
    again.say(&Frame::Hello(peer.hello()));
    again.end();
    assert!(again.heard.is_empty());
    assert_eq!(stands(&laptop, &peer), before);
    assert!(laptop.book.peers().unwrap()[0].is_revoked);
    assert_eq!(laptop.sync.status().unwrap().state, SyncState::Alone);
    serves_the_honest(&laptop);
}

/// Frames that make no sense after Hello, where the laptop has sent its page up to `head`.
fn nonsense(peer: &Hostile, head: u64) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let bytes = |page| vec![Frame::Page(page).encode()];
    let ack = |to, places: &[u32]| {
        let why = WhyRefused::Unreadable;
        let refused = places.iter().map(|place| Refusal { place: *place, why }).collect();
        Frame::Ack { to, refused }.encode()
    };
    let random = SeededIds::new(7);
    let noise = (0..200).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
    let (zeros, sums) = (vec![0; MOST_BYTES], Frame::Sums(Box::default()).encode());
    let cut = bytes(page(0, 1, 1, &[b"x"])).remove(0);
    vec![
        ("two acks for one page", vec![ack(head, &[]), ack(head, &[])]),
        ("an ack of what was not sent", vec![ack(head + 1, &[])]),
        ("an ack from beyond", vec![ack(u64::MAX, &[])]),
        ("an ack that names a place which the page has not", vec![ack(head, &[u32::MAX])]),
        ("noise", vec![noise]),
        ("nothing", vec![Vec::new()]),
        ("http", vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()]),
        ("half a page", vec![cut[..cut.len() - 1].to_vec()]),
        ("a page and a bit", vec![[cut, vec![0]].concat()]),
        ("a second hello", vec![Frame::Hello(peer.hello()).encode()]),
        ("sums twice", vec![sums.clone(), sums]),
        ("a page that skips some", bytes(page(5, 6, 1, &[b"x"]))),
        ("a page that leads nowhere", bytes(page(0, 0, 1, &[b"x"]))),
        ("a page that leads beyond every number", bytes(page(0, u64::MAX, 1, &[b"x"]))),
        ("a page with fewer records than it says", bytes(page(0, 1, 2, &[b"x"]))),
        ("a page with no end of records", bytes(page(0, 1, u32::MAX, &[b"x"]))),
        ("a page with more records than it says", bytes(page(0, 1, 0, &[b"x"]))),
        (
            "a page with more records than any",
            bytes(page(0, 1, 501, &[b"x".as_slice(); PAGE_RECORDS + 1])),
        ),
        ("a page that unpacks to too much", bytes(page(0, 1, 1, &[&zeros]))),
        ("pairing in the midst of it", vec![PairMessage::Done.to_bytes()]),
    ]
}

/// The last that was heard is why it ended. It hangs up, or the laptop would wait a second for that.
fn is_refused_as_nonsense(mut call: Call, name: &str) {
    call.end();
    let last = call.heard.last().and_then(|bytes| Frame::decode(bytes).ok());
    assert_eq!(last, Some(Frame::Bye(Why::Nonsense)), "{name}");
}

#[test]
fn frames_that_make_no_sense_end_the_session_and_change_nothing() {
    let (laptop, peer) = betrayed();
    let before = stands(&laptop, &peer);
    for (name, frames) in nonsense(&peer, before.head) {
        let (mut call, _) = peer.greet(&laptop.at);
        for frame in frames {
            call.say_bytes(&frame);
        }
        is_refused_as_nonsense(call, name);
        until_trouble(&laptop, SyncTrouble::Nonsense);
    }
    // Whatever comes before Hello, too.
    let root = Frame::Root { head: 0, cursor: 0, root: Sums::default().root() };
    for frame in [Frame::Page(page(0, 1, 1, &[b"x"])), root, Frame::Still] {
        let mut call = peer.call(&laptop.at);
        call.say(&frame);
        is_refused_as_nonsense(call, "before hello");
        until_trouble(&laptop, SyncTrouble::Nonsense);
    }
    assert_eq!(stands(&laptop, &peer), before);
    serves_the_honest(&laptop);
}

#[test]
fn records_that_nobody_can_read_are_set_aside() {
    let (laptop, peer) = betrayed();
    let before = stands(&laptop, &peer);
    let id = RecordId::from_content(b"of a version to come");
    let newer = [&[0x82, 0x18, 0xff, 0x50][..], &id.bytes()].concat();
    let (mut call, _) = peer.greet(&laptop.at);
    call.say(&Frame::Page(page(0, 2, 2, &[b"x", &newer])));
    let why = WhyRefused::Unreadable;
    let refused = vec![Refusal { place: 0, why }, Refusal { place: 1, why }];
    while call.frame() != Some(Frame::Ack { to: 2, refused: refused.clone() }) {}
    call.say(&Frame::Bye(Why::Stopped));
    call.end();
    // It is known how far this device was taken in, and what of it; the records are as they were.
    let after = stands(&laptop, &peer);
    assert_eq!((after.head, &after.sums), (before.head, &before.sums));
    assert_eq!(after.knows.map(|(_, cursor)| cursor), Some(2));
    assert_eq!(laptop.book.peers().unwrap()[0].refused, 1);
    serves_the_honest(&laptop);
}

/// Acknowledges the page with the laptop's only records.
fn take_page(call: &mut Call) -> u64 {
    loop {
        if let Frame::Page(Page { to, .. }) = call.frame().expect("a page comes") {
            call.say(&Frame::Ack { to, refused: Vec::new() });
            return to;
        }
    }
}

#[test]
fn counts_beyond_reason_stop_nobody() {
    let (laptop, first) = betrayed();
    let second = trusted(&laptop, "Another liar");
    let before = stands(&laptop, &first).sums;
    let lies = [first, second].map(|peer| {
        let hello = Hello { head: u64::MAX, waiting: u64::MAX, ..peer.hello() };
        let (mut call, _) = peer.greet_as(&laptop.at, hello);
        take_page(&mut call);
        (peer, call)
    });
    laptop.until(|laptop| {
        let devices = laptop.sync.status().unwrap().devices;
        let has_begun = |state| matches!(state, SyncState::Syncing { total: u64::MAX, .. });
        devices.into_iter().all(|device| has_begun(device.state)).then_some(())
    });
    let whole = laptop.sync.status().unwrap().state;
    assert!(matches!(whole, SyncState::Syncing { total: u64::MAX, .. }), "{whole:?}");
    assert_eq!(stands(&laptop, &lies[0].0).sums, before);
    serves_the_honest(&laptop);
    drop(lies);
    laptop.until(|laptop| {
        let state = laptop.sync.status().unwrap().state;
        (!matches!(state, SyncState::Syncing { .. })).then_some(())
    });
}

#[test]
fn who_never_agrees_is_told_to_differ() {
    let (laptop, peer) = betrayed();
    let before = stands(&laptop, &peer).sums;
    let (mut call, _) = peer.greet(&laptop.at);
    let cursor = take_page(&mut call);
    let lie = Frame::Root { head: 0, cursor, root: Root([9; 16]) };
    call.say(&lie);
    while !matches!(call.frame().expect("sums come"), Frame::Sums(_)) {}
    call.say(&Frame::Sums(Box::default()));
    take_page(&mut call);
    call.say(&Frame::Page(Page { is_repair: true, ..page(0, 0, 0, &[]) }));
    while !matches!(call.frame().expect("a root comes"), Frame::Root { .. }) {}
    call.say(&lie);
    until_trouble(&laptop, SyncTrouble::Differs);
    assert_eq!(stands(&laptop, &peer).sums, before);
    serves_the_honest(&laptop);
}

#[test]
fn who_claims_to_have_more_than_there_is_costs_no_device_id_and_is_sent_everything() {
    let (laptop, peer) = betrayed();
    let before = stands(&laptop, &peer);
    let mut receipts = vec![Receipt::default(), Receipt([7; 16])];
    for round in 0..3 {
        let knows = Some((before.replica, before.head + 1 + round));
        // Nothing that it makes up, and nothing that it was given for less, proves it.
        let receipt = receipts.pop().unwrap_or_default();
        let hello = Hello { knows, receipt, ..peer.hello() };
        let (mut call, theirs) = peer.greet_as(&laptop.at, hello);
        assert_eq!(theirs.replica, before.replica);
        let Some(Frame::Page(page)) = call.frame() else { panic!("all that there is comes") };
        assert_eq!((page.from, page.to), (0, before.head));
        receipts.push(page.receipt);
        call.say(&Frame::Bye(Why::Stopped));
        call.end();
    }
    let liar = Hello { replica: before.replica, ..peer.hello() };
    let (mut call, _) = peer.greet_as(&laptop.at, liar);
    assert_eq!(call.frame(), Some(Frame::Bye(Why::Nonsense)));
    call.end();
    let after = stands(&laptop, &peer);
    assert_eq!(after.replica, before.replica);
    assert_eq!((after.head, &after.sums), (before.head, &before.sums));
    serves_the_honest(&laptop);
}
