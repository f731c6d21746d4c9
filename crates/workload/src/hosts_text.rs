//! What is a Pod called, and what stands in its `/etc/hosts`?

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::api::Pod;

/// Characters of a host name in Linux.
const HOSTNAME_CHARS_MAX: usize = 63;

/// `spec.hostname`, or the Pod's name, cut to what a host name may be. With `hostNetwork` it is the
/// node's, which the caller knows.
#[must_use]
pub fn pod_hostname(pod: &Pod) -> &str {
    let name = pod.spec.hostname.as_deref().unwrap_or(&pod.metadata.name);
    let cut = name.get(..HOSTNAME_CHARS_MAX).unwrap_or(name);
    cut.trim_end_matches(['-', '.'])
}

/// The domain below which the Pod has a name of its own: it needs a `subdomain`.
#[must_use]
pub fn pod_domain(pod: &Pod, cluster_domain: &str) -> Option<String> {
    let subdomain = pod.spec.subdomain.as_deref().filter(|subdomain| !subdomain.is_empty())?;
    Some(format!("{subdomain}.{}.svc.{cluster_domain}", pod.metadata.namespace))
}

/// The text of the file, as a kubelet writes it. `host` is the node's own file, used with
/// `hostNetwork`.
#[must_use]
pub fn hosts(pod: &Pod, addresses: &[IpAddr], cluster_domain: &str, host: &str) -> String {
    let mut text = if pod.spec.host_network {
        format!("# Kubernetes-managed hosts file (host network).\n{host}")
    } else {
        let mut text = own_names().to_owned();
        let hostname = pod_hostname(pod);
        let full = pod_domain(pod, cluster_domain).map(|domain| format!("{hostname}.{domain}\t"));
        let full = full.unwrap_or_default();
        for address in addresses {
            line(&mut text, *address, format_args!("{full}{hostname}"));
        }
        text
    };
    if !pod.spec.host_aliases.is_empty() {
        text.push_str("\n# Entries added by HostAliases.\n");
    }
    for alias in &pod.spec.host_aliases {
        line(&mut text, alias.ip, format_args!("{}", alias.hostnames.join("\t")));
    }
    text
}

fn line(text: &mut String, address: IpAddr, names: std::fmt::Arguments<'_>) {
    writeln!(text, "{address}\t{names}").expect("writing to a String cannot fail");
}

const fn own_names() -> &'static str {
    "# Kubernetes-managed hosts file.\n\
     127.0.0.1\tlocalhost\n\
     ::1\tlocalhost ip6-localhost ip6-loopback\n\
     fe00::0\tip6-localnet\n\
     fe00::0\tip6-mcastprefix\n\
     fe00::1\tip6-allnodes\n\
     fe00::2\tip6-allrouters\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(spec: &str) -> String {
        let pod = format!(r#"{{"metadata":{{"name":"web-0","namespace":"shop"}},"spec":{spec}}}"#);
        let pod: Pod = serde_json::from_str(&pod).expect("the test's Pod");
        let addresses = ["10.0.0.5", "fd00::5"].map(|ip| ip.parse().expect("an address"));
        hosts(&pod, &addresses, "cluster.local", "127.0.0.1\tlocalhost\n")
    }

    #[test]
    fn names_the_pod_and_its_aliases() {
        let own = own_names();
        let alias = r#"{"hostAliases":[{"ip":"192.0.2.1","hostnames":["a","b"]}],
            "hostNetwork":true}"#;
        let cases = [
            ("{}", format!("{own}10.0.0.5\tweb-0\nfd00::5\tweb-0\n")),
            (
                r#"{"hostname":"first","subdomain":"web"}"#,
                format!(
                    "{own}10.0.0.5\tfirst.web.shop.svc.cluster.local\tfirst\n\
                     fd00::5\tfirst.web.shop.svc.cluster.local\tfirst\n"
                ),
            ),
            (
                alias,
                "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n\
                 \n# Entries added by HostAliases.\n192.0.2.1\ta\tb\n"
                    .to_owned(),
            ),
        ];
        for (spec, expected) in cases {
            assert_eq!(written(spec), expected, "{spec}");
        }
    }
}
