//! Real books that write apart and exchange in any order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Keep, tests::book};
use super::*;
use crate::error::LogbookError;
use crate::ids::RecordId;
use crate::record::Change;
use crate::sync::pairing::{DeviceName, Party, SealKey};
use crate::sync::session::Session;

pub(super) fn fields(value: Value) -> crate::record::Fields {
    serde_json::from_value(value).unwrap()
}

/// One step of a run; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Create(usize, u8),
    Edit(usize, usize, usize, u8),
    Delete(usize, usize),
    Restore(usize, usize),
    Undo(usize),
    Erase(usize, usize),
    /// Chooses between what was written twice.
    Settle(usize, usize, usize),
    /// Cut after so many effects.
    Exchange {
        from: usize,
        to: usize,
        steps: usize,
    },
}

const PATHS: [&str; 5] = ["role", "labs.inr", "note", "tags", "fluoro_min"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..3;
    let which = 0usize..4;
    let step = prop_oneof![
        2 => (who.clone(), 0u8..5).prop_map(|(book, n)| Step::Create(book, n)),
        6 => (who.clone(), which.clone(), 0..PATHS.len(), 0u8..6).prop_map(|(b, r, p, n)| Step::Edit(b, r, p, n)),
        1 => (who.clone(), which.clone()).prop_map(|(b, r)| Step::Delete(b, r)),
        1 => (who.clone(), which.clone()).prop_map(|(b, r)| Step::Restore(b, r)),
        1 => who.clone().prop_map(Step::Undo),
        1 => (who.clone(), which.clone()).prop_map(|(b, r)| Step::Erase(b, r)),
        2 => (who.clone(), which, 0usize..9).prop_map(|(b, r, n)| Step::Settle(b, r, n)),
        5 => (who.clone(), who, 0usize..40).prop_map(|(from, to, steps)| Step::Exchange { from, to, steps }),
    ];
    prop::collection::vec(step, 1..30)
}

fn value(path: &str, n: u8) -> Value {
    match path {
        "note" => {
            json!("a longer text about the case ".repeat(usize::from(n % 3) + 1) + &n.to_string())
        }
        "tags" => json!((0..n % 4).map(|t| format!("tag{t}")).collect::<Vec<_>>()),
        _ => json!(n),
    }
}

pub(super) struct Device {
    _folder: tempfile::TempDir,
    pub(super) book: Logbook,
    last: Option<Change>,
    /// What was typed on it: record, path and value.
    pub(super) typed: Vec<(RecordId, String, Value)>,
}

impl Device {
    pub(super) fn new() -> Self {
        let (folder, book) = book();
        Self { _folder: folder, book, last: None, typed: Vec::new() }
    }
}

pub(super) fn key(n: usize) -> Fingerprint {
    Fingerprint([u8::try_from(n).unwrap(); 32])
}

/// Books that know each other.
pub(super) fn paired<const N: usize>() -> [Device; N] {
    let devices = [(); N].map(|()| Device::new());
    for (n, device) in devices.iter().enumerate() {
        for other in (0..N).filter(|other| *other != n) {
            device.book.store.write(|conn| rows::add_peer(conn, key(other))).unwrap();
        }
    }
    devices
}

/// The record that was written last, as it would be sent.
fn latest(book: &Logbook) -> record::Traveling {
    let latest = book.read(|conn| {
        let entry = record::entries(conn, 0, 9)?.pop().unwrap();
        record::traveling(conn, &entry.what)
    });
    latest.unwrap()
}

/// Writes one field.
pub(super) fn edit(book: &Logbook, id: RecordId, path: &str, value: Option<Value>) {
    book.transact(|tx| tx.edit(id, vec![(path.to_owned(), value)], None)).unwrap();
}

fn records(book: &Logbook) -> Vec<RecordId> {
    let found = book.read(|conn| {
        let entries = record::entries(conn, 0, u32::MAX)?;
        entries.iter().map(|entry| Ok(record::traveling(conn, &entry.what)?.id())).collect()
    });
    let mut ids: Vec<RecordId> = found.unwrap();
    ids.sort();
    ids
}

/// One end of a line between two books.
struct End<'a> {
    book: &'a Logbook,
    peer: Fingerprint,
    session: Session,
    todo: std::collections::VecDeque<Effect>,
    sent: Vec<Vec<u8>>,
}

impl<'a> End<'a> {
    fn new(book: &'a Logbook, peer: Fingerprint) -> Self {
        let mut end = Self {
            book,
            peer,
            session: Session::default(),
            todo: std::collections::VecDeque::new(),
            sent: Vec::new(),
        };
        end.tell(Event::Start(book.greet(peer).unwrap()));
        end
    }

    fn tell(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.session.step(0, event, &mut effects);
        self.todo.extend(effects);
    }

