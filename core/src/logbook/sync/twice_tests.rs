//! Fields that two devices wrote before they met.

use serde_json::{Value, json};

use super::super::{AlsoWritten, FieldVersion, Keep};
use super::tests::{Device, edit, fields, key, paired, run};
use super::*;
use crate::error::LogbookError;
use crate::sync::frame::Frame;

/// A phone and a laptop that wrote the same fields of one case and have met since.
struct Twice {
    devices: [Device; 2],
    id: RecordId,
}

impl Twice {
    fn written() -> Self {
        let devices = paired::<2>();
        let written = json!({"procedure": "picc", "fluoro_min": 1, "role": "observed"});
        let id = devices[0].book.create_case(fields(written)).unwrap().id;
        let twice = Self { devices, id };
        twice.meet();
        for (path, phone, laptop) in [
            ("fluoro_min", Some(json!(19.7)), Some(json!(17.9))),
            ("lesson", Some(json!("Ask first.")), Some(json!("Look first."))),
            ("role", None, Some(json!("scrubbed"))),
            ("setting", Some(json!("inpatient")), Some(json!("inpatient"))),
        ] {
            twice.edit(0, path, phone);
            twice.edit(1, path, laptop);
        }
        twice.meet();
        twice
    }

    fn edit(&self, at: usize, path: &str, value: Option<Value>) {
        edit(&self.devices[at].book, self.id, path, value);
    }

    fn meet(&self) {
        run(&self.devices, 0, 1, usize::MAX);
    }

    fn told(&self, at: usize) -> Vec<String> {
        let also = self.devices[at].book.also_written(self.id).unwrap();
        also.into_iter().map(|also| also.told).collect()
    }

    fn shown(&self, at: usize, path: &str) -> Value {
        self.devices[at].book.record(self.id).unwrap().fields[path].clone()
    }

    /// What stands beside what is shown on a path, the first of it.
    fn also(&self, at: usize, path: &str) -> AlsoWritten {
        let also = self.devices[at].book.also_written(self.id).unwrap();
        also.into_iter().find(|also| also.path == path).expect("something stands beside it")
    }

    fn settle(&self, at: usize, path: &str, keep: &Keep) -> record::Change {
        let seen = self.also(at, path).seen;
        let settled = self.devices[at].book.settle(self.id, path, keep, &seen).unwrap();
        settled.expect("that is a write")
    }

    /// What a device tells of a path: each value, where it was written, and how it stands.
    fn tells(&self, at: usize, path: &str) -> Vec<(Option<String>, &'static str, &'static str)> {
        let versions = self.devices[at].book.history(self.id, path).unwrap();
        let told = versions.into_iter().map(|version| {
            let here = version.by.place == "here";
            let stands = match version {
                FieldVersion { stands_beside: true, .. } => "beside",
                FieldVersion { replaced: None, .. } => "shown",
                _ => "was",
            };
            (version.value_json, if here { "here" } else { "there" }, stands)
        });
        told.collect()
    }

    /// What a field said before, on one of them.
    fn was(&self, at: usize, path: &str) -> Vec<Option<String>> {
        let versions = self.devices[at].book.history(self.id, path).unwrap();
        let replaced = versions.into_iter().filter(|version| version.replaced.is_some());
        replaced.map(|version| version.value_json).collect()
    }
}

/// Whether all that a device tells of a record was typed where it says.
pub(super) fn tells_the_truth(devices: &[Device], at: usize, id: RecordId) -> bool {
    let typed_on = |device: &Device, path: &str, value: &Value| {
        let is_this = |typed: &&(RecordId, String, Value)| (typed.0, &*typed.1) == (id, path);
        device.typed.iter().filter(is_this).any(|typed| typed.2 == *value)
    };
    ["role", "labs.inr", "note", "fluoro_min"].into_iter().all(|path| {
        let versions = devices[at].book.history(id, path).unwrap_or_default();
        versions.into_iter().all(|version| {
            let Some(value) = version.value_json else { return true };
            let value = serde_json::from_str(&value).unwrap();
            let is_here = version.by.place == "here";
            let writers = devices.iter().enumerate().filter(|(n, _)| (*n == at) == is_here);
            writers.into_iter().any(|(_, device)| typed_on(device, path, &value))
        })
    })
}

