//! Do any bytes break reading what an API server sends as Protocol Buffers, or what is made of it?
#![no_main]

use ingest::Objects;
use ingest::api::{Kind, Object};
use ingest::protobuf::{List, WatchEvent, status};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|bytes: &[u8]| {
    drop(status(bytes));
    for kind in Kind::ALL {
        let mut read = Vec::new();
        if let Ok(list) = List::read(kind, bytes) {
            read.extend(list.items.iter().filter_map(|item| item.object().ok()));
        }
        if let Ok(event) = WatchEvent::read(bytes) {
            drop(event.status());
            read.extend(event.item(kind).ok().and_then(|item| item.object().ok()));
        }
        let alone = list_of(kind, bytes);
        let list = List::read(kind, &alone).expect("it is a list, whatever it holds");
        let item = list.items.first().expect("it holds one");
        if let Ok(object) = item.object() {
            assert_eq!(item.metadata().as_ref(), Ok(object.metadata()));
            read.push(object);
        }
        check(read);
    }
});

/// What can be read is something that JSON can say, and becomes a table or a rejection.
fn check(read: Vec<Object>) {
    let mut objects = Objects::new();
    for object in read {
        assert_eq!(by_json(&object), object);
        objects.apply(object);
    }
    objects.table();
}

/// The bytes as the only object of a list.
fn list_of(kind: Kind, object: &[u8]) -> Vec<u8> {
    let name = format!("{kind}List");
    let kind = [field(1, kind.api_version().as_bytes()), field(2, name.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &kind), field(2, &field(2, object))].concat()
}

fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = value.len();
    while length > 0x7f {
        field.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(value);
    field
}

fn by_json(object: &Object) -> Object {
    match object {
        Object::Service(object) => Object::Service(again(object)),
        Object::EndpointSlice(object) => Object::EndpointSlice(again(object)),
        Object::Node(object) => Object::Node(again(object)),
        Object::ServiceCidr(object) => Object::ServiceCidr(again(object)),
        Object::Pod(object) => Object::Pod(again(object)),
        Object::Namespace(object) => Object::Namespace(again(object)),
        Object::ConfigMap(object) => Object::ConfigMap(again(object)),
        Object::ServiceImport(_)
        | Object::AddressPool(_)
        | Object::IpAddressPool(_)
        | Object::L2Advertisement(_) => {
            unreachable!("it has no such form")
        }
    }
}

fn again<T: Serialize + DeserializeOwned>(object: &T) -> T {
    let json = serde_json::to_value(object).expect("it can be written");
    serde_json::from_value(json).expect("it can be read")
}