    /// Executes one effect and gives it back.
    fn perform(&mut self) -> Option<Effect> {
        let effect = self.todo.pop_front()?;
        assert_ne!(effect, Effect::Differs);
        match self.book.perform(self.peer, &effect) {
            // The other was revoked meanwhile, maybe by what it sent itself.
            Err(LogbookError::KeyRevoked { .. }) => {
                self.todo.clear();
                return None;
            }
            done => done.unwrap().into_iter().for_each(|event| self.tell(event)),
        }
        if let Effect::Send(frame) = &effect {
            self.sent.push(frame.clone());
        }
        Some(effect)
    }
}

/// Runs a session until `steps` effects were executed or nothing is left; gives all frames.
pub(super) fn run(devices: &[Device], one: usize, other: usize, steps: usize) -> Vec<Vec<u8>> {
    run_as((&devices[one].book, key(one)), (&devices[other].book, key(other)), steps)
}

/// The same under any keys.
pub(super) fn run_as(
    one: (&Logbook, Fingerprint),
    other: (&Logbook, Fingerprint),
    steps: usize,
) -> Vec<Vec<u8>> {
    let mut ends = [End::new(one.0, other.1), End::new(other.0, one.1)];
    let mut done = 0;
    loop {
        let mut idle = true;
        for side in 0..2 {
            while done < steps {
                let Some(effect) = ends[side].perform() else { break };
                (idle, done) = (false, done + 1);
                if let Effect::Send(frame) = effect {
                    ends[1 - side].tell(Event::Frame(frame));
                }
            }
        }
        if idle {
            return ends.into_iter().flat_map(|end| end.sent).collect();
        }
    }
}

fn step(devices: &mut [Device], step: &Step) {
    let pick = |book: &Logbook, n: usize| {
        let ids = records(book);
        (!ids.is_empty()).then(|| ids[n % ids.len()])
    };
    match *step {
        Step::Create(at, n) => {
            let fields = fields(json!({"procedure": "picc", "labs": {"inr": n}, "tags": ["tag0"]}));
            let saved = devices[at].book.create_case(fields).unwrap();
            devices[at].typed.push((saved.id, "labs.inr".to_owned(), json!(n)));
            devices[at].last = Some(saved.change);
        }
        Step::Edit(at, record, path, n) => {
            let Some(id) = pick(&devices[at].book, record) else { return };
            let name = PATHS[path];
            let edit = vec![(name.to_owned(), Some(value(name, n)))];
            devices[at].typed.push((id, name.to_owned(), value(name, n)));
            // Erased records are not there to be edited.
            if let Ok(changed) = devices[at].book.transact(|tx| tx.edit(id, edit, None)) {
                devices[at].last = changed.value.change;
            }
        }
        Step::Delete(at, record) => {
            if let Some(id) = pick(&devices[at].book, record) {
                let _ = devices[at].book.delete(id);
            }
        }
        Step::Restore(at, record) => {
            if let Some(id) = pick(&devices[at].book, record) {
                let _ = devices[at].book.restore_record(id);
            }
        }
        Step::Undo(at) => {
            if let Some(change) = devices[at].last.take() {
                let _ = devices[at].book.undo(&change);
            }
        }
        Step::Erase(at, record) => {
            if let Some(id) = pick(&devices[at].book, record) {
                let _ = devices[at].book.erase(id);
            }
        }
        Step::Settle(at, record, n) => {
            let Device { book, last, typed, .. } = &mut devices[at];
            let Some(id) = pick(book, record).filter(|id| book.record(*id).is_ok()) else { return };
            let also = book.also_written(id).unwrap();
            let Some(one) = also.get(n % also.len().max(1)) else { return };
            let keep = match (n % 3, &one.both) {
                (0, _) => Keep::Shown,
                (1, Some(text)) => {
                    typed.push((id, one.path.clone(), json!(text)));
                    Keep::Both { text: text.clone() }
                }
                _ => Keep::Other { which: one.which.clone() },
            };
            *last = book.settle(id, &one.path, &keep, &one.seen).unwrap();
            assert!(book.also_written(id).unwrap().iter().all(|left| left.path != one.path));
        }
        Step::Exchange { from, to, steps } => {
            if from != to {
                run(devices, from, to, steps);
            }
        }
    }
}

