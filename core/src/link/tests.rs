//! Real sockets on the loopback address.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::wire::Patience;
use super::*;
use crate::ids::SystemIds;
use crate::sync::Fingerprint;

/// Longer than anything takes that works.
const LONG: Duration = Duration::from_secs(30);
/// What each wire of the listener's side was, and how it ended.
type Ends = Receiver<(Fingerprint, [u8; 32], LinkError)>;

fn device() -> DeviceIdentity {
    DeviceIdentity::generate(&SystemIds).unwrap()
}

fn only(who: &DeviceIdentity) -> Arc<dyn Trust> {
    let who = who.fingerprint();
    Arc::new(move |peer: &Fingerprint| *peer == who)
}

/// A listener that sends back every frame.
fn echo(me: &DeviceIdentity, trust: Arc<dyn Trust>) -> (Listener, Ends) {
    let (ended, ends) = channel();
    let serve = move |mut wire: Wire| {
        loop {
            match wire.next(LONG) {
                Incoming::Frame(frame) => drop(wire.send(&frame)),
                Incoming::Poked => {}
                Incoming::TimedOut => panic!("nothing came"),
                Incoming::Closed(why) => {
                    return ended.send((wire.peer(), wire.exporter(), why)).unwrap_or_default();
                }
            }
        }
    };
    (Listener::bind("127.0.0.1:0", me, trust, Arc::new(serve)).unwrap(), ends)
}

fn call(to: &Listener, me: &DeviceIdentity, pin: Pin) -> Result<Wire, LinkError> {
    Wire::connect(&to.address().to_string(), LONG, me, pin)
}

/// Two wires that are connected, without a listener.
fn pair() -> (Wire, Wire) {
    let (one, other) = (device(), device());
    let config = tls::answering(&other, only(&one)).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let answer = thread::spawn(move || Wire::accept(socket.accept().unwrap().0, &config).unwrap());
    let pin = Pin::Device(other.fingerprint());
    let calling = Wire::connect(&address, LONG, &one, pin).unwrap();
    (calling, answer.join().unwrap())
}

fn echoed(wire: &mut Wire, frame: &[u8]) -> bool {
    wire.send(frame).unwrap();
    wire.next(LONG) == Incoming::Frame(frame.to_vec())
}

#[test]
fn paired_devices_exchange_frames_of_every_size() {
    let (phone, laptop) = (device(), device());
    let (listener, ends) = echo(&laptop, only(&phone));
    let mut wire = call(&listener, &phone, Pin::Device(laptop.fingerprint())).unwrap();
    assert_eq!(wire.peer(), laptop.fingerprint());
    for size in [0, 1, 16_384, 100_001, MAX_FRAME] {
        let frame: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        assert!(echoed(&mut wire, &frame), "{size}");
    }
    let too_long = vec![0; MAX_FRAME + 1];
    assert_eq!(wire.send(&too_long), Err(LinkError::TooLong { bytes: MAX_FRAME as u64 + 1 }));
    assert!(echoed(&mut wire, b"still there"));
    wire.finish();
    let (peer, _, why) = ends.recv_timeout(LONG).unwrap();
    assert_eq!((peer, why), (phone.fingerprint(), LinkError::Ended));
    assert_eq!(listener.stop(), ListenerCounts { answered: 1, ..ListenerCounts::default() });
}

#[test]
fn the_cost_of_a_frame_is_known_and_nothing_comes_unasked() {
    let (mut one, mut other) = pair();
    // No session ticket, and nothing else, follows a handshake.
    assert_eq!(one.next(Duration::from_millis(20)), Incoming::TimedOut);
    let before = one.traffic();
    assert_eq!(before.received, before.handshake_received);
    assert_eq!(before.sent, before.handshake_sent);
    assert!(before.handshake_sent + before.handshake_received < 3_000, "{before:?}");
    one.send(&[7; 100]).unwrap();
    assert_eq!(other.next(LONG), Incoming::Frame(vec![7; 100]));
    assert_eq!(one.traffic().sent - before.sent, 100 + 4 + 22);
    assert_eq!(other.traffic().received - other.traffic().handshake_received, 100 + 4 + 22);
}

