//! What do testing and measuring need on this machine, and how does what is missing get there?

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::call::Call;

/// A program that the tests run, the Debian package that has it, and what for.
struct Need {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const NEEDS: [Need; 15] = [
    Need { program: "nft", package: "nftables", purpose: "judges what was programmed" },
    Need { program: "conntrack", package: "conntrack", purpose: "judges which flows are left" },
    Need {
        program: "iptables",
        package: "iptables",
        purpose: "is what kube-proxy's iptables mode speaks with",
    },
    Need { program: "ip", package: "iproute2", purpose: "makes network namespaces" },
    Need { program: "arping", package: "arping", purpose: "asks where an IPv4 address is" },
    Need { program: "ndisc6", package: "ndisc6", purpose: "asks where an IPv6 address is" },
    Need { program: "tcpdump", package: "tcpdump", purpose: "writes down what is on the wire" },
    Need { program: "keepalived", package: "keepalived", purpose: "is a rival for addresses" },
    Need { program: "openssl", package: "openssl", purpose: "is a server that speaks TLS" },
    Need { program: "curl", package: "curl", purpose: "is a client with no knowledge of ours" },
    Need { program: "dig", package: "bind9-dnsutils", purpose: "judges answers of the DNS" },
    Need {
        program: "kdig",
        package: "knot-dnsutils",
        purpose: "judges many answers on one stream",
    },
    Need { program: "musl-gcc", package: "musl-tools", purpose: "makes a client of another libc" },
    Need { program: "faketime", package: "faketime", purpose: "gives a program a wrong clock" },
    Need { program: "python3", package: "python3", purpose: "is a client with a resolver" },
];

/// The peer that the benchmark of the DNS compares with.
const PEER: Need = Need {
    program: "unbound",
    package: "unbound",
    purpose: "is the peer that the DNS is measured beside",
};

/// What Kubernetes' own tests call in the containers of their clients.
const NETCAT: Need = Need {
    program: "nc.openbsd",
    package: "netcat-openbsd",
    purpose: "is a client of Kubernetes' own tests",
};

/// What installs Go where there is none.
const PIP: Need =
    Need { program: "pip3", package: "python3-pip", purpose: "installs Go for the control plane" };

/// A unit with this name is never started, and no package enables it.
const PEER_MASK: &str = "/etc/systemd/system/unbound.service";

/// Where programs of the system are, whatever the caller's `PATH` says: `/usr/sbin` is often not in it.
const PROGRAM_FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Installs what is missing, and says what and why.
pub(crate) fn prepare() -> Result<()> {
    install_components()?;
    let missing = missing();
    if !missing.is_empty() {
        install_packages(&missing)?;
    }
    if !is_root()? {
        println!("not root: tests that need the kernel cannot run (they fail when CI=true)");
    }
    Ok(())
}

/// Installs the peer, if it is missing, so that it never runs as a service: the benchmark starts its
/// own.
pub(crate) fn prepare_peer() -> Result<()> {
    if is_installed(PEER.program) {
        return Ok(());
    }
    let mask = Path::new(PEER_MASK);
    if is_root()? && mask.parent().is_some_and(Path::is_dir) && fs::symlink_metadata(mask).is_err()
    {
        println!("masking the service unbound: {PEER_MASK}");
        symlink("/dev/null", mask).with_context(|| format!("cannot mask {PEER_MASK}"))?;
    }
    install_packages(&[&PEER])
}

/// Installs the client of Kubernetes' own tests, if it is missing.
pub(crate) fn prepare_netcat() -> Result<()> {
    if is_installed(NETCAT.program) { Ok(()) } else { install_packages(&[&NETCAT]) }
}

/// Installs what installs Python's packages, if it is missing.
pub(crate) fn prepare_pip() -> Result<()> {
    // Whichever Python it is of.
    if Call::new("python3", ["-m", "pip", "--version"]).works()? {
        Ok(())
    } else {
        install_packages(&[&PIP])
    }
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !is_installed(need.program)).collect()
}

fn install_components() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if Call::cargo([subcommand, "--version"]).works()? {
            continue;
        }
        println!("installing the Rust component {component}: `cargo {subcommand}` is missing");
        Call::new("rustup", ["component", "add", component])
            .run()
            .with_context(|| format!("the Rust component {component} must be installed by hand"))?;
    }
    Ok(())
}

fn install_packages(missing: &[&Need]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let by_hand = format!("install these packages by hand: {}", packages.join(" "));
    if !is_root()? {
        bail!("programs that are needed are missing and this is not root; {by_hand}");
    }
    if !is_installed("apt-get") {
        bail!("programs that are needed are missing and there is no apt-get; {by_hand}");
    }
    for need in missing {
        println!("installing {}: {} {}", need.package, need.program, need.purpose);
    }
    let apt = |arguments: &[&str]| {
        Call::new("apt-get", arguments.iter().copied())
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()
            .with_context(|| by_hand.clone())
    };
    apt(&["--quiet", "--quiet", "update"])?;
    let mut install = vec!["--quiet", "--yes", "--no-install-recommends", "install"];
    install.extend(packages);
    apt(&install)?;
    let still: Vec<&str> =
        missing.iter().map(|need| need.program).filter(|program| !is_installed(program)).collect();
    ensure!(still.is_empty(), "installed, and yet missing: {}; {by_hand}", still.join(" "));
    Ok(())
}

pub(crate) fn is_installed(program: &str) -> bool {
    let is_program = |path: &Path| {
        fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0)
    };
    PROGRAM_FOLDERS.iter().any(|folder| is_program(&Path::new(folder).join(program)))
}

/// Whether we run as root: the kernel shows each process its own folder as its owner's.
pub(crate) fn is_root() -> Result<bool> {
    let own = fs::metadata("/proc/self").context("cannot read /proc/self")?;
    Ok(own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_where_systems_keep_them() {
        assert!(is_installed("sh"));
        assert!(!is_installed("pogu-no-such-program"));
    }
}
