//! Codes that were seen, used, too old or led astray.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use seldinger_core::link::LinkError;
use seldinger_core::logbook::lan::{JoinView, PairingView, SyncError};
use seldinger_core::sync::frame::Frame;
use seldinger_core::sync::pairing::{Closed, DigitsAnswer, PairMessage, WINDOW_MS, Why};
use seldinger_core::sync::{CodeError, Invitation};
use seldinger_core::time::UtcMillis;
use system_tests::{FixedClock, Hostile, Impostor, Laptop, case};

use super::{NOW_MS, is_closed, knows_nobody, laptop, phone, serves_the_honest, window};

fn read(qr: &str) -> Invitation {
    Invitation::read(qr, UtcMillis(NOW_MS)).unwrap()
}

/// The same invitation, as somebody would show it who wants to be called in the laptop's place.
fn leading_to(qr: &str, at: &str) -> String {
    let Invitation { fingerprint, secret, expires, .. } = read(qr);
    Invitation::new(fingerprint, secret, &[at.to_owned()], expires).text().to_string()
}

#[test]
fn an_expired_code_is_refused_by_both_sides() {
    let (laptop, clock) = laptop();
    let slow = phone(&Arc::new(FixedClock::at(NOW_MS)));
    let qr = laptop.qr();
    clock.advance_ms(WINDOW_MS);
    let error = CodeError::Expired;
    assert_eq!(phone(&clock).sync.join(&qr, None), Err(SyncError::Code { error }));
    // A phone whose clock is behind finds the door shut.
    assert_eq!(slow.join_in_vain(&qr, None), Why::Closed.wording());
    is_closed(&laptop, &Closed::Expired.wording());
    knows_nobody(&laptop);
    knows_nobody(&slow);
    serves_the_honest(&laptop);
}

#[test]
fn a_used_code_is_refused() {
    let (laptop, clock) = laptop();
    let (first, second) = (phone(&clock), phone(&clock));
    let qr = laptop.qr();
    laptop.type_digits(&first.join(&qr));
    assert_eq!(second.join_in_vain(&qr, None), Why::Closed.wording());
    assert_eq!(window(&laptop).state, PairingView::Paired);
    assert_eq!(laptop.book.peers().unwrap().len(), 1);
    knows_nobody(&second);
    serves_the_honest(&laptop);
}

#[test]
fn who_photographed_the_code_waits_for_digits_and_hears_nothing_else() {
    let (laptop, _) = laptop();
    let stranger = Hostile::new("Camera");
    let qr = laptop.qr();
    let mut call = stranger.call(&laptop.at);
    let digits = call.prove(stranger.joiner(&read(&qr))).unwrap();
    assert_eq!(digits.len(), 6);
    laptop.until(|laptop| (window(laptop).state == PairingView::Digits).then_some(()));
    assert!(window(&laptop).told.what.contains("Camera"));
    knows_nobody(&laptop);
    // It does not wait, and is shown the door.
    call.say(&Frame::Hello(stranger.hello()));
    assert_eq!(call.pairing(), Some(PairMessage::Refused(Why::OutOfTurn)));
    call.end();
    assert!(call.heard.iter().all(|frame| PairMessage::is_one(frame)));
    // Nor does it get in by another connection, while the window is open.
    let mut again = stranger.call(&laptop.at);
    again.say(&Frame::Hello(stranger.hello()));
    again.end();
    assert_eq!(again.heard, Vec::<Vec<u8>>::new());
    laptop.sync.close_window();
    is_closed(&laptop, &Closed::ByUser.wording());
    assert_eq!(laptop.sync.type_digits(&digits), DigitsAnswer::NobodyWaits);
    knows_nobody(&laptop);
    serves_the_honest(&laptop);
}

#[test]
fn two_that_know_the_secret_end_it_for_both() {
    let (laptop, clock) = laptop();
    let (stranger, phone) = (Hostile::new("Camera"), phone(&clock));
    let qr = laptop.qr();
    let mut call = stranger.call(&laptop.at);
    call.prove(stranger.joiner(&read(&qr))).unwrap();
    assert_eq!(phone.join_in_vain(&qr, None), Why::TwoClaimants.wording());
    assert_eq!(call.pairing(), Some(PairMessage::Refused(Why::TwoClaimants)));
    call.end();
    is_closed(&laptop, &Closed::TwoClaimants.wording());
    knows_nobody(&laptop);
    knows_nobody(&phone);
    serves_the_honest(&laptop);
}

