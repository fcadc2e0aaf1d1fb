//! Records that are large, or too large for any page.

use serde_json::json;

use super::super::tests::fields;
use super::tests::{key, paired, run};
use super::*;
use crate::logbook::Logbook;
use crate::sync::frame::MOST_BYTES;

fn set(book: &Logbook, id: RecordId, name: &str, value: &str) {
    let patch = vec![(name.to_owned(), Some(json!(value)))];
    book.transact(|tx| tx.edit(id, patch, None)).unwrap();
}

fn why_refused(book: &Logbook, id: RecordId) -> Option<WhyRefused> {
    book.record_sync(id).unwrap().refused
}

#[test]
fn pages_are_small_and_what_fits_none_is_named() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    let huge = phone.book.create_case(fields(json!({"note": "x".repeat(MOST_BYTES)}))).unwrap().id;
    let long = "long ".repeat(PAGE_BYTES / 10);
    for _ in 0..5 {
        phone.book.create_case(fields(json!({"note": long}))).unwrap();
    }
    let (page, too_large) = phone.book.read(|conn| batch(conn, key(1), 0, None)).unwrap();
    assert_eq!((page.records.len(), page.more, too_large), (2, true, vec![huge]));
    run(&devices, 0, 1, usize::MAX);
    assert_eq!(laptop.book.read(|conn| Ok(record::entries(conn, 0, 9)?.len())).unwrap(), 5);
    assert_eq!(phone.book.record_sync(huge).unwrap().refused, Some(WhyRefused::TooLarge));
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
    // Once it is small enough it goes like any other.
    let shorter = vec![("note".to_owned(), Some(json!("short")))];
    phone.book.transact(|tx| tx.edit(huge, shorter, None)).unwrap();
    run(&devices, 0, 1, usize::MAX);
    assert_eq!(laptop.book.record(huge).unwrap().fields["note"], json!("short"));
    assert_eq!(phone.book.record_sync(huge).unwrap().refused, None);
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
}

/// Neither side says that the two differ: `run` would not go on.
#[test]
fn a_record_that_outgrew_every_page_is_set_aside_on_both_sides() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    let id =
        phone.book.create_case(fields(json!({"note": "short", "role": "assisted"}))).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    set(&phone.book, id, "note", &"x".repeat(MOST_BYTES));
    run(&devices, 0, 1, usize::MAX);
    assert_eq!(laptop.book.record(id).unwrap().fields["note"], json!("short"));
    for device in &devices {
        assert_eq!(why_refused(&device.book, id), Some(WhyRefused::TooLarge));
    }
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
    // What is written in the older form arrives, and the record is as large as before.
    set(&laptop.book, id, "role", "scrubbed");
    run(&devices, 0, 1, usize::MAX);
    assert_eq!(phone.book.record(id).unwrap().fields["role"], json!("scrubbed"));
    assert_eq!(why_refused(&phone.book, id), Some(WhyRefused::TooLarge));
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
    // A new incarnation sends everything again: the phone that it is too large, the laptop the older form.
    for device in &devices {
        device.book.renew_device(|_| Ok(())).unwrap();
        run(&devices, 0, 1, usize::MAX);
        assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
    }
    set(&phone.book, id, "note", "short again");
    run(&devices, 0, 1, usize::MAX);
    assert_eq!(laptop.book.record(id).unwrap().fields["note"], json!("short again"));
    for device in &devices {
        assert_eq!(why_refused(&device.book, id), None);
    }
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
}
