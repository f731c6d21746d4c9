//! Is everything there that was asked for, and do the agents know it?

use std::time::Duration;

use super::Lab;
use super::world::WorldDns;
use crate::event::Event;
use crate::step;

const ASK_AGAIN_AFTER: Duration = Duration::from_millis(10);

impl Lab {
    /// When everything is there, the agents are asked whether they know it.
    pub(super) fn ask_when_ready(&mut self) {
        if self.on_ready.is_none() || self.is_asking || !self.is_complete() {
            return;
        }
        self.is_asking = true;
        let place = &self.around.place;
        let has_agents = self.around.settings.has_agents;
        let nodes = self.around.plan.nodes.iter().filter(|_| has_agents);
        let sockets = nodes.map(|node| place.agent_socket(&node.name.0)).collect();
        let (expected, events) = (self.home.expected(), self.around.events.clone());
        tokio::spawn(async move {
            let is_in_step = step::is_in_step(sockets, expected).await;
            if !is_in_step {
                tokio::time::sleep(ASK_AGAIN_AFTER).await;
            }
            drop(events.send(Event::InStep(is_in_step)).await);
        });
    }

    pub(super) fn take_step(&mut self, is_in_step: bool) {
        self.is_asking = false;
        if is_in_step && self.is_complete() {
            let elapsed = self.now();
            if let Some(tell) = self.on_ready.take() {
                tell(&self.status(), elapsed);
            }
        }
    }

    /// All nodes are well and all pods that were asked for are ready.
    fn is_complete(&self) -> bool {
        let status = self.status();
        let are_nodes_ready = status.nodes.iter().all(|node| node.state == "Ready");
        let is_world_ready = self.world_dns == WorldDns::Answering;
        is_world_ready && are_nodes_ready && status.unready().next().is_none()
    }
}
