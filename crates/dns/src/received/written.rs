//! Which messages do the tests of this crate's readers read?

use super::number;

/// A name in the wire's form, from its dotted one; the root is "".
pub(crate) fn name(dotted: &str) -> Vec<u8> {
    let labels = dotted.split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> = labels
        .flat_map(|label| [u8::try_from(label.len()).unwrap()].into_iter().chain(label.bytes()))
        .collect();
    wire.push(0);
    wire
}

/// A message in the making, without compression.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub flags: u16,
    question: Vec<u8>,
    sections: [Vec<Vec<u8>>; 3],
}

impl Written {
    /// An answer to a question of class IN.
    pub(crate) fn answer_to(wire_name: &[u8], rtype: u16) -> Self {
        let mut question = wire_name.to_vec();
        question.extend(rtype.to_be_bytes());
        question.extend(number::IN.to_be_bytes());
        Self { flags: 0x8180, question, sections: Default::default() }
    }

    pub(crate) fn rcode(mut self, rcode: u16) -> Self {
        self.flags |= rcode;
        self
    }

    /// One more record; 0 is the section of answers.
    pub(crate) fn record(
        mut self,
        section: usize,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        rdata: &[u8],
    ) -> Self {
        let mut record = owner.to_vec();
        record.extend(rtype.to_be_bytes());
        record.extend(number::IN.to_be_bytes());
        record.extend(ttl.to_be_bytes());
        record.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
        record.extend(rdata);
        self.sections[section].push(record);
        self
    }

    pub(crate) fn a(self, owner: &str, ttl: u32) -> Self {
        self.record(0, &name(owner), number::A, ttl, &[192, 0, 2, 1])
    }

    pub(crate) fn cname(self, owner: &str, ttl: u32, target: &str) -> Self {
        self.record(0, &name(owner), number::CNAME, ttl, &name(target))
    }

    pub(crate) fn soa(self, owner: &str, ttl: u32, minimum: u32) -> Self {
        let mut rdata = name("ns");
        rdata.extend(name("mail"));
        for field in [1, 7_200, 1_800, 86_400, minimum] {
            rdata.extend(u32::to_be_bytes(field));
        }
        self.record(1, &name(owner), number::SOA, ttl, &rdata)
    }

    pub(crate) fn opt(self, ttl: u32) -> Self {
        self.opt_with(ttl, &[])
    }

    /// With options as they are on the wire.
    pub(crate) fn opt_with(mut self, ttl: u32, options: &[u8]) -> Self {
        let mut record = vec![0, 0, 41, 4, 208];
        record.extend(ttl.to_be_bytes());
        record.extend(u16::try_from(options.len()).unwrap().to_be_bytes());
        record.extend(options);
        self.sections[2].push(record);
        self
    }

    pub(crate) fn bytes(&self, id: u16) -> Vec<u8> {
        let counts = self.sections.each_ref().map(|it| u16::try_from(it.len()).unwrap());
        let fields = [id, self.flags, 1, counts[0], counts[1], counts[2]];
        let header = fields.into_iter().flat_map(u16::to_be_bytes);
        let records = self.sections.iter().flatten().flatten().copied();
        header.chain(self.question.iter().copied()).chain(records).collect()
    }
}
