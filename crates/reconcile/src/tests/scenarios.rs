//! Every scenario, by every engine of this crate.

use testkit::check_all;

use super::program::Program;

#[test]
fn the_program_agrees_with_every_scenario() {
    let checked = check_all("l4", &mut || Box::new(Program::default()));
    assert!(checked.packets > 100, "{checked:?}");
}
