//! A disk that fails: SQLite's own file layer with every write and sync written down, and with faults.
//!
//! Reads, locks and shared memory are the system's; what a program reads back is what it wrote. What
//! a power cut leaves is worked out from the record: a write lasts once its file was synced after
//! it, and whatever came since lasts, is lost or is torn as the test decides. Syncs do not reach the
//! real disk, which makes thousands of runs affordable.

#![allow(unsafe_code, reason = "SQLite's file layer is a table of C functions")]
#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;

/// The name for `Place.vfs`.
pub const FAULTY: &str = "faulty";

/// What a fault waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The file grows, shrinks or changes.
    Write,
    /// What was written is to be made to last.
    Sync,
}

/// Something that reached the disk.
#[derive(Debug, Clone)]
pub enum Event {
    /// Bytes at an offset.
    Write(String, usize, Vec<u8>),
    /// A new length.
    Truncate(String, usize),
    /// The file's writes so far last.
    Sync(String),
    /// The file's writes since its last sync never will, as on systems that forget after a failure.
    Forgotten(String),
}

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Default)]
struct State {
    events: Vec<Event>,
    fault: Option<(At, usize, c_int)>,
}

/// The disk beneath one folder.
pub struct FaultyDisk {
    folder: PathBuf,
    state: Mutex<State>,
}

type Methods = ffi::sqlite3_io_methods;

#[derive(Clone)]
struct OpenFile {
    disk: Arc<FaultyDisk>,
    name: String,
    theirs: &'static Methods,
}

static DISKS: Mutex<Vec<Arc<FaultyDisk>>> = Mutex::new(Vec::new());
/// Open files by address.
static OPEN: Mutex<BTreeMap<usize, OpenFile>> = Mutex::new(BTreeMap::new());
static SYSTEM: OnceLock<System> = OnceLock::new();

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultyDisk {
    /// Takes over the files in `folder` that are opened through `FAULTY` from now on.
    ///
    /// # Panics
    /// Where the folder is missing.
    pub fn beneath(folder: &Path) -> Arc<Self> {
        SYSTEM.get_or_init(System::register);
        let folder = folder.canonicalize().expect("the folder is there");
        let disk = Arc::new(Self { folder, state: Mutex::default() });
        lock(&DISKS).push(disk.clone());
        disk
    }

    /// The `nth` write or sync from now on, counted from 0, fails with a code of SQLite's; half of the
    /// bytes of a failing write arrive.
    pub fn fail(&self, at: At, nth: usize, code: c_int) {
        lock(&self.state).fault = Some((at, nth, code));
    }

    /// Takes back a fault; `true` where it had not come yet.
    pub fn heal(&self) -> bool {
        lock(&self.state).fault.take().is_some()
    }

    /// What happened since it was last asked.
    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut lock(&self.state).events)
    }

    /// The code of the fault whose turn this is.
    fn fault(&self, here: At) -> Option<c_int> {
        let mut state = lock(&self.state);
        match &mut state.fault {
            Some((at, 0, code)) if *at == here => {
                let code = *code;
                state.fault = None;
                Some(code)
            }
            Some((at, nth, _)) if *at == here => {
                *nth -= 1;
                None
            }
            _ => None,
        }
    }

    fn note(&self, event: Event) {
        lock(&self.state).events.push(event);
    }
}

/// What lies on a disk after some of its events.
#[derive(Clone)]
pub struct Disk {
    synced: Files,
    /// Since the last sync of their files, in order.
    pending: Vec<Event>,
}

/// Bytes that reach a disk together; a write that a power cut tears keeps a whole number of these.
const HALF_SECTOR: usize = 256;

impl Disk {
    /// A disk on which all of `files` lasts.
    pub fn of(files: Files) -> Self {
        Self { synced: files, pending: Vec::new() }
    }

