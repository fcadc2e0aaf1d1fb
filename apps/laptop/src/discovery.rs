//! Announces this laptop on the local network and sees who else is announced there.
//!
//! The name is random and changes with every start, as does the hint; addresses come from the system's
//! interfaces and follow their changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use mdns_sd::{ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use seldinger_core::ids::Ids;
use seldinger_core::link::discovery::{Announced, Discovery, DiscoveryError, HINT, SERVICE, hint};
use seldinger_core::sync::Fingerprint;

/// Who is announced, by the full name of the announcement.
type Around = Arc<Mutex<HashMap<String, Announced>>>;

/// This laptop's own announcement.
struct Own {
    full_name: String,
    me: Fingerprint,
    port: u16,
}

/// This laptop's ear and voice on the local network, until dropped.
pub struct LocalNetwork {
    daemon: ServiceDaemon,
    around: Around,
    listening: Option<JoinHandle<()>>,
    /// How this laptop is announced.
    announced: Mutex<Option<Own>>,
}

impl LocalNetwork {
    /// Begins to look around.
    ///
    /// # Errors
    /// `Unavailable` where the system gives no multicast socket.
    pub fn begin() -> Result<Self, DiscoveryError> {
        let unavailable = |_| DiscoveryError::Unavailable;
        let daemon = ServiceDaemon::new().map_err(unavailable)?;
        let events = daemon.browse(&service()).map_err(unavailable)?;
        let around = Around::default();
        let seen = Arc::clone(&around);
        // Ends with the daemon, which then drops the other end.
        let listening = thread::Builder::new().name("seldinger-discovery".to_owned());
        let listening = listening.spawn(move || {
            while let Ok(event) = events.recv() {
                take(&seen, event);
            }
        });
        let listening = listening.map_err(|_| DiscoveryError::Unavailable)?;
        Ok(Self { daemon, around, listening: Some(listening), announced: Mutex::default() })
    }

    /// Announces that `me` listens at `port`, in place of what was announced before; nothing is done
    /// where just that was.
    ///
    /// # Errors
    /// `Unavailable`.
    pub fn announce(
        &self,
        me: &Fingerprint,
        port: u16,
        ids: &dyn Ids,
    ) -> Result<(), DiscoveryError> {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        if announced.as_ref().is_some_and(|own| (own.me, own.port) == (*me, port)) {
            return Ok(());
        }
        self.take_back(&mut announced);
        let mut name = [0; 8];
        ids.fill(&mut name);
        let name = format!("{:016x}", u64::from_be_bytes(name));
        let (host, text) = (format!("{name}.local."), [(HINT, hint(me, ids))]);
        let info = ServiceInfo::new(&service(), &name, &host, (), port, &text[..]);
        let info = info.map_err(|_| DiscoveryError::Unavailable)?.enable_addr_auto();
        let full_name = info.get_fullname().to_owned();
        self.daemon.register(info).map_err(|_| DiscoveryError::Unavailable)?;
        *announced = Some(Own { full_name, me: *me, port });
        Ok(())
    }

    /// Takes the announcement back.
    pub fn fall_silent(&self) {
        self.take_back(&mut self.announced.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take_back(&self, announced: &mut Option<Own>) {
        if let Some(own) = announced.take() {
            // Where the daemon is gone, so is the announcement.
            let _ = self.daemon.unregister(&own.full_name);
        }
    }
}

impl Discovery for LocalNetwork {
    fn around(&self) -> Result<Vec<Announced>, DiscoveryError> {
        Ok(self.around.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect())
    }
}

impl Drop for LocalNetwork {
    fn drop(&mut self) {
        // Says good-bye to the network on its way.
        if let Ok(gone) = self.daemon.shutdown() {
            let _ = gone.recv();
            if let Some(listening) = self.listening.take() {
                let _ = listening.join();
            }
        }
    }
}

fn service() -> String {
    format!("{SERVICE}.local.")
}

fn take(around: &Around, event: ServiceEvent) {
    let mut around = around.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        ServiceEvent::ServiceResolved(service) => {
            if let Some(announced) = announced(&service) {
                around.insert(service.fullname.clone(), announced);
            }
        }
        ServiceEvent::ServiceRemoved(_, name) => drop(around.remove(&name)),
        _ => {}
    }
}

fn announced(service: &ResolvedService) -> Option<Announced> {
    let hint = service.get_property_val_str(HINT)?.to_owned();
    let mut addresses: Vec<&ScopedIp> = service.addresses.iter().collect();
    // The plain ones first; an IPv6 address that is only good on one interface carries its name.
    addresses.sort_by_key(|ip| (ip.is_ipv6(), ip.to_string()));
    let addresses = addresses.into_iter().map(|ip| match ip {
        ScopedIp::V6(_) => format!("[{ip}]:{}", service.port),
        _ => format!("{ip}:{}", service.port),
    });
    Some(Announced { hint, addresses: addresses.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use seldinger_core::ids::SystemIds;
    use seldinger_core::link::discovery::addresses_of;
    use std::time::{Duration, Instant};

    /// Where a machine has no multicast at all, this shows nothing and says so.
    #[test]
    #[allow(clippy::print_stdout)]
    fn two_on_one_network_find_each_other_by_the_fingerprint() {
        let (Ok(one), Ok(other)) = (LocalNetwork::begin(), LocalNetwork::begin()) else {
            return println!("SKIPPED: no multicast here");
        };
        let me = Fingerprint([1; 32]);
        let own_name = || one.announced.lock().unwrap().as_ref().map(|own| own.full_name.clone());
        one.announce(&me, 47_110, &SystemIds).unwrap();
        let first = own_name();
        one.announce(&me, 47_110, &SystemIds).unwrap();
        assert_eq!(own_name(), first, "it is announced already");
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let around = other.around().unwrap();
            let found = addresses_of(&me, &around);
            if !found.is_empty() {
                assert!(found.iter().all(|address| address.ends_with(":47110")), "{found:?}");
                assert!(addresses_of(&Fingerprint([2; 32]), &around).is_empty());
                return;
            }
            if Instant::now() > until {
                return println!("SKIPPED: multicast does not come back here");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
