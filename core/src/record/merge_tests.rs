//! Replicas that write, exchange in any order, and must agree; against a model that knows every write.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Record;
use super::dots::Dot;
use super::merge::{Put, State, Whole};
use super::meta::{ALIVE, Meta};
use super::narrow::apart;
use super::path::{Fields, flatten};
use super::shape::{FieldType, Shape};
use super::take_in::covers;
use crate::ids::{DeviceId, RecordId};
use crate::time::{Hlc, Moment, Stamp, UtcMillis};

const PATHS: [&str; 12] = [
    "role",
    "labs.inr",
    "labs",
    "tags.a",
    "tags.b",
    "stages.cut.at",
    "stages.cut.stage",
    "stages",
    "fluoro_min",
    "note",
    "lesson",
    ALIVE,
];

/// One step of a run; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Write {
        replica: usize,
        path: usize,
        value: Option<u8>,
        skew_ms: i64,
        /// A choice: ends what stands beside.
        settles: bool,
    },
    /// Writes again what somebody wrote on a path, as a choice or an undo does; its author stays.
    BringBack {
        replica: usize,
        path: usize,
        which: usize,
        settles: bool,
    },
    Send {
        from: usize,
        to: usize,
    },
    /// Sends what a replica held some steps ago.
    Replay {
        old: usize,
        to: usize,
    },
    /// A replica goes back to what it held, under a new device id, as after a restore.
    Restore {
        replica: usize,
        old: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..5;
    let ten_years = 10 * 365 * 86_400_000_i64;
    let step = prop_oneof![
        5 => (who.clone(), 0..PATHS.len(), prop::option::weighted(0.8, 0u8..6), -ten_years..ten_years, prop::bool::weighted(0.2))
            .prop_map(|(replica, path, value, skew_ms, settles)| Step::Write { replica, path, value, skew_ms, settles }),
        1 => (who.clone(), 0..PATHS.len(), 0usize..9, any::<bool>())
            .prop_map(|(replica, path, which, settles)| Step::BringBack { replica, path, which, settles }),
        4 => (who.clone(), who.clone()).prop_map(|(from, to)| Step::Send { from, to }),
        1 => (any::<prop::sample::Index>(), who.clone()).prop_map(|(old, to)| Step::Replay { old: old.index(64), to }),
        1 => (who, any::<prop::sample::Index>()).prop_map(|(replica, old)| Step::Restore { replica, old: old.index(64) }),
    ];
    prop::collection::vec(step, 1..40)
}

/// What a replica holds, and which writes it knows.
#[derive(Clone)]
struct Replica {
    device: DeviceId,
    whole: Whole,
    history: BTreeSet<Stamp>,
}

/// A write: on which path, which others it replaced, and what it says.
#[derive(Clone)]
struct Written {
    path: String,
    replaced: BTreeSet<Stamp>,
    value: Option<Value>,
}

#[derive(Clone)]
struct Run {
    replicas: Vec<Replica>,
    old: Vec<Replica>,
    writes: BTreeMap<Stamp, Written>,
    next_device: u64,
}

fn value_of(path: &str, value: Option<u8>) -> Option<Value> {
    match path {
        ALIVE => Some(Value::Bool(value.is_some())),
        "tags.a" | "tags.b" => value.map(|_| Value::Bool(true)),
        "note" | "lesson" => {
            value.map(|n| Value::from("ein Text ".repeat(usize::from(n)) + &n.to_string()))
        }
        "labs" => value.map(|n| json!(format!("outside lab {n}"))),
        "stages" => value.map(|n| json!(format!("all {n} of them"))),
        "stages.cut.stage" => value.map(|_| json!("cut")),
        _ => value.map(|n| json!(n)),
    }
}

