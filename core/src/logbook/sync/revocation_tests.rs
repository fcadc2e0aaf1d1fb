//! Whatever a revoked device does, its key does not come back.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::peers::device_id;
use super::revocation::revocation_id;
use super::tests::{Device, edit, fields, run_as};
use super::*;
use crate::error::LogbookError;
use crate::record::{Created, NewRecord, Traveling};
use crate::sync::pairing::{DeviceName, Party, SealKey};

/// Two honest devices, one that will be revoked, and another of its owner's.
const A: usize = 0;
const B: usize = 1;
const M: usize = 2;
const X: usize = 3;
const NAMES: [&str; 4] = ["A", "B", "M", "X"];
const ALL: usize = usize::MAX;

struct World {
    devices: Vec<Device>,
    keys: [Fingerprint; 4],
    /// Every key that anybody ever had.
    issued: Vec<Fingerprint>,
    /// What each book has once called revoked.
    known: [BTreeSet<Fingerprint>; 4],
    /// Backups: the records of then.
    backups: [Vec<Vec<u8>>; 4],
}

fn fresh(n: usize) -> Fingerprint {
    Fingerprint(*blake3::hash(&n.to_be_bytes()).as_bytes())
}

impl World {
    fn new() -> Self {
        let keys = [fresh(0), fresh(1), fresh(2), fresh(3)];
        Self {
            devices: (0..4).map(|_| Device::new()).collect(),
            keys,
            issued: keys.to_vec(),
            known: Default::default(),
            backups: Default::default(),
        }
    }

    fn book(&self, who: usize) -> &Logbook {
        &self.devices[who].book
    }

    fn party(&self, who: usize) -> Party {
        let fingerprint = self.keys[who];
        Party { fingerprint, name: DeviceName::new(NAMES[who]), seal_key: SealKey(fingerprint.0) }
    }

    /// Both type digits and scan codes; one of them may have to decline.
    fn pair(&self, one: usize, other: usize) {
        for (at, whom) in [(one, other), (other, one)] {
            let is_revoked = self.book(at).is_revoked(self.keys[whom]).unwrap();
            let paired = self.book(at).add_peer(&self.party(whom));
            assert_eq!(matches!(paired, Err(LogbookError::KeyRevoked { .. })), is_revoked);
        }
    }

    /// M and X talk to whoever trusts them, whatever their books say of the others.
    fn sync(&self, one: usize, other: usize) {
        let trusts = |at: usize, whom: usize| {
            at == M || at == X || self.book(at).trusts(self.keys[whom]).unwrap()
        };
        if trusts(one, other) && trusts(other, one) {
            for (at, whom) in [(one, other), (other, one)] {
                self.book(at).store.write(|conn| rows::add_peer(conn, self.keys[whom])).unwrap();
            }
            run_as((self.book(one), self.keys[one]), (self.book(other), self.keys[other]), ALL);
        }
    }

    fn revoke(&self, at: usize, whom: Fingerprint) {
        let name = self.book(at).read(|conn| Ok(peers::name_of(conn, whom))).unwrap();
        let name = if name.is_empty() { whom.to_string()[..8].to_owned() } else { name };
        self.book(at).revoke(whom, &name).unwrap();
        assert!(self.book(at).is_revoked(whom).unwrap());
    }

    /// What a program that was changed may do to the records by which `whom` is known and revoked.
    fn meddle(&self, at: usize, whom: Fingerprint, how: u8) {
        let book = self.book(at);
        let (device, revocation) = (device_id(whom), revocation_id(whom));
        let id = if how.is_multiple_of(2) { revocation } else { device };
        match how / 2 {
            0 => drop(book.erase(id)),
            1 => drop(book.delete(id)),
            2 => drop(book.restore_record(id)),
            3 => {
                let nothing = vec![("by".to_owned(), None), ("key".to_owned(), Some(json!(7)))];
                let _ = book.transact(|tx| tx.edit(id, nothing, None));
            }
            4 => {
                // A purge of what was deleted long ago.
                let _ = book.delete(id);
                let far = crate::time::UtcMillis(i64::MAX);
                book.transact(|tx| tx.purge(far, far)).unwrap();
            }
            5 => {
                // The rule of before: the last writer of a field says so.
                let says = vec![("revoked_at".to_owned(), None)];
                let _ = book.transact(|tx| tx.edit(device, says, None));
            }
            _ => {
                let undone = book.transact(|tx| {
                    let new = NewRecord {
                        id,
                        kind: "device".to_owned(),
                        at: book.now(),
                        fields: fields(json!({"name": "M"})),
                    };
                    Ok((tx.create(new)? == Created::New, tx.changes.clone()))
                });
                let (is_new, changes) = undone.unwrap().value;
                // Only of what is no revocation: that would be one.
                if is_new && id == device {
                    book.undo(&changes[0]).unwrap();
                }
            }
        }
    }

    fn new_keys(&mut self, who: usize) {
        self.book(who).renew_identity().unwrap();
        self.keys[who] = fresh(self.issued.len());
        self.issued.push(self.keys[who]);
    }