#[test]
fn both_send_at_once_and_neither_waits_for_ever() {
    let (one, other) = pair();
    let talk = |mut wire: Wire| {
        thread::spawn(move || {
            wire.send(&vec![1; MAX_FRAME]).unwrap();
            let got = wire.next(LONG);
            assert_eq!(got, Incoming::Frame(vec![1; MAX_FRAME]));
            wire.finish();
        })
    };
    let (one, other) = (talk(one), talk(other));
    one.join().unwrap();
    other.join().unwrap();
}

#[test]
fn a_valid_certificate_of_somebody_else_is_another_device() {
    let (phone, laptop, other) = (device(), device(), device());
    let (listener, ends) = echo(&other, only(&phone));
    let called = call(&listener, &phone, Pin::Device(laptop.fingerprint()));
    assert_eq!(called.err(), Some(LinkError::OtherDevice));
    // By a typed code whoever answers is called, and has to prove itself afterwards.
    assert!(echoed(&mut call(&listener, &phone, Pin::Anyone).unwrap(), b"hello"));
    ends.recv_timeout(LONG).unwrap();
    assert_eq!(listener.stop().answered, 1);
}

#[test]
fn an_unpaired_device_is_refused_and_told_so() {
    let (phone, laptop, stranger) = (device(), device(), device());
    let (listener, _ends) = echo(&laptop, only(&phone));
    for said in [true, false] {
        let mut wire = call(&listener, &stranger, Pin::Device(laptop.fingerprint())).unwrap();
        if said {
            // Whether it goes out or not, what is heard is the refusal.
            let _ = wire.send(&vec![1; 100_000]);
        }
        assert_eq!(wire.next(LONG), Incoming::Closed(LinkError::Refused));
        assert_eq!(wire.send(b"again"), Err(LinkError::Refused));
    }
    assert!(echoed(&mut call(&listener, &phone, Pin::Anyone).unwrap(), b"hello"));
    let counts = listener.stop();
    assert_eq!((counts.strangers, counts.answered), (2, 1));
}

#[test]
fn a_revoked_device_is_cut_and_does_not_come_back() {
    let (phone, laptop) = (device(), device());
    let paired = Arc::new(AtomicBool::new(true));
    let (trust, pokers) = (Arc::clone(&paired), Arc::new(Mutex::new(Vec::new())));
    let trust = Arc::new(move |_: &Fingerprint| trust.load(Ordering::SeqCst));
    let live = Arc::clone(&pokers);
    let (ended, ends) = channel();
    let serve = move |mut wire: Wire| {
        live.lock().unwrap().push(wire.poker());
        wire.send(b"ready").unwrap();
        ended.send(wire.next(LONG)).unwrap();
    };
    let listener = Listener::bind("127.0.0.1:0", &laptop, trust, Arc::new(serve)).unwrap();
    let mut wire = call(&listener, &phone, Pin::Anyone).unwrap();
    assert_eq!(wire.next(LONG), Incoming::Frame(b"ready".to_vec()));
    paired.store(false, Ordering::SeqCst);
    pokers.lock().unwrap().iter().for_each(Poker::cut);
    assert!(matches!(wire.next(LONG), Incoming::Closed(LinkError::Lost | LinkError::Ended)));
    drop(wire);
    assert_eq!(ends.recv_timeout(LONG), Ok(Incoming::Closed(LinkError::Cut)));
    let mut again = call(&listener, &phone, Pin::Anyone).unwrap();
    assert_eq!(again.next(LONG), Incoming::Closed(LinkError::Refused));
}

#[test]
fn a_cut_throws_away_what_was_not_taken() {
    let (mut one, mut other) = pair();
    one.send(b"first").unwrap();
    one.send(b"second").unwrap();
    assert_eq!(other.next(LONG), Incoming::Frame(b"first".to_vec()));
    other.poker().cut();
    assert_eq!(other.next(LONG), Incoming::Closed(LinkError::Cut));
    assert_eq!(other.send(b"late"), Err(LinkError::Cut));
}

#[test]
fn both_ends_know_the_same_secret_of_the_session_and_no_other() {
    let (phone, laptop) = (device(), device());
    let (listener, ends) = echo(&laptop, only(&phone));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let wire = call(&listener, &phone, Pin::Anyone).unwrap();
        let mine = wire.exporter();
        wire.finish();
        assert_eq!(ends.recv_timeout(LONG).unwrap().1, mine);
        seen.push(mine);
    }
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn a_frame_that_announces_too_much_ends_the_wire() {
    let (mut one, mut other) = pair();
    one.send(b"good").unwrap();
    one.send_raw(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3], true);
    assert_eq!(other.next(LONG), Incoming::Frame(b"good".to_vec()));
    let too_long = Incoming::Closed(LinkError::TooLong { bytes: 0xffff_ffff });
    assert_eq!(other.next(LONG), too_long);
    assert_eq!(other.next(LONG), too_long);
}

