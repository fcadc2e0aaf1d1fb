//! Bundles: what a device lacks as a file to be carried to it, where the network keeps the two apart.
//!
//! The payload is frames as on the wire: a Hello, then pages from where the other last said it was.
//! Taking a bundle in says nothing back; how far this side came is in the next bundle that it makes.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use super::{batch, rows};
use crate::error::{LogbookError, Result, StopReason};
use crate::job::{Job, JobProgress, Work};
use crate::link::DeviceIdentity;
use crate::link::bundle::{self, Bundle, BundleError, MAX_BUNDLE, MAX_PAYLOAD, Opened};
use crate::logbook::lan::{SyncError, SyncResult};
use crate::logbook::transfer::Output;
use crate::logbook::{ImportSource, Logbook, identity};
use crate::store::{Existing, WholeFile};
use crate::sync::frame::{Frame, Hello, PROTOCOL, Page, ReceiptKey, pack, unpack};
use crate::sync::pairing::{DeviceName, Party, SealKey};
use crate::sync::session::Incoming;
use crate::sync::{Fingerprint, PairingSecret, TypedSecret};

/// Whom a bundle is for.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum BundleTo {
    /// A device that is paired.
    Device {
        /// Its key, in hexadecimal digits.
        fingerprint: String,
        /// The answer to a first bundle is sealed by the same code: the other has no key of ours yet.
        code: Option<String>,
    },
    /// A device that was never met. Whoever is told the code can read the bundle and answer it.
    Stranger,
}

/// A bundle that was written.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct MadeBundle {
    /// Records in it.
    pub records: u64,
    /// There was no room for the rest: it goes into the next one, once this one was answered.
    pub is_part: bool,
    /// To be typed where it is taken in, where it is for a stranger.
    pub code: Option<String>,
}

/// A bundle that was taken in.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct TakenBundle {
    /// The key of the device that made it, in hexadecimal digits.
    pub fingerprint: String,
    /// What that device is called.
    pub name: String,
    /// Records in it, but for those of pages that had arrived already.
    pub records: u64,
    /// Records that cannot be read here; they are kept, and tried again after an update.
    pub set_aside: u64,
    /// Records that the other lacks: what a bundle for it would hold.
    pub waiting: u64,
}

quiet_debug!(BundleTo, MadeBundle, TakenBundle);

/// The number of a bundle that was sealed by a code: it is not counted.
const BY_CODE: u64 = 0;
/// A device that is not known has taken in nothing.
const NOBODY: Fingerprint = Fingerprint([0; 32]);

impl Logbook {
    /// Writes a bundle to a file that appears once it is whole. `name` is what this device is called on
    /// the others.
    ///
    /// # Errors
    /// `Bundle` for a device that is not paired; `Code`; `Book` where the file cannot be written, or
    /// is there already and not to be replaced.
    pub fn make_bundle_job(
        self: &Arc<Self>,
        file: &Path,
        existing: Existing,
        to: &BundleTo,
        name: &str,
    ) -> SyncResult<Job<MadeBundle, SyncError>> {
        self.bundle_job(Output::File(WholeFile::create(file, existing)?), to, name)
    }

    /// The same to an output that is open already.
    ///
    /// # Errors
    /// As `make_bundle_job`.
    pub fn make_bundle_to_job(
        self: &Arc<Self>,
        output: Box<dyn Write + Send>,
        to: &BundleTo,
        name: &str,
    ) -> SyncResult<Job<MadeBundle, SyncError>> {
        self.bundle_job(Output::Open(output), to, name)
    }