#[test]
fn a_good_certificate_of_the_wrong_device_learns_nothing() {
    let (laptop, clock) = laptop();
    let (impostor, joining) = (Impostor::new(), phone(&clock));
    let astray = leading_to(&laptop.qr(), &impostor.at);
    assert_eq!(joining.join_in_vain(&astray, None), LinkError::OtherDevice.wording());
    // A paired phone calls where it found the laptop last, and hangs up on who is there now.
    let paired = phone(&clock);
    laptop.pair_with(&paired);
    laptop.until_in_step();
    let gate = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = gate.local_addr().unwrap().to_string();
    paired.book.note_address(laptop.sync.fingerprint(), &at).unwrap();
    paired.sync.hang_up();
    paired.sync.sync_now();
    let (near, _) = gate.accept().unwrap();
    for carrying in let_through(&near, &impostor.at) {
        carrying.join().unwrap();
    }
    assert_eq!(impostor.stop(), [0, 2]);
    serves_the_honest(&laptop);
    // It goes on with where the laptop was before.
    let here = laptop.book.create_case(case(4, "after the impostor")).unwrap().id;
    paired.until(|phone| phone.book.record(here).ok());
}

#[test]
fn a_proof_is_worth_nothing_to_who_passes_it_on() {
    let (laptop, clock) = laptop();
    let (impostor, middle, phone) = (Impostor::new(), Hostile::new("Middle"), phone(&clock));
    let code = laptop.code();
    // A typed code names no device: the proof has to tell.
    phone.sync.join(&code, Some(&impostor.at)).unwrap();
    let mut deceived = impostor.answer();
    let proof = deceived.hear().unwrap();
    let mut call = middle.call(&laptop.at);
    call.say_bytes(&proof);
    assert_eq!(call.pairing(), Some(PairMessage::Refused(Why::WrongProof)));
    let view = window(&laptop);
    assert_eq!(view.state, PairingView::Open);
    assert!(view.tried.is_some(), "the user is told that somebody tried");
    let proven = PairMessage::Proven {
        proof: [1; 32],
        name: impostor.party.name.clone(),
        seal_key: impostor.party.seal_key,
        nonce: [2; 32],
    };
    deceived.say_bytes(&proven.to_bytes());
    assert_eq!(phone.told_that_it_failed(), Why::WrongProof.wording());
    knows_nobody(&laptop);
    knows_nobody(&phone);
    serves_the_honest(&laptop);
}

/// Two come with the right secret when it is too late. A device that is paired already gets to the
/// window at any time, and is told this; whether any other still gets there is the second answer.
fn late(close: impl FnOnce(&Laptop, &Arc<FixedClock>, &str)) -> (Laptop, Why, bool) {
    let (laptop, clock) = laptop();
    let (known, stranger) = (Hostile::new("Known"), Hostile::new("Stranger"));
    laptop.book.add_peer(&known.party).unwrap();
    let paired = || {
        let peers = laptop.book.peers().unwrap();
        peers.iter().find(|peer| peer.name == "Known").unwrap().paired
    };
    let (before, qr) = (paired(), laptop.qr());
    clock.advance_ms(1);
    close(&laptop, &clock, &qr);
    let mut call = known.call(&laptop.at);
    let refused = call.prove(known.joiner(&read(&qr))).unwrap_err();
    call.end();
    let mut call = stranger.call(&laptop.at);
    let proof = stranger.joiner(&read(&qr)).begin(call.channel()).unwrap();
    call.say_bytes(&proof.to_bytes());
    let let_in = call.end() != LinkError::Refused;
    assert_eq!(paired(), before, "it is not paired anew");
    assert!(!laptop.book.trusts(stranger.party.fingerprint).unwrap());
    (laptop, refused, let_in)
}

#[test]
fn the_right_secret_comes_too_late_once_the_window_is_over() {
    let (laptop, refused, let_in) = late(|_, clock, _| clock.advance_ms(WINDOW_MS));
    assert_eq!((refused, let_in), (Why::Expired, false));
    is_closed(&laptop, &Closed::Expired.wording());
    serves_the_honest(&laptop);

    let (laptop, refused, let_in) = late(|laptop, _, _| laptop.sync.close_window());
    assert_eq!((refused, let_in), (Why::ByUser, false));
    is_closed(&laptop, &Closed::ByUser.wording());
    serves_the_honest(&laptop);

    let (laptop, refused, let_in) = late(|laptop, clock, qr| {
        laptop.type_digits(&phone(clock).join(qr));
    });
    assert_eq!((refused, let_in), (Why::Closed, false));
    serves_the_honest(&laptop);

    // The new window lets strangers come as far as it, and knows another secret.
    let (laptop, refused, let_in) = late(|laptop, _, _| drop(laptop.qr()));
    assert_eq!((refused, let_in), (Why::WrongProof, true));
    assert_eq!(window(&laptop).state, PairingView::Open);
    assert!(window(&laptop).tried.is_some());
    serves_the_honest(&laptop);
}

