//! Who is a client, by its certificate?

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Somebody with a certificate of the cluster's authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The common name, such as `kube-apiserver-kubelet-client`.
    pub name: String,
    /// The organizations.
    pub groups: Vec<String>,
}

impl User {
    /// Whom a certificate names, whose signature is known to be right; none without a common name.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_rest, certificate) = X509Certificate::from_der(certificate).ok()?;
        let subject = certificate.subject();
        let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
        let groups = subject.iter_organization();
        let groups = groups.filter_map(|it| it.as_str().ok().map(str::to_owned)).collect();
        (!name.is_empty()).then_some(Self { name, groups })
    }
}
