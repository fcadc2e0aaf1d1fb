//! What this side takes in.

use super::super::frame::{Frame, Page, Unpacker, Why};
use super::{Applied, Effect, Incoming, Out, Session};

#[derive(Default)]
pub(super) struct Receiving {
    /// Up to where in the other's sequence everything is here.
    pub(super) cursor: u64,
    /// Another page of news is announced.
    pub(super) more: bool,
    /// Another page of a repair is; news may come between.
    pub(super) awaits_repair: bool,
    /// Something changed by what came.
    changed: bool,
    applying: Option<Applying>,
    unpacker: Unpacker,
}

struct Applying {
    to: u64,
    is_repair: bool,
    count: usize,
}

impl Receiving {
    pub(super) fn is_idle(&self) -> bool {
        self.applying.is_none() && !self.awaits_page()
    }

    pub(super) fn awaits_page(&self) -> bool {
        self.more || self.awaits_repair
    }
}

impl Session {
    pub(super) fn take_page(&mut self, page: &Page, out: Out<'_>) {
        let fits = page.is_next(self.receiving.cursor) && !self.is_applying();
        let records = fits.then(|| self.receiving.unpacker.unpack(page).ok()).flatten();
        let Some(records) = records else {
            return self.refuse(Why::Nonsense, out);
        };
        if page.is_repair {
            self.receiving.awaits_repair = page.more;
        } else {
            self.receiving.more = page.more;
        }
        let (to, is_repair, count) = (page.to, page.is_repair, records.len());
        self.receiving.applying = Some(Applying { to, is_repair, count });
        let cursor = (!page.is_repair).then_some(to);
        out.push(Effect::Apply(Incoming { cursor, receipt: page.receipt, records }));
    }

    fn is_applying(&self) -> bool {
        self.receiving.applying.is_some()
    }

    pub(super) fn applied(&mut self, applied: Applied, out: Out<'_>) {
        let Applied { changed, refused, merged } = applied;
        let Some(Applying { to, is_repair, count }) = self.receiving.applying.take() else {
            return;
        };
        if !is_repair {
            self.receiving.cursor = to;
        }
        self.receiving.changed |= changed;
        let also = self.sending.sort_merged(merged);
        if !also.is_empty() {
            out.push(Effect::Acked { to: None, refused: Vec::new(), also });
        }
        if !self.receiving.awaits_page() && std::mem::take(&mut self.receiving.changed) {
            // What the other cannot make of ours and its own goes back; the rest only moves its cursor.
            self.note_written();
        }
        if !refused.is_empty() {
            self.comparing.outdated();
        }
        Self::send(&Frame::Ack { to, refused }, out);
        self.progress(count, out);
    }
}
