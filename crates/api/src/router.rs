use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, Uri},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, error::ApiError, routes};

/// Where the OpenAPI document is.
pub(crate) const DOCUMENT: &str = "/api/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "nextboot",
        description = "Which machine boots what, next time, and what every machine did. Moments are milliseconds since 1970. \
                       Errors are `{\"error\":{\"code\",\"message\"}}`; codes are stable. Beside the bearer token, root's unix \
                       socket and trusted networks open the API.",
    ),
    security(("token" = [])),
    modifiers(&Bearer),
    tags(
        (name = "server", description = "The appliance itself"),
        (name = "hosts", description = "The machines that are known, and what they boot"),
        (name = "power", description = "Switching hosts on and off, and rescuing them"),
        (name = "nets", description = "Networks whose machines boot something though they are no hosts"),
        (name = "systems", description = "Hosts and networks as pxemngr's commands see them"),
        (name = "profiles", description = "What there is to boot"),
        (name = "tests", description = "What machines are to test, and what came of it"),
        (name = "watch", description = "What happens and what happened"),
        (name = "compatible", description = "The API of pxe-pilot; all of it works without /v1, too"),
    )
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The content of the server's token file."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The native API: whoever may use it may use all of it.
fn native() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(routes::server::status))
        .routes(routes!(routes::server::reload))
        .routes(routes!(routes::hosts::list, routes::hosts::add))
        .routes(routes!(routes::hosts::show, routes::hosts::change, routes::hosts::remove))
        .routes(routes!(routes::attempts::of_host))
        .routes(routes!(routes::preview::preview))
        .routes(routes!(routes::attempts::live))
        .routes(routes!(routes::profiles::list))
        .routes(routes!(routes::profiles::show))
        .routes(routes!(routes::assignments::assign))
        .routes(routes!(routes::assignments::cancel))
        .routes(routes!(routes::power::switch::see, routes::power::switch::set))
        .routes(routes!(routes::power::switch::many))
        .routes(routes!(routes::power::refresh::refresh))
        .routes(routes!(routes::power::rescue::rescue))
        .routes(routes!(routes::events::list))
        .routes(routes!(routes::stream::follow))
        .routes(routes!(routes::nets::list, routes::nets::add))
        .routes(routes!(routes::nets::remove))
        .routes(routes!(routes::nets::assign))
        .routes(routes!(routes::test_runs::show::list, routes::test_runs::queue::queue))
        .routes(routes!(routes::test_runs::names::names))
        .routes(routes!(routes::test_runs::import::import))
        .routes(routes!(routes::test_runs::show::show, routes::test_runs::queue::remove))
        .routes(routes!(routes::test_runs::queue::requeue))
        .routes(routes!(routes::test_runs::log::log, routes::test_runs::log::put_log))
        .routes(routes!(
            routes::systems::view::show,
            routes::systems::change::add,
            routes::systems::change::remove
        ))
        .routes(routes!(routes::systems::change::assign))
        .routes(routes!(routes::systems::history::history, routes::systems::history::take_over))
        .routes(routes!(routes::leases::list))
        .routes(routes!(routes::neighbours::list))
        .routes(routes!(routes::neighbours::probe))
}

/// Calls that judge for themselves who may make them.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::metrics::metrics))
}

/// Every call, behind the gate.
pub(crate) fn build(app: App) -> Router {
    let (native, mut document) = native().split_for_parts();
    let (open, more) = open().split_for_parts();
    document.merge(more);
    document.merge(routes::pilot::documented().into_openapi());
    let pilot = routes::pilot::routes(&app);
    let gate = from_fn_with_state(app.clone(), admit);
    let limit = DefaultBodyLimit::max(app.limits.body);
    let pages = get(routes::test_pages::show);
    [
        "/",
        "/system/{*rest}",
        "/system/",
        "/tests/",
        "/tests/{*rest}",
        "/testname/{*rest}",
        "/test/{*rest}",
        "/testcontent/{*rest}",
    ]
    .into_iter()
    .fold(native, |router, path| router.route(path, pages.clone()))
    .method_not_allowed_fallback(wrong_method)
    .fallback(nothing_here)
    .layer(gate)
    .merge(open.method_not_allowed_fallback(wrong_method))
    .merge(pilot)
    .route(DOCUMENT, get(move || std::future::ready(Json(document.clone()))))
    .layer(limit)
    .with_state(app)
}

/// The gate: who may not use the API learns what it takes, and nothing else.
async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match app.admit(&mut request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn nothing_here(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(
        StatusCode::NOT_FOUND,
        "no-such-path",
        format!("there is nothing at {path}; see {DOCUMENT}"),
    )
}

async fn wrong_method(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong-method",
        format!("{path} does not take this method; see {DOCUMENT}"),
    )
}
