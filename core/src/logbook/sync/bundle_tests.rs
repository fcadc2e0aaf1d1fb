//! Real books that hear of each other by files only.

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::LogbookError;
use crate::link::bundle::BundleError;
use crate::logbook::ImportSource;
use crate::logbook::lan::{SyncError, SyncResult};
use crate::logbook::tests::book;
use crate::store::Existing;
use crate::sync::pairing::{DeviceName, Party};

struct Device {
    folder: tempfile::TempDir,
    book: Arc<Logbook>,
    made: usize,
}

impl Device {
    fn new() -> Self {
        let (folder, book) = book();
        Self { folder, book: Arc::new(book), made: 0 }
    }

    fn key(&self) -> Fingerprint {
        self.book.device_identity().unwrap().fingerprint()
    }

    fn write(&self, number: usize) -> RecordId {
        let fields =
            json!({"procedure": "picc", "fluoro_min": number, "note": format!("case {number}")});
        self.book.create_case(serde_json::from_value(fields).unwrap()).unwrap().id
    }

    fn make(&mut self, to: &BundleTo) -> (PathBuf, MadeBundle) {
        self.made += 1;
        let file = self.folder.path().join(format!("{}.bundle", self.made));
        let job = self.book.make_bundle_job(&file, Existing::Replace, to, "Device").unwrap();
        let made = job.run(|_| ()).unwrap();
        (file, made)
    }

    fn make_for(&mut self, other: &Self) -> PathBuf {
        let to = BundleTo::Device { fingerprint: other.key().to_string(), code: None };
        self.make(&to).0
    }

    fn take(&self, file: &std::path::Path) -> SyncResult<TakenBundle> {
        self.take_by(file, None)
    }

    fn take_by(&self, file: &std::path::Path, code: Option<&str>) -> SyncResult<TakenBundle> {
        self.book.take_bundle_job(&ImportSource::Path(file.to_owned()), code)?.run(|_| ())
    }

    fn count(&self) -> u64 {
        self.book.count_cases(&crate::case_log::list::CaseFilter::default()).unwrap()
    }
}

fn pair(one: &Device, other: &Device) {
    for (at, there) in [(one, other), (other, one)] {
        let identity = there.book.device_identity().unwrap();
        let (fingerprint, seal_key) = (identity.fingerprint(), identity.seal_key());
        let name = DeviceName::new("Device");
        at.book.add_peer(&Party { fingerprint, name, seal_key }).unwrap();
    }
}

fn refused(taken: SyncResult<TakenBundle>) -> Option<BundleError> {
    match taken.err() {
        Some(SyncError::Bundle { error }) => Some(error),
        _ => None,
    }
}

#[test]
fn a_bundle_goes_and_its_answer_acknowledges_it() {
    let (mut phone, mut laptop) = (Device::new(), Device::new());
    pair(&phone, &laptop);
    for number in 1..=3 {
        phone.write(number);
    }
    laptop.write(9);
    let first = phone.make_for(&laptop);
    let taken = laptop.take(&first).unwrap();
    // Each device also knows of the pairing.
    assert_eq!((laptop.count(), taken.records, taken.waiting), (4, 4, 2));
    // Nothing was acknowledged yet: the next one holds all of it again.
    phone.write(4);
    let second = phone.make_for(&laptop);
    let answer = laptop.make_for(&phone);
    let taken = phone.take(&answer).unwrap();
    assert_eq!((phone.count(), taken.records, taken.waiting), (5, 2, 1));
    assert_eq!(laptop.take(&second).unwrap().records, 5);
    // Since the answer it need not hold what had arrived by then.
    let third = phone.make_for(&laptop);
    let taken = laptop.take(&third).unwrap();
    assert_eq!((taken.records, taken.waiting), (1, 0));
    let synced = |device: &Device| device.book.peers().unwrap()[0].synced.is_some();
    assert!(synced(&laptop), "both say the same, and the phone has said so");
    assert!(!synced(&phone));
    let last = laptop.make_for(&phone);
    phone.take(&last).unwrap();
    assert!(synced(&phone));
    for (device, file) in [(&laptop, first), (&laptop, second), (&laptop, third)] {
        assert_eq!(refused(device.take(&file)), Some(BundleError::ReadAlready));
    }
}

