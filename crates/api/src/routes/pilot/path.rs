//! Addresses at which there is nothing, as the router of pxe-pilot (gin) answers them.

use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

/// There is nothing there, or not for this method. A slash too much at the end of a call's address leads to it without.
pub(super) async fn not_found(method: Method, uri: Uri) -> Response {
    let path = uri.path();
    if let Some(plain) = path.strip_suffix('/').filter(|plain| is_call(plain, &method)) {
        let to = match uri.query() {
            Some(query) => format!("{plain}?{query}"),
            None => plain.to_owned(),
        };
        let status = match method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        if let Ok(to) = HeaderValue::from_str(&to) {
            return (status, [(header::LOCATION, to)]).into_response();
        }
    }
    let plain = [(header::CONTENT_TYPE, "text/plain")];
    (StatusCode::NOT_FOUND, plain, "404 page not found").into_response()
}

/// True for the address of a call, with this method.
fn is_call(path: &str, method: &Method) -> bool {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let wanted = match parts[..] {
        ["healthcheck" | "bootloaders" | "configurations" | "hosts"] => Method::GET,
        ["configurations", name] if !name.is_empty() => Method::GET,
        ["configurations", name, "deploy"] if !name.is_empty() => Method::PUT,
        ["hosts", name, "on" | "off" | "reboot"] if !name.is_empty() => Method::PATCH,
        ["refresh"] => Method::PATCH,
        _ => return false,
    };
    wanted == *method
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_other_addresses() {
        for (method, path) in [
            (Method::GET, "/v1/configurations"),
            (Method::GET, "/configurations/local"),
            (Method::PUT, "/v1/configurations/local/deploy"),
            (Method::PATCH, "/v1/hosts/h1/on"),
            (Method::PATCH, "/v1/refresh"),
        ] {
            assert!(is_call(path, &method), "{method} {path}");
        }
        for (method, path) in [
            (Method::POST, "/v1/configurations"),
            (Method::GET, "/v1"),
            (Method::GET, "/v1/configurations/"),
            (Method::GET, "/v1/nothing"),
            (Method::GET, "/v1/hosts/h1"),
            (Method::PATCH, "/v1/hosts//on"),
        ] {
            assert!(!is_call(path, &method), "{method} {path}");
        }
    }
}
