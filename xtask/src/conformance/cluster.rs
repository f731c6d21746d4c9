//! What do the tests run in, and how does it go away again?

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::call::Call;
use crate::workspace::{self, text};

/// The namespace of the control plane and of the tests, and the lab's name.
const NAME: &str = "conformance";

/// Of the API server. Pods must reach it, so that it may not be one of loopback.
const SERVER: &str = "172.31.255.2";

/// Of the cable between the namespace and the lab's router: the API server must reach pods.
const OURS: [&str; 2] = ["172.31.254.2", "fd00:31::2"];
const ROUTER: [&str; 2] = ["172.31.254.1", "fd00:31::1"];
const PREFIXES: [&str; 2] = ["24", "64"];

/// Two in each zone: some tests want that.
const NODES: &str = "6";

/// What the tests' images are on this machine.
const IMAGES: &str = "test/conformance/images";

/// Makes a root in which the files of images stand beside the folders of this machine, and starts the
/// lab in there: tests call them by paths such as `/agnhost`. Only what is mounted below `/run/netns`
/// is seen outside; the old root must leave without taking that along.
const IN_ROOT_OF_IMAGES: &str = r#"
set -eu
images=$1; shift
mount --make-private /
mount -t tmpfs -o mode=755 tmpfs /mnt
for entry in /*; do
    if [ -L "$entry" ]; then
        cp -P "$entry" /mnt
    elif [ -d "$entry" ]; then
        mkdir "/mnt$entry"
        [ "$entry" = /mnt ] || mount --rbind "$entry" "/mnt$entry"
    fi
done
cp "$images"/* /mnt
cd /mnt
pivot_root . mnt
mount --make-rprivate /mnt
umount --lazy /mnt
exec "$@"
"#;

/// Nodes of a real control plane, until it is dropped.
pub(super) struct Cluster {
    control_plane: PathBuf,
    pogu: PathBuf,
    state: PathBuf,
    is_down: bool,
}

impl Cluster {
    pub(super) fn up(control_plane: &Path, pogu: &Path, programs: &Path) -> Result<Self> {
        let cluster = Self {
            control_plane: control_plane.to_owned(),
            pogu: pogu.to_owned(),
            state: env::temp_dir().join(format!("pogu-{NAME}")),
            is_down: false,
        };
        let netns = Path::new("/run/netns").join(NAME);
        if netns.exists() {
            println!("taking away what an earlier run has left");
            // A run that was killed early has no lab or no control plane that could be ended.
            let taken_away = cluster.take_away();
            if netns.exists() {
                taken_away?;
            }
        }
        cluster.make_namespace()?;
        cluster
            .call(control_plane)?
            .args(["up", "--detach", "--scheduler", "--bind", SERVER, "--state"])
            .arg(text(&cluster.state)?)
            .run()?;
        let images = programs.join("images");
        cluster
            .call(Path::new("unshare"))?
            .args(["--mount", "--propagation", "unchanged", "sh", "-c", IN_ROOT_OF_IMAGES, "sh"])
            .args([text(&images)?, text(pogu)?, "lab", "up", "--detach", "--name", NAME])
            .args(["--nodes", NODES])
            .arg(format!("--kubeconfig={}", text(&cluster.kubeconfig())?))
            .arg(format!("--images={}", text(&workspace::root()?.join(IMAGES))?))
            .run()?;
        cluster.connect()?;
        Ok(cluster)
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.state.join("admin.kubeconfig")
    }

    /// A program in the namespace, with kubectl at hand.
    pub(super) fn call(&self, program: &Path) -> Result<Call> {
        let tools = self.control_plane.parent().context("the control plane is in no folder")?;
        let path = format!("{}:{}", text(tools)?, env::var("PATH").unwrap_or_default());
        let netns = format!("--net=/run/netns/{NAME}");
        Ok(Call::new("nsenter", [netns.as_str(), text(program)?]).env("PATH", path))
    }

    /// With one end of a cable, whose other end will be the router's.
    fn make_namespace(&self) -> Result<()> {
        ip(&["netns", "add", NAME])?;
        ip(&["-n", NAME, "link", "set", "lo", "up"])?;
        ip(&["-n", NAME, "address", "add", SERVER, "dev", "lo"])?;
        ip(&["-n", NAME, "link", "add", "lab", "type", "veth", "peer", "name", "server"])?;
        add_addresses(NAME, "lab", OURS)?;
        // An address of a link without its other end cannot be listened on.
        ip(&["-n", NAME, "link", "set", "server", "up"])
    }

    fn connect(&self) -> Result<()> {
        let outside = format!("pogu.{NAME}.outside");
        ip(&["-n", NAME, "link", "set", "server", "netns", &outside])?;
        add_addresses(&outside, "server", ROUTER)?;
        ip(&["-n", &outside, "route", "add", SERVER, "via", OURS[0]])?;
        for router in ROUTER {
            ip(&["-n", NAME, "route", "add", "default", "via", router])?;
        }
        Ok(())
    }

    pub(super) fn down(mut self) -> Result<()> {
        self.is_down = true;
        self.take_away()
    }

    /// Whatever fails, the rest goes.
    fn take_away(&self) -> Result<()> {
        let state = text(&self.state)?;
        let lab = self.call(&self.pogu)?.args(["lab", "down", "--name", NAME]).run();
        let control_plane = self.call(&self.control_plane)?.args(["down", "--state", state]).run();
        let netns = ip(&["netns", "delete", NAME]);
        let folder = fs::remove_dir_all(&self.state);
        lab.and(control_plane).and(netns)?;
        folder.with_context(|| format!("cannot remove {state}"))
    }
}

/// What failed has been told already.
impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.is_down
            && let Err(error) = self.take_away()
        {
            eprintln!("something is left of the cluster of the tests: {error:#}");
        }
    }
}

fn add_addresses(netns: &str, link: &str, addresses: [&str; 2]) -> Result<()> {
    for (address, prefix) in addresses.into_iter().zip(PREFIXES) {
        let address = format!("{address}/{prefix}");
        let call = Call::new("ip", ["-n", netns, "address", "add", &address, "dev", link]);
        // Nobody else is on the cable who could have the address already.
        let is_v6 = address.contains(':');
        call.args(is_v6.then_some("nodad")).run()?;
    }
    ip(&["-n", netns, "link", "set", link, "up"])
}

fn ip(arguments: &[&str]) -> Result<()> {
    Call::new("ip", arguments.iter().copied()).run()
}
