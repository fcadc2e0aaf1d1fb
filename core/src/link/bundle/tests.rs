use super::*;
use crate::ids::SystemIds;
use crate::sync::PairingSecret;

fn device() -> DeviceIdentity {
    DeviceIdentity::generate(&SystemIds).unwrap()
}

fn bundle() -> Bundle {
    let (name, payload) = (DeviceName::new("Ann's phone"), b"CANARY frames".repeat(20));
    Bundle { book: [3; 16], sequence: 7, name, payload }
}

fn paired(with: &DeviceIdentity) -> impl Trust + use<> {
    let with = with.fingerprint();
    move |peer: &Fingerprint| *peer == with
}

#[test]
fn a_bundle_reaches_the_device_that_it_is_for_and_no_other() {
    let (phone, laptop, other) = (device(), device(), device());
    let file = seal(&bundle(), &laptop.seal_key(), &phone).unwrap();
    let opened = open(&file, &laptop, &paired(&phone)).unwrap();
    assert!(opened.bundle == bundle());
    assert_eq!((opened.sender, opened.seal_key), (phone.fingerprint(), phone.seal_key()));
    let elsewhere = open(&file, &other, &paired(&phone)).err();
    assert_eq!(elsewhere, Some(BundleError::NotForThisDevice));
    // Unpaired, or revoked since.
    assert_eq!(open(&file, &laptop, &paired(&other)).err(), Some(BundleError::NotPaired));
}

#[test]
fn a_file_says_neither_what_is_in_it_nor_whom_it_is_from() {
    let (phone, laptop) = (device(), device());
    let file = seal(&bundle(), &laptop.seal_key(), &phone).unwrap();
    let shows = |what: &[u8]| file.windows(what.len()).any(|part| part == what);
    assert!(shows(MAGIC));
    for secret in [&b"CANARY"[..], b"Ann", &phone.public_key(), &laptop.seal_key().0, &[3; 16]] {
        assert!(!shows(secret));
    }
}

#[test]
fn every_flip_and_every_cut_is_found() {
    let (phone, laptop) = (device(), device());
    let file = seal(&bundle(), &laptop.seal_key(), &phone).unwrap();
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        let why = open(&flipped, &laptop, &paired(&phone)).err();
        assert!(why.is_some(), "byte {at}");
        let cut = open(&file[..at], &laptop, &paired(&phone)).err();
        let expected = if at == 0 { BundleError::NotABundle } else { BundleError::Truncated };
        assert_eq!(cut, Some(expected), "cut at {at}");
    }
    let longer = [&file[..], &[0]].concat();
    assert_eq!(open(&longer, &laptop, &paired(&phone)).err(), Some(BundleError::Damaged));
}

#[test]
fn other_files_newer_versions_and_sizes_are_told_apart() {
    let (phone, laptop) = (device(), device());
    let mut file = seal(&bundle(), &laptop.seal_key(), &phone).unwrap();
    let open = |file: &[u8]| open(file, &laptop, &paired(&phone)).err();
    assert_eq!(open(b"%PDF-1.7"), Some(BundleError::NotABundle));
    file[MAGIC.len()] = 2;
    assert_eq!(open(&file), Some(BundleError::NewerVersion { found: 2 }));
    let large = vec![0; MAX_BUNDLE + 1];
    let too_large = BundleError::TooLarge { bytes: MAX_BUNDLE as u64 + 1 };
    assert_eq!(open(&large), Some(too_large));
    let payload = vec![0; MAX_PAYLOAD + 1];
    let bytes = payload.len() as u64;
    let sealed = seal(&Bundle { payload, ..bundle() }, &laptop.seal_key(), &phone);
    assert_eq!(sealed.err(), Some(BundleError::TooLarge { bytes }));
}

/// What is inside of a bundle, sealed anew to somebody else.
fn passed_on(file: &[u8], from: &DeviceIdentity, to: &SealKey) -> Vec<u8> {
    let inside = unsealed(sealed_part(file).unwrap(), &from.opener().unwrap()).unwrap();
    resealed(&inside, to)
}

fn resealed(inside: &[u8], to: &SealKey) -> Vec<u8> {
    let sealed = sealed(&age_recipient(*to).unwrap(), inside).unwrap();
    [&MAGIC[..], &[VERSION], &(sealed.len() as u64).to_be_bytes(), &sealed].concat()
}

#[test]
fn a_bundle_cannot_be_passed_on_or_changed_by_its_recipient() {
    let (phone, laptop, third) = (device(), device(), device());
    let file = seal(&bundle(), &laptop.seal_key(), &phone).unwrap();
    let again = passed_on(&file, &laptop, &third.seal_key());
    assert_eq!(open(&again, &third, &paired(&phone)).err(), Some(BundleError::Damaged));
    // Sequence, book, name, payload, the key for the answer: each is signed.
    let inside = unsealed(sealed_part(&file).unwrap(), &laptop.opener().unwrap()).unwrap();
    for at in (0..inside.len()).step_by(7) {
        let mut changed = inside.to_vec();
        changed[at] ^= 1;
        let changed = resealed(&changed, &laptop.seal_key());
        let why = open(&changed, &laptop, &paired(&phone)).err();
        assert_eq!(why, Some(BundleError::Damaged), "byte {at}");
    }
}

#[test]
fn a_first_bundle_opens_by_the_code_and_can_be_answered() {
    let (phone, laptop) = (device(), device());
    let code = PairingSecret([5; 32]).typed();
    let file = seal_first(&bundle(), &code, &phone).unwrap();
    let opened = open_first(&file, &code, &laptop).unwrap();
    assert_eq!(opened.sender, phone.fingerprint());
    let answer = seal_first(&bundle(), &code, &laptop).unwrap();
    assert_eq!(open_first(&answer, &code, &phone).unwrap().sender, laptop.fingerprint());
    let later = seal(&bundle(), &opened.seal_key, &laptop).unwrap();
    assert!(open(&later, &phone, &paired(&laptop)).is_ok());

    let other = PairingSecret([6; 32]).typed();
    let refused = open_first(&file, &other, &laptop).err();
    assert_eq!(refused, Some(BundleError::NotForThisDevice));
    // Sent back to the one who made it.
    assert_eq!(open_first(&file, &code, &phone).err(), Some(BundleError::NotForThisDevice));
    // The code opens nothing that was sealed to a device.
    let file = seal(&bundle(), &laptop.seal_key(), &phone).unwrap();
    let refused = open_first(&file, &code, &laptop).err();
    assert_eq!(refused, Some(BundleError::NotForThisDevice));
}
