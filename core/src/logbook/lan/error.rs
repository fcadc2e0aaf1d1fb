//! Why sync did not do what it was asked to.

use crate::content::Wording;
use crate::error::LogbookError;
use crate::link::LinkError;
use crate::link::bundle::BundleError;
use crate::sync::CodeError;

/// One of the four things that sync stands on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Error))]
pub enum SyncError {
    /// The book.
    #[error("the book: {error}")]
    Book {
        /// What it says.
        error: LogbookError,
    },
    /// The network.
    #[error("the network: {error}")]
    Link {
        /// What it says.
        error: LinkError,
    },
    /// A code that was scanned or typed.
    #[error("the code: {error}")]
    Code {
        /// What is wrong with it.
        error: CodeError,
    },
    /// A bundle file.
    #[error("the bundle: {error}")]
    Bundle {
        /// What is wrong with it.
        error: BundleError,
    },
}

impl SyncError {
    /// What is said to the user.
    pub fn wording(&self) -> Wording {
        match self {
            Self::Book { error } => error.wording(),
            Self::Link { error } => error.wording(),
            Self::Code { error } => error.wording(),
            Self::Bundle { error } => error.wording(),
        }
    }
}

macro_rules! from {
    ($($error:ident as $variant:ident),+) => {$(
        impl From<$error> for SyncError {
            fn from(error: $error) -> Self {
                Self::$variant { error }
            }
        }
    )+};
}

from!(LogbookError as Book, LinkError as Link, CodeError as Code, BundleError as Bundle);

/// The result of most calls.
pub type SyncResult<T> = std::result::Result<T, SyncError>;