fn first() -> Whole {
    let fields: Fields = serde_json::from_value(json!({
        "procedure": "picc", "role": "observed", "labs": {"inr": 1.0}, "tags": ["a"], "note": "ein Text",
        "stages": [{"stage": "cut", "at": 1}, {"stage": "close", "at": 2}]
    }))
    .unwrap();
    let base = Stamp { hlc: Hlc::from_ms(UtcMillis(1_792_000_000_000)), device: DeviceId(1) };
    let shape = Shape::of("case");
    let mut meta = Meta::new(base, BTreeMap::new());
    meta.note_types(fields.keys().map(|name| (name.clone(), shape.field_type(name))));
    let at = Moment { utc: UtcMillis(1_792_000_000_000), offset_min: Some(-300) };
    let id = RecordId::from_content(b"one");
    let record = Record { id, kind: "case".to_owned(), at, fields, alive: true, lseq: 1, meta };
    Whole { record, siblings: Vec::new() }
}

impl Run {
    fn new(replicas: usize) -> Self {
        let replica = |n| Replica { device: DeviceId(n), whole: first(), history: BTreeSet::new() };
        let replicas: Vec<Replica> = (1..=replicas as u64).map(replica).collect();
        Self { old: replicas.clone(), replicas, writes: BTreeMap::new(), next_device: 100 }
    }

    fn step(&mut self, step: &Step) {
        let count = self.replicas.len();
        match *step {
            Step::Write { replica, path, value, skew_ms, settles } => {
                let path = PATHS[path];
                self.write(replica % count, path, (value_of(path, value), None), skew_ms, settles);
            }
            Step::BringBack { replica, path, which, settles } => {
                let (replica, path) = (replica % count, PATHS[path]);
                let history = &self.replicas[replica].history;
                let on_path: Vec<Stamp> = history
                    .iter()
                    .filter(|stamp| self.writes[*stamp].path == path)
                    .copied()
                    .collect();
                let Some(author) = on_path.get(which % on_path.len().max(1)) else { return };
                let value = self.writes[author].value.clone();
                self.write(replica, path, (value, Some(*author)), 0, settles);
            }
            Step::Send { from, to } => {
                let from = self.replicas[from % count].clone();
                self.receive(to % count, &from);
            }
            Step::Replay { old, to } => {
                let from = self.old[old % self.old.len()].clone();
                self.receive(to % count, &from);
            }
            Step::Restore { replica, old } => {
                let old = self.old[old % self.old.len()].clone();
                self.next_device += 1;
                self.replicas[replica % count] =
                    Replica { device: DeviceId(self.next_device), ..old };
            }
        }
        self.old.extend(self.replicas.iter().cloned());
        let surplus = self.old.len().saturating_sub(64);
        self.old.drain(..surplus);
    }

    fn write(
        &mut self,
        replica: usize,
        path: &str,
        (value, author): (Option<Value>, Option<Stamp>),
        skew_ms: i64,
        settles: bool,
    ) {
        let replica = &mut self.replicas[replica];
        let mut state = State::of(&replica.whole);
        let before = shown(&replica.whole, path);
        let wall = UtcMillis(1_792_000_000_000 + skew_ms);
        let stamp = Stamp { hlc: Hlc::tick(wall, state.highest()), device: replica.device };
        let is_member = path == ALIVE || path.starts_with("tags.");
        let goes = |dot: &Dot| is_member || settles || dot.value == before || dot.value == value;
        let on_path = state.dots.get(path).into_iter().flat_map(super::dots::Dots::iter);
        let replaced = on_path.filter(|(_, dot)| goes(dot)).map(|(stamp, _)| stamp).collect();
        self.writes
            .insert(stamp, Written { path: path.to_owned(), replaced, value: value.clone() });
        // Whoever brings back what was brought back names who wrote it first.
        let author = author.unwrap_or(stamp);
        let dot = Dot { value, author };
        state.write(Put { path, before: before.as_ref(), dot, stamp, settles });
        replica.whole = stored(&state, &replica.whole);
        replica.history.insert(stamp);
    }

    fn receive(&mut self, to: usize, from: &Replica) {
        let to = &mut self.replicas[to];
        let joined = State::of(&to.whole).join(State::of(&from.whole));
        let (seen, sent) = (to.whole.record.meta.seen(), from.whole.record.meta.seen());
        if covers(&seen, &sent) {
            let same = joined.canonical() == State::of(&to.whole).canonical();
            assert!(same, "who has taken in all of the other learns nothing");
        }
        let (ours, theirs, mut rest) = apart(to.whole.clone(), from.whole.clone(), true);
        let mut narrowly = ours.join(theirs).whole(1, rest.was.fields.clone());
        rest.put_back(&mut narrowly.record);
        to.whole = stored(&joined, &to.whole);
        assert!(narrowly == to.whole, "joining only what differs comes to the same");
        to.history.extend(from.history.iter().copied());
    }

