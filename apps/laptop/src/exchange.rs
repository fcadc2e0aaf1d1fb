//! Sync of the user's own book for as long as the program runs.
//!
//! A log that is paired with nothing is silent: it neither listens nor looks around before the first
//! window is opened or the first code typed.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use seldinger_core::error::LogbookError;
use seldinger_core::ids::SystemIds;
use seldinger_core::link::discovery::{Announced, Discovery, DiscoveryError};
use seldinger_core::logbook::Logbook;
use seldinger_core::logbook::lan::{
    PairingView, SyncObserver, SyncResult, SyncService, WindowView,
};
use seldinger_core::time::Moment;

use crate::data_dir::{Places, write_private};
use crate::discovery::LocalNetwork;

/// Every interface: which of them a phone can reach, only the phone knows.
const EVERYWHERE: &str = "0.0.0.0";

/// The user's own book on the network.
pub struct Exchange {
    service: SyncService,
    network: Arc<Network>,
    book: Arc<Logbook>,
    port_note: PathBuf,
    /// Held while it is decided whether to listen.
    deciding: Mutex<()>,
}

/// The local network, begun by the first who looks; nothing where the system has no multicast.
#[derive(Default)]
struct Network(OnceLock<Option<LocalNetwork>>);

impl Network {
    fn begun(&self) -> Option<&LocalNetwork> {
        self.0.get_or_init(|| LocalNetwork::begin().ok()).as_ref()
    }
}

impl Discovery for Network {
    fn around(&self) -> Result<Vec<Announced>, DiscoveryError> {
        self.begun().ok_or(DiscoveryError::Unavailable)?.around()
    }
}

impl Exchange {
    /// Begins for a book; `name` is what this laptop is called on other devices.
    pub fn begin(
        book: Arc<Logbook>,
        places: &Places,
        name: &str,
        observer: Option<Arc<dyn SyncObserver>>,
    ) -> SyncResult<Self> {
        let network = Arc::<Network>::default();
        let service = SyncService::begin(book.clone(), name, Some(network.clone()), observer)?;
        let (port_note, deciding) = (places.sync_port(), Mutex::default());
        Ok(Self { service, network, book, port_note, deciding })
    }

    /// Status, codes, digits.
    pub fn service(&self) -> &SyncService {
        &self.service
    }

    /// Now, by the book's clock.
    pub fn now(&self) -> Moment {
        self.book.now()
    }

    /// Whether anybody else is announced.
    pub fn sees_anyone(&self) -> bool {
        self.network.around().is_ok_and(|around| !around.is_empty())
    }

    /// Opens a window for another device.
    pub fn invite(&self) -> SyncResult<WindowView> {
        let _one = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let port = self.listen()?;
        let window = self.service.open_window(&addresses(port))?;
        // A device that was revoked has made new keys for it.
        self.announce(port);
        Ok(window)
    }

    /// Listens from the first pairing on, or while a window is open, and not otherwise.
    pub fn tend(&self) -> SyncResult<()> {
        let _one = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let invites = self
            .service
            .window()
            .is_some_and(|window| matches!(window.state, PairingView::Open | PairingView::Digits));
        if invites || self.is_paired()? {
            let port = self.listen()?;
            self.announce(port);
        } else if self.service.port().is_some() {
            self.service.stop_listening();
            if let Some(network) = self.network.begun() {
                network.fall_silent();
            }
        }
        Ok(())
    }

    /// Whether there is anyone to talk to.
    pub fn is_paired(&self) -> Result<bool, LogbookError> {
        Ok(self.book.peers()?.iter().any(|peer| !peer.is_revoked))
    }

    /// At the port where other devices found this one last, so that they find it again.
    fn listen(&self) -> SyncResult<u16> {
        if let Some(port) = self.service.port() {
            return Ok(port);
        }
        let remembered = fs::read_to_string(&self.port_note).ok();
        let remembered = remembered.and_then(|text| text.trim().parse::<u16>().ok());
        let at = |port: u16| self.service.listen(&format!("{EVERYWHERE}:{port}"));
        let port = remembered.and_then(|port| at(port).ok()).map_or_else(|| at(0), Ok)?;
        // Not remembered, it is another one next time, and the others look around for it.
        let _ = write_private(&self.port_note, port.to_string().as_bytes());
        Ok(port)
    }

    /// Says where it listens. Where that does not work, the next round tries again.
    fn announce(&self, port: u16) {
        if let Some(network) = self.network.begun() {
            let _ = network.announce(&self.service.fingerprint(), port, &SystemIds);
        }
    }
}

/// What this laptop is called where nobody chose a name.
pub fn host_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// Where this laptop can be reached on its networks; without any, from itself.
pub fn addresses(port: u16) -> Vec<String> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut found: Vec<String> = interfaces
        .into_iter()
        .filter_map(|interface| match interface.ip() {
            IpAddr::V4(ip) if !ip.is_loopback() && !ip.is_link_local() => Some(ip),
            _ => None,
        })
        .map(|ip| format!("{ip}:{port}"))
        .collect();
    if found.is_empty() {
        found.push(format!("127.0.0.1:{port}"));
    }
    found
}
