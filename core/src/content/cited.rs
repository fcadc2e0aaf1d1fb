//! `SOURCES.md`: what the ids mean that content names as its sources.

const SOURCES: &str = include_str!("../../content/SOURCES.md");

/// What a source id stands for: title, edition, date, and how well confirmed.
pub fn citation(id: &str) -> Option<&'static str> {
    sources().find(|(known, _)| *known == id).map(|(_, citation)| citation)
}

/// Id and citation of every source.
pub fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCES.split("\n## ").skip(1).filter_map(|block| {
        let (id, citation) = block.split_once('\n')?;
        Some((id.trim(), citation.trim()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_source_is_listed_once_and_says_how_well_it_is_confirmed() {
        let mut ids = BTreeSet::new();
        for (id, citation) in sources() {
            assert!(ids.insert(id), "{id} is listed twice");
            assert!(!citation.is_empty() && !citation.contains('\n'), "{id} is not one paragraph");
        }
        assert!(citation("sir-2019").unwrap().contains("2019;30:1168"));
        assert_eq!(citation("none"), None);
    }
}
