//! Whom does DNS over TLS trust?

use std::sync::Arc;

use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::failure::Failure;

/// The authorities that this host trusts. A certificate among them that cannot be read is passed
/// over, since hosts have some; none at all is a failure.
pub(crate) fn system_authorities() -> Result<Arc<ClientConfig>, Failure> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        return Err(Failure::NoAuthorities(errors.join(", ")));
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
