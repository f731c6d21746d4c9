//! How is the agent started, and how is what it left removed?

use crate::config::Config;
use crate::event::Event;
use crate::failure::Failure;
use crate::measurement::Measurement;
use crate::privilege;
use crate::run::{CoreSide, run_with};

/// Runs the agent until it is asked to end.
pub fn run(config: Config) -> Result<(), Failure> {
    privilege::check()?;
    run_with(config, idle)
}

/// Removes everything that agents left in this kernel, and kube-proxy's tables when asked.
pub fn cleanup(kube_proxy: bool) -> Result<(), Failure> {
    privilege::check()?;
    Err(Failure::Dataplane(format!("no dataplane to clean up yet: kube-proxy {kube_proxy}")))
}

/// Takes the place of the core.
fn idle(side: CoreSide) -> Result<(), Failure> {
    for event in side.events {
        match event {
            Event::Shutdown => break,
            Event::Measure(request) => request.answer(Measurement::default()),
            Event::Objects(_) | Event::Addresses(_) | Event::Drift | Event::HealthCheckPorts(_) => {
            }
        }
    }
    Ok(())
}
