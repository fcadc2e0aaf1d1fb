//! Where a page of a list ends, in a text that a shell gives back for the next one.

use crate::error::{LogbookError, Result};

/// Two numbers that tell the last row of a page: mostly its time and its row number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(pub(crate) i64, pub(crate) i64);

impl Cursor {
    /// After everything: where a list that begins with the newest begins.
    pub(crate) const NEWEST: Self = Self(i64::MAX, i64::MAX);

    /// Reads what a page said.
    ///
    /// # Errors
    /// `NotAPage` where no page said that.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parse = || {
            let (first, second) = text.split_once(':')?;
            let cursor = Self(first.parse().ok()?, second.parse().ok()?);
            // As it was said: numbers can be written in more ways than one.
            (cursor.1 >= 0 && cursor.text() == text).then_some(cursor)
        };
        parse().ok_or(LogbookError::NotAPage)
    }

    /// What a page says.
    pub(crate) fn text(self) -> String {
        format!("{}:{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_said_is_read_again() {
        let cursor = Cursor(-5, 42);
        assert_eq!(Cursor::parse(&cursor.text()), Ok(cursor));
        for wrong in
            ["", "5", "a:b", "5:", ":", "0:-1", "+1:2", " 1:2", "1:2:3", "1:99999999999999999999"]
        {
            assert_eq!(Cursor::parse(wrong), Err(LogbookError::NotAPage), "{wrong}");
        }
    }
}
