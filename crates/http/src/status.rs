//! The statuses that are answered.

/// A status of RFC 9110 section 15 or RFC 6585.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    PartialContent,
    NotModified,
    BadRequest,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Gone,
    RequestTimeout,
    PreconditionFailed,
    ContentTooLarge,
    UriTooLong,
    RangeNotSatisfiable,
    HeadTooLarge,
    InternalServerError,
    ServiceUnavailable,
}

impl Status {
    /// All of them, in the order of their declaration.
    pub(crate) const ALL: [Self; 16] = [
        Self::Ok,
        Self::PartialContent,
        Self::NotModified,
        Self::BadRequest,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Gone,
        Self::RequestTimeout,
        Self::PreconditionFailed,
        Self::ContentTooLarge,
        Self::UriTooLong,
        Self::RangeNotSatisfiable,
        Self::HeadTooLarge,
        Self::InternalServerError,
        Self::ServiceUnavailable,
    ];

    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::PartialContent => 206,
            Self::NotModified => 304,
            Self::BadRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Gone => 410,
            Self::RequestTimeout => 408,
            Self::PreconditionFailed => 412,
            Self::ContentTooLarge => 413,
            Self::UriTooLong => 414,
            Self::RangeNotSatisfiable => 416,
            Self::HeadTooLarge => 431,
            Self::InternalServerError => 500,
            Self::ServiceUnavailable => 503,
        }
    }

    /// Code and reason, as the first line of an answer has them.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::PartialContent => "206 Partial Content",
            Self::NotModified => "304 Not Modified",
            Self::BadRequest => "400 Bad Request",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::Gone => "410 Gone",
            Self::RequestTimeout => "408 Request Timeout",
            Self::PreconditionFailed => "412 Precondition Failed",
            Self::ContentTooLarge => "413 Content Too Large",
            Self::UriTooLong => "414 URI Too Long",
            Self::RangeNotSatisfiable => "416 Range Not Satisfiable",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::InternalServerError => "500 Internal Server Error",
            Self::ServiceUnavailable => "503 Service Unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_listed_once_and_says_its_code() {
        for (at, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, at, "{status:?}");
            assert!(status.line().starts_with(&format!("{} ", status.code())), "{status:?}");
        }
    }
}