    /// One more event.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Write(..) | Event::Truncate(..) => self.pending.push(event.clone()),
            Event::Sync(file) => {
                let (of_it, others): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.pending).into_iter().partition(|e| e.file() == file);
                for event in &of_it {
                    apply(&mut self.synced, event);
                }
                self.pending = others;
            }
            Event::Forgotten(file) => self.pending.retain(|event| event.file() != file),
        }
    }

    /// How many writes do not last yet.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What a power cut leaves, where the pending writes that `keep` names by place last.
    pub fn after_power_cut(&self, keep: impl Fn(usize) -> bool) -> Files {
        let mut files = self.synced.clone();
        let kept = self.pending.iter().enumerate().filter(|(at, _)| keep(*at));
        kept.for_each(|(_, event)| apply(&mut files, event));
        files
    }

    /// What a power cut leaves that comes in the middle of the last pending write.
    pub fn torn(&self) -> Files {
        let last = self.pending.len().saturating_sub(1);
        let mut files = self.after_power_cut(|at| at < last);
        if let Some(Event::Write(file, at, bytes)) = self.pending.last() {
            let middle = (at + bytes.len() / 2) / HALF_SECTOR * HALF_SECTOR;
            let part = bytes[..middle.saturating_sub(*at)].to_vec();
            apply(&mut files, &Event::Write(file.clone(), *at, part));
        }
        files
    }
}

impl Event {
    fn file(&self) -> &str {
        match self {
            Self::Write(file, ..)
            | Self::Truncate(file, _)
            | Self::Sync(file)
            | Self::Forgotten(file) => file,
        }
    }
}

fn apply(files: &mut Files, event: &Event) {
    match event {
        Event::Write(_, at, bytes) if !bytes.is_empty() => {
            let file = files.entry(event.file().to_owned()).or_default();
            let end = at + bytes.len();
            file.resize(file.len().max(end), 0);
            file[*at..end].copy_from_slice(bytes);
        }
        Event::Truncate(_, bytes) => {
            files.entry(event.file().to_owned()).or_default().truncate(*bytes);
        }
        _ => {}
    }
}

/// The system's file layer.
struct System(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's file layers are registered once, live as long as the process and are called from any
// thread.
unsafe impl Send for System {}
// SAFETY: as above; nothing in here changes.
unsafe impl Sync for System {}

impl System {
    fn register() -> Self {
        let name = c"faulty";
        debug_assert_eq!(name.to_bytes(), FAULTY.as_bytes());
        // SAFETY: the default layer exists once SQLite is initialized, which finding it sees to. A copy of it
        // under another name keeps all its functions and its data; it is leaked, because SQLite holds on to it.
        unsafe {
            let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!vfs.is_null(), "SQLite has a file layer");
            let mut ours = *vfs;
            ours.zName = name.as_ptr();
            ours.pNext = std::ptr::null_mut();
            ours.xOpen = Some(open);
            let registered = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 0);
            assert_eq!(registered, ffi::SQLITE_OK, "SQLite takes another file layer");
            Self(vfs)
        }
    }
}

/// Our methods in front of the system's; it has a table for files that are locked and one for others.
fn ours_for(theirs: &'static Methods) -> &'static Methods {
    static TABLES: Mutex<BTreeMap<usize, &'static Methods>> = Mutex::new(BTreeMap::new());
    let address = std::ptr::from_ref(theirs) as usize;
    lock(&TABLES).entry(address).or_insert_with(|| {
        let mut ours = *theirs;
        ours.xWrite = Some(write);
        ours.xTruncate = Some(truncate);
        ours.xSync = Some(sync);
        ours.xClose = Some(close);
        Box::leak(Box::new(ours))
    })
}

fn at_hand(file: *mut ffi::sqlite3_file) -> OpenFile {
    lock(&OPEN).get(&(file as usize)).cloned().expect("only files of a faulty disk come here")
}

/// Opens a file as the system does, then puts our methods in front of the system's.
///
/// SAFETY: called by SQLite alone, with a path that lasts as long as the file and room for the system's own
/// file, whose first member is the pointer to its methods.
unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: see above; the system's layer gets what SQLite gave us.
    unsafe {
        let system = SYSTEM.get().expect("registered before it is called");
        let Some(xopen) = (*system.0).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = xopen(system.0, path, file, flags, out);
        if code != ffi::SQLITE_OK || path.is_null() {
            return code;
        }
        let path = PathBuf::from(CStr::from_ptr(path).to_string_lossy().into_owned());
        let disk = lock(&DISKS).iter().find(|disk| path.starts_with(&disk.folder)).cloned();
        if let (Some(disk), Some(name)) = (disk, path.file_name()) {
            let theirs: &'static Methods = &*(*file).pMethods;
            (*file).pMethods = ours_for(theirs);
            let name = name.to_string_lossy().into_owned();
            lock(&OPEN).insert(file as usize, OpenFile { disk, name, theirs });
        }
        code
    }
}

