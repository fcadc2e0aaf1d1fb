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
    /// `UnknownDefinition` where no page said that.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parse = || {
            let (first, second) = text.split_once(':')?;
            Some(Self(first.parse().ok()?, second.parse::<i64>().ok()?.max(0)))
        };
        parse().ok_or(LogbookError::UnknownDefinition)
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
        for wrong in ["", "5", "a:b", "5:", ":"] {
            assert_eq!(Cursor::parse(wrong), Err(LogbookError::UnknownDefinition));
        }
        assert_eq!(Cursor::parse("0:-1"), Ok(Cursor(0, 0)));
    }
}