#[test]
fn a_frame_that_stops_half_way_is_a_broken_connection() {
    let (mut one, mut other) = pair();
    one.send(b"whole").unwrap();
    one.send_raw(&[0, 0, 0, 9, 1, 2, 3], true);
    // Even though it says good-bye.
    one.finish();
    assert_eq!(other.next(LONG), Incoming::Frame(b"whole".to_vec()));
    assert_eq!(other.next(LONG), Incoming::Closed(LinkError::Lost));
}

#[test]
fn bytes_that_are_not_of_this_session_are_damage() {
    for noise in [&[0x55; 300][..], &[23, 3, 3, 0, 40, 0, 1, 2, 3][..]] {
        let (mut one, mut other) = pair();
        one.send(b"good").unwrap();
        one.send_raw(noise, false);
        one.send_raw(&[9; 300], false);
        assert_eq!(other.next(LONG), Incoming::Frame(b"good".to_vec()));
        assert_eq!(other.next(LONG), Incoming::Closed(LinkError::Damaged));
    }
}

#[test]
fn whatever_is_no_call_is_counted_and_harms_nobody() {
    let (phone, laptop) = (device(), device());
    let (listener, _ends) = echo(&laptop, only(&phone));
    let mut old = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    // A greeting of TLS 1.2: random bytes, no session, one cipher, no compression.
    old.extend_from_slice(&[7; 32]);
    old.extend_from_slice(&[0, 0, 2, 0xc0, 0x2f, 1, 0]);
    let mut noises: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec(),
        old,
        vec![22, 3, 3, 0xff, 0xff],
        Vec::new(),
    ];
    noises.extend((0..20_u8).map(|seed| {
        let mut noise = vec![0; 500];
        blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut noise);
        noise
    }));
    let count = noises.len() as u64;
    for noise in noises {
        let mut socket = TcpStream::connect(listener.address()).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let _ = socket.write_all(&noise);
        socket.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        let _ = socket.read_to_end(&mut heard);
        // An alert of TLS at most.
        assert!(heard.len() <= 7, "{heard:?}");
    }
    assert!(echoed(&mut call(&listener, &phone, Pin::Anyone).unwrap(), b"hello"));
    let counts = listener.stop();
    assert_eq!((counts.noise, counts.strangers, counts.answered), (count, 0, 1));
}

#[test]
fn who_stalls_is_given_up() {
    let (one, other) = (device(), device());
    let patience =
        Patience { handshake: Duration::from_millis(50), write: Duration::from_millis(50) };
    // One who says nothing.
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
    let session = tls::answer(&tls::answering(&other, only(&one)).unwrap()).unwrap();
    let called = Wire::agree(socket.accept().unwrap().0, session, patience);
    assert_eq!(called.err(), Some(LinkError::Stalled));
    drop(silent);
    // One who reads nothing.
    let config = tls::answering(&other, only(&one)).unwrap();
    let address = socket.local_addr().unwrap();
    let answer = thread::spawn(move || Wire::accept(socket.accept().unwrap().0, &config).unwrap());
    let long = Patience { handshake: LONG, ..patience };
    let calling = tls::calling(&one, Pin::Anyone).unwrap();
    let mut wire = Wire::agree(TcpStream::connect(address).unwrap(), calling, long).unwrap();
    let deaf = answer.join().unwrap();
    let frame = vec![0; MAX_FRAME];
    let stalled = (0..50).find_map(|_| wire.send(&frame).err());
    assert_eq!(stalled, Some(LinkError::Stalled));
    assert_eq!(wire.next(LONG), Incoming::Closed(LinkError::Stalled));
    drop(deaf);
}

#[test]
fn a_poke_wakes_who_waits_and_many_are_one() {
    let (mut one, mut other) = pair();
    let poker = one.poker();
    let waiting = thread::spawn(move || {
        let woken = one.next(LONG);
        (one, woken)
    });
    poker.poke();
    let (mut one, woken) = waiting.join().unwrap();
    assert_eq!(woken, Incoming::Poked);
    let poker = one.poker();
    (0..9).for_each(|_| poker.poke());
    other.send(b"frame").unwrap();
    assert_eq!(one.next(LONG), Incoming::Poked);
    assert_eq!(one.next(LONG), Incoming::Frame(b"frame".to_vec()));
    drop(one);
    // Of a wire that is gone, a poker does nothing.
    poker.poke();
    poker.cut();
    assert_eq!(other.next(LONG), Incoming::Closed(LinkError::Ended));
}

