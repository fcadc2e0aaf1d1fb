//! Two books on one machine, over real sockets.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{OnceLock, Weak};
use std::time::Duration;

use serde_json::json;

use super::super::tests::{book, fields};
use super::*;
use crate::ids::SystemIds;
use crate::link::discovery::{Announced, DiscoveryError};
use crate::link::{Incoming, MAX_FRAME, Pin, Wire};
use crate::record::sums::Sums;
use crate::store::{Connection, sql};
use crate::sync::frame::{Frame, Hello, PROTOCOL};
use crate::sync::pairing::{Closed, DigitsAnswer, PairMessage, Why};

/// Longer than anything may take; nobody waits for it when all is well.
pub(super) const LONG: Duration = Duration::from_mins(1);

struct Bell {
    rings: Mutex<Sender<()>>,
    sync: OnceLock<Weak<SyncService>>,
}

impl SyncObserver for Bell {
    /// Asks for everything that it may show at once, as an app does.
    fn sync_changed(&self) -> std::result::Result<(), ObserverError> {
        if let Some(sync) = self.sync.get().and_then(Weak::upgrade) {
            let _ = (sync.window(), sync.joining(), sync.status(), sync.port());
        }
        let _ = lock(&self.rings).send(());
        Ok(())
    }
}

pub(super) struct Device {
    _folder: tempfile::TempDir,
    pub(super) book: Arc<Logbook>,
    pub(super) sync: Arc<SyncService>,
    rings: Receiver<()>,
}

pub(super) fn device(name: &str) -> Device {
    device_that_sees(name, None)
}

pub(super) fn device_that_sees(name: &str, around: Option<Arc<dyn Discovery>>) -> Device {
    let (folder, book) = book();
    let book = Arc::new(book);
    let (bell, rings) = channel();
    let bell = Arc::new(Bell { rings: Mutex::new(bell), sync: OnceLock::new() });
    let sync = SyncService::begin(book.clone(), name, around, Some(bell.clone())).unwrap();
    let sync = Arc::new(sync);
    bell.sync.set(Arc::downgrade(&sync)).unwrap();
    Device { _folder: folder, book, sync, rings }
}

impl Device {
    /// Waits until `fits`, woken by the observer.
    pub(super) fn until<T>(&self, mut fits: impl FnMut(&Self) -> Option<T>) -> T {
        let until = now() + LONG;
        loop {
            if let Some(found) = fits(self) {
                return found;
            }
            // However often it rings meanwhile.
            let left = until.saturating_duration_since(now());
            self.rings.recv_timeout(left).expect("it comes to that");
        }
    }

    pub(super) fn case(&self, note: &str) -> crate::ids::RecordId {
        self.book.create_case(fields(json!({"note": note}))).unwrap().id
    }

    pub(super) fn until_in_step(&self) {
        self.until(|device| {
            let state = device.sync.status().unwrap().state;
            matches!(state, SyncState::UpToDate { .. }).then_some(())
        });
    }

    /// As soon as the phone's last word is here.
    fn type_digits(&self, digits: &str) -> DigitsAnswer {
        self.until(|device| match device.sync.type_digits(digits) {
            DigitsAnswer::NobodyWaits => None,
            answer => Some(answer),
        })
    }

    pub(super) fn until_it_has(&self, id: crate::ids::RecordId) {
        self.until(|device| device.book.record(id).ok());
    }
}

/// A laptop that listens and a phone that took its code there.
pub(super) fn paired(typed: bool) -> (Device, Device) {
    let (laptop, phone, digits) = waiting(typed);
    assert_eq!(laptop.type_digits(&digits), DigitsAnswer::Paired);
    assert_eq!(laptop.book.peers().unwrap().len(), 1, "what is shown as paired is written down");
    phone
        .until(|phone| matches!(phone.sync.joining(), Some(JoinView::Paired { .. })).then_some(()));
    (laptop, phone)
}

/// The same, before the digits are typed that the phone shows.
fn waiting(typed: bool) -> (Device, Device, String) {
    let (laptop, phone) = (device("Laptop"), device("Phone"));
    let at = format!("127.0.0.1:{}", laptop.sync.listen("127.0.0.1:0").unwrap());
    let shown = laptop.sync.open_window(std::slice::from_ref(&at)).unwrap();
    assert_eq!(shown.state, PairingView::Open);
    if typed {
        phone.sync.join(&shown.code.unwrap(), Some(&at)).unwrap();
    } else {
        phone.sync.join(&shown.qr.unwrap(), None).unwrap();
    }
    let digits = phone.until(|phone| match phone.sync.joining() {
        Some(JoinView::Digits { digits, name }) => {
            assert_eq!(name, "Laptop");
            Some(digits)
        }
        Some(JoinView::Failed { told }) => panic!("{}", told.line()),
        _ => None,
    });
    assert!(laptop.book.peers().unwrap().is_empty(), "a code alone pairs nobody");
    laptop
        .until(|laptop| (laptop.sync.window().unwrap().state == PairingView::Digits).then_some(()));
    (laptop, phone, digits)
}

