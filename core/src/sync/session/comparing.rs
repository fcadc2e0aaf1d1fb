//! Whether both sides say the same once each has sent all that it has.

use super::super::frame::{Frame, Why};
use super::{Effect, Out, Session};
use crate::record::sums::{Root, Sums};

#[derive(Default)]
pub(super) struct Comparing {
    /// What our records say, as of a local sequence; `None` once something changed.
    pub(super) mine: Option<(u64, Root)>,
    sums: Box<Sums>,
    /// The other's local sequence, how far it has us, and what its records say.
    pub(super) theirs: Option<(u64, u64, Root)>,
    /// What it last heard of us of that kind.
    pub(super) told: Option<(u64, u64, Root)>,
    summing: bool,
    /// As sent; that happens once a session.
    sent: Option<Box<Sums>>,
    got: Option<Box<Sums>>,
    /// The end of the comparison was told.
    over: bool,
}

impl Comparing {
    pub(super) fn summed_up(&mut self, head: u64, sums: Box<Sums>) {
        self.mine = Some((head, sums.root()));
        self.sums = sums;
    }

    pub(super) fn outdated(&mut self) {
        self.mine = None;
        self.over = false;
    }
}

impl Session {
    /// Called when nothing is left to send or expected.
    pub(super) fn compare(&mut self, out: Out<'_>) {
        let comparing = &mut self.comparing;
        if comparing.sent.is_some() && comparing.got.is_none() {
            // The other's sums are on their way; what is said meanwhile would be about the time before.
            return;
        }
        let Some((head, root)) = comparing.mine else {
            if !comparing.summing {
                comparing.summing = true;
                out.push(Effect::Sum);
            }
            return;
        };
        let cursor = self.receiving.cursor;
        if comparing.told != Some((head, cursor, root)) {
            comparing.told = Some((head, cursor, root));
            comparing.over = false;
            Self::send(&Frame::Root { head, cursor, root }, out);
        }
        let at_one_point = comparing
            .theirs
            .filter(|(their_head, has_us, _)| *their_head == cursor && *has_us == head);
        let Some((.., theirs)) = at_one_point.filter(|_| !comparing.over) else { return };
        if theirs == root {
            comparing.over = true;
            out.push(Effect::InStep);
        } else if comparing.sent.is_none() {
            self.send_sums(out);
        } else if comparing.got.is_some() {
            comparing.over = true;
            out.push(Effect::Differs);
        }
    }

    pub(super) fn summed(&mut self, head: u64, sums: Box<Sums>) {
        // What was written meanwhile is summed up next time.
        if std::mem::take(&mut self.comparing.summing) {
            self.comparing.summed_up(head, sums);
        }
    }

    fn send_sums(&mut self, out: Out<'_>) {
        if self.comparing.sent.is_none() {
            let sums = self.comparing.sums.clone();
            Self::send(&Frame::Sums(sums.clone()), out);
            self.comparing.sent = Some(sums);
            self.begin_repair();
        }
    }

    pub(super) fn take_sums(&mut self, sums: Box<Sums>, out: Out<'_>) {
        if self.comparing.got.is_some() {
            return self.refuse(Why::Nonsense, out);
        }
        self.comparing.got = Some(sums);
        if self.comparing.sent.is_none() {
            self.send_sums(out);
        } else {
            self.begin_repair();
        }
    }

    /// Both sides see the same two sums, so both send the same buckets.
    fn begin_repair(&mut self) {
        let Comparing { sent: Some(sent), got: Some(got), .. } = &self.comparing else { return };
        let buckets = sent.differing(got);
        // Both say anew what they say afterwards.
        (self.comparing.theirs, self.comparing.told) = (None, None);
        if !buckets.is_empty() {
            self.sending.begin_repair(buckets);
            self.receiving.awaits_repair = true;
        }
    }
}
