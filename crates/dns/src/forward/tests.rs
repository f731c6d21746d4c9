//! Does forward do what it promises?
