//! Are objects the same that come as Protocol Buffers, and is it told what is wrong with others?
//!
//! Written here field by field; `watch` asks a real server.

mod golden;
mod refused;

use std::collections::BTreeMap;

use crate::api::{Kind, Metadata, Object};
use crate::protobuf::List;

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value.cast_unsigned())].concat()
}

fn bytes(field: u64, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let length = u64::try_from(value.len()).expect("it is short");
    [varint(field << 3 | 2), varint(length), value.to_vec()].concat()
}

fn message<const N: usize>(field: u64, fields: [Vec<u8>; N]) -> Vec<u8> {
    bytes(field, fields.concat())
}

/// With what a server writes before and around it.
fn enveloped(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let kind = message(1, [bytes(1, api_version), bytes(2, kind)]);
    [b"k8s\0".to_vec(), kind, bytes(2, raw), bytes(3, ""), bytes(4, "")].concat()
}

fn list(kind: Kind, objects: &[Vec<u8>]) -> Vec<u8> {
    let metadata = message(1, [bytes(1, ""), bytes(2, "77"), bytes(3, "more"), number(4, 5)]);
    let items = objects.iter().map(|object| bytes(2, object));
    let raw: Vec<u8> = [metadata].into_iter().chain(items).flatten().collect();
    enveloped(kind.api_version(), &format!("{kind}List"), &raw)
}

fn event(what: &str, api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    [bytes(1, what), message(2, [bytes(1, enveloped(api_version, kind, raw))])].concat()
}

fn read(kind: Kind, object: &[u8]) -> Result<Object, String> {
    let list = list(kind, &[object.to_vec()]);
    let list = List::read(kind, &list).map_err(|error| error.to_string())?;
    let [item] = list.items[..] else { panic!("one object: {list:?}") };
    item.object().map_err(|error| error.to_string())
}

fn entry(field: u64, key: &str, value: &str) -> Vec<u8> {
    message(field, [bytes(1, key), bytes(2, value)])
}

fn metadata() -> Vec<u8> {
    let managed = message(17, [bytes(1, "kubectl"), bytes(7, [0xff; 300])]);
    message(
        1,
        [
            bytes(1, "web"),
            bytes(2, ""),
            bytes(3, "shop"),
            bytes(5, "u"),
            bytes(6, "7"),
            number(7, 3),
            message(8, [number(1, 1_795_579_377), number(2, 0)]),
            message(9, []),
            entry(11, "app", "web"),
            entry(11, "empty", ""),
            entry(12, "kubectl.kubernetes.io/last-applied-configuration", "{}"),
            entry(12, "greeting", "포구"),
            message(13, [bytes(3, "owner")]),
            bytes(14, "pogu.dev/one"),
            bytes(14, "pogu.dev/two"),
            managed,
        ],
    )
}

fn expected_metadata() -> Metadata {
    let texts = |entries: &[(&str, &str)]| -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    Metadata {
        name: "web".to_owned(),
        namespace: "shop".to_owned(),
        uid: Some("u".to_owned()),
        resource_version: Some("7".to_owned()),
        labels: texts(&[("app", "web"), ("empty", "")]),
        annotations: texts(&[("greeting", "포구")]),
        generation: Some(3),
        finalizers: ["pogu.dev/one", "pogu.dev/two"].map(str::to_owned).to_vec(),
        creation_timestamp: Some("2026-11-25T04:02:57Z".to_owned()),
        deletion_timestamp: None,
    }
}
