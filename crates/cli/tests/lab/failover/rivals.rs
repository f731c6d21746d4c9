//! What becomes of an address that somebody else on the network has, or claims?

use std::fs;
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use host::link::Links;
use host::netns::Netns;
use host::process::Output;

use super::rig::Rig;
use super::wire::Capture;
use crate::rig::ask_tcp;

const LINK: &str = "eth0";

/// A host on the fabric that is none of the lab's.
struct Rival {
    netns: Netns,
    keepalived: Option<Child>,
}

impl Rival {
    fn up(rig: &Rig) -> Self {
        let netns = Netns::unshared().unwrap();
        let plug = || {
            let mut links = Links::open().unwrap();
            links.create_veth("rival", LINK, Some(&netns)).unwrap();
            links.join_bridge("rival", "fabric0").unwrap();
            links.set_up("rival").unwrap();
        };
        rig.lab.netns("fabric").run(plug).unwrap();
        let rival = Self { netns, keepalived: None };
        rival.ip("link set eth0 up");
        rival.ip("address add 172.30.0.250/24 dev eth0");
        rival.ip("address add fd00:30::fa/64 dev eth0 nodad");
        rival
    }

    fn ip(&self, args: &str) -> String {
        let args: Vec<&str> = args.split_whitespace().collect();
        let output = self.run("ip", &args);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let run = || host::process::run(program, args, "", Duration::from_secs(20)).unwrap();
        self.netns.run(run).unwrap()
    }

    fn mac(&self) -> String {
        self.ip("-br link show dev eth0").split_whitespace().nth(2).unwrap().to_owned()
    }

    /// The usual program for one address that moves between hosts takes these by VRRP.
    #[expect(clippy::disallowed_methods, reason = "runs a rival")]
    fn keep(&mut self, rig: &Rig, addresses: [IpAddr; 2]) {
        let [v4, v6] = addresses;
        let path = rig.lab.path("keepalived.conf");
        let text = format!(
            "vrrp_instance rival {{\n interface {LINK}\n virtual_router_id 51\n priority 200\n advert_int 1\n \
             virtual_ipaddress {{\n  {v4}/32 dev {LINK}\n }}\n \
             virtual_ipaddress_excluded {{\n  {v6}/128 dev {LINK}\n }}\n}}\n"
        );
        fs::write(&path, text).unwrap();
        let start = || {
            let mut command = Command::new("keepalived");
            command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file"]).arg(&path);
            for (option, file) in [("--pid", "keepalived.pid"), ("--vrrp_pid", "vrrp.pid")] {
                command.arg(option).arg(rig.lab.path(file));
            }
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        self.keepalived = Some(self.netns.run(start).unwrap());
        rig.lab.await_that("keepalived does not take them", |_| {
            let held = self.ip("address show dev eth0");
            addresses.iter().all(|address| held.contains(&format!(" {address}/")))
                && !held.contains("tentative")
        });
    }

    /// It keeps its link, and has nothing more to say.
    fn end(&mut self) {
        self.netns.kill_all().unwrap();
        if let Some(mut keepalived) = self.keepalived.take() {
            keepalived.wait().unwrap();
        }
        self.ip("link set eth0 down");
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _is_gone_already = self.netns.kill_all().is_ok();
        if let Some(keepalived) = &mut self.keepalived {
            let _is_gone_already = keepalived.wait().is_ok();
        }
    }
}

impl Rig {
    fn address(&self, rank: usize, address: IpAddr) -> serde_json::Value {
        let node = self.node(rank);
        let socket = node["agentSocket"].as_str().unwrap();
        let said = self.lab.says(&["get", "addresses", "-A", "-o", "json", "--socket", socket]);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let items = said["items"].as_array().unwrap().iter();
        items.clone().find(|it| it["address"] == address.to_string()).cloned().unwrap_or_default()
    }

    /// The client has to do with it.
    fn ask(&self, address: IpAddr) {
        ask_tcp(&self.outside, (address, 90).into()).unwrap();
    }

