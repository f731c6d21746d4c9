//! By which certificate is a node known, and whose does it trust?

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// What a node shows to its clients, with its key.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot make a certificate for {names}: {source}")]
    Make { names: String, source: rcgen::Error },
    #[error("cannot read {what}: {source}")]
    Read { what: &'static str, source: tokio_rustls::rustls::pki_types::pem::Error },
    #[error("{what}: no certificate in it")]
    Empty { what: &'static str },
    #[error("cannot use {what}: {reason}")]
    Use { what: &'static str, reason: String },
}

const CHAIN: &str = "the serving certificate";
const KEY: &str = "the serving certificate's key";
const AUTHORITIES: &str = "the clients' authorities";

impl Certificate {
    /// A new one that nobody has signed, for names and addresses of the node. API servers take it
    /// unless they were told whom to trust.
    ///
    /// # Errors
    ///
    /// When a name can be in no certificate.
    pub fn self_made(names: Vec<String>) -> Result<Self, CertificateError> {
        let shown = names.join(", ");
        let made = rcgen::generate_simple_self_signed(names);
        let made = made.map_err(|source| CertificateError::Make { names: shown, source })?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Ok(Self { chain: vec![made.cert.der().clone()], key: key.into() })
    }

    /// One that was given, in PEM: the node's certificate first, then those between it and an
    /// authority.
    ///
    /// # Errors
    ///
    /// When one of the two cannot be read.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let key = PrivateKeyDer::from_pem_slice(key);
        let key = key.map_err(|source| CertificateError::Read { what: KEY, source })?;
        Ok(Self { chain: certificates(CHAIN, chain)?, key })
    }
}

fn certificates(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|source| CertificateError::Read { what, source })?;
    if all.is_empty() { Err(CertificateError::Empty { what }) } else { Ok(all) }
}

/// Accepts clients: one that shows a certificate must have it from an authority of these (PEM); one
/// that shows none is told so by HTTP.
pub(crate) fn acceptor(
    certificate: Certificate,
    authorities: &[u8],
) -> Result<TlsAcceptor, CertificateError> {
    let not_used = |what| move |reason: String| CertificateError::Use { what, reason };
    let mut roots = RootCertStore::empty();
    for authority in certificates(AUTHORITIES, authorities)? {
        roots.add(authority).map_err(|error| not_used(AUTHORITIES)(error.to_string()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .map_err(|error| not_used(AUTHORITIES)(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_client_cert_verifier(verifier)
                .with_single_cert(certificate.chain, certificate.key)
        })
        .map_err(|error| not_used(CHAIN)(error.to_string()))?;
    // Only with this version can a connection become one of SPDY.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_named() {
        let made = || Certificate::self_made(vec!["127.0.0.1".to_owned()]).unwrap();
        let message = |error: Option<CertificateError>| error.unwrap().to_string();
        let pem = rcgen::generate_simple_self_signed(["node".to_owned()]).unwrap();
        let (chain, key) = (pem.cert.pem(), pem.signing_key.serialize_pem());
        let other = Certificate {
            key: made().key,
            ..Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
        };
        let found = [
            message(acceptor(made(), b"").err()),
            message(
                acceptor(made(), b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
                    .err(),
            ),
            message(acceptor(other, chain.as_bytes()).err()),
            message(Certificate::from_pem(b"", key.as_bytes()).err()),
            message(Certificate::from_pem(chain.as_bytes(), b"").err()),
            message(Certificate::self_made(vec!["n\u{f6}de".to_owned()]).err()),
        ];
        let wanted = [
            "the clients' authorities: no certificate in it",
            "cannot use the clients' authorities: invalid peer certificate: BadEncoding",
            "cannot use the serving certificate: keys may not be consistent: KeyMismatch",
            "the serving certificate: no certificate in it",
            "cannot read the serving certificate's key: no items found",
            "cannot make a certificate for n\u{f6}de: Invalid IA5String: 'n\u{f6}de'",
        ];
        assert_eq!(found, wanted);
    }
}