    fn back_up(&mut self, who: usize) {
        let all = self.book(who).read(|conn| {
            let entries = record::entries(conn, 0, u32::MAX)?;
            let each = entries.iter().map(|entry| record::traveling(conn, &entry.what));
            each.collect::<Result<Vec<Traveling>>>()
        });
        self.backups[who] = all.unwrap().iter().map(record::encode_traveling).collect();
    }

    /// A book of the records of then, under new keys, paired with nobody.
    fn restore(&mut self, who: usize) {
        self.devices[who] = Device::new();
        let book = self.book(who);
        book.transact(|tx| {
            for bytes in &self.backups[who] {
                take_one(tx, read_one(bytes))?.unwrap();
            }
            Ok(())
        })
        .unwrap();
        self.known[who].clear();
        self.new_keys(who);
        assert!(self.book(who).peers().unwrap().is_empty());
    }

    /// What a book once called revoked it calls so for ever, and trusts no more.
    fn check(&mut self) {
        for (who, known) in self.known.iter_mut().enumerate() {
            let book = &self.devices[who].book;
            for key in &self.issued {
                let is_revoked = book.is_revoked(*key).unwrap();
                assert!(is_revoked || !known.contains(key), "{} has forgotten", NAMES[who]);
                assert!(!is_revoked || !book.trusts(*key).unwrap());
                if is_revoked {
                    known.insert(*key);
                }
            }
        }
    }
}

/// Paired with each other: A, B and M.
fn three_and_x() -> World {
    let world = World::new();
    for (one, other) in [(A, B), (A, M), (B, M)] {
        world.pair(one, other);
        world.sync(one, other);
    }
    world
}

#[test]
fn a_revoked_device_does_not_readmit_itself_by_another_of_its_owner() {
    let mut world = three_and_x();
    world.revoke(A, world.keys[M]);
    world.check();
    world.pair(M, X);
    world.sync(M, X);
    // X revokes M, and pairs it again; with the rule of before that was the last word.
    world.revoke(X, world.keys[M]);
    for how in 0..14 {
        world.meddle(X, world.keys[M], how);
        world.meddle(M, world.keys[M], how);
    }
    world.book(X).store.write(|conn| rows::add_peer(conn, world.keys[M])).unwrap();
    world.sync(X, M);
    world.sync(M, B);
    world.sync(B, A);
    world.sync(A, B);
    for honest in [A, B] {
        let book = world.book(honest);
        assert!(!book.trusts(world.keys[M]).unwrap());
        assert!(matches!(book.add_peer(&world.party(M)), Err(LogbookError::KeyRevoked { .. })));
    }
    // Under new keys it is welcome, with all that it wrote.
    let written = world.book(M).create_case(fields(json!({"note": "of before"}))).unwrap().id;
    world.new_keys(M);
    world.pair(A, M);
    world.sync(A, M);
    assert!(world.book(A).trusts(world.keys[M]).unwrap());
    assert!(world.book(A).record(written).is_ok());
    world.check();
}

/// Every order of five things that M, its owner and the others may do.
#[test]
fn in_every_order_the_revocation_stands() {
    let mut orders = Vec::new();
    permute(&mut vec![0, 1, 2, 3, 4], 0, &mut orders);
    assert_eq!(orders.len(), 120);
    for some in orders.chunks(30) {
        let mut world = World::new();
        for order in some {
            for who in [A, B, M, X] {
                world.keys[who] = fresh(world.issued.len());
                world.issued.push(world.keys[who]);
            }
            for (one, other) in [(A, B), (A, M), (B, M)] {
                world.pair(one, other);
            }
            world.sync(M, B);
            for step in order {
                match step {
                    0 => world.revoke(A, world.keys[M]),
                    1 => {
                        world.book(X).add_peer(&world.party(M)).unwrap_or_default();
                        world.sync(M, X);
                    }
                    2 => (0..14).for_each(|how| world.meddle(X, world.keys[M], how)),
                    3 => {
                        // Their owner pairs the two again, by the same keys.
                        world.pair(B, M);
                        world.sync(M, B);
                    }
                    _ => world.sync(B, A),
                }
            }
            world.sync(M, B);
            world.sync(B, A);
            for honest in [A, B] {
                assert!(world.book(honest).is_revoked(world.keys[M]).unwrap(), "{order:?}");
                assert!(!world.book(honest).trusts(world.keys[M]).unwrap(), "{order:?}");
            }
        }
        world.check();
    }
}