/// Everything that a user can see of a book.
fn shown(book: &Logbook) -> Vec<String> {
    records(book)
        .into_iter()
        .map(|id| match book.record(id) {
            Ok(record) => {
                let mut fields = record.fields.clone();
                if let Some(Value::Array(tags)) = fields.get_mut("tags") {
                    tags.sort_by_key(ToString::to_string);
                }
                let also: Vec<_> = book
                    .also_written(id)
                    .unwrap()
                    .into_iter()
                    .map(|also| (also.path, also.which, also.text))
                    .collect();
                format!("{id} {} {fields:?} {also:?}", record.alive)
            }
            Err(_) => format!("{id} erased"),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(60)))]

    #[test]
    fn books_agree_once_they_have_heard_each_other(steps in steps()) {
        let mut devices = paired::<3>();
        for one in &steps {
            step(&mut devices, one);
        }
        for _ in 0..2 {
            for (one, other) in [(0, 1), (1, 2), (2, 0)] {
                run(&devices, one, other, usize::MAX);
            }
        }
        let first = shown(&devices[0].book);
        prop_assert_eq!(&shown(&devices[1].book), &first);
        prop_assert_eq!(&shown(&devices[2].book), &first);
        let sums: Vec<_> = devices.iter().map(|device| device.book.sums(key(9)).unwrap().1).collect();
        prop_assert!(sums[0] == sums[1] && sums[1] == sums[2]);
        for device in &devices {
            device.book.sums(key(9)).unwrap();
            let agree = device.book.read(|conn| {
                let Some(mut recount) = record::Recount::begin(conn)? else { return Ok(true) };
                while !recount.step(conn)? {}
                recount.agrees(conn)
            });
            prop_assert!(agree.unwrap(), "the sums are not what the records say");
            for peer in device.book.peers().unwrap() {
                prop_assert_eq!(peer.waiting, 0);
            }
        }
        for id in records(&devices[0].book) {
            for at in 0..3 {
                prop_assert!(twice_tests::tells_the_truth(&devices, at, id), "{} on {}", id, at);
            }
        }
        // Nothing is left to say: one hello each way.
        prop_assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
    }
}

#[test]
fn a_device_is_no_record_to_find_or_to_export() {
    let (folder, book) = book();
    book.create_case(fields(json!({"note": "Pixel of the angiogram"}))).unwrap();
    let name = DeviceName::new("Pixel");
    book.add_peer(&Party { fingerprint: key(1), name, seal_key: SealKey([1; 32]) }).unwrap();
    assert_eq!(book.peers().unwrap()[0].name, "Pixel");
    assert_eq!(book.search("pixel", None, None).unwrap().hits.len(), 1);
    let file = folder.path().join("all.jsonl");
    let options = super::super::ExportOptions::default();
    let job = book.export_job(&file, super::super::ExportFormat::Jsonl, &options).unwrap();
    while !job.step().unwrap().finished {}
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 1);
}

#[test]
fn what_cannot_be_read_is_set_aside_and_the_rest_goes_on() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    let id = phone.book.create_case(fields(json!({"note": "fine"}))).unwrap().id;
    let good =
        phone.book.read(|conn| batch(conn, key(1), 0, None)).unwrap().0.records[0].bytes.clone();
    let mut poison = good.clone();
    // Another record, whose stamps nobody can read.
    poison[3] ^= 0xff;
    let stamps = poison.len() / 2;
    poison.truncate(stamps);
    let incoming =
        Incoming { cursor: Some(2), receipt: Receipt::default(), records: vec![poison, good] };
    let applied = laptop.book.apply(key(0), &incoming).unwrap();
    assert!(applied.changed);
    assert_eq!(applied.refused, [Refusal { place: 0, why: WhyRefused::Unreadable }]);
    assert_eq!(laptop.book.record(id).unwrap().fields["note"], json!("fine"));
    let peer = &laptop.book.peers().unwrap()[0];
    assert_eq!((peer.refused, peer.waiting), (1, 0));
    // It is kept, and read as soon as it can be.
    laptop.book.retry_set_aside(key(0)).unwrap();
    assert_eq!(laptop.book.peers().unwrap()[0].refused, 1);
}

#[test]
fn a_record_from_another_century_is_refused_on_both_sides_and_nothing_differs() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    phone.book.create_case(fields(json!({"note": "now"}))).unwrap();
    let far = crate::time::UtcMillis(phone.book.now().utc.0 + 200 * 366 * crate::time::DAY_MS);
    let far_id = RecordId::new(far, &*phone.book.ids);
    phone
        .book
        .store
        .write(|conn| {
            let mut tx = Tx::begin(conn, far, phone.book.device(), crate::time::Hlc(0))?;
            let at = phone.book.now();
            let kind = super::super::CASE.to_owned();
            tx.create(record::NewRecord { id: far_id, kind, at, fields: fields(json!({})) })?;
            tx.end()
        })
        .unwrap();
    run(&devices, 0, 1, usize::MAX);
    assert_eq!(laptop.book.read(|conn| Ok(record::entries(conn, 0, 9)?.len())).unwrap(), 1);
    let sync = phone.book.record_sync(far_id);
    assert_eq!(sync.unwrap().refused, Some(WhyRefused::FarAhead));
    assert_eq!(run(&devices, 0, 1, usize::MAX).len(), 2);
}

