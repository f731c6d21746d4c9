//! Whom do we ask what is not ours, and what if they do not answer?