    /// What the neighbour table of the client holds for it.
    fn neighbour(&self, address: IpAddr) -> String {
        let entry = self.ip_in("outside", &["neighbour", "show", &address.to_string()]);
        let mut words = entry.split_whitespace().skip_while(|word| *word != "lladdr");
        words.nth(1).unwrap_or_default().to_owned()
    }
}

#[test]
fn an_address_of_somebody_else_is_not_used_and_an_own_one_is_defended() {
    if host::skip::without_root() {
        return;
    }
    let rig = Rig::up();
    let mut rival = Rival::up(&rig);
    let (rival_mac, owner_mac) = (rival.mac(), rig.mac(&rig.nodes[0]));

    // A rival comes up with addresses that are in use.
    let [v4, v6] = rig.vips;
    rig.vips.iter().for_each(|vip| rig.ask(*vip));
    assert_eq!(rig.vips.map(|vip| rig.neighbour(vip)), [owner_mac.clone(), owner_mac.clone()]);
    let capture = Capture::begin(&rig);
    rival.ip(&format!("address add {v4}/32 dev eth0"));
    rival.ip(&format!("address add {v6}/128 dev eth0"));
    let text = v4.to_string();
    // Nobody answers that.
    rival.run("arping", &["-q", "-U", "-c", "1", "-S", &text, "-i", LINK, &text]);
    rig.lab.await_that("the owner does not hear the rival", |_| {
        rig.told().contains(&format!("mac={rival_mac}"))
    });
    for vip in rig.vips {
        rig.lab.await_that(&format!("{vip} is lost to the rival"), |_| {
            rig.neighbour(vip) == owner_mac
        });
    }
    // The rival's own kernel has asked whether somebody has the IPv6 address, and heard it.
    rig.lab.await_that("the rival did not give way", |_| {
        rival
            .ip("-6 address show dev eth0")
            .lines()
            .any(|line| line.contains(&v6.to_string()) && line.contains("dadfailed"))
    });
    let claims = capture.end(&rig);
    let of = |vip| claims.iter().filter(move |claim| claim.address == vip);
    let macs = |vip| -> Vec<String> { of(vip).map(|claim| claim.mac.to_string()).collect() };
    assert!(macs(v4).contains(&rival_mac), "{claims:?}");
    for vip in rig.vips {
        assert_eq!(macs(vip).last(), Some(&owner_mac), "{vip}: {claims:?}");
    }
    rival.ip(&format!("address delete {v4}/32 dev eth0"));
    rival.ip(&format!("address delete {v6}/128 dev eth0"));

    // Another has addresses already that a Service gets.
    let free = |addresses: [&str; 2], at: usize| -> IpAddr {
        let of = |text: &&str| text.parse().unwrap();
        addresses.iter().map(of).find(|address| *address != rig.vips[at]).unwrap()
    };
    let taken =
        [free(["172.30.0.239", "172.30.0.238"], 0), free(["fd00:30::23f", "fd00:30::23e"], 1)];
    rival.keep(&rig, taken);
    rig.lab.write(
        "taken.yaml",
        &format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: taken, namespace: shop, annotations: \
             {{metallb.io/loadBalancerIPs: \"{},{}\"}}}}\nspec: {{type: LoadBalancer, \
             ipFamilyPolicy: RequireDualStack, selector: {{app: web}}, ports: [{{port: 91, \
             targetPort: 9000}}]}}\n",
            taken[0], taken[1]
        ),
    );
    for address in taken {
        rig.lab.await_that(&format!("nobody tells that {address} is taken"), |_| {
            (0..3).any(|rank| {
                let reason = rig.address(rank, address)["reason"].clone();
                reason == format!("{rival_mac}, which is no node's, has the address")
            })
        });
    }
    assert_eq!(rig.answering_for(taken), [vec![rival_mac.clone()], vec![rival_mac]]);
    rival.end();
    // It is tried again after ten seconds.
    rig.lab.await_that("it stays without an owner", |_| {
        rig.answering_for(taken).iter().all(|macs| macs.len() == 1)
    });
}
