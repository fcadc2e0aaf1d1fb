//! Which keys a service speaks under, and what ends when they are revoked.

use std::sync::mpsc::channel;

use super::tests::{Around, Device, LONG, device, device_that_sees, pair_again, paired};
use super::*;
use crate::ids::SystemIds;
use crate::link::{LinkError, Pin, Wire};
use crate::sync::pairing::Why;

fn listening(device: &Device) -> String {
    format!("127.0.0.1:{}", device.sync.listen("127.0.0.1:0").unwrap())
}

fn told_why_not(device: &Device) -> crate::content::Wording {
    device.until(|device| match device.sync.joining() {
        Some(JoinView::Failed { told }) => Some(told),
        _ => None,
    })
}

#[test]
fn a_window_that_closed_because_the_own_key_was_revoked_renews_the_keys_once() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    let old = phone.sync.fingerprint();
    laptop.sync.revoke(old, "Phone").unwrap();
    let at = listening(&phone);
    let shown = phone.sync.open_window(std::slice::from_ref(&at)).unwrap();
    laptop.sync.join(&shown.qr.unwrap(), None).unwrap();
    told_why_not(&laptop);
    phone.until(|phone| (phone.sync.fingerprint() != old).then_some(()));
    pair_again(&laptop, &phone);
    let new = phone.sync.fingerprint();
    // The paired device comes to the window of before.
    laptop.sync.join(&shown.code.unwrap(), Some(&at)).unwrap();
    told_why_not(&laptop);
    assert_eq!(phone.sync.fingerprint(), new);
    assert!(!phone.book.own_key_is_revoked().unwrap());
    assert_eq!(phone.book.peers().unwrap().len(), 1);
}

#[test]
fn what_is_said_of_an_old_key_does_not_harm_the_new_one() {
    let phone = device("Phone");
    let old = phone.sync.fingerprint();
    phone.book.renew_identity().unwrap();
    phone.book.note_own_key_revoked(old).unwrap();
    let new = phone.book.device_identity().unwrap().fingerprint();
    assert!(new != old && !phone.book.own_key_is_revoked().unwrap());
    phone.book.note_own_key_revoked(new).unwrap();
    assert!(phone.book.own_key_is_revoked().unwrap());
}

#[test]
fn keys_that_were_made_elsewhere_are_taken_over() {
    let phone = device("Phone");
    let at = listening(&phone);
    let shown = phone.sync.open_window(std::slice::from_ref(&at)).unwrap();
    assert_eq!(shown.state, PairingView::Open);
    // A bundle did so, or another program.
    phone.book.renew_identity().unwrap();
    let new = phone.book.device_identity().unwrap().fingerprint();
    phone.sync.sync_now();
    phone.until(|phone| (phone.sync.fingerprint() == new).then_some(()));
    phone.until(|phone| (phone.sync.window().unwrap().state == PairingView::Closed).then_some(()));
    // Nobody rings: it is noticed by who calls next.
    phone.book.renew_identity().unwrap();
    let newer = phone.book.device_identity().unwrap().fingerprint();
    let keys = DeviceIdentity::generate(&SystemIds).unwrap();
    let call = || Wire::connect(&at, LONG, &keys, Pin::Device(newer)).err();
    assert_eq!(call(), Some(LinkError::OtherDevice));
    let told = |mut wire: Wire| wire.next(LONG);
    let old = Wire::connect(&at, LONG, &keys, Pin::Device(new)).map(told);
    phone.until(|phone| (phone.sync.fingerprint() == newer).then_some(()));
    drop(old);
    assert_eq!(call(), None);
}

#[test]
fn a_search_ends_where_the_device_that_shows_the_code_is_revoked() {
    let [laptop, another] = ["Laptop", "Another"].map(device);
    let places = [&laptop, &another].map(listening);
    another.sync.open_window(&places[1..]).unwrap();
    let phone = device_that_sees("Phone", Some(Arc::new(Around(places.to_vec()))));
    pair_again(&laptop, &phone);
    phone.sync.revoke(laptop.sync.fingerprint(), "Laptop").unwrap();
    let shown = laptop.sync.open_window(&places[..1]).unwrap();
    phone.sync.join(&shown.code.unwrap(), None).unwrap();
    assert_eq!(told_why_not(&phone), Why::RevokedThere.wording());
    assert_eq!(another.sync.window().unwrap().tried, None);
}

#[test]
fn a_revocation_that_comes_over_the_link_of_its_own_device_cuts_it_and_is_no_trouble_of_the_book() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    let key = phone.sync.fingerprint();
    phone.book.revoke(key, "Phone").unwrap();
    let state = laptop.until(|laptop| {
        let device = laptop.sync.status().unwrap().devices.remove(0);
        (device.peer.is_revoked && !device.is_connected).then_some(device.state)
    });
    assert_ne!(state, SyncState::Failed { trouble: SyncTrouble::Book });
}

#[test]
fn a_listener_that_is_replaced_waits_for_nobody_who_asks_for_it() {
    let (laptop, phone) = paired(false);
    laptop.until_in_step();
    phone.until_in_step();
    let before = laptop.sync.port().unwrap();
    let (listens, listened) = channel();
    let sync = Arc::clone(&laptop.sync);
    thread::spawn(move || listens.send(sync.listen("127.0.0.1:0").unwrap()));
    let port = listened.recv_timeout(LONG).unwrap();
    assert!(port != before && laptop.sync.port() == Some(port));
}