#[test]
fn who_cannot_be_written_down_is_told_that_nothing_was_paired() {
    let (laptop, phone, digits) = waiting(false);
    let read_only = |conn: &Connection| conn.pragma_update(None, "query_only", true).map_err(sql);
    laptop.book.store.write(read_only).unwrap();
    assert_eq!(laptop.type_digits(&digits), DigitsAnswer::NotSaved);
    assert_eq!(laptop.sync.window().unwrap().told, Closed::NotSaved.wording());
    let told = phone.until(|phone| match phone.sync.joining() {
        Some(JoinView::Failed { told }) => Some(told),
        _ => None,
    });
    assert_eq!(told, Why::Closed.wording());
    for device in [&laptop, &phone] {
        assert!(device.book.peers().unwrap().is_empty());
    }
}

/// Whoever listens at these places.
pub(super) struct Around(pub(super) Vec<String>);

impl Discovery for Around {
    fn around(&self) -> std::result::Result<Vec<Announced>, DiscoveryError> {
        let announced =
            |at: &String| Announced { hint: String::new(), addresses: vec![at.clone()] };
        Ok(self.0.iter().map(announced).collect())
    }
}

#[test]
fn a_typed_code_finds_its_device_among_others() {
    let laptops = ["Asleep", "Another", "Laptop"].map(device);
    let places = laptops
        .each_ref()
        .map(|laptop| laptop.sync.listen("127.0.0.1:0").unwrap())
        .map(|port| format!("127.0.0.1:{port}"));
    laptops[1].sync.open_window(&places[1..2]).unwrap();
    let shown = laptops[2].sync.open_window(&places[2..]).unwrap();
    let phone = device_that_sees("Phone", Some(Arc::new(Around(places.to_vec()))));
    phone.sync.join(&shown.code.unwrap(), None).unwrap();
    let name = phone.until(|phone| match phone.sync.joining() {
        Some(JoinView::Digits { name, .. }) => Some(name),
        Some(JoinView::Failed { told }) => panic!("{}", told.line()),
        _ => None,
    });
    assert_eq!(name, "Laptop");
    // Nobody shows that one any more, so none of them knows it.
    let code = laptops[1].sync.window().unwrap().code.unwrap();
    laptops[1].sync.close_window();
    phone.sync.join(&code, None).unwrap();
    phone
        .until(|phone| matches!(phone.sync.joining(), Some(JoinView::Failed { .. })).then_some(()));
}

/// As a device that has begun to look around just now: nobody at first.
struct HeardLater(Mutex<u32>, String);

impl Discovery for HeardLater {
    fn around(&self) -> std::result::Result<Vec<Announced>, DiscoveryError> {
        let mut looks = lock(&self.0);
        *looks += 1;
        if *looks < 4 {
            return Ok(Vec::new());
        }
        Around(vec![self.1.clone()]).around()
    }
}

#[test]
fn the_first_try_waits_for_whoever_is_announced_a_moment_later() {
    let laptop = device("Laptop");
    let at = format!("127.0.0.1:{}", laptop.sync.listen("127.0.0.1:0").unwrap());
    let code = laptop.sync.open_window(std::slice::from_ref(&at)).unwrap().code.unwrap();
    let phone = device_that_sees("Phone", Some(Arc::new(HeardLater(Mutex::new(0), at))));
    phone.sync.join(&code, None).unwrap();
    phone.until(|phone| match phone.sync.joining() {
        Some(JoinView::Digits { .. }) => Some(()),
        Some(JoinView::Failed { told }) => panic!("{}", told.line()),
        _ => None,
    });
}

#[test]
fn paired_devices_exchange_what_they_have_and_what_comes() {
    for typed in [false, true] {
        let (laptop, phone) = paired(typed);
        let here = laptop.case("written on the laptop");
        let there = phone.case("written on the phone");
        laptop.until_it_has(there);
        phone.until_it_has(here);
        laptop.until_in_step();
        phone.until_in_step();
        let peers = phone.book.peers().unwrap();
        assert_eq!((peers[0].name.as_str(), peers[0].waiting), ("Laptop", 0));
        assert_eq!(phone.book.record_sync(here).unwrap().safe_on, 2);
    }
}