/// How many records went over the line, both ways.
fn crossed(frames: &[Vec<u8>]) -> u32 {
    let count = |frame: &Vec<u8>| match Frame::decode(frame) {
        Ok(Frame::Page(page)) => page.count,
        _ => 0,
    };
    frames.iter().map(count).sum()
}

#[test]
fn what_both_wrote_crosses_once_each_way() {
    let devices = paired::<3>();
    let ids: Vec<RecordId> = (0..700)
        .map(|n| devices[0].book.create_case(fields(json!({"fluoro_min": n}))).unwrap().id)
        .collect();
    assert_eq!(crossed(&run(&devices, 0, 1, usize::MAX)), 700);
    for (at, device) in devices.iter().take(2).enumerate() {
        for id in &ids {
            edit(&device.book, *id, "fluoro_min", Some(json!(1_000 + at)));
        }
    }
    assert_eq!(crossed(&run(&devices, 0, 1, usize::MAX)), 1_400);
    for device in devices.iter().take(2) {
        assert_eq!(device.book.peers().unwrap()[0].waiting, 0);
    }
    // Who has neither gets what came of them.
    assert_eq!(crossed(&run(&devices, 1, 2, usize::MAX)), 700);
}

/// A third device that has made the same of both is sent it once more by whoever does not know that. It
/// takes in nothing new by that, so that nothing comes of it: it ends there.
#[test]
fn what_two_merged_goes_to_a_third_that_has_it_once_more_and_no_further() {
    const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];
    let devices = paired::<3>();
    let round = || PAIRS.map(|(one, other)| crossed(&run(&devices, one, other, usize::MAX)));
    let id = devices[0].book.create_case(fields(json!({"fluoro_min": 1}))).unwrap().id;
    round();
    for order in [[(0, 2), (1, 2), (0, 1)], [(0, 1), (1, 2), (0, 2)], [(1, 2), (0, 1), (0, 2)]] {
        for (at, device) in devices.iter().take(2).enumerate() {
            let lseq = device.book.record(id).unwrap().lseq;
            edit(&device.book, id, "fluoro_min", Some(json!(lseq * 10 + at as u64)));
        }
        for (one, other) in order {
            run(&devices, one, other, usize::MAX);
        }
        let stood = || devices.each_ref().map(|device| device.book.record(id).unwrap().lseq);
        let before = stood();
        let again = round();
        assert!(again.iter().all(|count| *count <= 2), "{again:?}");
        assert_eq!(stood(), before, "what is known is not written again");
        assert_eq!(round(), [0, 0, 0]);
    }
}

#[test]
fn a_session_that_is_cut_while_both_wrote_loses_nothing() {
    for steps in 0..40 {
        let devices = paired::<2>();
        let ids: Vec<RecordId> = (0..3)
            .map(|n| devices[0].book.create_case(fields(json!({"fluoro_min": n}))).unwrap().id)
            .collect();
        run(&devices, 0, 1, usize::MAX);
        for (at, device) in devices.iter().enumerate() {
            for id in &ids {
                edit(&device.book, *id, "fluoro_min", Some(json!(1_000 + at)));
            }
        }
        run(&devices, 0, 1, steps);
        // Neither has what the other says of this one; both still have something to send.
        edit(&devices[0].book, ids[0], "lesson", Some(json!("Ask first.")));
        run(&devices, 0, 1, steps + 1);
        run(&devices, 0, 1, usize::MAX);
        let both = [0, 1].map(|at: usize| devices[at].book.sums(key(9)).unwrap().1);
        assert_eq!(both[0], both[1], "cut after {steps} effects");
    }
}

#[test]
fn both_devices_show_the_same_and_say_who_wrote_the_other() {
    let twice = Twice::written();
    let beside_is_the_laptops = twice.shown(0, "fluoro_min") == json!(19.7);
    let texts = if beside_is_the_laptops {
        ["17.9 min", "Look first.", "Scrubbed"]
    } else {
        ["19.7 min", "Ask first.", "nothing"]
    };
    let on = |place: &str| texts.map(|text| format!("Also written {place}: {text}")).to_vec();
    let (wrote, heard) = if beside_is_the_laptops { (1, 0) } else { (0, 1) };
    assert_eq!(twice.told(wrote), on("here"));
    assert_eq!(twice.told(heard), on("on another device"));
    for device in &twice.devices {
        assert_eq!(device.book.written_twice().unwrap().len(), 1);
        let sheet = device.book.case_sheet(twice.id).unwrap();
        assert_eq!(sheet.field("fluoro_min").unwrap().also.len(), 1);
        assert!(sheet.field("setting").unwrap().also.is_empty(), "both wrote the same");
    }
}