    fn bundle_job(
        self: &Arc<Self>,
        output: Output,
        to: &BundleTo,
        name: &str,
    ) -> SyncResult<Job<MadeBundle, SyncError>> {
        if *to == BundleTo::Stranger {
            self.renew_if_revoked()?;
        }
        let (peer, seal) = match to {
            BundleTo::Stranger => (NOBODY, Seal::NewCode(PairingSecret::new(&*self.ids).typed())),
            BundleTo::Device { fingerprint, code } => {
                let peer = fingerprint.parse()?;
                if !self.trusts(peer)? {
                    return Err(BundleError::NotPaired.into());
                }
                let seal = match code {
                    Some(code) => Seal::Code(code.parse()?),
                    None => Seal::Key(self.seal_key(peer)?),
                };
                (peer, seal)
            }
        };
        let greeting = self.greet(peer)?;
        let (hello, receipts) = (greeting.hello(), greeting.receipts);
        Ok(Job::new(Making {
            book: self.clone(),
            output,
            signer: self.device_identity()?,
            name: DeviceName::new(name),
            peer,
            seal,
            receipts,
            book_name: book_of(&hello),
            waiting: hello.waiting,
            payload: framed(&Frame::Hello(hello)),
            sent: self.read(|conn| rows::peer(conn, peer))?.sent,
            records: 0,
            is_part: false,
        }))
    }

    /// Takes in a bundle. `code` is the one that was shown where a first bundle was made: its maker is
    /// paired from then on.
    ///
    /// # Errors
    /// `Bundle`, `Code`; nothing was changed then. A code pairs one device, the first whose bundle it opens
    /// here. What a bundle could not finish is taken in again.
    pub fn take_bundle_job(
        self: &Arc<Self>,
        source: &ImportSource,
        code: Option<&str>,
    ) -> SyncResult<Job<TakenBundle, SyncError>> {
        if code.is_some() {
            self.renew_if_revoked()?;
        }
        let me = self.device_identity()?;
        let bytes = read(source)?;
        let code: Option<TypedSecret> = code.map(str::parse).transpose()?;
        let opened = match &code {
            Some(code) => bundle::open_first(&bytes, code, &me)?,
            None => bundle::open(&bytes, &me, &|peer: &Fingerprint| {
                self.trusts(*peer).unwrap_or(false)
            })?,
        };
        let (hello, pages) = frames(&opened.bundle)?;
        Ok(Job::new(Taking {
            book: self.clone(),
            total: pages.iter().map(|page| u64::from(page.count)).sum(),
            pages: pages.into_iter(),
            opened,
            code: code.as_ref().map(name_of_code),
            hello,
            begun: false,
            done: 0,
            set_aside: 0,
        }))
    }
}

/// Under which name the book remembers whom a code has paired, without telling the code.
fn name_of_code(code: &TypedSecret) -> String {
    let hash = blake3::derive_key("seldinger 2026 first bundle pairs one", &code.0);
    format!("first_bundle_{}", crate::store::key::hex(&hash[..16]))
}

/// A file that is no larger than a bundle may be.
fn read(source: &ImportSource) -> SyncResult<Vec<u8>> {
    let file = match source {
        ImportSource::Bytes(bytes) => return Ok(bytes.to_vec()),
        ImportSource::Path(path) => {
            let file = File::open(path).map_err(|error| LogbookError::reading(&error))?;
            Box::new(file) as Box<dyn Read>
        }
        ImportSource::Packed(packed) => Box::new(packed.open()?),
    };
    let mut bytes = Vec::new();
    let most = MAX_BUNDLE as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(LogbookError::from)?;
    Ok(bytes)
}

fn framed(frame: &Frame) -> Vec<u8> {
    let frame = frame.encode();
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &frame].concat()
}

/// The incarnation that made a bundle, as its head names it.
fn book_of(hello: &Hello) -> [u8; 16] {
    u128::from(hello.replica.0).to_be_bytes()
}

