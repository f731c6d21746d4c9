//! What was answered before, and for how long does it hold?
