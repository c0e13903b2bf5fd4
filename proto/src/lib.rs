//! The protobuf schema of the Stegos network as generated types.
//!
//! The types carry bytes, not meaning: whether a field holds a scalar, a point or an acceptable amount
//! is decided by `stegos-common`. The schema itself is `stegos.proto` beside this crate.

// The documentation of the generated types is the comments in the schema.
#![allow(missing_docs, unreachable_pub, unused_qualifications)]

include!(concat!(env!("OUT_DIR"), "/stegos.rs"));
