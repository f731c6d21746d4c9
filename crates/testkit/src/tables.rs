//! How do the tables follow a cluster from step to step, and are they what they would be if made
//! at once?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ingest::Objects;
use ingest::api::{Object, ObjectKey};
use model::{NodeContext, NodeName, NodeTable, ServiceChange, ServiceTable};

use crate::cluster::{Cluster, MANIFEST_PATH};
use crate::engine::Dissent;

/// The tables of one cluster and of the nodes that matter.
pub struct Tables {
    names: Vec<NodeName>,
    held: BTreeMap<ObjectKey, Object>,
    objects: Objects,
    table: ServiceTable,
    nodes: BTreeMap<NodeName, NodeTable>,
    incoherences: Vec<(String, Dissent)>,
}

/// Who is told of each node's next table, with the Services that differ.
pub type OnAdvance<'a> = &'a mut dyn FnMut(&NodeTable, &[ServiceChange]);

impl Tables {
    /// Empty tables, to follow the nodes of these names.
    #[must_use]
    pub fn new(names: Vec<NodeName>) -> Self {
        Self {
            names,
            held: BTreeMap::new(),
            objects: Objects::new(),
            table: ServiceTable::default(),
            nodes: BTreeMap::new(),
            incoherences: Vec::new(),
        }
    }

    #[must_use]
    pub fn node(&self, name: &NodeName) -> Option<&NodeTable> {
        self.nodes.get(name)
    }

    /// What the cluster says, after the last step.
    #[must_use]
    pub fn table(&self) -> &ServiceTable {
        &self.table
    }

    /// The addresses of the Node object, in its order.
    #[must_use]
    pub fn addresses(&self, name: &NodeName) -> &[IpAddr] {
        self.table.nodes.get(name).map_or(&[], |node| &node.addresses)
    }

    /// Brings objects, table and node tables to the next cluster by what differs.
    ///
    /// # Panics
    /// The cluster has no objects: a scenario checks that when it is read.
    pub fn follow(&mut self, cluster: &Cluster, on_advance: OnAdvance<'_>) {
        let objects = cluster.objects().expect("a parsed cluster has objects");
        self.follow_objects(objects);
        self.objects.set_file_rejections(MANIFEST_PATH, cluster.unreadable.clone());
        self.table = self.objects.table();
        for name in self.names.clone() {
            self.follow_node(&name, cluster, on_advance);
        }
    }

    fn follow_objects(&mut self, objects: BTreeMap<ObjectKey, Object>) {
        for key in self.held.keys().filter(|key| !objects.contains_key(*key)) {
            self.objects.delete(key);
        }
        for (key, object) in &objects {
            if self.held.get(key) != Some(object) {
                self.objects.apply(object.clone());
            }
        }
        self.held = objects;
    }

    fn follow_node(&mut self, name: &NodeName, cluster: &Cluster, on_advance: OnAdvance<'_>) {
        let Some(context) = self.context(name, cluster) else { return };
        let old = match self.nodes.remove(name) {
            Some(old) => old,
            None => NodeTable::empty(Arc::clone(&context)),
        };
        let (mut next, changes) = old.advance(&self.table);
        self.compare(&old, &next, &changes);
        on_advance(&next, &changes);
        if next.node != context {
            let (moved, changes) = next.with_node(context);
            self.compare(&next, &moved, &changes);
            on_advance(&moved, &changes);
            next = moved;
        }
        self.nodes.insert(name.clone(), next);
    }

    /// A node that is gone keeps what was last known of it.
    fn context(&self, name: &NodeName, cluster: &Cluster) -> Option<Arc<NodeContext>> {
        match self.table.nodes.get(name) {
            Some(node) => Some(Arc::new(cluster.context(node, &self.table))),
            None => self.nodes.get(name).map(|table| Arc::clone(&table.node)),
        }
    }

    /// The changes must lead from the one table to the other.
    fn compare(&mut self, old: &NodeTable, next: &NodeTable, changes: &[ServiceChange]) {
        let mut services = old.services.clone();
        let mut wrong: BTreeSet<String> = BTreeSet::new();
        for change in changes {
            let was = match &change.new {
                Some(new) => services.insert(change.name.clone(), Arc::clone(new)),
                None => services.remove(&change.name),
            };
            if was != change.old || change.old == change.new {
                wrong.insert(change.name.to_string());
            }
        }
        if services != next.services || !wrong.is_empty() {
            let subject = format!("changes of node {}", next.node.name);
            let text = format!("changes do not lead to the next table, or are none: {wrong:?}");
            self.incoherences.push((subject, Dissent(text)));
        }
    }

    /// What the incremental tables got wrong since the last call: how they differ from tables that
    /// are made of the cluster at once, and changes that are none.
    pub fn incoherences(&mut self, cluster: &Cluster) -> Vec<(String, Dissent)> {
        let mut found = std::mem::take(&mut self.incoherences);
        let mut objects = Objects::new();
        for object in self.held.values() {
            objects.apply(object.clone());
        }
        objects.set_file_rejections(MANIFEST_PATH, cluster.unreadable.clone());
        let fresh = objects.table();
        let mut differ = |what: String| {
            let text = "differs from what it would be if made at once".to_owned();
            found.push((what, Dissent(text)));
        };
        if !is_same_table(&self.table, &fresh) {
            differ("the ServiceTable".to_owned());
        }
        for (name, table) in &self.nodes {
            if !is_same(table, &NodeTable::new(Arc::clone(&table.node), &fresh)) {
                differ(format!("the table of node {name}"));
            }
        }
        found
    }

    /// All rejections, of the table and of each node, each text once.
    #[must_use]
    pub fn rejections(&self) -> Vec<String> {
        let mut texts: BTreeSet<String> =
            self.table.rejections.iter().map(ToString::to_string).collect();
        for table in self.nodes.values() {
            texts.extend(table.rejections().iter().map(ToString::to_string));
        }
        texts.into_iter().collect()
    }
}

fn is_same(one: &NodeTable, other: &NodeTable) -> bool {
    one.node == other.node
        && one.services == other.services
        && one.service_cidrs == other.service_cidrs
        && one.rejections() == other.rejections()
}

fn is_same_table(one: &ServiceTable, other: &ServiceTable) -> bool {
    // Every field by name, so that a new one cannot be forgotten here.
    let ServiceTable {
        services,
        nodes,
        pods,
        namespaces,
        imports,
        config_maps,
        address_pools,
        advertisements,
        service_cidrs,
        rejections,
    } = one;
    (services, nodes, pods, service_cidrs, rejections)
        == (&other.services, &other.nodes, &other.pods, &other.service_cidrs, &other.rejections)
        && (namespaces, imports, config_maps)
            == (&other.namespaces, &other.imports, &other.config_maps)
        && (address_pools, advertisements) == (&other.address_pools, &other.advertisements)
}
