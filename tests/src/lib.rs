//! Tools that several system tests share.

mod app;
mod book;
mod fakes;
mod library;

pub use app::{Answer, App, Page, binary, path_of, port_of, send, wait};
pub use book::{case, fields, rotation, setup};
pub use fakes::{FixedClock, MemoryVault, SeededIds};
pub use library::library;
