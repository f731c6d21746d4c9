//! How is a question changed before it is answered, and its answer after?

use std::sync::Arc;

use super::notice::Origin;

/// One rule of CoreDNS's plugin `rewrite`. A block tries them in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// What is changed.
    pub change: Change,
    /// Whether later rules are tried after this one matched.
    pub continues: bool,
    /// Where it stands.
    pub origin: Origin,
}

/// What a rewrite changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The name that is asked for. The reply repeats the question as it came, always.
    Name {
        /// Which names.
        from: NameMatch,
        /// What takes the place of what matched: of the whole name (exact, regex), or of the part.
        /// For a regex, `{1}` is its first group. Without the final dot.
        to: Arc<str>,
        /// How names in the answer are changed back.
        answers: Vec<AnswerChange>,
    },
    /// The type that is asked for, by number.
    Type {
        /// As asked.
        from: u16,
        /// As looked up.
        to: u16,
    },
    /// The class that is asked for, by number.
    Class {
        /// As asked.
        from: u16,
        /// As looked up.
        to: u16,
    },
    /// The TTLs of the answer.
    Ttl {
        /// Whose.
        from: NameMatch,
        /// Seconds: a shorter one is raised to this.
        min: u32,
        /// Seconds: a longer one is cut to this.
        max: u32,
    },
}

/// Which names a rewrite is about. Texts are in lower case; `Exact`, `Prefix`, `Suffix` and
/// `Substring` are compared with the name without its final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameMatch {
    /// The name.
    Exact(Arc<str>),
    /// Its beginning.
    Prefix(Arc<str>),
    /// Its end; not only of whole labels.
    Suffix(Arc<str>),
    /// Any part of it.
    Substring(Arc<str>),
    /// A pattern for `regex-lite`, matched anywhere in the name *with* its final dot, as CoreDNS
    /// does. It was compiled once while reading, so it is known to be well formed.
    Regex(Arc<str>),
}

/// How names in an answer are changed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerChange {
    /// What the question's rule did is undone for the owners of records.
    Auto,
    /// Owners of records.
    Name {
        /// As in [`NameMatch::Regex`].
        pattern: Arc<str>,
        /// As in [`Change::Name`].
        to: Arc<str>,
    },
    /// Names that records hold (CNAME, SRV, and so on).
    Value {
        /// As in [`NameMatch::Regex`].
        pattern: Arc<str>,
        /// As in [`Change::Name`].
        to: Arc<str>,
    },
}
