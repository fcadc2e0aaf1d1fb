//! Whatever is cut, killed and begun again, nothing that was written is lost.

use proptest::prelude::*;

use super::world::{Replica, World, Writes};
use super::*;
use crate::sync::frame::{Page, pack};

#[derive(Debug, Clone)]
enum Step {
    Write(usize, u8),
    Connect(usize, usize),
    Perform(usize),
    Deliver(usize),
    Run,
    Cut,
    /// Quietly damages a record, as a bug or a bad disk would.
    Forget(usize, u8),
    BackUp(usize),
    /// A restored book that notices, or one that does not.
    Restore(usize, bool),
}

fn steps(forgetful: bool, restoring: bool) -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..3;
    let step = prop_oneof![
        8 => (who.clone(), 0u8..12).prop_map(|(who, record)| Step::Write(who, record)),
        3 => (who.clone(), who.clone()).prop_map(|(a, b)| Step::Connect(a, b)),
        12 => (0usize..2).prop_map(Step::Perform),
        8 => (0usize..2).prop_map(Step::Deliver),
        2 => Just(Step::Run),
        1 => Just(Step::Cut),
        u32::from(forgetful) => (who.clone(), 0u8..12).prop_map(|(who, record)| Step::Forget(who, record)),
        u32::from(restoring) => who.clone().prop_map(Step::BackUp),
        u32::from(restoring) => (who, any::<bool>()).prop_map(|(who, notices)| Step::Restore(who, notices)),
    ];
    prop::collection::vec(step, 1..120)
}

fn take(world: &mut World, step: &Step) {
    match *step {
        Step::Write(who, record) => world.write(who, record),
        Step::Connect(a, b) => world.connect(a, b),
        Step::Perform(side) => drop(world.perform(side)),
        Step::Deliver(side) => drop(world.deliver(side)),
        Step::Run => world.run(),
        Step::Cut => world.cut(),
        Step::Forget(who, record) => {
            world.cut();
            world.replicas[who].records.remove(&RecordId::from_bytes([record; 16]));
        }
        Step::BackUp(who) => world.backups[who] = world.replicas[who].clone(),
        Step::Restore(who, notices) => {
            world.cut();
            world.replicas[who] = world.backups[who].clone();
            if notices {
                world.renew(who);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(2_000)))]

    #[test]
    fn whatever_is_cut_nothing_written_is_lost(steps in steps(false, false)) {
        let mut world = World::new(3);
        for step in &steps {
            take(&mut world, step);
        }
        world.settle();
        prop_assert!(world.all_equal());
        let written: Writes = (1..=world.writes).collect();
        let kept: Writes = world.replicas[0].records.values().flat_map(|(_, w)| w.clone()).collect();
        prop_assert_eq!(kept, written);
    }

    #[test]
    fn what_differs_is_sent_again(steps in steps(true, false)) {
        let mut world = World::new(3);
        for step in &steps {
            take(&mut world, step);
        }
        world.settle();
        prop_assert!(world.all_equal());
    }

    /// Whatever is on any device when they meet again is on all of them afterwards, even where a book
    /// was restored and does not know it.
    #[test]
    fn a_restored_book_gets_back_what_it_had_sent(steps in steps(false, true)) {
        let mut world = World::new(3);
        for step in &steps {
            take(&mut world, step);
        }
        let all = |world: &World| -> Writes {
            world.replicas.iter().flat_map(|r| r.records.values().flat_map(|(_, w)| w.clone())).collect()
        };
        let before = all(&world);
        world.settle();
        prop_assert!(world.all_equal());
        prop_assert_eq!(all(&world), before);
    }
}

fn two(records: u8) -> World {
    let mut world = World::new(2);
    for record in 0..records {
        world.write(0, record);
    }
    world
}

#[test]
fn nothing_new_takes_one_frame_each_way() {
    let mut world = two(10);
    world.connect(0, 1);
    world.run();
    world.connect(0, 1);
    let mut frames = 0;
    while (0..2).any(|side| world.perform(side)) {}
    for side in 0..2 {
        while world.deliver(side) {
            frames += 1;
            while world.perform(side) {}
        }
    }
    world.run();
    assert_eq!(frames, 2);
    let link = world.link.unwrap();
    assert!(link.ends.iter().all(|end| end.in_step));
}

#[test]
fn what_is_written_while_connected_goes_over_at_once() {
    let mut world = two(4);
    world.connect(0, 1);
    world.run();
    world.write(1, 9);
    world.run();
    assert!(world.all_equal());
    assert_eq!(world.replicas[0].records.len(), 5);
}

