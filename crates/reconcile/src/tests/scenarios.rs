//! Every scenario, by every engine of this crate.

use proptest::prelude::*;
use testkit::{Engine, check_all, generate, run_scenario};

use super::kernel::Kernel;
use super::program::Program;

#[test]
fn the_program_agrees_with_every_scenario() {
    let checked = check_all("l4", &mut || Box::new(Program::default()));
    assert!(checked.packets > 100, "{checked:?}");
}

#[test]
fn the_kernel_agrees_with_every_scenario() {
    if host::skip::without_root() {
        return;
    }
    let checked = check_all("l4", &mut || Box::new(Kernel::default()));
    assert!(checked.packets > 100, "{checked:?}");
}

proptest! {
    #![proptest_config(generate::config(512))]

    #[test]
    fn the_program_agrees_with_generated_histories(scenario in generate::scenario()) {
        check(&mut Program::default(), &scenario)?;
    }
}

proptest! {
    #![proptest_config(generate::config(48))]

    #[test]
    fn the_kernel_agrees_with_generated_histories(scenario in generate::scenario()) {
        if host::skip::without_root() {
            return Ok(());
        }
        check(&mut Kernel::default(), &scenario)?;
    }
}

fn check(engine: &mut dyn Engine, scenario: &testkit::Scenario) -> Result<(), TestCaseError> {
    match run_scenario(scenario, engine) {
        Ok(_) => Ok(()),
        Err(failure) => Err(TestCaseError::fail(format!("{failure}\n{scenario}"))),
    }
}
