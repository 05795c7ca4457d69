use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::ApiError, reply};

/// Why a call was not carried out. Nothing was changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotError)]
pub(crate) struct Complaint {
    #[serde(rename = "Message")]
    capital: String,
    message: String,
}

impl Complaint {
    pub(super) fn of(status: StatusCode, text: String) -> Response {
        to_the_byte(status, &Self { capital: text.clone(), message: text })
    }
}

/// What the native API refuses or cannot do, in words that clients of pxe-pilot look for.
#[derive(Debug)]
pub(crate) struct Refused(ApiError);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Complaint::of(self.0.status(), self.0.message().to_owned());
        if let Some(challenge) = self.0.into_response().headers().get(header::WWW_AUTHENTICATE) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.clone());
        }
        response
    }
}

/// JSON as Go writes it: `<`, `>` and `&` stand in it as escapes. They only occur inside strings.
pub(super) fn to_the_byte(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => {
            let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
            reply::json(status, text.into_bytes())
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