/// What a bundle says: all of it can be read, or none of it is taken in.
fn frames(bundle: &Bundle) -> Result<(Hello, Vec<Page>), BundleError> {
    let mut rest = &bundle.payload[..];
    let mut next = || -> Result<Option<Frame>, BundleError> {
        if rest.is_empty() {
            return Ok(None);
        }
        let (length, after) = rest.split_first_chunk().ok_or(BundleError::Damaged)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (frame, after) = after.split_at_checked(length).ok_or(BundleError::Damaged)?;
        rest = after;
        Frame::decode(frame).map(Some).map_err(|_| BundleError::Damaged)
    };
    let Some(Frame::Hello(hello)) = next()? else { return Err(BundleError::Damaged) };
    if hello.protocol.0 > PROTOCOL.1 {
        return Err(BundleError::NewerVersion { found: hello.protocol.0 });
    }
    if bundle.book != book_of(&hello) {
        return Err(BundleError::Damaged);
    }
    let mut pages: Vec<Page> = Vec::new();
    while let Some(frame) = next()? {
        let Frame::Page(page) = frame else { return Err(BundleError::Damaged) };
        let cursor = pages.last().map_or(page.from, |last| last.to);
        if page.is_repair || !page.is_next(cursor) || unpack(&page).is_err() {
            return Err(BundleError::Damaged);
        }
        pages.push(page);
    }
    Ok((hello, pages))
}

/// What a bundle is sealed to.
enum Seal {
    /// The device that it is for.
    Key(SealKey),
    /// The code of the first bundle that it answers.
    Code(TypedSecret),
    /// A code that is shown once it is made.
    NewCode(TypedSecret),
}

/// Writes a bundle, a page at a time.
struct Making {
    book: Arc<Logbook>,
    output: Output,
    signer: DeviceIdentity,
    name: DeviceName,
    peer: Fingerprint,
    seal: Seal,
    receipts: ReceiptKey,
    /// The incarnation that the head names.
    book_name: [u8; 16],
    /// How many records there are for it.
    waiting: u64,
    payload: Vec<u8>,
    /// Up to where the other has everything, or is in the payload.
    sent: u64,
    records: u64,
    is_part: bool,
}

impl Work<SyncError> for Making {
    type Output = MadeBundle;

    fn step(&mut self) -> SyncResult<JobProgress> {
        let from = self.sent;
        let batch = match self.seal {
            // There is no device to remember of what it cannot be sent.
            Seal::NewCode(_) => self.book.read(|conn| batch(conn, NOBODY, from, None))?.0,
            _ => self.book.read_batch(self.peer, from, None)?,
        };
        let (to, mut finished) = (batch.to, !batch.more);
        if to > from {
            let alone = |records: &[Vec<u8>]| pack(records.iter().map(Vec::as_slice));
            let receipt = self.receipts.receipt(self.book.device(), to);
            let (page, ids) = batch.into_page(from, false, receipt, alone);
            let page = framed(&Frame::Page(page));
            if self.payload.len() + page.len() > MAX_PAYLOAD {
                (self.is_part, finished) = (true, true);
            } else {
                self.payload.extend_from_slice(&page);
                self.records += ids.len() as u64;
                self.sent = to;
            }
        }
        let total = self.waiting.max(self.records);
        Ok(JobProgress { done: self.records, total, finished })
    }

    fn finish(self: Box<Self>) -> SyncResult<MadeBundle> {
        let Self { peer, name, payload, mut output, .. } = *self;
        let mut bundle = Bundle { book: self.book_name, sequence: BY_CODE, name, payload };
        let sealed = match &self.seal {
            Seal::Key(key) => {
                bundle.sequence = self.book.store.write(|conn| rows::count_bundle(conn, peer))?;
                bundle::seal(&bundle, key, &self.signer)?
            }
            Seal::Code(code) | Seal::NewCode(code) => {
                bundle::seal_first(&bundle, code, &self.signer)?
            }
        };
        output.write_all(&sealed).map_err(LogbookError::from)?;
        output.finish()?;
        let code = match &self.seal {
            Seal::NewCode(code) => Some(code.text().to_string()),
            Seal::Key(_) | Seal::Code(_) => None,
        };
        Ok(MadeBundle { records: self.records, is_part: self.is_part, code })
    }
}

/// Takes a bundle in, a page at a time.
struct Taking {
    book: Arc<Logbook>,
    opened: Opened,
    /// Under which name is kept whom the code has paired.
    code: Option<String>,
    hello: Hello,
    pages: std::vec::IntoIter<Page>,
    begun: bool,
    done: u64,
    total: u64,
    set_aside: u64,
}

impl Taking {
    fn peer(&self) -> Fingerprint {
        self.opened.sender
    }

