//! Sums by which two books tell that they say the same.
//!
//! Each record has a hash of what it says that is equal on every device. Records fall into 256 buckets
//! by the last byte of their id; a bucket is their count and the wrapping sum of their hashes.

use crate::ids::RecordId;

/// How many buckets there are.
pub const BUCKETS: usize = 256;

/// What one record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 16]);

/// What the records of a bucket say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// How many.
    pub count: u64,
    /// The wrapping sum of their digests.
    pub sum: u128,
}

/// What all buckets say, as one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Root(pub [u8; 16]);

/// All buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums([Bucket; BUCKETS]);

impl Default for Sums {
    fn default() -> Self {
        Self([Bucket::default(); BUCKETS])
    }
}

/// The bucket of a record.
pub fn bucket_of(id: RecordId) -> u8 {
    id.bytes()[15]
}

impl Sums {
    /// The buckets in order.
    pub fn buckets(&self) -> &[Bucket; BUCKETS] {
        &self.0
    }

    pub(crate) fn buckets_mut(&mut self) -> &mut [Bucket; BUCKETS] {
        &mut self.0
    }

    /// Counts a record in.
    pub fn add(&mut self, id: RecordId, digest: Digest) {
        let bucket = &mut self.0[usize::from(bucket_of(id))];
        bucket.count = bucket.count.wrapping_add(1);
        bucket.sum = bucket.sum.wrapping_add(u128::from_be_bytes(digest.0));
    }

    /// Counts a record out.
    pub fn remove(&mut self, id: RecordId, digest: Digest) {
        let bucket = &mut self.0[usize::from(bucket_of(id))];
        bucket.count = bucket.count.wrapping_sub(1);
        bucket.sum = bucket.sum.wrapping_sub(u128::from_be_bytes(digest.0));
    }

    /// All of it as one hash.
    pub fn root(&self) -> Root {
        let mut hasher = blake3::Hasher::new_derive_key("seldinger 2026 audit root");
        hasher.update(&self.bytes());
        let mut root = [0; 16];
        root.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Root(root)
    }

    /// The buckets that say something else than in `other`.
    pub fn differing(&self, other: &Self) -> Vec<u8> {
        (0..=u8::MAX).filter(|n| self.0[usize::from(*n)] != other.0[usize::from(*n)]).collect()
    }

    /// As stored: 24 bytes a bucket.
    pub fn bytes(&self) -> Vec<u8> {
        let each = |bucket: &Bucket| {
            let mut bytes = [0; 24];
            bytes[..8].copy_from_slice(&bucket.count.to_be_bytes());
            bytes[8..].copy_from_slice(&bucket.sum.to_be_bytes());
            bytes
        };
        self.0.iter().flat_map(each).collect()
    }

    /// From what was stored.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut sums = Self::default();
        if bytes.len() != BUCKETS * 24 {
            return None;
        }
        for (bucket, bytes) in sums.0.iter_mut().zip(bytes.chunks_exact(24)) {
            let (count, sum) = bytes.split_at(8);
            bucket.count = u64::from_be_bytes(count.try_into().ok()?);
            bucket.sum = u128::from_be_bytes(sum.try_into().ok()?);
        }
        Some(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_what_is_counted_out_leaves_nothing() {
        let id = |n| RecordId::from_bytes([n; 16]);
        let (mut one, mut other) = (Sums::default(), Sums::default());
        one.add(id(1), Digest([9; 16]));
        one.add(id(2), Digest([255; 16]));
        other.add(id(2), Digest([255; 16]));
        other.add(id(1), Digest([9; 16]));
        assert_eq!(one.root(), other.root());
        other.add(id(2), Digest([1; 16]));
        assert_eq!(one.differing(&other), [2]);
        assert_ne!(one.root(), other.root());
        other.remove(id(2), Digest([1; 16]));
        assert!(one.differing(&other).is_empty());
        assert_eq!(Sums::from_bytes(&one.bytes()), Some(one));
        assert_eq!(Sums::from_bytes(&[0; 5]), None);
    }
}
