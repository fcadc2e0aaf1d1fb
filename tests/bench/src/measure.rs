//! Taking times on a machine that does other things too: ours and the baseline in turns, medians, and
//! the ratio of each round by itself.

use std::time::{Duration, Instant};

/// What went wrong; a measurement has nobody to explain it to but the terminal.
pub type Failure = Box<dyn std::error::Error>;
/// The outcome of a measurement.
pub type Outcome<T> = Result<T, Failure>;

/// Two things measured against each other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pair {
    /// Ours, median, in µs a call.
    pub ours_us: f64,
    /// The baseline, median, in µs a call.
    pub baseline_us: f64,
    /// Median of the rounds' own ratios.
    pub ratio: f64,
    /// Ours, the slowest of a hundred calls, in µs.
    pub p99_us: f64,
}

/// Calls in turns by blocks, `calls` of each a round; `n` counts the calls over all rounds.
pub fn in_turns(
    rounds: usize,
    calls: u64,
    block: u64,
    mut ours: impl FnMut(u64) -> Outcome<()>,
    mut baseline: impl FnMut(u64) -> Outcome<()>,
) -> Outcome<Pair> {
    let (mut our_rounds, mut baseline_rounds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut each = Vec::new();
    let mut n = 0;
    for _ in 0..rounds {
        let (mut our_time, mut baseline_time) = (Duration::ZERO, Duration::ZERO);
        let mut done = 0;
        while done < calls {
            let size = block.min(calls - done);
            for call in n..n + size {
                let time = timed(|| ours(call))?;
                each.push(micros(time));
                our_time += time;
            }
            let begun = Instant::now();
            for call in n..n + size {
                baseline(call)?;
            }
            baseline_time += begun.elapsed();
            n += size;
            done += size;
        }
        let calls = count(calls);
        our_rounds.push(micros(our_time) / calls);
        baseline_rounds.push(micros(baseline_time) / calls);
        ratios.push(our_time.as_secs_f64() / baseline_time.as_secs_f64());
    }
    Ok(Pair {
        ours_us: median(&mut our_rounds),
        baseline_us: median(&mut baseline_rounds),
        ratio: median(&mut ratios),
        p99_us: percentile(&mut each, 99),
    })
}

/// How long `work` took.
pub fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<Duration> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed())
}

/// Microseconds.
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A count as a divisor.
pub fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The middle one; of an even number the higher of the two.
pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 50)
}

/// The value that `percent` of all lie below.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(0.0)
}

/// Bytes that this process has handed to the system to write so far; 0 where the system does not say.
pub fn bytes_written() -> u64 {
    let said = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = said.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        let mut hundred: Vec<f64> = (0..100).map(f64::from).collect();
        assert!((percentile(&mut hundred, 99) - 99.0).abs() < 1e-9);
        assert!(percentile(&mut [], 50).abs() < 1e-9);
    }

    #[test]
    fn every_call_is_made_once_in_order() {
        let (mut ours, mut baseline) = (Vec::new(), Vec::new());
        let pair = in_turns(
            2,
            5,
            2,
            |n| {
                ours.push(n);
                Ok(())
            },
            |n| {
                baseline.push(n);
                Ok(())
            },
        );
        assert!(pair.is_ok());
        assert_eq!(ours, (0..10).collect::<Vec<_>>());
        assert_eq!(ours, baseline);
    }
}