    /// Looks whether it fits what has arrived here, and hears how far the other has come.
    fn begin(&mut self) -> SyncResult<()> {
        let (book, peer) = (&self.book, self.peer());
        if let Some(code) = &self.code {
            let (name, seal_key) = (self.opened.bundle.name.clone(), self.opened.seal_key);
            let party = Party { fingerprint: peer, name, seal_key };
            if !book.add_peer_by(&party, Some(code))? {
                return Err(BundleError::CodeUsed.into());
            }
        }
        let known = book.read(|conn| rows::peer(conn, peer))?;
        let is_same = known.replica == Some(self.hello.replica);
        let number = self.opened.bundle.sequence;
        if is_same && number != BY_CODE && number <= known.bundles_read {
            return Err(BundleError::ReadAlready.into());
        }
        let received = if is_same { known.received } else { 0 };
        if self.pages.as_slice().first().is_some_and(|page| page.from > received) {
            return Err(BundleError::EarlierMissing.into());
        }
        let has = self.hello.knows.filter(|(replica, _)| *replica == book.device());
        let has = has.map_or(0, |(_, cursor)| cursor);
        if self.hello.replica == book.device() {
            return Err(BundleError::Damaged.into());
        }
        let is_behind = has > book.read(crate::record::last_sequence)?;
        let receipts = identity::receipt_key(&book.store, &*book.ids)?;
        if is_behind && receipts.made(self.hello.receipt, book.device(), has) {
            // It has more of us than we have: this book was restored from an older copy.
            book.renew_device(|_| Ok(()))?;
        }
        book.store.write(|conn| {
            if !is_same {
                rows::restart(conn, peer, self.hello.replica)?;
            }
            let sent = rows::peer(conn, peer)?.sent;
            if has > sent && !is_behind { rows::note_sent(conn, peer, has) } else { Ok(()) }
        })?;
        Ok(())
    }

    fn take(&mut self, page: &Page) -> SyncResult<()> {
        let peer = self.peer();
        let received = self.book.read(|conn| rows::peer(conn, peer))?.received;
        if page.to > received {
            let records = unpack(page).map_err(|_| BundleError::Damaged)?;
            let incoming = Incoming { cursor: Some(page.to), receipt: page.receipt, records };
            let applied = self.book.apply(peer, &incoming)?;
            self.set_aside += applied.refused.len() as u64;
            self.done += u64::from(page.count);
        } else {
            self.total -= u64::from(page.count);
        }
        Ok(())
    }
}

impl Work<SyncError> for Taking {
    type Output = TakenBundle;

    fn step(&mut self) -> SyncResult<JobProgress> {
        if !self.begun {
            self.begin()?;
            self.begun = true;
        } else if let Some(page) = self.pages.next() {
            self.take(&page)?;
        }
        let finished = self.pages.as_slice().is_empty();
        Ok(JobProgress { done: self.done, total: self.total, finished })
    }

    fn stopped(&self, error: SyncError) -> SyncError {
        match error {
            SyncError::Book { error } if self.done > 0 => {
                let (reason, records) = (StopReason::of(&error), self.done);
                LogbookError::BundleStopped { reason, records }.into()
            }
            other => other,
        }
    }

    fn finish(self: Box<Self>) -> SyncResult<TakenBundle> {
        let (book, peer) = (&self.book, self.peer());
        let number = self.opened.bundle.sequence;
        let (_, sums) = book.sums(peer)?;
        let now = book.now().utc;
        let waiting = book.store.write(|conn| {
            if number != BY_CODE {
                rows::note_bundle(conn, peer, number)?;
            }
            let (waiting, _) = rows::waiting(conn, peer, rows::peer(conn, peer)?.sent)?;
            if waiting == 0 && sums.root() == self.hello.root {
                rows::note_in_step(conn, peer, now)?;
            }
            Ok::<_, LogbookError>(waiting)
        })?;
        Ok(TakenBundle {
            fingerprint: peer.to_string(),
            name: self.opened.bundle.name.as_str().to_owned(),
            records: self.done,
            set_aside: self.set_aside,
            waiting,
        })
    }
}