#[test]
fn a_choice_is_heard_of_and_what_was_not_chosen_is_in_the_history_of_both() {
    let twice = Twice::written();
    let (before, role) = (twice.shown(1, "fluoro_min"), twice.devices[1].book.record(twice.id));
    let role_is_shown = role.unwrap().fields.contains_key("role");
    let which = twice.devices[1].book.also_written(twice.id).unwrap()[0].which.clone();
    twice.settle(1, "fluoro_min", &Keep::Other { which });
    let both = twice.also(1, "lesson").both.unwrap();
    twice.settle(1, "lesson", &Keep::Both { text: both });
    twice.settle(1, "role", &Keep::Shown);
    assert!(twice.told(1).is_empty());
    assert_eq!(twice.told(0).len(), 3);
    twice.meet();
    for (at, device) in twice.devices.iter().enumerate() {
        assert!(twice.told(at).is_empty() && device.book.written_twice().unwrap().is_empty());
        assert_ne!(twice.shown(at, "fluoro_min"), before);
        assert!(twice.was(at, "fluoro_min").contains(&Some(before.to_string())));
        let lesson = twice.shown(at, "lesson");
        let lesson = lesson.as_str().unwrap();
        assert!(lesson.contains("Ask first.") && lesson.contains("Look first."), "{lesson}");
        let loser = (!role_is_shown).then(|| "\"scrubbed\"".to_owned());
        assert!(twice.was(at, "role").contains(&loser));
    }
}

#[test]
fn undoing_opens_the_choice_again_on_both() {
    let twice = Twice::written();
    let (before, told) = (twice.shown(1, "fluoro_min"), [twice.told(0), twice.told(1)]);
    let which = twice.devices[1].book.also_written(twice.id).unwrap()[0].which.clone();
    for keep in [Keep::Other { which }, Keep::Shown] {
        let chosen = twice.settle(1, "fluoro_min", &keep);
        twice.meet();
        assert_eq!(twice.told(0).len(), 2);
        twice.devices[1].book.undo(&chosen).unwrap().expect("that is a write");
        twice.meet();
        for at in 0..2 {
            assert_eq!(twice.shown(at, "fluoro_min"), before);
            let text = |told: &[String]| told[0].rsplit_once(": ").unwrap().1.to_owned();
            assert_eq!(text(&twice.told(at)), text(&told[at]));
        }
    }
}

#[test]
fn who_wrote_what_stays_true_after_every_choice_and_its_undo() {
    let wrote = |at: usize, by: usize| if at == by { "here" } else { "there" };
    for keep in ["shown", "other", "both"] {
        for path in ["fluoro_min", "lesson"] {
            if (keep, path) == ("both", "fluoro_min") {
                continue;
            }
            let twice = Twice::written();
            let also = twice.also(1, path);
            let values = match path {
                "lesson" => ["\"Ask first.\"", "\"Look first.\""],
                _ => ["19.7", "17.9"],
            };
            let shown = twice.shown(1, path).to_string();
            let first = usize::from(shown == values[1]);
            // What each wrote, told on each device; `how` it stands, or whether it is gone from sight.
            let holds = |how: [&str; 2]| {
                for at in 0..2 {
                    let told = twice.tells(at, path);
                    for (by, how) in [(first, how[0]), (1 - first, how[1])] {
                        let version = (Some(values[by].to_owned()), wrote(at, by), how);
                        let of_value = told.iter().filter(|(value, ..)| *value == version.0);
                        let of_value: Vec<_> = of_value.collect();
                        assert_eq!(of_value, [&version], "{keep} {path} on {at}");
                    }
                }
            };
            holds(["shown", "beside"]);
            let choice = match keep {
                "shown" => Keep::Shown,
                "other" => Keep::Other { which: also.which },
                _ => Keep::Both { text: also.both.unwrap() },
            };
            let chosen = twice.settle(1, path, &choice);
            twice.meet();
            match keep {
                "shown" => holds(["shown", "was"]),
                "other" => holds(["was", "shown"]),
                _ => {
                    holds(["was", "was"]);
                    // Both in one is a write of whoever made it.
                    assert_eq!(twice.tells(1, path)[0].1, "here");
                    assert_eq!(twice.tells(0, path)[0].1, "there");
                }
            }
            twice.devices[1].book.undo(&chosen).unwrap().expect("that is a write");
            twice.meet();
            holds(["shown", "beside"]);
            assert_eq!(twice.also(0, path).by.place == "here", first == 1);
            assert_eq!(twice.also(1, path).by.place == "here", first == 0);
        }
    }
}