#[test]
fn devices_that_never_met_are_paired_by_the_code_of_the_first_bundle() {
    let (mut phone, mut laptop) = (Device::new(), Device::new());
    phone.write(1);
    laptop.write(2);
    let (first, made) = phone.make(&BundleTo::Stranger);
    let code = made.code.unwrap();
    assert_eq!(refused(laptop.take(&first)), Some(BundleError::NotForThisDevice));
    assert_eq!((laptop.count(), laptop.book.peers().unwrap().len()), (1, 0));
    let taken = laptop.take_by(&first, Some(&code)).unwrap();
    assert_eq!((laptop.count(), &taken.fingerprint), (2, &phone.key().to_string()));
    let to = BundleTo::Device { fingerprint: taken.fingerprint, code: Some(code.clone()) };
    let (answer, made) = laptop.make(&to);
    assert_eq!(made.code, None);
    phone.take_by(&answer, Some(&code)).unwrap();
    assert_eq!(phone.count(), 2);
    // From now on without a code.
    phone.write(3);
    let next = phone.make_for(&laptop);
    assert_eq!(laptop.take(&next).unwrap().waiting, 0);
    assert_eq!(laptop.count(), 3);
}

#[test]
fn the_code_of_a_first_bundle_pairs_one_device() {
    let (mut phone, mut laptop, mut other) = (Device::new(), Device::new(), Device::new());
    let (first, made) = phone.make(&BundleTo::Stranger);
    let code = made.code.unwrap();
    let answer = |device: &mut Device| {
        device.write(1);
        let taken = device.take_by(&first, Some(&code)).unwrap();
        let to = BundleTo::Device { fingerprint: taken.fingerprint, code: Some(code.clone()) };
        device.make(&to).0
    };
    let (answer, late) = (answer(&mut laptop), answer(&mut other));
    phone.take_by(&answer, Some(&code)).unwrap();
    assert_eq!(refused(phone.take_by(&late, Some(&code))), Some(BundleError::CodeUsed));
    assert_eq!((phone.count(), phone.book.peers().unwrap().len()), (1, 1));
    // The same device may answer again.
    phone.take_by(&answer, Some(&code)).unwrap();
}

#[test]
fn what_is_revoked_damaged_or_for_another_changes_nothing() {
    let (mut phone, laptop, other) = (Device::new(), Device::new(), Device::new());
    pair(&phone, &laptop);
    phone.write(1);
    let file = phone.make_for(&laptop);
    assert_eq!(refused(other.take(&file)), Some(BundleError::NotForThisDevice));
    let bytes = std::fs::read(&file).unwrap();
    let cut = laptop.folder.path().join("cut");
    std::fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(refused(laptop.take(&cut)), Some(BundleError::Truncated));
    let name = laptop.book.peers().unwrap().remove(0).name;
    laptop.book.revoke(phone.key(), &name).unwrap();
    assert_eq!(refused(laptop.take(&file)), Some(BundleError::NotPaired));
    assert_eq!(laptop.count(), 0);
    let to = BundleTo::Device { fingerprint: phone.key().to_string(), code: None };
    let refused = laptop.book.make_bundle_job(&cut, Existing::Replace, &to, "Laptop").err();
    assert_eq!(refused, Some(BundleError::NotPaired.into()));
    let nowhere = laptop.take(&laptop.folder.path().join("nowhere")).err();
    assert_eq!(nowhere, Some(LogbookError::NoFile.into()));
}

