//! Are a namespace's kernel parameters its own?

use crate::netns::Netns;
use crate::{skip, sysctl};

const FORWARDING: &str = "net.ipv4.ip_forward";

#[test]
fn a_parameter_of_one_namespace_is_not_that_of_another() {
    if skip::without_root() {
        return;
    }
    let (one, other) = (Netns::unshared().unwrap(), Netns::unshared().unwrap());
    let before = other.run(|| sysctl::read(FORWARDING).unwrap()).unwrap();
    let set = if before == "0" { "1" } else { "0" };
    let read = one.run(|| {
        sysctl::write(FORWARDING, set).unwrap();
        sysctl::read(FORWARDING).unwrap()
    });
    assert_eq!(read.unwrap(), set);
    assert_eq!(other.run(|| sysctl::read(FORWARDING).unwrap()).unwrap(), before);
}

#[test]
fn a_value_that_the_kernel_does_not_take_is_said() {
    if skip::without_root() {
        return;
    }
    let error = Netns::unshared()
        .unwrap()
        .run(|| sysctl::write("net.ipv4.ip_default_ttl", "900").unwrap_err().to_string())
        .unwrap();
    assert_eq!(
        error,
        "cannot set kernel parameter net.ipv4.ip_default_ttl: the kernel does not take the value: \
         Invalid argument (os error 22): \"900\""
    );
}
