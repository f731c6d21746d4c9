//! What watches the kernel for the core, and what if it cannot be heard?

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use host::address::{AddressError, links, local_addresses, primary_address};
use host::monitor::ChangeMonitor;
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
///
/// It begins to listen when the core has programmed the table for the first time. For a listener the
/// kernel writes a message about every element, which takes it longer than to take the element in.
pub(super) fn watch_table(
    is_programmed: &Receiver<()>,
    own_port: &AtomicU32,
    core: &SyncSender<Event>,
    is_ending: &AtomicBool,
) {
    if is_programmed.recv().is_err() {
        return;
    }
    let mut ear = Ear { to: News::Table, core, is_ending, is_deaf: false };
    let mut monitor = None;
    while !ear.is_ending() {
        let heard = match &mut monitor {
            Some(monitor) => listen(monitor, own_port),
            None => NftMonitor::open().map_err(MonitorError::Socket).map(|opened| {
                monitor = Some(opened);
                Some(Event::Watched)
            }),
        };
        match heard {
            Ok(event) => {
                ear.hears();
                if event.is_some_and(|event| !ear.tell(event)) {
                    return;
                }
            }
            Err(error) => {
                monitor = None;
                ear.is_deaf(&error);
            }
        }
    }
}

fn listen(monitor: &mut NftMonitor, own_port: &AtomicU32) -> Result<Option<Event>, MonitorError> {
    let notifications = match monitor.recv(PATIENCE) {
        Ok(notifications) => notifications,
        Err(MonitorError::Overrun) => return Ok(Some(Event::Drift)),
        Err(error @ MonitorError::Socket(_)) => return Err(error),
    };
    let is_foreign = notifications.iter().any(|notification| {
        notification.sender_port_id != own_port.load(Ordering::Relaxed)
            && nft::wire::touches_us(notification.message_type, &notification.payload)
    });
    Ok(is_foreign.then_some(Event::Drift))
}

/// Tells the core when the node's own addresses change.
pub(super) fn watch_addresses(
    mut monitor: ChangeMonitor,
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
                monitor = ChangeMonitor::of_addresses().unwrap_or(monitor);
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