#[test]
fn a_revocation_that_is_heard_by_bundles_only_ends_the_trust() {
    let (mut phone, mut laptop, mut lost) = (Device::new(), Device::new(), Device::new());
    for (one, other) in [(&phone, &laptop), (&phone, &lost), (&laptop, &lost)] {
        pair(one, other);
    }
    lost.write(1);
    let before = lost.make_for(&laptop);
    phone.book.revoke(lost.key(), "Device").unwrap();
    laptop.take(&phone.make_for(&laptop)).unwrap();
    assert!(laptop.book.is_revoked(lost.key()).unwrap());
    assert!(!laptop.book.trusts(lost.key()).unwrap());
    assert_eq!(refused(laptop.take(&before)), Some(BundleError::NotPaired));
    let to = BundleTo::Device { fingerprint: lost.key().to_string(), code: None };
    let file = laptop.folder.path().join("none.bundle");
    let made = laptop.book.make_bundle_job(&file, Existing::Replace, &to, "Device").err();
    assert_eq!(made, Some(BundleError::NotPaired.into()));
    assert_eq!(laptop.count(), 0);
    // The laptop passes it on like any other record.
    let other = Device::new();
    pair(&laptop, &other);
    other.take(&laptop.make_for(&other)).unwrap();
    assert!(other.book.is_revoked(lost.key()).unwrap());
}

#[test]
fn what_begins_behind_what_has_arrived_is_not_taken_in() {
    let (mut phone, mut laptop) = (Device::new(), Device::new());
    pair(&phone, &laptop);
    phone.write(1);
    laptop.take(&phone.make_for(&laptop)).unwrap();
    phone.take(&laptop.make_for(&phone)).unwrap();
    phone.write(2);
    let file = phone.make_for(&laptop);
    // The laptop forgets the phone, as a book that was restored does.
    let forget = |conn: &Connection| rows::restart(conn, phone.key(), phone.book.device());
    laptop.book.store.write(forget).unwrap();
    assert_eq!(refused(laptop.take(&file)), Some(BundleError::EarlierMissing));
    assert_eq!(laptop.count(), 1);
    // It says so in the next bundle, and gets everything again.
    phone.book.renew_device(|_| Ok(())).unwrap();
    phone.take(&laptop.make_for(&phone)).unwrap();
    laptop.take(&phone.make_for(&laptop)).unwrap();
    assert_eq!(laptop.count(), 2);
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize),
    Make(usize, usize),
    /// Some bundle that was made so far, in any order and more than once.
    Take(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..3;
    let step = prop_oneof![
        3 => who.clone().prop_map(Step::Write),
        3 => (who.clone(), who).prop_map(|(from, to)| Step::Make(from, to)),
        4 => any::<prop::sample::Index>().prop_map(Step::Take),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(10)))]

    #[test]
    fn books_agree_whichever_bundles_arrive(steps in steps()) {
        let mut devices = [(); 3].map(|()| Device::new());
        for (one, other) in [(0, 1), (1, 2), (0, 2)] {
            pair(&devices[one], &devices[other]);
        }
        let mut made: Vec<(usize, PathBuf)> = Vec::new();
        let mut written = 0;
        let make = |devices: &mut [Device; 3], from: usize, to: usize| {
            let key = devices[to].key().to_string();
            devices[from].make(&BundleTo::Device { fingerprint: key, code: None }).0
        };
        for step in &steps {
            match step {
                Step::Write(at) => {
                    written += 1;
                    devices[*at].write(written);
                }
                Step::Make(from, to) if from != to => {
                    made.push((*to, make(&mut devices, *from, *to)));
                }
                Step::Take(which) if !made.is_empty() => {
                    let (to, file) = &made[which.index(made.len())];
                    let again = devices[*to].take(file).err();
                    let expected = [None, Some(BundleError::ReadAlready.into())];
                    prop_assert!(expected.contains(&again), "{again:?}");
                }
                Step::Make(..) | Step::Take(_) => {}
            }
        }
        // Everybody hears of everything, and of having been heard.
        for _ in 0..3 {
            for (from, to) in [(0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)] {
                let file = make(&mut devices, from, to);
                devices[to].take(&file).unwrap();
            }
        }
        for device in &devices {
            prop_assert_eq!(device.count(), written as u64);
            for peer in device.book.peers().unwrap() {
                prop_assert_eq!(peer.waiting, 0);
            }
            prop_assert!(device.book.sums(Fingerprint([9; 32])).unwrap().1 == devices[0].book.sums(Fingerprint([9; 32])).unwrap().1);
        }
    }
}
