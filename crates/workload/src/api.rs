//! How does the Kubernetes API write Pods and Deployments?
//!
//! Words and numbers are typed here, so a wrong one refuses its object, as the API server would; the
//! rejection names the field. Fields that have no meaning in the lab are left out and ignored.

mod container;
mod deployment;
mod lenient;
mod placement;
mod pod;
mod probe;
mod service;
mod volume;

pub use container::{
    Container, ContainerPort, ContainerRestartPolicy, EnvFrom, EnvVar, EnvVarSource, FieldRef,
    KeyRef, Lifecycle, NameRef, PortProtocol, Quantity, ResourceFieldRef, Resources,
};
pub use deployment::{
    Deployment, DeploymentSpec, IntOrPercent, LabelSelector, PodTemplate, Requirement,
    RollingUpdate, SelectorOperator, Strategy, StrategyType,
};
pub use placement::{
    Affinity, NodeAffinity, NodeRequirement, NodeSelector, NodeSelectorTerm, Taint, Toleration,
};
pub use pod::{DnsConfig, DnsConfigOption, DnsPolicy, HostAlias, Pod, PodSpec, RestartPolicy};
pub use probe::{Exec, Grpc, HttpGet, HttpHeader, Port, Probe, Scheme, Sleep, Stop, TcpSocket};
pub use service::Service;
pub use volume::{
    DownwardFile, DownwardVolume, HostPath, KeyToPath, Keys, KeysVolume, ProjectedSource,
    ProjectedVolume, SecretVolume, TokenFile, Volume, VolumeMount,
};
