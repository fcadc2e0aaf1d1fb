//! Memory for keys: the system does not write it to its swap, and it is wiped when it is let go of.
//!
//! # Decision
//! Only what lives as long as a book is open is worth a locked page of its own; what is copied for a
//! moment is wiped at once. SQLCipher locks the memory of its own keys by itself. Its pragma
//! `cipher_memory_security` would lock every piece of memory that SQLite asks for, pages of records too:
//! two calls of the system each. With it, saves took 1.4 to 2.1 times as long, searches 1.1 to 2 times and
//! opening 1.7 times (a development build on a busy machine), so it is off, and pages of records may reach
//! the swap; an encrypted swap is the system's affair.

#![allow(unsafe_code, reason = "locking memory is a call of the system with an address")]

use zeroize::Zeroize as _;

/// No smaller than a page of any system that we run on, so that nothing else is locked, or unlocked, along.
const PAGE: usize = 16 * 1024;

#[repr(C, align(16384))]
struct Page([u8; PAGE]);

/// `N` bytes on a page of their own.
pub(crate) struct Locked<const N: usize>(Box<Page>);

impl<const N: usize> Locked<N> {
    /// Zeros, to be filled in.
    pub(crate) fn new() -> Self {
        const { assert!(N <= PAGE) };
        let page = Box::new(Page([0; PAGE]));
        // Where a limit forbids it, the key is as safe as other memory.
        #[cfg(unix)]
        // SAFETY: the address and the length are of an allocation that lives until `drop`.
        let _ = unsafe { rustix::mm::mlock(page.0.as_ptr().cast_mut().cast(), PAGE) };
        Self(page)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.0[..N]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0.0[..N]
    }
}

impl<const N: usize> Drop for Locked<N> {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        #[cfg(unix)]
        // SAFETY: as in `new`; the page is not shared with anything else.
        let _ = unsafe { rustix::mm::munlock(self.0.0.as_mut_ptr().cast(), PAGE) };
    }
}

impl<const N: usize> Clone for Locked<N> {
    fn clone(&self) -> Self {
        let mut copy = Self::new();
        copy.bytes_mut().copy_from_slice(self.bytes());
        copy
    }
}

impl<const N: usize> PartialEq for Locked<N> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl<const N: usize> Eq for Locked<N> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_own_and_keeps_what_it_is_given() {
        let mut one = Locked::<48>::new();
        one.bytes_mut().fill(7);
        let two = one.clone();
        assert!(one == two && one.bytes() == [7; 48]);
        let (a, b) = (one.bytes().as_ptr().addr(), two.bytes().as_ptr().addr());
        assert!(a.is_multiple_of(PAGE) && a.abs_diff(b) >= PAGE);
        drop(one);
        assert_eq!(two.bytes(), [7; 48]);
    }

    /// The kernel says how much of each stretch of memory is locked.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_keeps_it_in_memory() {
        let locked = Locked::<48>::new();
        let at = locked.bytes().as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        let mut told = None;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let ends = range.and_then(|(from, to)| {
                Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
            });
            if let Some((from, to)) = ends {
                inside = (from..to).contains(&at);
            } else if inside && let Some(size) = line.strip_prefix("Locked:") {
                told = size.trim().strip_suffix(" kB").and_then(|size| size.parse::<usize>().ok());
            }
        }
        assert!(told.is_some_and(|kb| kb * 1024 >= PAGE), "{told:?}");
    }
}
