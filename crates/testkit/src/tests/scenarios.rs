//! Does the definition of correct agree with every scenario?

use crate::{Oracle, check_all};

#[test]
fn the_oracle_agrees_with_every_scenario() {
    check_all("l4", &mut || Box::new(Oracle));
}
