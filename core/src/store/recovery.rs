//! The recovery code as the book keeps it: itself until its user has confirmed that it is written down,
//! and for good the two things that derive from it and open nothing.
//!
//! # Decision
//! A code that is shown once and then nowhere is lost with the program that was killed before it showed
//! it. So it stands in the encrypted book, where whoever could read it has the log already, until two
//! of its groups were typed from paper; then it is wiped. No backup, export or sync carries it. Whom
//! backups are sealed to is read from here too, not from the key file beside the book: that file is not
//! encrypted, and whoever put another name into it would read every backup from then on.

use age::x25519;
use rusqlite::Connection;

use super::key::{BackupKey, RecoveryCode, letters};
use super::local;
use crate::error::Result;
use crate::ids::{Ids, random};

/// The code, until it is confirmed.
const CODE: &str = "recovery_code";
/// Whom backups are sealed to.
const RECIPIENT: &str = "recovery_recipient";
/// What they are authenticated with.
const BACKUP_KEY: &str = "backup_key";

/// Set in a copy of a book whose code was still to be confirmed, which is not in the copy.
const LEFT_BEHIND: &str = "recovery_code_left_behind";

/// How many groups the code is written in.
const GROUPS: u8 = 5;

/// What a backup needs of the recovery code.
#[derive(Clone)]
pub(crate) struct BackupKeys {
    /// Whom it is sealed to.
    pub(crate) recipient: x25519::Recipient,
    /// What it is authenticated with.
    pub(crate) authentication: BackupKey,
}

impl BackupKeys {
    /// Those of the book behind `conn`; `None` in one from before backups were authenticated. Only a new
    /// code gives it some.
    pub(crate) fn of(conn: &Connection) -> Result<Option<Self>> {
        let recipient = local::text(conn, RECIPIENT)?.and_then(|text| text.parse().ok());
        let authentication = local::blob(conn, BACKUP_KEY)?;
        let authentication = authentication.and_then(|bytes| BackupKey::from_bytes(&bytes));
        let pair = recipient.zip(authentication);
        Ok(pair.map(|(recipient, authentication)| Self { recipient, authentication }))
    }
}

/// Gives the book a code: it is kept until it is confirmed.
pub(crate) fn keep(conn: &Connection, code: &RecoveryCode) -> Result<()> {
    keep_keys(conn, code)?;
    local::set(conn, CODE, &code.bytes())
}

/// Gives the book what derives from a code that somebody has just typed, and so has.
pub(crate) fn keep_keys(conn: &Connection, code: &RecoveryCode) -> Result<()> {
    local::remove(conn, LEFT_BEHIND)?;
    local::set(conn, RECIPIENT, &code.identity()?.to_public().to_string())?;
    local::set(conn, BACKUP_KEY, &code.authentication().bytes().as_slice())
}

/// The code, while it is not confirmed.
pub(crate) fn code(conn: &Connection) -> Result<Option<RecoveryCode>> {
    let bytes = local::blob(conn, CODE)?.map(zeroize::Zeroizing::new);
    Ok(bytes.and_then(|bytes| RecoveryCode::from_bytes(&bytes)))
}

/// Whether there is a code that is not confirmed.
pub(crate) fn is_kept(conn: &Connection) -> Result<bool> {
    Ok(code(conn)?.is_some())
}

/// Wipes the code that was just confirmed; what derives from it stays.
pub(crate) fn confirm_code(conn: &Connection) -> Result<()> {
    local::remove(conn, CODE)
}

/// Wipes the code in a copy of the book, which goes where it may be read; what derives from it stays, and
/// whether it was still to be confirmed.
pub(crate) fn forget_code(conn: &Connection) -> Result<()> {
    if is_kept(conn)? {
        local::set(conn, LEFT_BEHIND, &1)?;
    }
    local::remove(conn, CODE)
}

/// Whether the book came out of a backup without its code, which nobody had confirmed: perhaps nobody
/// has it.
pub(crate) fn is_left_behind(conn: &Connection) -> Result<bool> {
    Ok(local::number(conn, LEFT_BEHIND)?.is_some())
}

/// Two groups of a recovery code that its user is asked for, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct CodeGroups {
    /// The one that stands earlier.
    pub first: u8,
    /// The later one.
    pub second: u8,
}

impl CodeGroups {
    /// Two that nobody can foresee.
    pub(crate) fn choose(ids: &dyn Ids) -> Self {
        let pairs =
            (1..=GROUPS).flat_map(|first| (first + 1..=GROUPS).map(move |second| (first, second)));
        let pairs: Vec<(u8, u8)> = pairs.collect();
        let number = u64::from_be_bytes(random(ids)) % pairs.len() as u64;
        let (first, second) = usize::try_from(number).map_or(pairs[0], |number| pairs[number]);
        Self { first, second }
    }

    /// Whether that is what the code says in these groups; case, spaces and letters that look alike
    /// make no difference.
    pub(crate) fn match_in(self, code: &RecoveryCode, first: &str, second: &str) -> bool {
        let text = code.text();
        let says = |group: u8, typed: &str| {
            let group = usize::from(group).checked_sub(1).and_then(|at| text.split('-').nth(at));
            group.is_some_and(|group| group.chars().eq(letters(typed)))
        };
        self.first < self.second && says(self.first, first) && says(self.second, second)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::SystemIds;

    #[test]
    fn every_pair_of_groups_is_asked_for_and_only_its_own_letters_match() {
        let (code, other) = (RecoveryCode::new(&SystemIds), RecoveryCode::new(&SystemIds));
        let text = code.text();
        let groups: Vec<&str> = text.split('-').collect();
        assert_eq!(groups.len(), usize::from(GROUPS));
        let mut asked = BTreeSet::new();
        while asked.len() < 10 {
            let chosen = CodeGroups::choose(&SystemIds);
            asked.insert((chosen.first, chosen.second));
            let at = |group: u8| groups[usize::from(group) - 1];
            let (first, second) = (at(chosen.first), at(chosen.second));
            assert!(chosen.match_in(&code, first, second));
            let by_hand = format!(" {} ", first.to_lowercase().replace('0', "o").replace('1', "l"));
            assert!(chosen.match_in(&code, &by_hand, &format!("{second}-")));
            assert!(!chosen.match_in(&code, second, first), "the groups stand in their order");
            assert!(!chosen.match_in(&code, first, ""));
            assert!(!chosen.match_in(&code, first, &second[1..]));
            assert!(!chosen.match_in(&other, first, second));
        }
        let odd = [(0, 1), (1, 1), (2, 1), (5, 6), (6, 7)];
        for (first, second) in odd {
            let groups = CodeGroups { first, second };
            assert!(!groups.match_in(&code, "", ""), "{groups:?}");
        }
    }

    #[test]
    fn the_code_goes_and_its_keys_stay() {
        let (_folder, book) = crate::logbook::tests::book();
        book.read(|conn| {
            let code = code(conn)?.unwrap();
            assert!(is_kept(conn)?);
            assert!(BackupKeys::of(conn)?.unwrap().authentication == code.authentication());
            Ok(())
        })
        .unwrap();
    }
}
