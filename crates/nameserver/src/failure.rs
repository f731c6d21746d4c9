//! Why does a server not run?

use std::io;

use host::bind::BindError;
use host::handover::HandoverError;
use rustix::io::Errno;
use thiserror::Error;

/// What kept a server from starting, or from listening at one more address.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("{}{}", .0, hint(.0))]
    Listen(#[from] BindError),
    #[error(transparent)]
    Handover(#[from] HandoverError),
    #[error("cannot use a socket that was handed over: {name}: {source}")]
    Taken { name: String, source: io::Error },
    #[error("cannot start {what}: {source}")]
    Start { what: &'static str, source: io::Error },
    #[error(
        "no authority to trust was found for DNS over TLS: {0}\n\
         hint: install ca-certificates, or name a file with SSL_CERT_FILE"
    )]
    NoAuthorities(String),
    #[error("the server has ended")]
    Ended,
}

fn hint(error: &BindError) -> String {
    let port = error.address.port();
    let text = match Errno::from_io_error(&error.source) {
        Some(Errno::ADDRINUSE) => format!(
            "another server has the port, such as systemd-resolved, dnsmasq, CoreDNS on the host's \
             network or NodeLocal DNSCache: `ss -lnptu sport = :{port}` names it; stop it, or listen \
             at another address"
        ),
        Some(Errno::ACCESS | Errno::PERM) => "ports below 1024 need root or the capability \
            CAP_NET_BIND_SERVICE; or choose another port"
            .to_owned(),
        Some(Errno::ADDRNOTAVAIL) => "no link of this host has the address".to_owned(),
        Some(Errno::AFNOSUPPORT) => "this host has no IPv6".to_owned(),
        Some(Errno::MFILE | Errno::NFILE) => {
            "too many files are open; raise the limit (ulimit -n)".to_owned()
        }
        _ => return String::new(),
    };
    format!("\nhint: {text}")
}
