//! When to call again: after one second, then twice as long each time, five minutes at most; at once
//! when something changed. A part of each pause is left to chance, so that two devices that failed
//! together do not fail together again.

use super::session::Ms;

const FIRST: Ms = 1_000;
const LONGEST: Ms = 5 * 60_000;

/// Pauses between tries.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failed: u32,
}

impl Backoff {
    /// A try failed; how long to wait. `chance` is any random number.
    pub fn failed(&mut self, chance: u64) -> Ms {
        let pause = FIRST.checked_shl(self.failed).unwrap_or(LONGEST).min(LONGEST);
        self.failed = (self.failed + 1).min(20);
        pause / 2 + chance % (pause / 2 + 1)
    }

    /// A try worked, or the network changed.
    pub fn reset(&mut self) {
        self.failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_begin_anew() {
        let mut backoff = Backoff::default();
        let longest: Vec<Ms> = (0..11).map(|_| backoff.failed(u64::MAX)).collect();
        assert!(longest.iter().all(|pause| *pause <= LONGEST));
        for n in 0..30 {
            let pause = Backoff { failed: n }.failed(0);
            assert!((FIRST / 2..=LONGEST).contains(&pause), "{pause}");
        }
        assert_eq!(backoff.failed(0), LONGEST / 2);
        backoff.reset();
        assert_eq!((backoff.failed(0), backoff.failed(0)), (FIRST / 2, FIRST));
    }
}
