//! Receipts: proof to a device that it once wrote more than it knows of now.
//!
//! A peer's cursor above our own head means that this book is an older copy of itself, and must not go on
//! under its device id. A peer that lies about its cursor could say so at every session; so each page
//! carries a receipt for where it ends, which only we can make, and the claim counts only with it. Copies
//! of a book know the same key, and nothing else needs to.

use crate::ids::DeviceId;

/// That a device has written up to a local sequence; all zero where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receipt(pub [u8; 16]);

/// What a device makes its receipts with; it never leaves the book.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptKey(pub [u8; 32]);
quiet_debug!(ReceiptKey);

impl ReceiptKey {
    /// For what `replica` has written up to `to`.
    pub fn receipt(&self, replica: DeviceId, to: u64) -> Receipt {
        let said = [replica.0.to_be_bytes(), to.to_be_bytes()].concat();
        let mut receipt = [0; 16];
        receipt.copy_from_slice(&blake3::keyed_hash(&self.0, &said).as_bytes()[..16]);
        Receipt(receipt)
    }

    /// Whether a receipt is one of ours.
    pub fn made(&self, receipt: Receipt, replica: DeviceId, to: u64) -> bool {
        // Compared as hashes, in a time that does not tell where the two differ.
        let hash = |receipt: Receipt| blake3::keyed_hash(&self.0, &receipt.0);
        hash(receipt) == hash(self.receipt(replica, to))
    }
}
