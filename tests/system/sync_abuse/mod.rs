//! Devices that lie, over real sockets, to a service that runs: each is refused with words for it, the
//! book stays as it was, and an honest device is served afterwards.

mod pairing;
mod session;

use std::sync::Arc;

use seldinger_core::logbook::lan::{PairingView, SyncState, WindowView};
use system_tests::{FixedClock, Laptop, case};

/// A moment in the sample rotation.
const NOW_MS: i64 = 1_792_000_000_000;

/// A laptop with a case, and the clock that it goes by.
fn laptop() -> (Laptop, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW_MS));
    let laptop = Laptop::named("Laptop", clock.clone());
    laptop.book.create_case(case(1, "not for everybody")).unwrap();
    (laptop, clock)
}

fn phone(clock: &Arc<FixedClock>) -> Laptop {
    Laptop::named("Phone", clock.clone())
}

fn window(laptop: &Laptop) -> WindowView {
    laptop.sync.window().expect("one was opened")
}

/// The window is closed for this reason, and shows no code any more.
fn is_closed(laptop: &Laptop, told: &seldinger_core::content::Wording) {
    let view = window(laptop);
    assert_eq!((view.state, &view.told), (PairingView::Closed, told));
    assert_eq!((view.qr, view.code), (None, None));
}

fn knows_nobody(laptop: &Laptop) {
    assert!(laptop.book.peers().unwrap().is_empty());
    assert_eq!(laptop.sync.status().unwrap().state, SyncState::Alone);
}

/// Pairs with a phone that keeps to the rules; then both have what either writes.
fn serves_the_honest(laptop: &Laptop) {
    let phone = Laptop::named("Honest phone", Arc::new(FixedClock::at(laptop.book.now().utc.0)));
    laptop.pair_with(&phone);
    let here = laptop.book.create_case(case(2, "from the laptop")).unwrap().id;
    let there = phone.book.create_case(case(3, "from the phone")).unwrap().id;
    phone.until(|phone| phone.book.record(here).ok());
    laptop.until(|laptop| laptop.book.record(there).ok());
}
