//! Bounded edit distance with swapped neighbors.

/// How many slips a word of so many letters may hold.
pub(super) fn allowed(letters: usize) -> usize {
    if letters < 9 { 1 } else { 2 }
}

/// Edits (insert, delete, replace, swap) between two words; none beyond `limit`.
pub(super) fn distance_within(a: &str, b: &str, limit: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > limit * 4 {
        return None;
    }
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        if row.iter().min().is_some_and(|least| *least > limit) {
            return None;
        }
        before = last;
        last = row;
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        assert_eq!(distance_within("okafr", "okafor", 1), Some(1));
        assert_eq!(distance_within("retreival", "retrieval", 1), Some(1));
        assert_eq!(distance_within("lindquist", "lindqvist", 2), Some(1));
        assert_eq!(distance_within("morning", "moreau", 2), None);
        assert_eq!(distance_within("", "", 0), Some(0));
    }
}
