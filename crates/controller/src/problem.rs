//! What is wrong with which object of the API, so that whoever wrote it should know?

use std::collections::BTreeMap;
use std::sync::Arc;

use ingest::api::{Kind, ObjectKey};
use model::{Object, Rejection};

/// Something that was left out of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub object: ObjectKey,
    /// `spec.externalIPs[1]: "fo.o" is no address`
    pub text: String,
}

/// Those of objects that an API server has; files and agents get told otherwise.
pub(crate) fn problems(rejections: &[Rejection]) -> Vec<Problem> {
    let problem = |rejection: &Rejection| {
        let object = key(&rejection.object)?;
        let text = format!("{}: {}", rejection.field, rejection.reason);
        Some(Problem { object, text })
    };
    rejections.iter().filter_map(problem).collect()
}

fn key(object: &Object) -> Option<ObjectKey> {
    let of = |kind, namespace: &str, name: &str| {
        Some(ObjectKey { kind, namespace: namespace.to_owned(), name: name.to_owned() })
    };
    match object {
        Object::Service(name) => of(Kind::Service, &name.namespace, &name.name),
        Object::EndpointSlice { namespace, name } => of(Kind::EndpointSlice, namespace, name),
        Object::Node(name) => of(Kind::Node, "", &name.0),
        Object::ServiceCidr(name) => of(Kind::ServiceCidr, "", name),
        Object::Other { kind, name } => {
            let kind = Kind::ALL.into_iter().find(|it| it.as_str() == &**kind)?;
            let (namespace, name) = name.split_once('/').unwrap_or(("", name));
            of(kind, namespace, name)
        }
        Object::File(_) | Object::Agent => None,
    }
}

/// The identifiers of objects as they come and go: what tells of an object must name this one, not one
/// of the same name before it.
#[derive(Debug, Default)]
pub(crate) struct Identifiers(BTreeMap<ObjectKey, Arc<str>>);

impl Identifiers {
    pub(crate) fn insert(&mut self, key: ObjectKey, uid: Option<&str>) {
        match uid {
            Some(uid) if self.0.get(&key).is_some_and(|known| &**known == uid) => {}
            Some(uid) => drop(self.0.insert(key, uid.into())),
            None => drop(self.0.remove(&key)),
        }
    }

    pub(crate) fn remove(&mut self, key: &ObjectKey) {
        self.0.remove(key);
    }

    pub(crate) fn find(&self, key: &ObjectKey) -> Option<&Arc<str>> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use model::{NodeName, ServiceName};

    use super::*;

    #[test]
    fn each_kind_of_object_is_named_as_the_api_names_it() {
        let objects = [
            Object::Service(ServiceName::new("shop", "web")),
            Object::EndpointSlice { namespace: "shop".into(), name: "web-1".into() },
            Object::Node(NodeName::new("a")),
            Object::ServiceCidr("kubernetes".into()),
            Object::Other { kind: "Pod".into(), name: "shop/web-1".into() },
            Object::Other { kind: "Namespace".into(), name: "shop".into() },
            Object::Other { kind: "Gateway".into(), name: "shop/web".into() },
            Object::File("a.yaml".into()),
            Object::Agent,
        ];
        let rejections = objects.map(|object| Rejection::new(object, "spec.x[1]", "is 3"));
        let told = problems(&rejections);
        let told: Vec<String> =
            told.iter().map(|it| format!("{} {}", it.object, it.text)).collect();
        let expected = [
            "Service shop/web",
            "EndpointSlice shop/web-1",
            "Node a",
            "ServiceCIDR kubernetes",
            "Pod shop/web-1",
            "Namespace shop",
        ];
        assert_eq!(told, expected.map(|it| format!("{it} spec.x[1]: is 3")));
    }
}
