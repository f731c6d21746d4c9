//! What is said of bytes that are not what the API writes?

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{bytes, expected_metadata, list, message, metadata, number, read, varint};
use crate::api::{Kind, Object};
use crate::protobuf::{List, WatchEvent, status};

/// What is said of a message that ought to be a list of Nodes.
fn refusal(bytes: &[u8]) -> String {
    match List::read(Kind::Node, bytes) {
        Ok(list) => panic!("it is one: {list:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_message_of_the_api_says_why() {
    let good = list(Kind::Node, &[]);
    let with_content = |encoding: &str, content: &str| {
        let kind = message(1, [bytes(1, "v1"), bytes(2, "NodeList")]);
        [b"k8s\0".to_vec(), kind, bytes(2, ""), bytes(3, encoding), bytes(4, content)].concat()
    };
    let kind = message(1, [bytes(1, "v1"), bytes(2, "NodeList")]);
    let without_list = [b"k8s\0".to_vec(), kind].concat();
    let cases: [(&[u8], &str); 8] = [
        (&without_list, "the message holds nothing"),
        (b"", "expected the four bytes before a message of the API"),
        (b"{\"kind\":\"NodeList\"}", "expected the four bytes before a message of the API"),
        (&good[4..], "expected the four bytes before a message of the API"),
        (&good[..12], "a message of the API: field 1: the bytes end in the middle of a field"),
        (&list(Kind::Pod, &[]), "expected NodeList of v1, found \"PodList\" of \"v1\""),
        (
            &with_content("", "application/json"),
            "expected Protocol Buffers in the message, found \"application/json\"",
        ),
        (&with_content("gzip", ""), "expected Protocol Buffers in the message, found \"gzip\""),
    ];
    for (bytes, expected) in cases {
        assert_eq!(refusal(bytes), expected);
    }
    assert_eq!(
        read(Kind::ServiceImport, &metadata()),
        Err("ServiceImport is never written so".to_owned())
    );
}

#[test]
fn what_is_no_object_says_in_which_field() {
    let spec = |fields: Vec<u8>| [metadata(), bytes(2, fields)].concat();
    let cases = [
        (spec(bytes(3, [0xff])), "field 2.3: expected text in UTF-8"),
        (spec(number(3, 1)), "field 2.3: expected text or a message, found a number"),
        (spec(message(1, [bytes(3, "80")])), "field 2.1.3: expected a number"),
        (spec(varint(3 << 3 | 3)), "field 2.3: no field is of wire type 3"),
        (spec(vec![0x02, 0]), "field 2: a field has a number that no field may have"),
        (spec(vec![0x18, 0x80]), "field 2.3: the bytes end in the middle of a field"),
        (spec(vec![0x1a, 2, b'x']), "field 2.3: the bytes end in the middle of a field"),
        (
            spec([vec![0x18], vec![0xff; 9], vec![2]].concat()),
            "field 2.3: a number is longer than 64 bits",
        ),
        (
            message(1, [message(8, [number(1, i64::MAX)])]),
            "field 1.8: expected seconds since 1970 of a year from 0 to 9999, found 9223372036854775807",
        ),
    ];
    for (object, expected) in cases {
        assert_eq!(read(Kind::Service, &object), Err(format!("Service: {expected}")));
    }
    // Whatever else is wrong, it can be said which object it is.
    let broken = list(Kind::Service, &[spec(bytes(3, [0xff]))]);
    let broken = List::read(Kind::Service, &broken).unwrap();
    assert_eq!(broken.items[0].metadata(), Ok(expected_metadata()));
}

/// The same object, written as JSON and read again.
fn by_json(object: &Object) -> Object {
    fn again<T: Serialize + DeserializeOwned>(object: &T) -> T {
        serde_json::from_value(serde_json::to_value(object).unwrap()).unwrap()
    }
    match object {
        Object::Service(object) => Object::Service(again(object)),
        Object::EndpointSlice(object) => Object::EndpointSlice(again(object)),
        Object::Node(object) => Object::Node(again(object)),
        Object::ServiceCidr(object) => Object::ServiceCidr(again(object)),
        Object::Pod(object) => Object::Pod(again(object)),
        Object::Namespace(object) => Object::Namespace(again(object)),
        Object::ServiceImport(object) => Object::ServiceImport(again(object)),
        Object::ConfigMap(object) => Object::ConfigMap(again(object)),
        Object::AddressPool(object) => Object::AddressPool(again(object)),
        Object::IpAddressPool(object) => Object::IpAddressPool(again(object)),
        Object::L2Advertisement(object) => Object::L2Advertisement(again(object)),
    }
}

/// Fields of fields, of numbers that are used somewhere.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "[a-z]{0,3}".prop_map(String::into_bytes),
        any::<[u8; 2]>().prop_map(Vec::from)
    ];
    let field = prop_oneof![
        (1_u64..25, any::<i32>()).prop_map(|(field, value)| number(field, value.into())),
        (1_u64..25, text).prop_map(|(field, value)| bytes(field, value)),
    ];
    let leaf = proptest::collection::vec(field, 0..4).prop_map(|fields| fields.concat());
    leaf.prop_recursive(4, 64, 4, |inner| {
        let fields = (1_u64..25, inner).prop_map(|(field, value)| bytes(field, value));
        proptest::collection::vec(fields, 0..4).prop_map(|fields| fields.concat())
    })
}

proptest! {
    #[test]
    fn an_object_that_can_be_read_is_one_that_json_can_say(object in any_message()) {
        for kind in Kind::ALL {
            if let Ok(object) = read(kind, &object) {
                prop_assert_eq!(by_json(&object), object);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(any in proptest::collection::vec(any::<u8>(), 0..99)) {
        for kind in Kind::ALL {
            drop(read(kind, &any));
            drop(List::read(kind, &any));
            drop(WatchEvent::read(&any).map(|event| (event.item(kind), event.status())));
        }
        drop(status(&any));
    }

    #[test]
    fn a_list_that_is_cut_is_refused(cut in 0_usize..200) {
        let whole = list(Kind::EndpointSlice, &[[metadata(), message(2, [])].concat()]);
        let cut = cut.min(whole.len() - 1);
        // The last two fields may be missing: they are empty.
        let is_whole = cut >= whole.len() - 4 && matches!(whole.len() - cut, 2 | 4);
        prop_assert_eq!(List::read(Kind::EndpointSlice, &whole[..cut]).is_ok(), is_whole);
    }
}
