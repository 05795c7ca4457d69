//! The TFTP load: many clients in one thread, over a network as bad as wanted.

pub mod bare;
mod crowd;
mod line;

pub use crowd::Crowd;
pub use line::{Drop, Line};
