//! What lets a browser in that was not in before: a one-time token, and where the browser could not be
//! handed that, a short code that its user types.

use std::time::{Duration, Instant};

use blake3::Hash;
use seldinger_core::ids::{Ids as _, SystemIds};
use seldinger_core::store::key::{CROCKFORD, letters};

use super::opening::OpeningFile;
use crate::open::random_word;

/// Invitations that were given out and not used yet; more than this many are not waiting for anybody.
const MOST: usize = 8;
/// How long a typed code is good for.
pub const CODE_LASTS: Duration = Duration::from_mins(10);
/// How long its file lies about: a browser may take a while to start.
const FILE_LASTS: Duration = Duration::from_mins(2);
/// Wrong codes before the ones that wait are worth nothing any more.
const MOST_WRONG: u32 = 5;
/// Letters of a code: forty bits in all.
const CODE_LENGTH: usize = 8;

/// Which invitation is meant.
pub type InvitationId = u64;

struct Invitation {
    id: InvitationId,
    token: Hash,
    code: Option<Code>,
    /// Removed with the invitation.
    file: Option<(OpeningFile, Instant)>,
}

struct Code {
    hash: Hash,
    until: Instant,
}

/// Why a typed code does not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// It is not the one.
    Wrong,
    /// There is none, or none any more.
    Over,
}

/// Invitations that wait to be used.
#[derive(Default)]
pub struct Invitations {
    waiting: Vec<Invitation>,
    last: InvitationId,
    wrong: u32,
}

impl Invitations {
    /// A new one: its number and its token.
    pub fn add(&mut self) -> (InvitationId, String) {
        let token = random_word();
        if self.waiting.len() == MOST {
            self.waiting.remove(0);
        }
        self.last += 1;
        let hash = blake3::hash(token.as_bytes());
        self.waiting.push(Invitation { id: self.last, token: hash, code: None, file: None });
        (self.last, token)
    }

    /// Hands the file over that carries the token of an invitation.
    pub fn keep_file(&mut self, id: InvitationId, file: OpeningFile, now: Instant) {
        if let Some(invitation) = self.waiting.iter_mut().find(|waiting| waiting.id == id) {
            invitation.file = Some((file, now + FILE_LASTS));
        }
    }

    /// Removes the files that no browser has read for too long.
    pub fn drop_old_files(&mut self, now: Instant) {
        for waiting in &mut self.waiting {
            waiting.file.take_if(|(_, until)| now >= *until);
        }
    }

    /// Whether it was neither used nor taken back.
    pub fn is_waiting(&self, id: InvitationId) -> bool {
        self.waiting.iter().any(|waiting| waiting.id == id)
    }

    /// A code to type instead of its token, in place of one before.
    pub fn new_code(&mut self, id: InvitationId, now: Instant) -> Option<String> {
        let invitation = self.waiting.iter_mut().find(|waiting| waiting.id == id)?;
        let mut bytes = [0; CODE_LENGTH];
        SystemIds.fill(&mut bytes);
        let code: String =
            bytes.iter().map(|byte| char::from(CROCKFORD[usize::from(byte & 31)])).collect();
        invitation.code =
            Some(Code { hash: blake3::hash(code.as_bytes()), until: now + CODE_LASTS });
        self.wrong = 0;
        Some(format!("{}-{}", &code[..4], &code[4..]))
    }

    /// Whether a code can be typed.
    pub fn takes_code(&self, now: Instant) -> bool {
        self.waiting.iter().filter_map(|waiting| waiting.code.as_ref()).any(|code| now < code.until)
    }

    /// Uses the invitation of this token up; whether there is one.
    pub fn take(&mut self, token: &str) -> bool {
        let hash = blake3::hash(token.as_bytes());
        let place = self.waiting.iter().position(|waiting| waiting.token == hash);
        place.map(|place| self.waiting.remove(place)).is_some()
    }

    /// Uses the invitation of this code up. Five wrong ones end every code.
    pub fn take_code(&mut self, typed: &str, now: Instant) -> Result<(), Typed> {
        if !self.takes_code(now) {
            return Err(Typed::Over);
        }
        let hash = blake3::hash(plain(typed).as_bytes());
        let fits = |code: &Code| code.hash == hash && now < code.until;
        let place = self.waiting.iter().position(|waiting| waiting.code.as_ref().is_some_and(fits));
        if let Some(place) = place {
            self.waiting.remove(place);
            return Ok(());
        }
        self.wrong += 1;
        if self.wrong < MOST_WRONG {
            return Err(Typed::Wrong);
        }
        for waiting in &mut self.waiting {
            waiting.code = None;
        }
        Err(Typed::Over)
    }

    /// Takes back what waits.
    pub fn forget_all(&mut self) {
        self.waiting.clear();
    }
}

/// A code without what people write between its letters.
fn plain(typed: &str) -> String {
    letters(typed).filter(char::is_ascii_alphanumeric).take(CODE_LENGTH + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_nobody_uses_run_out() {
        let mut invitations = Invitations::default();
        let (id, first) = invitations.add();
        assert!(invitations.is_waiting(id));
        for _ in 0..MOST {
            invitations.add();
        }
        assert!(!invitations.is_waiting(id) && !invitations.take(&first));
    }

    #[test]
    fn a_code_is_typed_once_and_not_for_long() {
        let (mut invitations, now) = (Invitations::default(), Instant::now());
        assert_eq!(invitations.take_code("0000-0000", now), Err(Typed::Over), "none was given out");
        let (id, token) = invitations.add();
        assert_eq!(invitations.take_code("0000-0000", now), Err(Typed::Over));
        let code = invitations.new_code(id, now).unwrap();
        assert_eq!(code.len(), 9);
        assert_eq!(invitations.take_code(&code, now + CODE_LASTS), Err(Typed::Over), "too late");
        assert_eq!(invitations.take_code(&code.replace('-', " ").to_lowercase(), now), Ok(()));
        assert_eq!(invitations.take_code(&code, now), Err(Typed::Over), "used");
        assert!(!invitations.take(&token), "both are one invitation");
        assert!(invitations.new_code(id, now).is_none());
    }

    #[test]
    fn guesses_end_every_code() {
        let (mut invitations, now) = (Invitations::default(), Instant::now());
        let (id, token) = invitations.add();
        let code = invitations.new_code(id, now).unwrap();
        for _ in 1..MOST_WRONG {
            assert_eq!(invitations.take_code("UUUU-UUUU", now), Err(Typed::Wrong));
        }
        assert_eq!(invitations.take_code("UUUU-UUUU", now), Err(Typed::Over));
        assert_eq!(invitations.take_code(&code, now), Err(Typed::Over));
        assert!(invitations.take(&token), "the address is not guessed by that");
    }

    #[test]
    fn letters_that_look_alike_are_the_same() {
        assert_eq!(plain("oil-0O1 "), "011001");
    }
}