#[test]
fn a_phone_that_was_away_calls_again_by_itself() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    phone.sync.hang_up();
    let there = phone.case("written without a link");
    phone.sync.sync_now();
    laptop.until_it_has(there);
}

#[test]
fn a_revoked_device_is_cut_off_at_once_and_told() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    let old = phone.sync.fingerprint();
    laptop.sync.revoke(old, "phone").unwrap();
    phone.until(|phone| {
        let status = phone.sync.status().unwrap();
        phone.sync.sync_now();
        let is_told = SyncState::Failed { trouble: SyncTrouble::OwnKeyRevoked };
        (status.state == is_told && status.told.is_some()).then_some(())
    });
    let secret = laptop.case("not for the revoked");
    phone.sync.sync_now();
    assert!(phone.book.record(secret).is_err());
    assert!(!laptop.book.trusts(old).unwrap() && phone.book.own_key_is_revoked().unwrap());
    let by = &laptop.book.peers().unwrap()[0].revoked_by;
    assert!(by.len() == 1 && by[0].is_this_device && by[0].at.is_some());
    // Its owner pairs it again: it has new keys by itself, and its log.
    let there = phone.case("written by the revoked");
    pair_again(&laptop, &phone);
    assert_ne!(phone.sync.fingerprint(), old);
    assert!(!phone.book.own_key_is_revoked().unwrap());
    phone.until_it_has(secret);
    laptop.until_it_has(there);
    assert!(!laptop.book.trusts(old).unwrap());
}

/// `phone` takes a code to `laptop`, which listens already.
pub(super) fn pair_again(laptop: &Device, phone: &Device) {
    let at = format!("127.0.0.1:{}", laptop.sync.port().unwrap());
    let shown = laptop.sync.open_window(&[at]).unwrap();
    phone.sync.join(&shown.qr.unwrap(), None).unwrap();
    let digits = phone.until(|phone| match phone.sync.joining() {
        Some(JoinView::Digits { digits, .. }) => Some(digits),
        Some(JoinView::Failed { told }) => panic!("{}", told.line()),
        _ => None,
    });
    assert_eq!(laptop.type_digits(&digits), DigitsAnswer::Paired);
    phone
        .until(|phone| matches!(phone.sync.joining(), Some(JoinView::Paired { .. })).then_some(()));
}

#[test]
fn a_device_that_has_not_heard_that_it_was_revoked_hears_it_from_the_window() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    let old = phone.sync.fingerprint();
    // It is out of reach meanwhile.
    let at = laptop.sync.port().unwrap();
    laptop.sync.stop_listening();
    laptop.sync.revoke(old, "Phone").unwrap();
    assert!(!phone.book.own_key_is_revoked().unwrap());
    phone.book.note_address(laptop.sync.fingerprint(), "127.0.0.1:1").unwrap();
    laptop.sync.listen(&format!("127.0.0.1:{at}")).unwrap();
    pair_again(&laptop, &phone);
    assert_ne!(phone.sync.fingerprint(), old);
    assert!(laptop.book.trusts(phone.sync.fingerprint()).unwrap());
}

#[test]
fn a_revoked_device_that_shows_a_code_makes_new_keys_and_then_another_code() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    let old = phone.sync.fingerprint();
    laptop.sync.stop_listening();
    laptop.sync.revoke(old, "Phone").unwrap();
    let at = format!("127.0.0.1:{}", phone.sync.listen("127.0.0.1:0").unwrap());
    let shown = phone.sync.open_window(std::slice::from_ref(&at)).unwrap();
    laptop.sync.join(&shown.qr.unwrap(), None).unwrap();
    laptop.until(|laptop| {
        matches!(laptop.sync.joining(), Some(JoinView::Failed { .. })).then_some(())
    });
    phone.until(|phone| (phone.sync.fingerprint() != old).then_some(()));
    assert_eq!(phone.sync.window().unwrap().state, PairingView::Closed);
    pair_again(&phone, &laptop);
    assert!(laptop.book.trusts(phone.sync.fingerprint()).unwrap());
}

