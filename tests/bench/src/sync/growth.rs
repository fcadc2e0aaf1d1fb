//! One edited record, in books of rising size.

use std::sync::Arc;

use serde_json::json;

use super::Device;
use super::talk::meet;
use crate::measure::{Outcome, Pair, median, micros, timed};
use crate::sample::Sample;
use crate::table::Row;

/// A session for one edit at each size, in memory, against the smallest book. The sizes take turns: what
/// the disk does meanwhile happens to all of them.
pub fn growth(sample: &Sample, grow: bool) -> Outcome<Vec<Row>> {
    const EDITS: u64 = 41;
    let sizes: &[u64] = if grow { &[1_000, 10_000, 100_000] } else { &[1_000, 10_000] };
    eprintln!("growing books to exchange");
    let pairs: Vec<_> =
        sizes.iter().map(|size| Pairing::new(sample, *size)).collect::<Outcome<_>>()?;
    let mut times = vec![Vec::new(); pairs.len()];
    for n in 0..EDITS {
        for (pair, times) in pairs.iter().zip(&mut times) {
            pair.edit(n)?;
            times.push(micros(timed(|| meet(&pair.phone, &pair.laptop).map(drop))?));
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let row = |(size, time): (&u64, &f64)| {
        let (ours_us, baseline_us) = (*time, medians[0]);
        let pair = Pair { ours_us, baseline_us, ratio: ours_us / baseline_us, ..Pair::default() };
        Row::times(&format!("sync one edit of {size} records"), pair, Some(1.5))
            .remark("both sides, without TLS; baseline: itself at 1000")
    };
    Ok(sizes.iter().zip(&medians).map(row).collect())
}

struct Pairing {
    phone: Arc<Device>,
    laptop: Arc<Device>,
    id: seldinger_core::ids::RecordId,
}

impl Pairing {
    fn new(sample: &Sample, size: u64) -> Outcome<Self> {
        let [phone, laptop] = [Device::with_cases(sample, size - 1)?, Device::empty()?];
        let id = phone.bench.book.create_case(sample.case(size))?.id;
        phone.pair(&laptop)?;
        meet(&phone, &laptop)?;
        Ok(Self { phone, laptop, id })
    }

    fn edit(&self, n: u64) -> Outcome<()> {
        let patch = vec![("fluoro_min".to_owned(), Some(json!(n)))];
        self.phone.bench.book.transact(|tx| tx.edit(self.id, patch, None))?;
        Ok(())
    }
}
