//! Which health check node ports are open, and which should be?

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use model::{Family, Object, Rejection, ServiceName};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::event::Event;
use crate::published::Published;
use crate::site::{Site, View};
use serve::{Listener, Stop, listen, serve, stopped};

/// How long until a port that could not be opened, or a report that found no room, is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps one server for each address and health check port that the published value asks for.
pub(crate) struct HealthCheckPorts {
    view: View,
    core: SyncSender<Event>,
    open: BTreeMap<SocketAddr, Open>,
    /// What is wrong with an address, for each Service that asks for it.
    failed: BTreeMap<(SocketAddr, ServiceName), Rejection>,
    /// What the core was told last.
    reported: Vec<Rejection>,
}

struct Open {
    service: ServiceName,
    /// Dropping it ends the server.
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl HealthCheckPorts {
    pub(crate) fn new(view: View, core: SyncSender<Event>) -> Self {
        Self { view, core, open: BTreeMap::new(), failed: BTreeMap::new(), reported: Vec::new() }
    }

    /// Follows what is published, until the end.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        let mut last: Option<Arc<Published>> = None;
        loop {
            let published = Arc::clone(&self.view.published.borrow_and_update());
            let is_same = last.as_ref().is_some_and(|last| asks_the_same(last, &published));
            if !is_same || !self.failed.is_empty() {
                self.adjust(&wanted(&published)).await;
            }
            last = Some(published);
            let is_reported = self.report();
            let is_done = self.failed.is_empty() && is_reported;
            tokio::select! {
                () = stopped(&mut stop) => break,
                changed = self.view.published.changed() => if changed.is_err() { break },
                () = sleep(RETRY), if !is_done => {}
            }
        }
        self.adjust(&BTreeMap::new()).await;
    }

    async fn adjust(&mut self, wanted: &BTreeMap<SocketAddr, Wanted>) {
        let unwanted: Vec<SocketAddr> = self
            .open
            .iter()
            .filter(|(address, open)| {
                wanted.get(address).is_none_or(|wanted| wanted.service != open.service)
            })
            .map(|(address, _)| *address)
            .collect();
        for address in unwanted {
            if let Some(open) = self.open.remove(&address) {
                close(address, open).await;
            }
        }
        self.failed.clear();
        for (address, wanted) in wanted {
            if !self.open.contains_key(address) {
                self.start(*address, &wanted.service);
            }
            for other in &wanted.losers {
                let reason = format!(
                    "{} is already the health check port of Service {}; \
                     give one of the two another port",
                    address.port(),
                    wanted.service
                );
                self.failed.insert((*address, other.clone()), rejection(other, reason));
            }
        }
    }

    fn start(&mut self, address: SocketAddr, service: &ServiceName) {
        match listen(address) {
            Ok(listener) => {
                let (view, family) = (self.view.clone(), Family::of(address.ip()));
                let site = Arc::new(Site::ServiceHealth(view, service.clone(), family));
                let (stop, stop_server) = watch::channel(false);
                let server = tokio::spawn(serve(Listener::Tcp(listener), site, stop_server));
                tracing::debug!(%service, %address, "health check port opened");
                self.open.insert(address, Open { service: service.clone(), stop, server });
            }
            Err(error) => {
                let reason = format!("cannot listen on {address}: {error}; it is tried again");
                self.failed.insert((address, service.clone()), rejection(service, reason));
            }
        }
    }

    /// Tells the core what has failed, if that is news. False when the core has no room for it now.
    fn report(&mut self) -> bool {
        let failed: Vec<Rejection> = self.failed.values().cloned().collect();
        if failed == self.reported {
            return true;
        }
        for rejection in failed.iter().filter(|rejection| !self.reported.contains(rejection)) {
            tracing::warn!(%rejection, "a health check port cannot be opened");
        }
        let is_told = self.core.try_send(Event::HealthCheckPorts(failed.clone())).is_ok();
        if is_told {
            self.reported = failed;
        }
        is_told
    }
}

/// Waits until the port is free; conversations that are under way end by themselves.
async fn close(address: SocketAddr, open: Open) {
    drop(open.stop);
    if let Err(error) = open.server.await {
        tracing::error!(%address, %error, "a health check server broke");
    }
}

struct Wanted {
    service: ServiceName,
    /// Other Services that ask for the same port.
    losers: Vec<ServiceName>,
}

/// The first Service by name has a port that several ask for.
fn wanted(published: &Published) -> BTreeMap<SocketAddr, Wanted> {
    let mut wanted: BTreeMap<SocketAddr, Wanted> = BTreeMap::new();
    for (service, check) in published.health_checks.iter() {
        let addresses = published.node.node.node_port_addresses.iter();
        for ip in addresses.filter(|ip| check.local_endpoints.get(Family::of(**ip)).is_some()) {
            wanted
                .entry(SocketAddr::new(*ip, check.port.get()))
                .and_modify(|known| known.losers.push(service.clone()))
                .or_insert_with(|| Wanted { service: service.clone(), losers: Vec::new() });
        }
    }
    wanted
}

/// Most changes touch no health check port: then there is nothing to compare.
fn asks_the_same(last: &Published, published: &Published) -> bool {
    last.health_checks.is_same(&published.health_checks)
        && last.node.node.node_port_addresses == published.node.node.node_port_addresses
}

fn rejection(service: &ServiceName, reason: String) -> Rejection {
    Rejection::new(Object::Service(service.clone()), "spec.healthCheckNodePort", reason)
}