#[test]
fn who_does_not_know_the_secret_makes_nobody_change_its_keys() {
    let phone = device("Phone");
    let keys = DeviceIdentity::generate(&SystemIds).unwrap();
    let lies = |mut wire: Wire| {
        let _ = wire.next(LONG);
        let _ = wire.send(&PairMessage::Revoked { proof: [7; 32] }.to_bytes());
        let _ = wire.next(LONG);
    };
    let anyone = Arc::new(|_: &Fingerprint| true);
    let listener = Listener::bind("127.0.0.1:0", &keys, anyone, Arc::new(lies)).unwrap();
    let before = phone.sync.fingerprint();
    let code = crate::sync::PairingSecret::new(&SystemIds).typed().text().to_string();
    phone.sync.join(&code, Some(&listener.address().to_string())).unwrap();
    phone
        .until(|phone| matches!(phone.sync.joining(), Some(JoinView::Failed { .. })).then_some(()));
    assert_eq!(phone.sync.fingerprint(), before);
    assert!(!phone.book.own_key_is_revoked().unwrap());
}

#[test]
fn wrong_digits_pair_nobody() {
    let (laptop, phone) = (device("Laptop"), device("Phone"));
    let at = format!("127.0.0.1:{}", laptop.sync.listen("127.0.0.1:0").unwrap());
    let shown = laptop.sync.open_window(&[at]).unwrap();
    phone.sync.join(&shown.qr.unwrap(), None).unwrap();
    let digits = phone.until(|phone| match phone.sync.joining() {
        Some(JoinView::Digits { digits, .. }) => Some(digits),
        _ => None,
    });
    let wrong = if digits == "000000" { "000001" } else { "000000" };
    for left in [2, 1, 0] {
        let answer = laptop.until(|laptop| match laptop.sync.type_digits(wrong) {
            DigitsAnswer::NobodyWaits => None,
            answer => Some(answer),
        });
        assert_eq!(answer, DigitsAnswer::Wrong { left });
    }
    phone
        .until(|phone| matches!(phone.sync.joining(), Some(JoinView::Failed { .. })).then_some(()));
    assert!(laptop.book.peers().unwrap().is_empty() && phone.book.peers().unwrap().is_empty());
    assert_eq!(laptop.sync.window().unwrap().state, PairingView::Closed);
}

#[test]
fn frames_that_are_too_long_or_cut_off_or_damaged_end_the_line_and_change_nothing() {
    let laptop = device("Laptop");
    let at = format!("127.0.0.1:{}", laptop.sync.listen("127.0.0.1:0").unwrap());
    let keys = DeviceIdentity::generate(&SystemIds).unwrap();
    let (fingerprint, seal_key) = (keys.fingerprint(), keys.seal_key());
    let party = Party { fingerprint, name: DeviceName::new("Liar"), seal_key };
    laptop.book.add_peer(&party).unwrap();
    let replica = crate::ids::DeviceId(7);
    let hello = Frame::Hello(Hello {
        protocol: PROTOCOL,
        schema: 1,
        replica,
        knows: None,
        head: 0,
        waiting: 0,
        root: Sums::default().root(),
        now: laptop.book.now().utc,
        receipt: crate::sync::frame::Receipt::default(),
    });
    let too_long = u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes();
    let nonsense = SyncState::Failed { trouble: SyncTrouble::Nonsense };
    let before = laptop.book.greet(fingerprint).unwrap();
    for (bytes, through_tls, state) in [
        (&too_long[..], true, nonsense),
        (b"\0\0\0\x64half of it", true, SyncState::Offline),
        (b"GET / HTTP/1.1\r\n\r\n", false, SyncState::Offline),
    ] {
        let mut wire = Wire::connect(&at, LONG, &keys, Pin::Anyone).unwrap();
        wire.send(&hello.encode()).unwrap();
        assert!(matches!(wire.next(LONG), Incoming::Frame(_)), "it says hello, too");
        wire.send_raw(bytes, through_tls);
        wire.finish();
        laptop.until(|laptop| {
            let device = laptop.sync.status().unwrap().devices.remove(0);
            (!device.is_connected && device.state == state).then_some(())
        });
        let after = laptop.book.greet(fingerprint).unwrap();
        assert_eq!((after.head, after.sums), (before.head, before.sums.clone()));
        assert_eq!(after.knows, Some((replica, 0)));
    }
}

#[test]
fn codes_that_are_none_are_told_apart() {
    use crate::sync::CodeError;
    let phone = device("Phone");
    for (code, error) in [
        ("", CodeError::NotACode),
        ("https://example.org", CodeError::NotACode),
        ("SELDINGER:AAAA", CodeError::Damaged),
    ] {
        assert_eq!(phone.sync.join(code, None), Err(SyncError::Code { error }), "{code}");
    }
    assert_eq!(phone.sync.joining(), None);
    assert_eq!(phone.sync.status().unwrap().state, SyncState::Alone);
}
