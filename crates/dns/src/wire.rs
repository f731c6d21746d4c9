//! How do questions and answers look on the wire?
