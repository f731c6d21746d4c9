//! Which numbers does the kernel's nf_tables interface give to messages, attributes and flags?
//!
//! Named as in `linux/netfilter/nf_tables.h`, without the prefixes; the values are its ABI.

/// Lengths of `struct nlmsghdr` and `struct nfgenmsg`.
pub(super) const HEADER_LEN: usize = 16;
pub(super) const GENMSG_LEN: usize = 4;

pub(super) const NFPROTO_UNSPEC: u8 = 0;
pub(super) const NFPROTO_INET: u8 = 1;
pub(super) const SUBSYSTEM: u16 = 10;

pub(super) const NLM_F_REQUEST: u16 = 0x1;
pub(super) const NLM_F_ACK: u16 = 0x4;
pub(super) const NLM_F_DUMP: u16 = 0x300;
pub(super) const NLM_F_CREATE: u16 = 0x400;
pub(super) const NLM_F_APPEND: u16 = 0x800;

/// What a message is about: the lower byte of its type, the upper one being `SUBSYSTEM`.
pub(super) mod message {
    pub(in crate::wire) const BATCH_BEGIN: u16 = 16;
    pub(in crate::wire) const BATCH_END: u16 = 17;

    const fn of(number: u16) -> u16 {
        super::SUBSYSTEM << 8 | number
    }

    pub(in crate::wire) const NEWTABLE: u16 = of(0);
    pub(in crate::wire) const GETTABLE: u16 = of(1);
    pub(in crate::wire) const DELTABLE: u16 = of(2);
    pub(in crate::wire) const NEWCHAIN: u16 = of(3);
    pub(in crate::wire) const GETCHAIN: u16 = of(4);
    pub(in crate::wire) const DELCHAIN: u16 = of(5);
    pub(in crate::wire) const NEWRULE: u16 = of(6);
    pub(in crate::wire) const GETRULE: u16 = of(7);
    pub(in crate::wire) const DELRULE: u16 = of(8);
    pub(in crate::wire) const NEWSET: u16 = of(9);
    pub(in crate::wire) const GETSET: u16 = of(10);
    pub(in crate::wire) const DELSET: u16 = of(11);
    pub(in crate::wire) const NEWSETELEM: u16 = of(12);
    pub(in crate::wire) const GETSETELEM: u16 = of(13);
    pub(in crate::wire) const DELSETELEM: u16 = of(14);
    pub(in crate::wire) const NEWGEN: u16 = of(15);
}

