//! What a hostile device sends costs its budget, and keeps nobody from writing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use serde_json::{Value, json};

use super::super::tests::fields;
use super::super::{ChangeObserver, ObserverError};
use super::tests::{Device, edit, key, paired, run};
use super::*;
use crate::ids::RecordId;
use crate::record::Change;
use crate::store::sql;

/// A record as another book would send it.
fn sent(fields_of: Value) -> Vec<u8> {
    let [other] = paired::<1>();
    other.book.create_case(fields(fields_of)).unwrap();
    let whole = other.book.read(|conn| {
        let entry = record::entries(conn, 0, 1)?.remove(0);
        record::traveling(conn, &entry.what)
    });
    record::encode_traveling(&whole.unwrap())
}

/// The same with something changed that no book would write.
fn changed(fields_of: Value, change: impl FnOnce(&mut Traveling)) -> Vec<u8> {
    let mut traveling = record::decode_traveling(&sent(fields_of)).ok().unwrap();
    change(&mut traveling);
    record::encode_traveling(&traveling)
}

fn many(count: usize) -> Value {
    (0..count).map(|n| (format!("f{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into()
}

fn page(records: Vec<Vec<u8>>) -> Incoming {
    Incoming { cursor: Some(9), receipt: Receipt::default(), records }
}

fn reason(device: &Device, bytes: &[u8]) -> Option<WhyRefused> {
    let id = id_of(bytes).unwrap();
    device.book.read(|conn| rows::why_refused(conn, key(1), id)).unwrap()
}

#[test]
fn each_kind_of_too_much_is_set_aside_and_told_and_the_rest_goes_on() {
    let devices = paired::<2>();
    let deep = (0..60).fold(json!(1), |value, _| json!({ "a": value }));
    let with_paths = |paths: Vec<String>| {
        changed(json!({"role": "observed"}), |traveling| {
            let Traveling::Record(whole) = traveling else { return };
            let base = whole.record.meta.base;
            whole.record.meta.exceptions.extend(paths.into_iter().map(|path| (path, base)));
        })
    };
    let hostile = [
        sent(many(5_000)),
        sent(json!({ "tags": (0..5_000).map(|n| n.to_string()).collect::<Vec<_>>() })),
        sent(json!({ "a": deep })),
        sent(json!({ "n".repeat(2_000): 1 })),
        sent(json!({ "note": "x".repeat(2 << 20) })),
        with_paths((0..5_000).map(|n| n.to_string()).collect()),
        with_paths(vec![vec!["a"; 500].join(".")]),
        changed(json!({}), |traveling| {
            let Traveling::Record(whole) = traveling else { return };
            whole.record.kind = "k".repeat(100);
        }),
        changed(json!({}), |traveling| {
            let Traveling::Record(whole) = traveling else { return };
            let all = (1..3_000).map(|n| (DeviceId(n), crate::time::Hlc(1)));
            whole.record.meta.context.extend(all);
        }),
    ];
    let honest = sent(json!({"role": "observed"}));
    let records: Vec<Vec<u8>> = hostile.iter().cloned().chain([honest.clone()]).collect();
    let applied = devices[0].book.apply(key(1), &page(records)).unwrap();
    assert_eq!(applied.refused.len(), hostile.len());
    for (refusal, bytes) in applied.refused.iter().zip(&hostile) {
        assert_eq!(refusal.why, WhyRefused::TooMuch, "{}", refusal.place);
        assert_eq!(reason(&devices[0], bytes), Some(WhyRefused::TooMuch));
        assert!(devices[0].book.record(id_of(bytes).unwrap()).is_err());
    }
    assert!(devices[0].book.record(id_of(&honest).unwrap()).is_ok());
    assert_eq!(devices[0].book.peers().unwrap()[0].refused, hostile.len() as u64);
}

#[test]
fn a_record_that_grows_by_every_join_stays_what_it_was() {
    let devices = paired::<2>();
    let id = devices[0].book.create_case(fields(json!({"role": "observed"}))).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    edit(&devices[0].book, id, "role", Some(json!("one")));
    edit(&devices[1].book, id, "role", Some(json!("other")));
    run(&devices, 0, 1, usize::MAX);
    let grown = |from: u64| {
        let whole = devices[1].book.read(|conn| {
            let all = record::entries(conn, 0, 9)?;
            record::traveling(conn, &all[0].what)
        });
        let mut traveling = whole.unwrap();
        let Traveling::Record(whole) = &mut traveling else { panic!("it is one") };
        for n in from..from + 40 {
            let mut sibling = whole.siblings[0].clone();
            sibling.stamp.device = DeviceId(n);
            whole.record.meta.context.insert(DeviceId(n), sibling.stamp.hlc);
            whole.siblings.push(sibling);
        }
        record::encode_traveling(&traveling)
    };
    let (some, more) = (grown(1_000), grown(2_000));
    let applied = devices[0].book.apply(key(1), &page(vec![some])).unwrap();
    assert!(applied.refused.is_empty());
    let before = devices[0].book.record(id).unwrap();
    let applied = devices[0].book.apply(key(1), &page(vec![more])).unwrap();
    assert_eq!(applied.refused, [Refusal { place: 0, why: WhyRefused::TooMuch }]);
    assert_eq!(devices[0].book.record(id).unwrap(), before);
    // A user can end it as ever.
    edit(&devices[0].book, id, "role", Some(json!("mine")));
    assert_eq!(devices[0].book.record(id).unwrap().fields["role"], json!("mine"));
}

#[test]
fn what_came_of_a_join_is_weighed_whole() {
    let devices = paired::<2>();
    let id = devices[0].book.create_case(fields(many(2_000))).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    // Each is within the budget; both together, with the stamps of what was added, are not.
    for (device, name) in devices.iter().zip(["phone", "laptop"]) {
        let patch = (0..700).map(|n| (format!("{name}{n}"), Some(json!(n)))).collect();
        device.book.transact(|tx| tx.edit(id, patch, None)).unwrap();
    }
    let before = devices.iter().map(|device| device.book.record(id).unwrap());
    let before: Vec<_> = before.collect();
    run(&devices, 0, 1, usize::MAX);
    for (device, before) in devices.iter().zip(&before) {
        assert_eq!(device.book.record(id).unwrap(), *before);
        let refused = device.book.record_sync(id).unwrap().refused;
        assert_eq!(refused, Some(WhyRefused::TooMuch));
    }
    // Where the user's own is more than that already, what others write is heard all the same.
    let patch = (0..3_000).map(|n| (format!("own{n}"), Some(json!(n)))).collect();
    devices[0].book.transact(|tx| tx.edit(id, patch, None)).unwrap();
    edit(&devices[1].book, id, "role", Some(json!("assisted")));
    let theirs = devices[1].book.record(id).unwrap();
    run(&devices, 0, 1, usize::MAX);
    let kept = devices[0].book.record(id).unwrap().fields;
    assert!(kept.contains_key("laptop0") && kept.contains_key("own0"));
    assert_eq!(devices[1].book.record(id).unwrap(), theirs);
}

#[test]
fn what_is_erased_goes_everywhere_however_many_devices_it_has_seen() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    let ids: Vec<RecordId> = (0..2)
        .map(|_| phone.book.create_case(fields(json!({"role": "observed"}))).unwrap().id)
        .collect();
    run(&devices, 0, 1, usize::MAX);
    // As after years of renewed devices.
    let many_seen = |from: u64| {
        changed(json!({}), |traveling| {
            let Traveling::Record(whole) = traveling else { return };
            whole.record.id = ids[0];
            let all = (from..from + 1_000).map(|n| (DeviceId(n), crate::time::Hlc(1)));
            whole.record.meta.context.extend(all);
        })
    };
    let alone = |bytes| Incoming { cursor: None, ..page(vec![bytes]) };
    phone.book.apply(key(1), &alone(many_seen(1))).unwrap();
    assert_eq!(phone.book.record(ids[0]).unwrap().meta.seen().len(), 1_002);
    for id in &ids {
        phone.book.erase(*id).unwrap();
    }
    // And a device that erased it with all that it had seen, as before.
    let gone = |conn: &Connection| {
        let entries = record::entries(conn, 0, 9)?;
        entries.iter().map(|entry| record::traveling(conn, &entry.what)).collect::<Result<Vec<_>>>()
    };
    let gone = phone.book.read(gone).unwrap();
    let mut erased = gone.into_iter().filter_map(|traveling| match traveling {
        Traveling::Gone(gone) => Some(gone),
        Traveling::Record(_) => None,
    });
    let mut first = erased.next().unwrap();
    assert!(first.seen.is_empty() && erased.all(|gone| gone.seen.is_empty()));
    first.seen = (1..2_000).map(|n| (DeviceId(n), crate::time::Hlc(1))).collect();
    let bytes = record::encode_traveling(&Traveling::Gone(first));
    let applied = laptop.book.apply(key(0), &alone(bytes)).unwrap();
    assert_eq!(applied.refused, []);
    run(&devices, 0, 1, usize::MAX);
    for id in &ids {
        assert!(laptop.book.record(*id).is_err());
    }
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
}

/// Saves a case whenever it hears that something was taken in.
struct Saving {
    book: Weak<Logbook>,
    busy: AtomicBool,
    heard: Mutex<Vec<Vec<Change>>>,
}

impl ChangeObserver for Saving {
    fn changed(&self, changes: Vec<Change>) -> std::result::Result<(), ObserverError> {
        if !self.busy.swap(true, Ordering::SeqCst) {
            self.heard.lock().unwrap().push(changes);
            let book = self.book.upgrade().ok_or(ObserverError::Failed)?;
            book.create_case(fields(json!({"note": "typed meanwhile"}))).unwrap();
            self.busy.store(false, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[test]
fn a_heavy_page_is_taken_in_by_pieces_and_saves_come_between_them() {
    let [device, _] = paired::<2>();
    let Device { book, .. } = device;
    let book = Arc::new(book);
    let observer = Arc::new(Saving {
        book: Arc::downgrade(&book),
        busy: AtomicBool::new(false),
        heard: Mutex::default(),
    });
    book.observe(observer.clone());
    let heavy: Vec<Vec<u8>> = (0..30).map(|_| sent(many(3_000))).collect();
    let weight = weight_of(&read_one(&heavy[0]));
    let in_a_piece = record::PIECE / weight;
    assert!((2..8).contains(&in_a_piece), "{weight}");
    let applied = book.apply(key(1), &page(heavy)).unwrap();
    assert!(applied.changed && applied.refused.is_empty());
    let heard = observer.heard.lock().unwrap();
    assert_eq!(heard.iter().map(Vec::len).sum::<usize>(), 30);
    // What keeps a save waiting is one piece, never the page; and no piece leaves its words to the save.
    assert!(heard.iter().all(|changes| changes.len() <= in_a_piece));
    let cases = book.read(|conn| {
        let all = record::entries(conn, 0, 99)?;
        Ok(all.iter().map(|entry| entry.lseq).collect::<Vec<_>>())
    });
    assert_eq!(cases.unwrap().len(), 30 + heard.len());
    let behind = book.read(|conn| {
        let mut statement =
            conn.prepare("SELECT value FROM local WHERE name = 'indexed'").map_err(sql)?;
        let indexed: u64 = statement.query_row([], |row| row.get(0)).map_err(sql)?;
        Ok(record::last_sequence(conn)? - indexed)
    });
    assert!(behind.unwrap() <= 1);
    // The cursor moved with the last piece.
    assert_eq!(book.read(|conn| Ok(rows::peer(conn, key(1))?.received)).unwrap(), 9);
}

fn aside(book: &Logbook) -> (u64, u64, u64) {
    let found = book.read(|conn| {
        let query =
            "SELECT count(*), total(length(bytes)), (SELECT aside_bytes FROM peer) FROM refused";
        conn.query_row(query, [], |row| Ok((row.get(0)?, row.get::<_, f64>(1)?, row.get(2)?)))
            .map_err(sql)
    });
    let (count, bytes, counted): (u64, f64, u64) = found.unwrap();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bytes = bytes as u64;
    (count, bytes, counted)
}

fn pretend_older(book: &Logbook) {
    let older =
        |conn: &Connection| conn.execute("UPDATE refused SET version = 'older'", []).map_err(sql);
    book.store.write(older).unwrap();
}

#[test]
fn what_is_set_aside_is_tried_again_by_another_version_only() {
    let devices = paired::<2>();
    let book = &devices[0].book;
    let (bytes, peer) = (sent(json!({"role": "observed"})), key(1));
    let id = id_of(&bytes).unwrap();
    let refuse =
        |conn: &Connection| rows::refuse(conn, peer, id, WhyRefused::TooMuch, Some(&bytes));
    book.store.write(refuse).unwrap();
    book.greet(peer).unwrap();
    assert!(book.record(id).is_err());
    pretend_older(book);
    book.greet(peer).unwrap();
    assert!(book.record(id).is_ok());
    assert_eq!(aside(book), (0, 0, 0));
}

#[test]
fn of_a_flood_only_so_much_is_kept_and_a_newer_version_asks_for_it_again() {
    let devices = paired::<2>();
    let (book, peer) = (&devices[0].book, key(1));
    let one = |n: u8| {
        let mut bytes = record::too_large(RecordId::from_bytes([n; 16]));
        // Longer than any record, and no record.
        bytes.resize(1 << 20, 0);
        bytes[0] = 0x83;
        bytes
    };
    for n in 0..20 {
        book.apply(peer, &page(vec![one(n)])).unwrap();
    }
    let (count, bytes, counted) = aside(book);
    assert_eq!((count, bytes), (20, counted));
    assert_eq!(bytes, 16 << 20);
    // The same again is counted once.
    book.apply(peer, &page(vec![one(0)])).unwrap();
    assert_eq!(aside(book), (20, bytes, bytes));
    pretend_older(book);
    assert_eq!(book.greet(peer).unwrap().receipt, Receipt::default());
    assert_eq!(book.read(|conn| Ok(rows::peer(conn, peer)?.received)).unwrap(), 0);
    assert_eq!(aside(book).0, 20);
}
