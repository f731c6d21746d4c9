//! What watches the kernel for the core, and what if it cannot be heard?

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use host::address::{AddressError, AddressMonitor, links, local_addresses, primary_address};
use host::netfilter::{MonitorError, NftMonitor};
use model::Family;
use reconcile::LOCAL_DNS_LINK;

use crate::event::{Event, News, OwnAddresses};

/// How long a watching thread waits before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(250);

/// So many times as long until what cannot be heard is tried again.
const PAUSES: u32 = 20;

/// Lists of addresses that the kernel interrupted are asked for again, so often.
const LISTINGS_MAX: u32 = 20;

/// Tells the core when a source falls silent, and when it is heard again.
struct Ear<'a> {
    to: News,
    core: &'a SyncSender<Event>,
    is_ending: &'a AtomicBool,
    is_deaf: bool,
}

impl Ear<'_> {
    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    fn hears(&mut self) {
        if std::mem::take(&mut self.is_deaf) {
            self.tell(Event::Deaf { to: self.to, reason: None });
        }
    }

    /// Waits until it is worth another try.
    fn is_deaf(&mut self, error: &dyn std::error::Error) {
        if !std::mem::replace(&mut self.is_deaf, true) {
            self.tell(Event::Deaf { to: self.to, reason: Some(error.to_string()) });
        }
        for _ in 0..PAUSES {
            if !self.is_ending() {
                host::clock::pause(PATIENCE);
            }
        }
    }

    /// False when the core has ended.
    fn tell(&self, event: Event) -> bool {
        self.core.send(event).is_ok()
    }
}

/// Tells the core when somebody else touches our table.
pub(super) fn watch_table(
    mut monitor: NftMonitor,
    own_port: &AtomicU32,
    core: &SyncSender<Event>,
    is_ending: &AtomicBool,
) {
    let mut ear = Ear { to: News::Table, core, is_ending, is_deaf: false };
    while !ear.is_ending() {
        let is_foreign = match monitor.recv(PATIENCE) {
            Ok(notifications) => {
                ear.hears();
                notifications.iter().any(|notification| {
                    notification.sender_port_id != own_port.load(Ordering::Relaxed)
                        && nft::wire::touches_us(notification.message_type, &notification.payload)
                })
            }
            Err(MonitorError::Overrun) => true,
            Err(error @ MonitorError::Socket(_)) => {
                ear.is_deaf(&error);
                let anew = NftMonitor::open();
                // What was said meanwhile was not heard.
                let is_heard = anew.is_ok();
                monitor = anew.unwrap_or(monitor);
                is_heard
            }
        };
        if is_foreign && !ear.tell(Event::Drift) {
            return;
        }
    }
}

/// Tells the core when the node's own addresses change.
pub(super) fn watch_addresses(
    mut monitor: AddressMonitor,
    core: &SyncSender<Event>,
    is_ending: &AtomicBool,
) {
    let mut ear = Ear { to: News::Addresses, core, is_ending, is_deaf: false };
    // A list that could not be had is asked for again, though nothing more is heard.
    let mut is_known = true;
    while !ear.is_ending() {
        match monitor.recv(PATIENCE) {
            Ok(false) if is_known => {
                ear.hears();
                continue;
            }
            Ok(_) => {}
            Err(error) => {
                ear.is_deaf(&error);
                monitor = AddressMonitor::open().unwrap_or(monitor);
            }
        }
        match own_addresses() {
            Ok(addresses) => {
                is_known = true;
                if !ear.tell(Event::Addresses(addresses)) {
                    return;
                }
            }
            Err(error) => {
                is_known = false;
                ear.is_deaf(&error);
            }
        }
    }
}

/// Every address of this network namespace. A list that the kernel interrupted, because an address
/// came or went, is asked for again.
pub(super) fn own_addresses() -> Result<OwnAddresses, AddressError> {
    let mut listed = local_addresses();
    for _ in 1..LISTINGS_MAX {
        if listed.is_ok() {
            break;
        }
        listed = local_addresses();
    }
    // The cluster DNS's address is here for the DNS alone: it is no address of the node.
    let links = links()?;
    let is_ours = |link: &u32| links.get(link).is_some_and(|name| name == LOCAL_DNS_LINK);
    let known = listed?.into_iter().filter(|known| !is_ours(&known.link));
    let all = known.map(|known| known.address.addr()).collect();
    let mut primary = Vec::new();
    for family in Family::ALL {
        primary.extend(primary_address(family)?);
    }
    Ok(OwnAddresses { all, primary })
}
