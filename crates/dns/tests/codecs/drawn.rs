//! Which questions are likely to be understood?
//!
//! They are drawn from octets, so that a fuzzer and a property can both find them.

const LABELS: [&str; 40] = [
    "web",
    "peers",
    "peer-0",
    "peer-1",
    "here",
    "there",
    "back",
    "forth",
    "round",
    "nowhere",
    "search",
    "shop",
    "svc",
    "pod",
    "cluster",
    "clusterset",
    "local",
    "ns",
    "dns",
    "dns-version",
    "_http",
    "_admin",
    "_tcp",
    "_udp",
    "10-1-0-4",
    "fd00--",
    "client",
    "www",
    "example",
    "com",
    "corp",
    "printer",
    "192",
    "10",
    "96",
    "1",
    "0",
    "in-addr",
    "ip6",
    "arpa",
];

const ENDS: [&[&str]; 11] = [
    &[],
    &["shop", "svc", "cluster", "local"],
    &["peers", "shop", "svc", "cluster", "local"],
    &["shop", "pod", "cluster", "local"],
    &["cluster", "local"],
    &["shop", "svc", "clusterset", "local"],
    &["1", "10", "in-addr", "arpa"],
    &["www", "example", "com"],
    &["old", "example"],
    &["www", "old", "example"],
    &["www", "example", "com", "shop", "svc", "cluster", "local"],
];

const TYPES: [u16; 16] = [1, 28, 33, 5, 255, 12, 16, 2, 6, 252, 251, 43, 64, 65, 15, 1];

const SIZES: [u16; 8] = [0, 511, 512, 513, 600, 1_232, 1_233, 65_535];

/// Octets to draw from; when they are used up, zeros.
#[derive(Debug, Clone)]
pub(crate) struct Draw<'o>(pub(crate) &'o [u8]);

impl Draw<'_> {
    pub(crate) fn octet(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.octet()) % bound
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// True once in so many draws.
    pub(crate) fn once_in(&mut self, draws: usize) -> bool {
        self.below(draws) == draws - 1
    }

    fn octets(&mut self, most: usize) -> Vec<u8> {
        let count = self.below(most + 1);
        (0..count).map(|_| self.octet()).collect()
    }

    fn name(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        for _ in 0..self.one_of(&[0, 1, 1, 1, 2, 2, 3, 5]) {
            let mut label = match self.once_in(16) {
                true => self.octets(63),
                false => self.one_of(&LABELS).as_bytes().to_vec(),
            };
            if label.is_empty() {
                continue;
            }
            let case = self.octet();
            if case > 200 {
                label.iter_mut().step_by(2).for_each(u8::make_ascii_uppercase);
            }
            push_label(&mut wire, &label);
        }
        for label in self.one_of(&ENDS) {
            push_label(&mut wire, label.as_bytes());
        }
        wire.push(0);
        wire
    }

    fn kind(&mut self) -> u16 {
        if self.once_in(16) { self.word() } else { self.one_of(&TYPES) }
    }

    fn class(&mut self) -> u16 {
        if self.once_in(16) { self.word() } else { 1 }
    }

    pub(crate) fn opt(&mut self) -> Vec<u8> {
        let mut record = vec![u8::from(self.once_in(32)), 0, 41];
        record.extend(self.one_of(&SIZES).to_be_bytes());
        let version = u8::from(self.once_in(16));
        let dnssec_ok = if self.once_in(4) { 0x80 } else { 0 };
        record.extend([0, version, dnssec_ok, 0]);
        let options = match self.once_in(4) {
            true => [&[0, 10, 0, 8][..], &self.octets(8)].concat(),
            false => Vec::new(),
        };
        push_data(&mut record, &options);
        record
    }

    /// A record whose names may be pointers, to anywhere.
    pub(crate) fn record(&mut self) -> Vec<u8> {
        let mut record = self.pointing_name();
        let kind = self.kind();
        record.extend(kind.to_be_bytes());
        record.extend(self.class().to_be_bytes());
        let ttl = [0, 0, self.octet(), self.octet()];
        record.extend(if self.once_in(16) { [1, b'a', 0, ttl[3]] } else { ttl });
        let data = match kind {
            1 => vec![192, 0, 2, self.octet()],
            28 => vec![0xfd; 16],
            2 | 5 | 12 => self.pointing_name(),
            6 => [self.pointing_name(), self.pointing_name(), vec![0; 20]].concat(),
            15 => [vec![0, 10], self.pointing_name()].concat(),
            33 => [vec![0; 6], self.pointing_name()].concat(),
            16 => vec![3, b'a', b'b', b'c'],
            _ => self.octets(40),
        };
        push_data(&mut record, &data);
        record
    }

    fn pointing_name(&mut self) -> Vec<u8> {
        match self.below(16) {
            0..4 => self.name(),
            4..15 => vec![0xc0, 12],
            _ => vec![0xc0, self.octet()],
        }
    }
}

fn push_label(wire: &mut Vec<u8>, label: &[u8]) {
    wire.push(u8::try_from(label.len()).expect("a label is short"));
    wire.extend_from_slice(label);
}

fn push_data(record: &mut Vec<u8>, data: &[u8]) {
    record.extend(u16::try_from(data.len()).expect("data is short").to_be_bytes());
    record.extend_from_slice(data);
}

/// What a client asks.
pub(crate) fn query(draw: &mut Draw<'_>) -> Vec<u8> {
    let id = draw.word();
    let flags = if draw.once_in(16) { draw.word() } else { draw.one_of(&[0x0100, 0, 0x0110]) };
    let mut rest = draw.name();
    if draw.once_in(32) {
        rest = draw.pointing_name();
    }
    rest.extend(draw.kind().to_be_bytes());
    rest.extend(draw.class().to_be_bytes());
    let mut counts = [1, 0, 0, 0];
    for count in &mut counts[1..] {
        if draw.once_in(24) {
            *count += 1;
            // OPT has no business in the first two of them.
            rest.extend(if draw.once_in(4) { draw.opt() } else { draw.record() });
        }
    }
    if draw.below(2) == 1 {
        counts[3] += 1;
        rest.extend(draw.opt());
    }
    if draw.once_in(32) {
        counts[draw.below(4)] += 1;
    }
    if draw.once_in(16) {
        rest.extend(draw.octets(20));
    }
    message(id, flags, counts, &rest)
}

/// A message of a header and what follows it.
pub(crate) fn message(id: u16, flags: u16, counts: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let words = [id, flags].into_iter().chain(counts);
    words.flat_map(u16::to_be_bytes).chain(rest.iter().copied()).collect()
}
