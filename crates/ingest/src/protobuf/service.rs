//! How is a Service written?

use super::metadata::moment;
use super::wire::{Message, Problem, Value};
use crate::api::{
    ClientIpConfig, Condition, Ingress, IngressPort, IntOrString, LoadBalancerStatus, Service,
    ServicePort, ServiceSpec, ServiceStatus, SessionAffinityConfig,
};

impl Message<'_> for Service {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.metadata)?,
            2 => value.merge_into(&mut self.spec)?,
            3 => value.merge_into(&mut self.status)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for ServiceSpec {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.ports.push(value.message()?),
            2 => value.entry_into(&mut self.selector)?,
            3 => self.cluster_ip = value.text_or_none()?,
            4 => self.kind = value.text_or_none()?,
            5 => self.external_ips.push(value.text()?),
            7 => self.session_affinity = value.text_or_none()?,
            8 => self.load_balancer_ip = value.text_or_none()?,
            9 => self.load_balancer_source_ranges.push(value.text()?),
            10 => self.external_name = value.text_or_none()?,
            11 => self.external_traffic_policy = value.text_or_none()?,
            12 => self.health_check_node_port = value.number_or_none()?,
            13 => self.publish_not_ready_addresses = value.flag()?.then_some(true),
            14 => value.merge_into_some(&mut self.session_affinity_config)?,
            17 => self.ip_family_policy = Some(value.text()?),
            18 => self.cluster_ips.push(value.text()?),
            19 => self.ip_families.push(value.text()?),
            20 => self.allocate_load_balancer_node_ports = Some(value.flag()?),
            21 => self.load_balancer_class = Some(value.text()?),
            22 => self.internal_traffic_policy = Some(value.text()?),
            23 => self.traffic_distribution = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for ServicePort {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.name = value.text_or_none()?,
            2 => self.protocol = value.text_or_none()?,
            3 => self.port = Some(value.number()?),
            4 => self.target_port = Some(value.message::<EitherForm>()?.into()),
            5 => self.node_port = value.number_or_none()?,
            6 => self.app_protocol = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}

/// A number and a text, and which of them counts.
#[derive(Debug, Default)]
struct EitherForm {
    is_text: bool,
    number: i64,
    text: String,
}

impl Message<'_> for EitherForm {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.is_text = value.flag()?,
            2 => self.number = value.int()?,
            3 => self.text = value.text()?,
            _ => {}
        }
        Ok(())
    }
}

impl From<EitherForm> for IntOrString {
    fn from(form: EitherForm) -> Self {
        if form.is_text { Self::String(form.text) } else { Self::Int(form.number) }
    }
}

impl Message<'_> for SessionAffinityConfig {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            value.merge_into_some(&mut self.client_ip)?;
        }
        Ok(())
    }
}

impl Message<'_> for ClientIpConfig {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            self.timeout_seconds = Some(value.number()?);
        }
        Ok(())
    }
}

impl Message<'_> for ServiceStatus {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => value.merge_into(&mut self.load_balancer)?,
            2 => self.conditions.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for Condition {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.kind = value.text()?,
            2 => self.status = value.text()?,
            3 => self.observed_generation = value.int_or_none()?,
            4 => self.last_transition_time = moment(value)?,
            5 => self.reason = value.text()?,
            6 => self.message = value.text()?,
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for LoadBalancerStatus {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        if number == 1 {
            self.ingress.push(value.message()?);
        }
        Ok(())
    }
}

impl Message<'_> for Ingress {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.ip = value.text_or_none()?,
            2 => self.hostname = value.text_or_none()?,
            3 => self.ip_mode = Some(value.text()?),
            4 => self.ports.push(value.message()?),
            _ => {}
        }
        Ok(())
    }
}

impl Message<'_> for IngressPort {
    fn field(&mut self, number: u32, value: Value<'_>) -> Result<(), Problem> {
        match number {
            1 => self.port = Some(value.number()?),
            2 => self.protocol = Some(value.text()?),
            3 => self.error = Some(value.text()?),
            _ => {}
        }
        Ok(())
    }
}
