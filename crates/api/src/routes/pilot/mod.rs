//! The API of pxe-pilot, to the byte where scripts depend on it: under `/v1`, as its releases since 0.4 have it, and without,
//! as earlier ones and the scripts written for them do.

mod answer;
mod configurations;
mod deploy;
mod health;
mod hosts;
mod path;
mod power;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{MethodRouter, any, get, patch, put},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::answer::Refused;
use crate::app::App;

/// What the document tells of, and nothing else: the same calls without `/v1` come with [`routes`].
pub(crate) fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(deploy::deploy))
        .routes(routes!(deploy::deploy_v1))
        .routes(routes!(health::healthcheck))
        .routes(routes!(configurations::bootloaders))
        .routes(routes!(configurations::list))
        .routes(routes!(configurations::show))
        .routes(routes!(hosts::list))
        .routes(routes!(power::on))
        .routes(routes!(power::off))
        .routes(routes!(power::reboot))
        .routes(routes!(power::refresh))
}

/// All calls, at both addresses. Those that change nothing and tell of hosts want what the native API wants; the others judge
/// for themselves.
pub(crate) fn routes(app: &App) -> Router<App> {
    let gate = || from_fn_with_state(app.clone(), admit);
    let open = |method: MethodRouter<App>| method.fallback(path::not_found);
    let gated = |method: MethodRouter<App>| open(method.route_layer(gate()));
    let mut router = Router::new();
    for prefix in ["", "/v1"] {
        let at = |path: &str| format!("{prefix}{path}");
        router = router
            .route(&at("/healthcheck"), open(get(health::healthcheck)))
            .route(&at("/bootloaders"), gated(get(configurations::bootloaders)))
            .route(&at("/configurations"), gated(get(configurations::list)))
            .route(&at("/configurations/{name}"), gated(get(configurations::show)))
            .route(&at("/configurations/{name}/deploy"), open(put(deploy::deploy)))
            .route(&at("/hosts"), gated(get(hosts::list)))
            .route(&at("/hosts/{name}/on"), gated(patch(power::on)))
            .route(&at("/hosts/{name}/off"), gated(patch(power::off)))
            .route(&at("/hosts/{name}/reboot"), gated(patch(power::reboot)))
            .route(&at("/refresh"), gated(patch(power::refresh)));
    }
    ["/v1", "/v1/", "/v1/{*rest}"]
        .iter()
        .fold(router, |router, path| router.route(path, any(path::not_found)))
}

/// As the native API's gate.
async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Refused> {
    app.admit(&mut request)?;
    Ok(next.run(request).await)
}
