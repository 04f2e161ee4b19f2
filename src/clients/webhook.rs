//! Sending a webhook, as a counterpart does, to a server that may be our own. What it answers is told as it came.

use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Error, body, lost};

/// Posts `content` with these headers; of two of one name the later one is sent.
///
/// # Errors
/// When there was no answer, or half of one. Any status is an answer.
pub async fn post(http: &Client, to: &Url, headers: &[(String, String)], content: Vec<u8>) -> Result<(u16, String), Error> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_odd| Error::Settings("a header's name cannot be sent"))?;
        let value = HeaderValue::try_from(value).map_err(|_odd| Error::Settings("a header's value cannot be sent"))?;
        map.insert(name, value);
    }
    let response = http.post(to.clone()).headers(map).body(content).send().await.map_err(|error| lost(&error))?;
    let status = response.status().as_u16();
    Ok((status, String::from_utf8_lossy(&body(response).await?).into_owned()))
}
