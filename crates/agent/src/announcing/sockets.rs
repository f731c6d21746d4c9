//! Which sockets does the announcement need, and what comes from them?

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use announce::{Announcer, HELLO_BYTES_MAX, Link, View};
use host::adjacency::{Adjacency, adjacencies};
use host::bind::BindOptions;
use host::datagram::{BATCH_MAX, Batch, Ends, UdpSocket};
use host::groups::Groups;
use host::monitor::ChangeMonitor;
use host::segment::{FRAME_MAX, Segment};
use model::Family;

/// So many frames of one link are read before the others have their turn.
const FRAMES_MAX: usize = 256;

/// So many batches of hellos likewise.
const BATCHES_MAX: usize = 16;

#[derive(Debug)]
pub(super) struct Sockets {
    port: u16,
    hellos: BTreeMap<Family, UdpSocket>,
    batch: Batch,
    segments: BTreeMap<u32, Segment>,
    groups: Groups,
    monitor: Option<ChangeMonitor>,
    links: Vec<Link>,
    /// Where this node's hellos come from.
    own: Vec<IpAddr>,
    problems: BTreeMap<String, String>,
}

impl Sockets {
    pub(super) fn new(port: u16) -> Self {
        let mut sockets = Self {
            port,
            hellos: BTreeMap::new(),
            batch: Batch::new(BATCH_MAX, HELLO_BYTES_MAX, 0),
            segments: BTreeMap::new(),
            groups: Groups::default(),
            monitor: None,
            links: Vec::new(),
            own: Vec::new(),
            problems: BTreeMap::new(),
        };
        sockets.reopen();
        sockets
    }

    /// Opens what is not open.
    pub(super) fn reopen(&mut self) {
        for family in Family::ALL {
            if self.hellos.contains_key(&family) {
                continue;
            }
            let any: IpAddr = match family {
                Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
                Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
            };
            let opened = UdpSocket::bind(&BindOptions::at(SocketAddr::new(any, self.port)));
            if let Some(socket) = self.noted(&format!("hellos over {family}"), opened) {
                self.hellos.insert(family, socket);
            }
        }
        if self.monitor.is_none() {
            let opened = ChangeMonitor::of_adjacencies();
            self.monitor = self.noted("changes of links", opened);
        }
    }

    /// Keeps why something does not work, until it does.
    fn noted<T, E: std::fmt::Display>(&mut self, what: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                if self.problems.remove(what).is_some() {
                    tracing::info!(what, "announcing works again");
                }
                Some(value)
            }
            Err(error) => {
                let error = error.to_string();
                if self.problems.get(what) != Some(&error) {
                    tracing::warn!(what, error, "announcing is impaired, trying again");
                }
                self.problems.insert(what.to_owned(), error);
                None
            }
        }
    }

    pub(super) const fn problems(&self) -> &BTreeMap<String, String> {
        &self.problems
    }

    /// Everything that can wake the thread.
    pub(super) fn sources(&self) -> Vec<BorrowedFd<'_>> {
        let monitor = self.monitor.iter().map(AsFd::as_fd);
        let hellos = self.hellos.values().map(AsFd::as_fd);
        let segments = self.segments.values().map(AsFd::as_fd);
        monitor.chain(hellos).chain(segments).collect()
    }

    /// Whether links, addresses or routes may have changed.
    pub(super) fn hear_changes(&mut self) -> bool {
        let Some(monitor) = &mut self.monitor else { return false };
        match monitor.recv(Duration::ZERO) {
            Ok(is_changed) => is_changed,
            Err(error) => {
                self.monitor = None;
                let _noted = self.noted::<(), _>("changes of links", Err(error));
                true
            }
        }
    }

    /// Reads which links there are. What cannot be read stays as it was.
    pub(super) fn look(&mut self) -> Option<Vec<Link>> {
        let found = adjacencies();
        let links: Vec<Link> = self.noted("links", found)?.into_iter().map(link).collect();
        self.links.clone_from(&links);
        Some(links)
    }

    /// Listens on the links that an address of the view belongs to, and on no others.
    pub(super) fn listen(&mut self, view: &View, own: &[IpAddr]) {
        self.own = own.to_vec();
        let is_needed = |link: &&Link| view.vips.keys().any(|address| link.covers(*address));
        let needed: BTreeSet<u32> =
            self.links.iter().filter(is_needed).map(|link| link.index).collect();
        self.segments.retain(|index, _| needed.contains(index));
        for index in needed {
            if !self.segments.contains_key(&index) {
                let name = self.name(index);
                let opened = Segment::open(index);
                if let Some(segment) = self.noted(&format!("frames of {name}"), opened) {
                    self.groups.forget(index);
                    self.segments.insert(index, segment);
                }
            }
        }
    }

    fn name(&self, index: u32) -> String {
        let link = self.links.iter().find(|link| link.index == index);
        link.map_or_else(|| index.to_string(), |link| link.name.to_string())
    }

    /// Gives what has come to the state machine.
    pub(super) fn hear(&mut self, announcer: &mut Announcer, now: impl Fn() -> Duration) {
        for socket in self.hellos.values() {
            for _ in 0..BATCHES_MAX {
                match self.batch.receive(socket) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "cannot receive hellos");
                        break;
                    }
                }
                for (datagram, _) in self.batch.exchanges() {
                    announcer.hear_hello(datagram.ends.remote.ip(), datagram.payload, now());
                }
            }
        }
        let mut frame = [0; FRAME_MAX];
        for segment in self.segments.values() {
            for _ in 0..FRAMES_MAX {
                match segment.receive(&mut frame) {
                    Ok(Some(length)) => {
                        let bytes = frame.get(..length).unwrap_or_default();
                        announcer.hear_frame(segment.link(), bytes, now());
                    }
                    Ok(None) => break,
                    // The link went down: that is told by the monitor.
                    Err(error) => {
                        tracing::debug!(%error, "cannot hear neighbours");
                        break;
                    }
                }
            }
        }
    }

    pub(super) fn say_hello(&self, to: IpAddr, bytes: &[u8]) {
        let family = Family::of(to);
        let Some(socket) = self.hellos.get(&family) else { return };
        // The address that others know this node by, not the one that the route would choose.
        let own = self.own.iter().find(|own| Family::of(**own) == family).copied();
        let any = socket.local_address().ip();
        let ends =
            Ends { remote: SocketAddr::new(to, self.port), local: own.unwrap_or(any), link: 0 };
        if let Err(error) = socket.send(bytes, &ends) {
            // Nobody is there, or no way leads there: the session tells.
            tracing::debug!(%to, %error, "cannot say hello");
        }
    }

    pub(super) fn send(&self, index: u32, frame: &[u8]) {
        let Some(segment) = self.segments.get(&index) else { return };
        if let Err(error) = segment.send(frame) {
            tracing::debug!(%error, "cannot send a frame");
        }
    }

    pub(super) fn join(&mut self, index: u32, group: Ipv6Addr) {
        let joined = self.groups.join(index, group);
        let what = format!("groups of {}", self.name(index));
        let _noted = self.noted(&what, joined);
    }

    pub(super) fn leave(&mut self, index: u32, group: Ipv6Addr) {
        if let Err(error) = self.groups.leave(index, group) {
            tracing::debug!(%error, "cannot leave a group");
        }
    }
}

fn link(found: Adjacency) -> Link {
    let Adjacency { index, name, mac, is_up, is_router, addresses, networks, gateways } = found;
    Link { index, name: name.into(), mac, is_up, is_router, addresses, networks, gateways }
}
