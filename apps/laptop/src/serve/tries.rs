//! How often a passphrase may be tried on the page: a few times at once, then more and more slowly.

use std::time::{Duration, Instant};

/// Wrong ones that cost no wait.
const FREE: u32 = 3;
/// The longest wait.
const MOST: Duration = Duration::from_mins(1);

/// Wrong passphrases in a row.
#[derive(Default)]
pub struct Tries {
    wrong: u32,
    last: Option<Instant>,
}

impl Tries {
    /// How long nobody is heard yet.
    pub fn wait(&self, now: Instant) -> Duration {
        let Some(last) = self.last.filter(|_| self.wrong >= FREE) else { return Duration::ZERO };
        let wait = Duration::from_secs(1 << (self.wrong - FREE).min(6)).min(MOST);
        (last + wait).saturating_duration_since(now)
    }

    /// One was wrong.
    pub fn wrong(&mut self, now: Instant) {
        self.wrong = self.wrong.saturating_add(1);
        self.last = Some(now);
    }

    /// One was right.
    pub fn right(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_ones_are_heard_more_and_more_slowly() {
        let (mut tries, mut now) = (Tries::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..12 {
            tries.wrong(now);
            let wait = tries.wait(now);
            waits.push(wait.as_secs());
            now += wait;
            assert!(tries.wait(now).is_zero());
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        tries.right();
        tries.wrong(now);
        assert!(tries.wait(now).is_zero());
    }
}
