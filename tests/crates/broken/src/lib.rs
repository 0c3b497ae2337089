//! A crate that does not compile: `report` has a type error of its own, the holes are elsewhere.

pub mod limits;
pub mod report;
