//! TLS 1.3 between two devices that know each other's keys.
//!
//! Both sides show a certificate and prove that they have its key; who signed it, what it is called and
//! when it is valid say nothing here and are not looked at. A key is accepted or it is not.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Connection, DigitallySignedStruct,
    DistinguishedName, Error as TlsError, ServerConfig, ServerConnection, SignatureScheme,
};

use super::LinkError;
use super::identity::{DeviceIdentity, fingerprint_of};
use crate::sync::Fingerprint;

/// What both sides must speak.
const PROTOCOL: &[u8] = b"seldinger/1";
const EXPORTER: &[u8] = b"EXPORTER-seldinger-channel-1";

/// Who may connect. Asked in the midst of each handshake, from its thread.
pub trait Trust: Send + Sync {
    /// Whether `peer` is paired and not revoked, or a pairing window is open.
    fn accepts(&self, peer: &Fingerprint) -> bool;

    /// Whether one that is not accepted is to hear that its key was revoked.
    fn is_revoked(&self, peer: &Fingerprint) -> bool {
        let _ = peer;
        false
    }

    /// Whether one that is accepted is a paired device, which comes before all others.
    fn is_paired(&self, peer: &Fingerprint) -> bool {
        self.accepts(peer)
    }
}

impl<F: Fn(&Fingerprint) -> bool + Send + Sync> Trust for F {
    fn accepts(&self, peer: &Fingerprint) -> bool {
        self(peer)
    }
}

/// Whom a connection is meant to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// This device and no other.
    Device(Fingerprint),
    /// Whoever is there: only to pair by a typed code, where the proof tells who it is.
    Anyone,
}

impl Trust for Pin {
    fn accepts(&self, peer: &Fingerprint) -> bool {
        match self {
            Self::Device(pinned) => pinned == peer,
            Self::Anyone => true,
        }
    }
}

/// One end of a session, and under which key of ours.
pub(super) struct End {
    pub(super) session: Connection,
    pub(super) own: Fingerprint,
}

/// The calling side's end of a session.
pub(super) fn calling(me: &DeviceIdentity, pin: Pin) -> Result<End, LinkError> {
    let verifier = Arc::new(Verifier::new(Arc::new(pin)));
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(vec![me.certificate()], me.private_key());
    let mut config = config.map_err(unusable)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    // An address as the name: then none is sent.
    config.enable_sni = false;
    let nobody = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0; 4])));
    let session = ClientConnection::new(Arc::new(config), nobody).map_err(unusable)?.into();
    Ok(End { session, own: me.fingerprint() })
}

/// What the answering side's sessions are made from.
#[derive(Clone)]
pub(super) struct Answering {
    config: Arc<ServerConfig>,
    own: Fingerprint,
}

/// Answers under these keys whoever is trusted.
pub(super) fn answering(
    me: &DeviceIdentity,
    trust: Arc<dyn Trust>,
) -> Result<Answering, LinkError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_client_cert_verifier(Arc::new(Verifier::new(trust)))
        .with_single_cert(vec![me.certificate()], me.private_key());
    let mut config = config.map_err(unusable)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Answering { config: Arc::new(config), own: me.fingerprint() })
}

/// The answering side's end of a session.
pub(super) fn answer(answering: &Answering) -> Result<End, LinkError> {
    let session = ServerConnection::new(Arc::clone(&answering.config)).map_err(unusable)?.into();
    Ok(End { session, own: answering.own })
}

/// Who is at the other end, and what only the two ends of this session know.
pub(super) fn agreed(session: &Connection) -> Result<(Fingerprint, [u8; 32]), LinkError> {
    if session.alpn_protocol() != Some(PROTOCOL) {
        return Err(LinkError::OtherProtocol);
    }
    let certificate = session.peer_certificates().and_then(|all| all.first());
    let peer = certificate.and_then(|certificate| holder(certificate).ok());
    let peer = peer.ok_or(LinkError::OtherDevice)?;
    let exporter = session.export_keying_material([0; 32], EXPORTER, None);
    Ok((peer, exporter.map_err(|_| LinkError::OtherProtocol)?))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[allow(clippy::needless_pass_by_value)]
fn unusable(_: TlsError) -> LinkError {
    LinkError::BadIdentity
}

fn holder(certificate: &CertificateDer<'_>) -> Result<Fingerprint, TlsError> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(fingerprint_of(&parsed.subject_public_key_info()))
}

/// Accepts keys, and checks that the other side has them.
struct Verifier {
    trust: Arc<dyn Trust>,
    algorithms: WebPkiSupportedAlgorithms,
}
quiet_debug!(Verifier);

impl Verifier {
    fn new(trust: Arc<dyn Trust>) -> Self {
        Self { trust, algorithms: provider().signature_verification_algorithms }
    }

    fn accepts(&self, certificate: &CertificateDer<'_>) -> Result<(), TlsError> {
        let peer = holder(certificate)?;
        if self.trust.accepts(&peer) {
            return Ok(());
        }
        Err(TlsError::InvalidCertificate(if self.trust.is_revoked(&peer) {
            CertificateError::Revoked
        } else {
            CertificateError::ApplicationVerificationFailure
        }))
    }

    fn signed(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }
}

/// Nothing older than TLS 1.3 is built in.
fn too_old() -> TlsError {
    TlsError::InvalidCertificate(CertificateError::BadSignature)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        self.accepts(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(too_old())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.signed(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        self.accepts(certificate).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(too_old())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.signed(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}