#[test]
fn ten_wrong_proofs_close_the_window() {
    let (laptop, _) = laptop();
    let (stranger, qr) = (Hostile::new("Guess"), laptop.qr());
    let mut wrong = read(&qr);
    wrong.secret.0[0] ^= 1;
    for times in 1..=10 {
        let refused = stranger.call(&laptop.at).prove(stranger.joiner(&wrong)).unwrap_err();
        assert_eq!(refused, if times < 10 { Why::WrongProof } else { Why::Closed });
    }
    is_closed(&laptop, &Closed::TooManyProofs.wording());
    knows_nobody(&laptop);
    serves_the_honest(&laptop);
}

#[test]
fn a_claim_that_counts_no_more_is_told_and_keeps_no_line() {
    let (laptop, _) = laptop();
    let stranger = Hostile::new("Patient");
    let qr = laptop.qr();
    let mut first = stranger.call(&laptop.at);
    first.prove(stranger.joiner(&read(&qr))).unwrap();
    // It comes again: the new connection counts. What the first said last may only be heard after that.
    let mut second = stranger.call(&laptop.at);
    second.prove(stranger.joiner(&read(&qr))).unwrap();
    let is_told = |said| matches!(said, Some(PairMessage::Refused(Why::Closed | Why::OutOfTurn)));
    assert!(is_told(first.pairing()));
    first.end();
    // Another window takes the place of the one that was claimed.
    drop(laptop.qr());
    assert!(is_told(second.pairing()));
    second.end();
    knows_nobody(&laptop);
    serves_the_honest(&laptop);
}

/// Lets a call through to `at` that was held so far; the threads end with it.
fn let_through(near: &TcpStream, at: &str) -> [JoinHandle<()>; 2] {
    let far = TcpStream::connect(at).unwrap();
    [(near, &far), (&far, near)].map(|(from, to)| {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        })
    })
}

#[test]
fn who_stops_while_it_connects_says_nothing_more() {
    let (_, clock) = laptop();
    let (impostor, gate) = (Impostor::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let at = gate.local_addr().unwrap().to_string();
    // Stopped while it joins.
    let joining = phone(&clock);
    let secret = seldinger_core::sync::PairingSecret([3; 32]);
    joining.sync.join(&secret.typed().text(), Some(&at)).unwrap();
    let (near, _) = gate.accept().unwrap();
    joining.sync.stop_joining();
    let_through(&near, &impostor.at);
    let mut call = impostor.answer();
    call.end();
    assert_eq!(call.heard, Vec::<Vec<u8>>::new());
    assert!(joining.sync.joining().is_none());
    // Dropped while it calls a device that it is paired with.
    let calling = phone(&clock);
    calling.book.add_peer(&impostor.party).unwrap();
    calling.book.note_address(impostor.party.fingerprint, &at).unwrap();
    calling.sync.sync_now();
    let (near, _) = gate.accept().unwrap();
    drop(calling);
    let_through(&near, &impostor.at);
    let mut call = impostor.answer();
    call.end();
    assert_eq!(call.heard, Vec::<Vec<u8>>::new());
}

#[test]
fn http_is_answered_by_no_word_and_understood_as_none() {
    let (laptop, clock) = laptop();
    let qr = laptop.qr();
    let mut browser = TcpStream::connect(&laptop.at).unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: laptop\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    browser.read_to_end(&mut answer).unwrap();
    // At most the alert of TLS.
    assert!(answer.len() <= 7 && answer.first().is_none_or(|first| *first == 21), "{answer:?}");
    assert_eq!(window(&laptop).state, PairingView::Open);
    knows_nobody(&laptop);
    // The other way round: a code that leads to a web server.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut call, _) = server.accept().unwrap();
        let mut asked = [0; 64];
        let _ = call.read(&mut asked);
        call.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
    });
    let phone = phone(&clock);
    let told = phone.join_in_vain(&leading_to(&qr, &at), None);
    assert_eq!(told, LinkError::OtherProtocol.wording());
    assert!(matches!(phone.sync.joining(), Some(JoinView::Failed { .. })));
    serves_the_honest(&laptop);
}