#[test]
fn what_stands_twice_in_a_record_is_kept_once() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    let id = phone.book.create_case(fields(json!({"role": "observed"}))).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    for device in &devices {
        let role = format!("assisted by {}", device.book.device().0);
        edit(&device.book, id, "role", Some(json!(role)));
    }
    run(&devices, 0, 1, usize::MAX);
    let mut twice = latest(&phone.book);
    let record::Traveling::Record(whole) = &mut twice else { panic!("it is gone") };
    assert!(!whole.siblings.is_empty());
    whole.siblings.extend(whole.siblings.clone());
    let records = vec![record::encode_traveling(&twice)];
    let [third, ..] = paired::<1>();
    let taken = third
        .book
        .apply(key(0), &Incoming { cursor: None, receipt: Receipt::default(), records })
        .unwrap();
    assert_eq!(taken, Applied { changed: true, ..Applied::default() });
    assert_eq!(third.book.sums(key(9)).unwrap().1, laptop.book.sums(key(9)).unwrap().1);
}

#[test]
fn one_stamp_with_two_values_ends_as_one_of_them() {
    let devices = paired::<2>();
    let [phone, laptop] = &devices;
    let id = phone.book.create_case(fields(json!({"role": "observed"}))).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    let sent = |book: &Logbook, role: Option<&str>| {
        let mut sent = latest(book);
        let record::Traveling::Record(whole) = &mut sent else { panic!("it is gone") };
        if let Some(role) = role {
            whole.record.fields.insert("role".to_owned(), json!(role));
        }
        Incoming {
            cursor: None,
            receipt: Receipt::default(),
            records: vec![record::encode_traveling(&sent)],
        }
    };
    // No device does that; one whose file was copied by hand may.
    let other = sent(&phone.book, Some("scrubbed"));
    assert!(laptop.book.apply(key(0), &other).unwrap().changed);
    assert!(phone.book.apply(key(1), &sent(&laptop.book, None)).unwrap().changed);
    assert!(!laptop.book.apply(key(0), &sent(&phone.book, None)).unwrap().changed);
    for device in &devices {
        assert_eq!(device.book.record(id).unwrap().fields["role"], "scrubbed");
    }
}

#[test]
fn both_texts_and_numbers_are_kept_and_the_loser_is_in_the_history() {
    let devices = paired::<2>();
    let [Device { book: phone, .. }, Device { book: laptop, .. }] = &devices;
    let id = phone.create_case(fields(json!({"note": "A note.", "fluoro_min": 1}))).unwrap().id;
    let meet = || drop(run(&devices, 0, 1, usize::MAX));
    meet();
    let edit = |book, path, value| edit(book, id, path, Some(value));
    edit(phone, "note", json!("A note from the phone."));
    edit(laptop, "note", json!("On the laptop: A note."));
    edit(phone, "fluoro_min", json!(19.7));
    edit(laptop, "fluoro_min", json!(17.9));
    meet();
    for book in [phone, laptop] {
        let record = book.record(id).unwrap();
        let also = book.also_written(id).unwrap().into_iter().find(|also| also.path == "note");
        let mut texts = [record.fields["note"].as_str().unwrap(), &also.unwrap().text];
        texts.sort_unstable();
        assert_eq!(texts, ["A note from the phone.", "On the laptop: A note."]);
    }
    let shown = phone.record(id).unwrap().fields["fluoro_min"].clone();
    assert_eq!(laptop.record(id).unwrap().fields["fluoro_min"], shown);
    edit(laptop, "fluoro_min", json!(18.5));
    let before: Vec<_> = laptop.history(id, "fluoro_min").unwrap();
    let values: Vec<_> = before.iter().filter_map(|v| v.value_json.as_deref()).collect();
    assert!(values.contains(&"19.7") && values.contains(&"17.9"), "{values:?}");
    meet();
    assert_eq!(phone.record(id).unwrap().fields["fluoro_min"], json!(18.5));
}

#[test]
fn two_phones_that_each_name_the_laptop_are_in_step_with_it() {
    let devices = paired::<3>();
    let pair = |one: usize, other: usize| {
        for (at, there) in [(one, other), (other, one)] {
            let name = DeviceName::new("device");
            let party = Party { fingerprint: key(there), name, seal_key: SealKey([7; 32]) };
            devices[at].book.add_peer(&party).unwrap();
        }
    };
    pair(0, 1);
    // The second phone names it later: the same record with another time.
    devices[2].book.now();
    pair(1, 2);
    for (phone, laptop) in [(0, 1), (2, 1), (0, 1), (2, 1)] {
        run(&devices, phone, laptop, usize::MAX);
    }
    for phone in [0, 2] {
        assert_eq!(run(&devices, phone, 1, usize::MAX).len(), 2);
    }
}