    /// Everybody hears of everything.
    fn settle(&mut self) {
        for _ in 0..2 {
            for from in 0..self.replicas.len() {
                for to in 0..self.replicas.len() {
                    let from = self.replicas[from].clone();
                    self.receive(to, &from);
                }
            }
        }
    }

    /// The writes on a path that no other write replaced.
    fn maxima(&self, path: &str) -> BTreeSet<Stamp> {
        let known: BTreeSet<Stamp> =
            self.replicas.iter().flat_map(|replica| replica.history.clone()).collect();
        let replaced =
            |stamp: &Stamp| known.iter().any(|other| self.writes[other].replaced.contains(stamp));
        let on_path = known.iter().filter(|stamp| self.writes[*stamp].path == path);
        on_path.filter(|stamp| !replaced(stamp)).copied().collect()
    }
}

/// What a record shows on a path.
fn shown(whole: &Whole, path: &str) -> Option<Value> {
    if path == ALIVE {
        return Some(Value::Bool(whole.record.alive));
    }
    let flat = flatten(&whole.record.fields, &|path| types(whole, path));
    flat.get(path).map(|value| (*value).clone())
}

/// Stored and read again, as between any two steps of a program.
fn stored(state: &State, before: &Whole) -> Whole {
    let whole = state.whole(1, before.record.fields.clone());
    let flat = flatten(&whole.record.fields, &|path| types(&whole, path));
    for (path, value) in &flat {
        assert!(!value.is_null(), "{path}");
    }
    let packed = Meta::decode(&whole.record.meta.encode()).unwrap();
    assert!(packed == whole.record.meta);
    assert!(State::of(&whole).canonical() == state.canonical(), "storing changes nothing");
    whole
}

fn types(whole: &Whole, path: &str) -> FieldType {
    whole.record.meta.types.get(path).cloned().unwrap_or_else(|| Shape::of("case").field_type(path))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(2_000)))]

    #[test]
    fn replicas_agree_and_keep_what_nobody_overwrote(count in 2usize..6, steps in steps()) {
        let mut run = Run::new(count);
        for step in &steps {
            run.step(step);
        }
        run.settle();
        let first = State::of(&run.replicas[0].whole);
        for replica in &run.replicas[1..] {
            prop_assert_eq!(State::of(&replica.whole).canonical(), first.canonical());
        }
        for path in PATHS {
            let kept: BTreeSet<Stamp> = first.stamps(path).into_iter().filter(|stamp| run.writes.contains_key(stamp)).collect();
            prop_assert_eq!(kept, run.maxima(path), "on {}", path);
        }
        // Nothing stands there that nobody wrote, nor under another's name.
        for (path, dots) in &first.dots {
            for (stamp, dot) in dots.iter().filter(|(stamp, _)| run.writes.contains_key(stamp)) {
                let author = run.writes.get(&dot.author);
                prop_assert!(author.is_some_and(|wrote| wrote.path == *path && wrote.value == dot.value), "{} on {}", stamp.hlc.0, path);
            }
        }
        // And all that stands is shown, or stands beside what is shown.
        let others: Vec<_> = first.others().into_iter().map(|other| (other.path, other.dot.value)).collect();
        for path in PATHS.iter().filter(|path| !path.starts_with("tags.") && **path != ALIVE) {
            let is_shown = shown(&run.replicas[0].whole, path);
            for stamp in run.maxima(path) {
                let value = &run.writes[&stamp].value;
                prop_assert!(*value == is_shown || others.contains(&((*path).to_owned(), value.clone())), "{} is unreachable", path);
            }
        }
    }

    #[test]
    fn joining_is_commutative_associative_and_idempotent(count in 3usize..6, steps in steps()) {
        let mut run = Run::new(count);
        for step in &steps {
            run.step(step);
        }
        let state = |n: usize| State::of(&run.replicas[n].whole);
        let left = state(0).join(state(1)).join(state(2)).canonical();
        prop_assert_eq!(&left, &state(0).join(state(1).join(state(2))).canonical());
        prop_assert_eq!(&left, &state(2).join(state(0)).join(state(1)).canonical());
        prop_assert_eq!(state(0).join(state(0)).canonical(), state(0).canonical());
    }
}