#[test]
fn addresses_that_lead_nowhere_say_so() {
    let me = device();
    let call = |address: &str| Wire::connect(address, LONG, &me, Pin::Anyone).err();
    assert_eq!(call("nowhere"), Some(LinkError::NotAnAddress));
    assert_eq!(call("127.0.0.1:99999"), Some(LinkError::NotAnAddress));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(call(&gone.to_string()), Some(LinkError::Unreachable));
    let (listener, _ends) = echo(&me, only(&me));
    let taken = listener.address().to_string();
    let serve = Arc::new(|_: Wire| ());
    let second = Listener::bind(&taken, &me, only(&me), serve);
    assert_eq!(second.err(), Some(LinkError::CannotListen));
}

/// As many connections that say nothing.
fn quiet(to: &Listener, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| TcpStream::connect(to.address()).unwrap()).collect()
}

#[test]
fn quiet_calls_stop_no_paired_device_and_stopping_waits_for_nobody() {
    let (phone, laptop) = (device(), device());
    let (listener, ends) = echo(&laptop, only(&phone));
    let _before = quiet(&listener, 60);
    let mut wire = call(&listener, &phone, Pin::Anyone).unwrap();
    assert!(echoed(&mut wire, b"hello"));
    // Nor do those that come afterwards take its place.
    let _after = quiet(&listener, 200);
    let mut stranger = call(&listener, &device(), Pin::Anyone).unwrap();
    assert!(matches!(stranger.next(LONG), Incoming::Closed(_)));
    assert!(echoed(&mut wire, b"still there"));
    // Places are few, however many come: those that are open and those that are ending.
    assert!(listener.open() <= 24 + 48 + 1, "{}", listener.open());
    let began = now();
    let counts = listener.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(counts.turned_away >= 100 && counts.answered == 1, "{counts:?}");
    assert_eq!(ends.try_iter().count(), 1);
    assert!(matches!(wire.next(LONG), Incoming::Closed(_)));
}

/// An open window: everybody comes in, and nobody is paired.
struct Open;
impl Trust for Open {
    fn accepts(&self, _: &Fingerprint) -> bool {
        true
    }
    fn is_paired(&self, _: &Fingerprint) -> bool {
        false
    }
}

#[test]
fn a_stranger_that_a_window_keeps_is_not_crowded_out_and_others_are() {
    let laptop = device();
    let (called, calls) = channel();
    let serve = move |mut wire: Wire| {
        // A caller's handshake is over before the listener has counted the call; this says that it has.
        wire.send(b"who is it?").unwrap();
        if wire.next(LONG) == Incoming::Frame(b"proof".to_vec()) {
            wire.keep();
            wire.send(b"proven").unwrap();
        }
        called.send(wire.next(LONG)).unwrap();
    };
    let listener = Listener::bind("127.0.0.1:0", &laptop, Arc::new(Open), Arc::new(serve)).unwrap();
    let mut kept = call(&listener, &device(), Pin::Anyone).unwrap();
    assert_eq!(kept.next(LONG), Incoming::Frame(b"who is it?".to_vec()));
    kept.send(b"proof").unwrap();
    assert_eq!(kept.next(LONG), Incoming::Frame(b"proven".to_vec()));
    let mut silent = call(&listener, &device(), Pin::Anyone).unwrap();
    assert_eq!(silent.next(LONG), Incoming::Frame(b"who is it?".to_vec()));
    let _quiet = quiet(&listener, 40);
    assert!(matches!(silent.next(LONG), Incoming::Closed(_)));
    kept.send(b"digits").unwrap();
    let ended = [calls.recv_timeout(LONG).unwrap(), calls.recv_timeout(LONG).unwrap()];
    assert!(ended.contains(&Incoming::Frame(b"digits".to_vec())), "{ended:?}");
}

