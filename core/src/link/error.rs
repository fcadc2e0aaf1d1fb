//! What can go wrong between two sockets.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, Error as TlsError};

/// Why a link is not there, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
pub enum LinkError {
    /// Not a `host:port`.
    #[error("not an address")]
    NotAnAddress,
    /// Nobody answers there.
    #[error("nobody answers")]
    Unreachable,
    /// The other side stopped reading or answering.
    #[error("the other side stalls")]
    Stalled,
    /// What answers there speaks something else, or a version of it that this one does not.
    #[error("another protocol")]
    OtherProtocol,
    /// Another device answers than the one that was expected, or one that is not trusted.
    #[error("another device")]
    OtherDevice,
    /// The other side does not trust this device: not paired there, or revoked.
    #[error("refused by the other side")]
    Refused,
    /// The other side said, once both had agreed, that this device's key is revoked there.
    #[error("revoked by the other side")]
    Revoked,
    /// The other side said good-bye.
    #[error("ended by the other side")]
    Ended,
    /// The connection broke.
    #[error("the connection broke")]
    Lost,
    /// This side cut it, or stopped.
    #[error("cut")]
    Cut,
    /// What arrived is not what was sent.
    #[error("damaged")]
    Damaged,
    /// A frame is larger than any may be; nothing was kept for it.
    #[error("a frame of {bytes} bytes")]
    TooLong {
        /// What was announced.
        bytes: u64,
    },
    /// The address to listen at is taken or not this device's.
    #[error("cannot listen there")]
    CannotListen,
    /// The device's stored keys cannot be used.
    #[error("the device's keys are damaged")]
    BadIdentity,
}

impl LinkError {
    /// Of TLS. What it means depends on whether the two had agreed already.
    pub(super) fn of_tls(error: &TlsError, agreed: bool) -> Self {
        use AlertDescription as Alert;
        match error {
            // Before that anybody on the network may have said so.
            TlsError::AlertReceived(Alert::CertificateRevoked) if agreed => Self::Revoked,
            TlsError::AlertReceived(
                Alert::AccessDenied
                | Alert::BadCertificate
                | Alert::CertificateRequired
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::DecryptError
                | Alert::UnknownCA
                | Alert::UnsupportedCertificate,
            ) => Self::Refused,
            TlsError::InvalidCertificate(_) | TlsError::NoCertificatesPresented => {
                Self::OtherDevice
            }
            _ if agreed => Self::Damaged,
            _ => Self::OtherProtocol,
        }
    }

    /// Of a socket that was connected.
    pub(super) fn of_socket(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::Stalled,
            _ => Self::Lost,
        }
    }
}