/// What three replicas can do next: write one of three paths, or send to one another.
fn any_step(value: u8) -> Vec<Step> {
    let paths = ["fluoro_min", "note", ALIVE].map(|path| PATHS.iter().position(|p| *p == path));
    let writes =
        (0..3).flat_map(|replica| paths.into_iter().flatten().map(move |path| (replica, path)));
    let writes = writes.map(|(replica, path)| {
        // The first deletes, the others bring back.
        let value = Some(value).filter(|_| PATHS[path] != ALIVE || replica > 0);
        Step::Write { replica, path, value, skew_ms: 0, settles: value == Some(2) }
    });
    let sends = (0..9).map(|n| (n / 3, n % 3)).filter(|(from, to)| from != to);
    writes.chain(sends.map(|(from, to)| Step::Send { from, to })).collect()
}

/// Ends every run that goes on from here; gives how many there were.
fn go_on(run: &Run, left: u8) -> u32 {
    if left == 0 {
        let state = |n: usize| State::of(&run.replicas[n].whole);
        let all = state(0).join(state(1)).join(state(2));
        assert_eq!(all.canonical(), state(2).join(state(0)).join(state(1)).canonical());
        let kept = all.stamps("fluoro_min").into_iter();
        let kept: BTreeSet<Stamp> = kept.filter(|stamp| run.writes.contains_key(stamp)).collect();
        assert_eq!(kept, run.maxima("fluoro_min"));
        return 1;
    }
    let next = any_step(left).into_iter().map(|step| {
        let mut run = run.clone();
        run.step(&step);
        go_on(&run, left - 1)
    });
    next.sum()
}

#[test]
fn every_run_of_four_steps_on_three_replicas_agrees() {
    // Whoever writes first is the first, and before that there is nothing to send.
    let first =
        any_step(4).into_iter().filter(|step| matches!(step, Step::Write { replica: 0, .. }));
    let runs = first.map(|step| {
        let mut run = Run::new(3);
        run.step(&step);
        go_on(&run, 3)
    });
    assert_eq!(runs.sum::<u32>(), 3 * 15 * 15 * 15);
}

fn write(whole: &Whole, device: u64, path: &str, value: Option<Value>) -> Whole {
    put(whole, device, path, value, false)
}

fn put(whole: &Whole, device: u64, path: &str, value: Option<Value>, settles: bool) -> Whole {
    let mut state = State::of(whole);
    let stamp = Stamp { hlc: Hlc::tick(UtcMillis(0), state.highest()), device: DeviceId(device) };
    let (before, dot) = (shown(whole, path), Dot { value, author: stamp });
    state.write(Put { path, before: before.as_ref(), dot, stamp, settles });
    stored(&state, whole)
}

/// What stands beside what is shown.
fn beside(whole: &Whole) -> Vec<Option<Value>> {
    whole.siblings.iter().map(|sibling| sibling.dot.value.clone()).collect()
}

fn exchanged(one: &Whole, other: &Whole) -> Whole {
    stored(&State::of(one).join(State::of(other)), one)
}