#[test]
fn of_one_device_the_newest_calls_count() {
    let (phone, laptop) = (device(), device());
    let (listener, _ends) = echo(&laptop, only(&phone));
    let mut wires: Vec<Wire> = Vec::new();
    for _ in 0..5 {
        let mut wire = call(&listener, &phone, Pin::Anyone).unwrap();
        assert!(echoed(&mut wire, b"hello"));
        wires.push(wire);
    }
    assert!(wires[3..].iter_mut().all(|wire| echoed(wire, b"still there")));
    assert!(wires[..3].iter_mut().all(|wire| matches!(wire.next(LONG), Incoming::Closed(_))));
}

/// Everybody comes in but for one who was revoked.
struct Revoked(Fingerprint);
impl Trust for Revoked {
    fn accepts(&self, peer: &Fingerprint) -> bool {
        *peer != self.0
    }
    fn is_revoked(&self, peer: &Fingerprint) -> bool {
        *peer == self.0
    }
}

#[test]
fn new_keys_answer_from_the_next_call_on_and_a_revoked_device_hears_why() {
    let (phone, laptop, renewed) = (device(), device(), device());
    let (listener, _ends) = echo(&laptop, Arc::new(Revoked(phone.fingerprint())));
    let mut wire = call(&listener, &phone, Pin::Device(laptop.fingerprint())).unwrap();
    assert_eq!(wire.next(LONG), Incoming::Closed(LinkError::Revoked));
    listener.renew(&renewed).unwrap();
    let old = call(&listener, &device(), Pin::Device(laptop.fingerprint()));
    assert_eq!(old.err(), Some(LinkError::OtherDevice));
    let mut wire = call(&listener, &device(), Pin::Device(renewed.fingerprint())).unwrap();
    assert!(echoed(&mut wire, b"hello"));
}

#[test]
fn a_thread_that_panics_gives_its_place_back() {
    let (phone, laptop) = (device(), device());
    let serve = |mut wire: Wire| {
        wire.send(b"x").unwrap();
        // Quieter than a panic with a message, and just as final.
        std::panic::resume_unwind(Box::new(()));
    };
    let listener = Listener::bind("127.0.0.1:0", &laptop, only(&phone), Arc::new(serve)).unwrap();
    for _ in 0..20 {
        let mut wire = call(&listener, &phone, Pin::Anyone).unwrap();
        assert_eq!(wire.next(LONG), Incoming::Frame(b"x".to_vec()));
        assert!(matches!(wire.next(LONG), Incoming::Closed(_)));
    }
    assert_eq!(listener.stop().answered, 20);
}

/// Passes everything on, one call, and keeps it.
fn tee(to: std::net::SocketAddr) -> (std::net::SocketAddr, thread::JoinHandle<Vec<u8>>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let heard = thread::spawn(move || {
        let mut near = socket.accept().unwrap().0;
        let mut far = TcpStream::connect(to).unwrap();
        near.set_read_timeout(Some(LONG)).and(far.set_read_timeout(Some(LONG))).unwrap();
        let (mut back, mut forth) = (far.try_clone().unwrap(), near.try_clone().unwrap());
        let copy = |from: &mut TcpStream, to: &mut TcpStream| {
            let (mut all, mut piece) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = from.read(&mut piece) {
                all.extend_from_slice(&piece[..read]);
                if to.write_all(&piece[..read]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Write);
            all
        };
        let backwards = thread::spawn(move || copy(&mut back, &mut forth));
        let mut all = copy(&mut near, &mut far);
        all.extend(backwards.join().unwrap());
        all
    });
    (address, heard)
}

#[test]
fn nothing_of_a_frame_or_a_key_can_be_read_off_the_network() {
    let (phone, laptop) = (device(), device());
    let (listener, _ends) = echo(&laptop, only(&phone));
    let (address, heard) = tee(listener.address());
    let pin = Pin::Device(laptop.fingerprint());
    let mut wire = Wire::connect(&address.to_string(), LONG, &phone, pin).unwrap();
    let canary = b"CANARY-note-about-a-case".repeat(50);
    assert!(echoed(&mut wire, &canary));
    wire.finish();
    let heard = heard.join().unwrap();
    assert!(heard.len() > 2 * canary.len());
    let shows = |what: &[u8]| heard.windows(what.len()).any(|part| part == what);
    assert!(!shows(b"CANARY"));
    // Nor who the two are: certificates are encrypted, and no name is sent.
    assert!(!shows(&phone.public_key()) && !shows(&laptop.public_key()));
    assert!(shows(b"seldinger/1"), "the protocol's name is in the clear, or this looks at nothing");
}