#[test]
fn what_is_written_before_the_other_is_heard_goes_over() {
    let mut world = two(4);
    world.connect(0, 1);
    world.run();
    world.connect(0, 1);
    world.write(1, 9);
    world.run();
    assert!(world.all_equal());
}

#[test]
fn news_may_come_between_the_pages_of_a_repair() {
    let mut world = two(4);
    world.connect(0, 1);
    world.run();
    take(&mut world, &Step::Forget(1, 2));
    world.connect(0, 1);
    world.write(1, 9);
    world.run();
    assert!(world.all_equal());
}

/// What a side that stands there says first.
fn hello(greeting: Greeting) -> Vec<u8> {
    let mut out = Vec::new();
    Session::default().step(0, Event::Start(greeting), &mut out);
    let Some(Effect::Send(frame)) = out.into_iter().next() else { panic!("no hello") };
    frame
}

#[test]
fn strange_frames_end_the_session_and_change_nothing() {
    let begin = |session: &mut Session| {
        session.step(0, Event::Start(Replica::new(1, 2).greeting(1)), &mut Vec::new());
        hello(Replica::new(2, 2).greeting(0))
    };
    let page = |from, to, count| {
        let packed = pack([b"x".as_slice()].into_iter());
        Frame::Page(Page {
            from,
            to,
            more: false,
            is_repair: false,
            receipt: Receipt::default(),
            count,
            packed,
        })
        .encode()
    };
    let strange = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        Vec::new(),
        page(5, 6, 1),
        page(0, 0, 1),
        page(0, 1, 2),
        page(0, 1, 0),
        Frame::Ack { to: 7, refused: Vec::new() }.encode(),
    ];
    for bytes in strange {
        let mut session = Session::default();
        let first = begin(&mut session);
        let mut out = Vec::new();
        session.step(1, Event::Frame(first.clone()), &mut out);
        out.clear();
        session.step(2, Event::Frame(bytes), &mut out);
        assert!(out.contains(&Effect::Close(Why::Nonsense)), "{out:?}");
        assert!(!out.iter().any(|effect| matches!(effect, Effect::Apply(_))));
    }
    let mut session = Session::default();
    let first = begin(&mut session);
    let mut out = Vec::new();
    session.step(1, Event::Frame(page(0, 1, 1)), &mut out);
    assert!(session.is_closed(), "a page before the hello");
    out.clear();
    session.step(2, Event::Frame(first), &mut out);
    assert!(out.is_empty(), "what is over stays over");
}

#[test]
fn who_announces_records_and_sends_none_is_silent() {
    let still = || Event::Frame(Frame::Still.encode());
    for (head, closes) in [(u64::MAX, true), (0, false)] {
        let (mut session, mut out) = (Session::default(), Vec::new());
        session.step(0, Event::Start(Replica::new(1, 2).greeting(1)), &mut out);
        let liar = Greeting { head, ..Replica::new(2, 2).greeting(0) };
        session.step(1, Event::Frame(hello(liar)), &mut out);
        session.step(GIVE_UP, still(), &mut out);
        session.step(GIVE_UP + 1, Event::Tick, &mut out);
        assert_eq!(out.ends_with(&[Effect::Close(Why::Silent)]), closes, "head {head}");
    }
}

#[test]
fn silence_is_noticed_and_versions_are_told_apart() {
    let start = |session: &mut Session, out: &mut Vec<Effect>| {
        session.step(0, Event::Start(Replica::new(1, 2).greeting(1)), out);
    };
    let (mut session, mut out) = (Session::default(), Vec::new());
    start(&mut session, &mut out);
    session.step(SAY_STILL, Event::Tick, &mut out);
    assert_eq!(out.iter().filter(|e| **e == Effect::Send(Frame::Still.encode())).count(), 1);
    session.step(GIVE_UP, Event::Tick, &mut out);
    assert!(out.ends_with(&[Effect::Close(Why::Silent)]));
    for (versions, why) in [((2, 3), Why::OursTooOld), ((0, 0), Why::TheirsTooOld)] {
        let (mut session, mut out) = (Session::default(), Vec::new());
        start(&mut session, &mut out);
        let theirs = Replica::new(2, 2).greeting(0);
        let hello = Frame::Hello(Hello {
            protocol: versions,
            schema: 9,
            replica: theirs.replica,
            knows: None,
            head: 0,
            waiting: 0,
            root: theirs.sums.root(),
            now: UtcMillis(0),
            receipt: Receipt::default(),
        });
        session.step(1, Event::Frame(hello.encode()), &mut out);
        assert!(out.ends_with(&[Effect::Close(why)]), "{out:?}");
    }
}