/// SAFETY: called by SQLite alone, with an open file and `amount` bytes to be written.
unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    let OpenFile { disk, name, theirs } = at_hand(file);
    let fault = disk.fault(At::Write);
    let whole = usize::try_from(amount).unwrap_or(0);
    let arrived = if fault.is_some() { whole / 2 } else { whole };
    // SAFETY: `arrived` is at most what SQLite offers.
    let (copy, code) = unsafe {
        let copy = std::slice::from_raw_parts(bytes.cast::<u8>(), arrived).to_vec();
        let Some(write) = theirs.xWrite else { return ffi::SQLITE_IOERR_WRITE };
        (copy, write(file, bytes, c_int::try_from(arrived).unwrap_or(0), offset))
    };
    if code != ffi::SQLITE_OK {
        return code;
    }
    disk.note(Event::Write(name, usize::try_from(offset).unwrap_or(0), copy));
    fault.unwrap_or(ffi::SQLITE_OK)
}

/// SAFETY: called by SQLite alone, with an open file.
unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, bytes: i64) -> c_int {
    let OpenFile { disk, name, theirs } = at_hand(file);
    if let Some(code) = disk.fault(At::Write) {
        return code;
    }
    let Some(truncate) = theirs.xTruncate else { return ffi::SQLITE_IOERR_TRUNCATE };
    // SAFETY: the file is the system's but for its table of methods.
    let code = unsafe { truncate(file, bytes) };
    if code == ffi::SQLITE_OK {
        disk.note(Event::Truncate(name, usize::try_from(bytes).unwrap_or(0)));
    }
    code
}

/// SAFETY: called by SQLite alone, with an open file.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    let OpenFile { disk, name, .. } = at_hand(file);
    let fault = disk.fault(At::Sync);
    disk.note(if fault.is_some() { Event::Forgotten(name) } else { Event::Sync(name) });
    fault.unwrap_or(ffi::SQLITE_OK)
}

/// SAFETY: called by SQLite alone, with an open file, for the last time.
unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let OpenFile { theirs, .. } = at_hand(file);
    lock(&OPEN).remove(&(file as usize));
    let Some(close) = theirs.xClose else { return ffi::SQLITE_IOERR_CLOSE };
    // SAFETY: the file is the system's but for its table of methods.
    unsafe { close(file) }
}

/// Every page of a book as it is before encryption, the unused ones too.
///
/// # Panics
/// Where a page cannot be read.
pub fn decrypted_pages(conn: &rusqlite::Connection) -> Vec<u8> {
    let mut bytes = 0;
    // SAFETY: the connection outlives the call; what it returns is ours, of the length it says, and freed
    // once it is copied.
    unsafe {
        let pages = ffi::sqlite3_serialize(conn.handle(), c"main".as_ptr(), &raw mut bytes, 0);
        assert!(!pages.is_null(), "the pages can be read");
        let copy = std::slice::from_raw_parts(pages, usize::try_from(bytes).unwrap_or(0)).to_vec();
        ffi::sqlite3_free(pages.cast());
        copy
    }
}