/// A group of attribute numbers or values.
macro_rules! numbers {
    ($($(#[$about:meta])* $group:ident: $kind:ty { $($name:ident = $value:expr),+ $(,)? })+) => {
        $($(#[$about])* pub(super) mod $group {
            $(pub(in crate::wire) const $name: $kind = $value;)+
        })+
    };
}

numbers! {
    batch: u16 { GENID = 1 }
    generation: u16 { ID = 1, PROC_NAME = 3 }
    table: u16 { NAME = 1, FLAGS = 2 }
    table_flag: u32 { DORMANT = 1, OWNER = 2 }
    chain: u16 { TABLE = 1, NAME = 3, HOOK = 4, POLICY = 5, TYPE = 7, FLAGS = 10 }
    chain_flag: u32 { BASE = 1 }
    hook: u16 { NUM = 1, PRIORITY = 2 }
    rule: u16 { TABLE = 1, CHAIN = 2, EXPRESSIONS = 4 }
    list: u16 { ELEM = 1 }
    expr: u16 { NAME = 1, DATA = 2 }
    data: u16 { VALUE = 1, VERDICT = 2 }
    verdict: u16 { CODE = 1, CHAIN = 2 }
    verdict_code: i32 { DROP = 0, ACCEPT = 1, JUMP = -3, GOTO = -4, RETURN = -5 }
    register: u32 { VERDICT = 0, FIRST = 1, LAST = 4, FIRST_32 = 8, LAST_32 = 23 }

    set: u16 {
        TABLE = 1, NAME = 2, FLAGS = 3, KEY_TYPE = 4, KEY_LEN = 5, DATA_TYPE = 6, DATA_LEN = 7,
        DESC = 9, ID = 10, TIMEOUT = 11, USERDATA = 13, EXPR = 17, EXPRESSIONS = 18,
    }
    set_desc: u16 { SIZE = 1, CONCAT = 2 }
    set_field: u16 { LEN = 1 }
    set_flag: u32 {
        ANONYMOUS = 0x1, INTERVAL = 0x4, MAP = 0x8, TIMEOUT = 0x10, EVAL = 0x20, CONCAT = 0x80,
    }
    set_data: u32 { VERDICT = 0xffff_ff00, VERDICT_LEN = 16 }
    element_list: u16 { TABLE = 1, SET = 2, ELEMENTS = 3 }
    element: u16 {
        KEY = 1, DATA = 2, FLAGS = 3, EXPR = 7, KEY_END = 10, EXPRESSIONS = 11,
    }
    element_flag: u32 { CATCHALL = 2 }

    meta: u16 { DREG = 1, KEY = 2, SREG = 3 }
    meta_key: u32 { PRIORITY = 2, IIFNAME = 6, NFPROTO = 15, L4PROTO = 16 }
    payload: u16 {
        DREG = 1, BASE = 2, OFFSET = 3, LEN = 4, SREG = 5, CSUM_TYPE = 6, CSUM_OFFSET = 7,
        CSUM_FLAGS = 8,
    }
    payload_base: u32 { NETWORK = 1, TRANSPORT = 2 }
    /// The IPv4 header has a checksum of its own; the one of the transport header covers the
    /// addresses of both families.
    checksum: u32 { NONE = 0, INET = 1, IPV4_OFFSET = 10, L4_PSEUDO_HEADER = 1 }
    ct: u16 { DREG = 1, KEY = 2, DIRECTION = 3 }
    ct_key: u32 {
        STATE = 0, DIRECTION = 1, STATUS = 2, PROTO_DST = 12, DST_IP = 20, DST_IP6 = 22,
    }
    compare: u16 { SREG = 1, OP = 2, DATA = 3 }
    compare_op: u32 { EQ = 0, NEQ = 1 }
    bitwise: u16 { SREG = 1, DREG = 2, LEN = 3, MASK = 4, XOR = 5 }
    immediate: u16 { DREG = 1, DATA = 2 }
    lookup: u16 { SET = 1, SREG = 2, DREG = 3, FLAGS = 5 }
    lookup_flag: u32 { INV = 1 }
    numgen: u16 { DREG = 1, MODULUS = 2, TYPE = 3 }
    numgen_type: u32 { RANDOM = 1 }
    fib: u16 { DREG = 1, RESULT = 2, FLAGS = 3 }
    fib_result: u32 { ADDRTYPE = 3 }
    fib_flag: u32 { SADDR = 1 }
    dynset: u16 { SET_NAME = 1, OP = 3, SREG_KEY = 4, SREG_DATA = 5, TIMEOUT = 6 }
    dynset_op: u32 { UPDATE = 1, DELETE = 2 }
    nat: u16 {
        TYPE = 1, FAMILY = 2, REG_ADDR_MIN = 3, REG_ADDR_MAX = 4, REG_PROTO_MIN = 5,
        REG_PROTO_MAX = 6, FLAGS = 7,
    }
    nat_type: u32 { DNAT = 1 }
    nat_flag: u32 { MAP_IPS = 1, PROTO_SPECIFIED = 2, PROTO_RANDOM_FULLY = 0x10 }
    masquerade: u16 { FLAGS = 1 }
    reject: u16 { TYPE = 1, ICMP_CODE = 2 }
    reject_type: u32 { ICMPX_UNREACH = 2 }
    reject_code: u8 { ICMPX_PORT_UNREACH = 1 }
    counter: u16 { BYTES = 1, PACKETS = 2 }
}
