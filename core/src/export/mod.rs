//! Records as files that other programs read: JSON lines, which lose nothing, and CSV for spreadsheets.

pub mod csv;
pub mod jsonl;
