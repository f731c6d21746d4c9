//! Does every question get its answer, whatever upstreams and the network do?

mod always;
mod bounds;
mod codes;
mod health;
mod lies;
mod remembered;
mod several;
mod streams;
mod upstream;
mod world;
