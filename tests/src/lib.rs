//! Tools that several system tests share.

pub mod any_value;
mod app;
mod bad_link;
mod book;
mod fakes;
mod faulty_vfs;
mod hostile;
mod library;
mod raw;
mod remote;
mod script;

pub use app::{Answer, App, NOBODY, Page, binary, inherit, path_of, port_of, send, wait};
pub use bad_link::{BadLink, Weather};
pub use book::{case, fields, numbered, rotation, setup};
pub use fakes::{FileVault, FixedClock, MemoryVault, SeededIds};
pub use faulty_vfs::{At, Disk, Event, FAULTY, FaultyDisk, Files, decrypted_pages};
pub use hostile::{Call, Hostile, Impostor};
pub use library::library;
pub use raw::{complaints, raw};
pub use remote::{Laptop, Remote};
pub use script::{Found, Script, Step, found};
