//! The HTTP loads: streams that are read as fast as they come, and wrk for many small requests.

mod stream;
mod wrk;

pub use stream::Streams;
pub use wrk::Wrk;