#[test]
fn undoing_an_edit_of_what_the_other_wrote_leaves_it_the_others() {
    let devices = paired::<2>();
    let id = devices[0].book.create_case(fields(json!({"note": "first"}))).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    let edit = vec![("note".to_owned(), Some(json!("second")))];
    let change = devices[1].book.transact(|tx| tx.edit(id, edit, None)).unwrap().value.change;
    devices[1].book.undo(&change.unwrap()).unwrap().unwrap();
    run(&devices, 0, 1, usize::MAX);
    for (at, first, second) in [(0, "here", "on another device"), (1, "on another device", "here")]
    {
        let versions = devices[at].book.history(id, "note").unwrap();
        let told: Vec<_> = versions
            .iter()
            .map(|v| (v.value_json.as_deref().unwrap(), v.by.place.as_str()))
            .collect();
        assert_eq!(told[0], ("\"first\"", first));
        assert!(told[1..].iter().all(|told| *told == ("\"second\"", second)), "{told:?}");
    }
}

#[test]
fn what_arrives_while_a_choice_is_looked_at_is_not_lost_with_it() {
    let twice = Twice::written();
    let looked_at = twice.also(1, "lesson");
    twice.edit(0, "lesson", Some(json!("Neither.")));
    twice.meet();
    let book = &twice.devices[1].book;
    let settled = book.settle(twice.id, "lesson", &Keep::Shown, &looked_at.seen);
    assert_eq!(settled, Err(LogbookError::ChoiceChanged));
    assert!(twice.told(1).iter().any(|told| told.contains("first.")));
}

#[test]
fn an_edit_of_a_form_that_had_not_heard_leaves_what_arrived_meanwhile() {
    let twice = Twice::written();
    // The form was opened before the two met: on one of them what is shown did not change.
    for at in 0..2 {
        let others: Vec<String> = twice.told(at);
        twice.edit(at, "lesson", Some(json!(format!("Typed on {at}."))));
        assert_eq!(twice.told(at).len(), others.len());
    }
    twice.meet();
    for at in 0..2 {
        let lessons = twice.devices[at].book.also_written(twice.id).unwrap();
        let beside: Vec<_> = lessons.into_iter().filter(|also| also.path == "lesson").collect();
        assert_eq!(beside.len(), 2, "what nobody chose between stays");
    }
}

#[test]
fn versions_stay_while_a_record_is_deleted_and_of_kinds_that_no_form_shows() {
    let devices = paired::<2>();
    let written = json!({"text": "Why heparin?", "answer": "?"});
    let id = devices[0].book.create_record("question", fields(written)).unwrap().id;
    run(&devices, 0, 1, usize::MAX);
    for (device, answer) in devices.iter().zip(["One.", "Other."]) {
        edit(&device.book, id, "answer", Some(json!(answer)));
    }
    devices[0].book.delete(id).unwrap();
    run(&devices, 0, 1, usize::MAX);
    for device in &devices {
        device.book.delete(id).unwrap();
    }
    run(&devices, 0, 1, usize::MAX);
    for device in &devices {
        assert!(!device.book.record(id).unwrap().alive);
        assert_eq!(device.book.also_written(id).unwrap().len(), 1);
        assert!(device.book.written_twice().unwrap().is_empty());
    }
    devices[1].book.restore_record(id).unwrap();
    run(&devices, 0, 1, usize::MAX);
    for device in &devices {
        assert_eq!(device.book.written_twice().unwrap().len(), 1);
        let also = device.book.also_written(id).unwrap().remove(0);
        let texts = [also.shown.as_str(), &also.text];
        assert!(texts.contains(&"One.") && texts.contains(&"Other."), "{texts:?}");
    }
}
