//! How is a gRPC health check answered?

use std::convert::Infallible;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response};

/// The method of the health protocol that probes call.
pub(crate) const PATH: &str = "/grpc.health.v1.Health/Check";

/// Five bytes that frame the message, then field 1 of it: `SERVING` is 1, `NOT_SERVING` is 2.
pub(crate) fn response(ready: bool) -> Response<BoxBody<Bytes, Infallible>> {
    let status = if ready { 1 } else { 2 };
    let message = Bytes::from(vec![0, 0, 0, 0, 2, 0x08, status]);
    let trailers = async {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        Some(Ok(trailers))
    };
    let mut response = Response::new(Full::new(message).with_trailers(trailers).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