#[test]
fn both_numbers_are_kept_until_one_is_chosen() {
    let (phone, laptop) = (
        write(&first(), 2, "fluoro_min", Some(json!(19.7))),
        write(&first(), 3, "fluoro_min", Some(json!(17.9))),
    );
    let both = exchanged(&phone, &laptop);
    assert_eq!(both.record.fields["fluoro_min"], json!(17.9));
    assert_eq!(beside(&both), [Some(json!(19.7))]);
    // An edit replaces what is shown, or says the same as what stands beside it.
    let edited = write(&both, 2, "fluoro_min", Some(json!(18)));
    assert_eq!(beside(&edited), [Some(json!(19.7))]);
    assert!(beside(&write(&both, 2, "fluoro_min", Some(json!(19.7)))).is_empty());
    let chosen = put(&both, 3, "fluoro_min", Some(json!(17.9)), true);
    let end = exchanged(&laptop, &chosen);
    assert!(end.siblings.is_empty());
    assert_eq!(end.record.fields["fluoro_min"], json!(17.9));
    // Who edited before hearing of the choice is heard.
    let late = exchanged(&edited, &chosen);
    assert_eq!((beside(&late).len(), late.siblings.len()), (1, 1));
}

#[test]
fn an_edit_beats_a_delete() {
    let deleted = write(&first(), 2, ALIVE, Some(json!(false)));
    assert!(!deleted.record.alive);
    let edited =
        write(&write(&first(), 3, "role", Some(json!("assisted"))), 3, ALIVE, Some(json!(true)));
    assert!(exchanged(&deleted, &edited).record.alive);
    let deleted_after = write(&exchanged(&deleted, &edited), 2, ALIVE, Some(json!(false)));
    assert!(!exchanged(&edited, &deleted_after).record.alive);
}

#[test]
fn two_texts_stand_side_by_side_each_as_it_was_written() {
    let phone = write(&first(), 2, "note", Some(json!("output 12 ml")));
    let laptop = write(&first(), 3, "note", Some(json!("output 15 ml")));
    for both in [exchanged(&phone, &laptop), exchanged(&laptop, &phone)] {
        assert_eq!(both.record.fields["note"], json!("output 15 ml"));
        assert_eq!(beside(&both), [Some(json!("output 12 ml"))]);
    }
}

#[test]
fn an_entry_that_was_taken_away_while_another_edited_it_is_gone_and_the_edit_stands_beside() {
    let gone = write(&write(&first(), 2, "stages.cut.at", None), 2, "stages.cut.stage", None);
    // By either clock.
    let edited = write(&first(), 3, "stages.cut.at", Some(json!(7)));
    let edited_last = write(&write(&edited, 3, "role", None), 3, "stages.cut.at", Some(json!(7)));
    for edited in [edited, edited_last] {
        for both in [exchanged(&gone, &edited), exchanged(&edited, &gone)] {
            assert_eq!(both.record.fields["stages"], json!([{"stage": "close", "at": 2}]));
            assert!(beside(&both).contains(&Some(json!(7))));
            // Whoever chooses it has the entry again.
            let at = write(&both, 2, "stages.cut.at", Some(json!(7)));
            let again = write(&at, 2, "stages.cut.stage", Some(json!("cut")));
            assert_eq!(
                again.record.fields["stages"],
                json!([{"stage": "close", "at": 2}, {"stage": "cut", "at": 7}])
            );
        }
    }
}

#[test]
fn a_list_of_entries_that_became_a_text_is_that_text_everywhere() {
    let gone = |whole: &Whole| {
        ["cut", "close"].iter().fold(whole.clone(), |whole, name| {
            let key = format!("stages.{name}.stage");
            write(&write(&whole, 2, &format!("stages.{name}.at"), None), 2, &key, None)
        })
    };
    let text = write(&gone(&first()), 2, "stages", Some(json!("as always")));
    assert_eq!(text.record.fields["stages"], json!("as always"));
    for both in [exchanged(&first(), &text), exchanged(&text, &first())] {
        assert_eq!(both.record.fields["stages"], json!("as always"));
    }
    // In one write, as a form saves it.
    let mut state = State::of(&first());
    let stamp = Stamp { hlc: Hlc::tick(UtcMillis(0), state.highest()), device: DeviceId(2) };
    let put = |path, value| Put {
        path,
        before: None,
        dot: Dot { value, author: stamp },
        stamp,
        settles: true,
    };
    for path in ["stages.cut.at", "stages.cut.stage", "stages.close.at", "stages.close.stage"] {
        state.write(put(path, None));
    }
    state.write(put("stages", Some(json!("as always"))));
    assert_eq!(stored(&state, &first()).record.fields["stages"], json!("as always"));
}
