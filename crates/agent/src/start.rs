//! How is the agent started?

use crate::config::Config;
use crate::core::run_core;
use crate::failure::Failure;
use crate::names_core::run_names;
use crate::privilege;
use crate::run::run_with;

/// Runs the cluster DNS alone until it is asked to end.
pub fn run_dns(config: Config) -> Result<(), Failure> {
    host::memory::share_between_threads();
    run_with(config, run_names)
}

/// Runs the agent until it is asked to end.
pub fn run(config: Config) -> Result<(), Failure> {
    privilege::check()?;
    if config.load_balancer.is_some() {
        privilege::check_announcing()?;
    }
    // Objects are read on one thread and become tables on another.
    host::memory::share_between_threads();
    run_with(config, run_core)
}