fn permute(items: &mut Vec<u8>, from: usize, found: &mut Vec<Vec<u8>>) {
    if from == items.len() {
        found.push(items.clone());
    }
    for at in from..items.len() {
        items.swap(from, at);
        permute(items, from + 1, found);
        items.swap(from, at);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pair(usize, usize),
    Sync(usize, usize),
    Revoke(usize, usize),
    Meddle(usize, usize, u8),
    NewKeys(usize),
    BackUp(usize),
    Restore(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..4;
    let step = prop_oneof![
        3 => (who.clone(), who.clone()).prop_map(|(one, other)| Step::Pair(one, other)),
        6 => (who.clone(), who.clone()).prop_map(|(one, other)| Step::Sync(one, other)),
        2 => (who.clone(), 0usize..9).prop_map(|(at, key)| Step::Revoke(at, key)),
        3 => (2usize..4, 0usize..9, 0u8..14).prop_map(|(at, key, how)| Step::Meddle(at, key, how)),
        1 => who.clone().prop_map(Step::NewKeys),
        1 => who.clone().prop_map(Step::BackUp),
        1 => who.prop_map(Step::Restore),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn no_order_of_messages_brings_a_revoked_key_back(steps in steps()) {
        let mut world = three_and_x();
        for step in steps {
            match step {
                Step::Pair(one, other) if one != other => world.pair(one, other),
                Step::Sync(one, other) if one != other => world.sync(one, other),
                Step::Revoke(at, key) => {
                    let key = world.issued[key % world.issued.len()];
                    if key != world.keys[at] {
                        world.revoke(at, key);
                    }
                }
                Step::Meddle(at, key, how) => {
                    let key = world.issued[key % world.issued.len()];
                    world.meddle(at, key, how);
                }
                Step::NewKeys(who) => world.new_keys(who),
                Step::BackUp(who) => world.back_up(who),
                Step::Restore(who) => world.restore(who),
                Step::Pair(..) | Step::Sync(..) => {}
            }
            world.check();
        }
        // Once the honest have met, they agree on whom nobody trusts.
        world.pair(A, B);
        if world.book(A).trusts(world.keys[B]).unwrap() && world.book(B).trusts(world.keys[A]).unwrap() {
            world.sync(A, B);
            world.sync(B, A);
            for key in &world.issued {
                let of = [A, B].map(|who| world.book(who).is_revoked(*key).unwrap());
                prop_assert_eq!(of[0], of[1]);
            }
        }
        world.check();
    }
}

#[test]
fn what_is_set_aside_of_a_revocation_revokes_as_well() {
    let world = three_and_x();
    let id = revocation_id(world.keys[M]);
    let peer = world.keys[A];
    let incoming = Incoming {
        cursor: None,
        receipt: Receipt::default(),
        records: vec![record::too_large(id)],
    };
    world.book(B).apply(peer, &incoming).unwrap();
    assert!(!world.book(B).trusts(world.keys[M]).unwrap());
}

#[test]
fn what_was_set_aside_revokes_even_after_the_own_keys_are_new() {
    let mut world = three_and_x();
    // Of a device that this one has never met.
    let stranger = fresh(99);
    let records = vec![record::too_large(revocation_id(stranger))];
    let incoming = Incoming { cursor: None, receipt: Receipt::default(), records };
    world.book(B).apply(world.keys[A], &incoming).unwrap();
    assert!(world.book(B).is_revoked(stranger).unwrap());
    world.new_keys(B);
    assert!(world.book(B).is_revoked(stranger).unwrap());
    let party =
        Party { fingerprint: stranger, name: DeviceName::new("?"), seal_key: SealKey(stranger.0) };
    let paired = world.book(B).add_peer(&party);
    assert!(matches!(paired, Err(LogbookError::KeyRevoked { .. })));
    // The same device paired again is not said to have set anything aside that it can send.
    world.pair(A, B);
    world.revoke(A, stranger);
    world.sync(A, B);
    assert_eq!(world.book(B).peers().unwrap()[0].refused, 0);
    assert!(world.book(B).is_revoked(stranger).unwrap());
}

#[test]
fn nobody_is_asked_to_choose_between_what_devices_say_of_each_other() {
    let world = three_and_x();
    world.revoke(A, world.keys[M]);
    world.sync(A, B);
    let id = revocation_id(world.keys[M]);
    for (who, said) in [(A, "one"), (B, "other")] {
        edit(world.book(who), id, "key", Some(json!(said)));
        edit(world.book(who), device_id(world.keys[A]), "name", Some(json!(said)));
    }
    world.sync(A, B);
    for book in [A, B].map(|who| world.book(who)) {
        assert_eq!(book.read(|conn| Ok(record::others_of(conn, id)?.len())).unwrap(), 1);
        assert!(book.also_written(id).unwrap().is_empty());
        assert!(book.written_twice().unwrap().is_empty());
    }
}

#[test]
fn it_is_confirmed_by_name_and_edits_of_names_do_not_matter() {
    let world = three_and_x();
    let key = world.keys[M];
    assert_eq!(world.book(A).revoke(key, "B"), Err(LogbookError::OtherName));
    assert_eq!(world.book(A).revoke(key, ""), Err(LogbookError::OtherName));
    assert!(world.book(A).trusts(key).unwrap());
    edit(world.book(A), device_id(key), "name", Some(json!("")));
    assert_eq!(world.book(A).revoke(key, ""), Err(LogbookError::OtherName));
    let short = key.to_string()[..8].to_uppercase();
    world.book(A).revoke(key, &short).unwrap();
    assert!(!world.book(A).trusts(key).unwrap());
    // Revoking again changes nothing, and a revoked device is in nobody's sum.
    world.book(A).revoke(key, &short).unwrap();
    assert_eq!(world.book(A).sync_counts().unwrap().devices, 2);
}
