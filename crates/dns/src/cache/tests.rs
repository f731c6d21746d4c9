//! Does cache do what it promises?
