//! What a refused client gets: by TLS a fatal alert that says the name is not known here, by HTTP a page that says why, and
//! where help is. Never a certificate that is not the site's own.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use hyper::{Response, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::sniff::tls;
use crate::identity::ClientAddr;
use crate::name::Name;
use crate::policy::{Criteria, Verdict, explain};

/// A client that goes on sending after the alert is heard for so long: closing at once would take the alert back (RFC 1122
/// §4.2.2.13).
const LINGER: Duration = Duration::from_secs(1);
/// Octets heard in that time.
const LINGER_MAX: usize = 64 << 10;

/// Sends the alert and closes. Browsers show ERR_SSL_UNRECOGNIZED_NAME_ALERT.
pub async fn alert(mut stream: TcpStream) {
    if stream.write_all(&tls::alert()).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    // Whatever comes of it, the connection ends here.
    let _ = timeout(LINGER, listen_out(&stream)).await;
}

async fn listen_out(stream: &TcpStream) {
    let (mut heard, mut buffer) = (0, [0; 512]);
    while heard < LINGER_MAX && stream.readable().await.is_ok() {
        match stream.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(taken) => heard += taken,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Who writes the page of a refusal: the portal, where there is one.
pub trait Pages: Send + Sync {
    /// The page of `name`'s refusal for `client`, and its content security policy.
    fn refused(&self, client: ClientAddr, name: &Name, verdict: &Verdict, languages: Option<&str>) -> (String, String);
}

/// The portal's page as an answer.
pub fn full_page(html: String, policy: &str) -> Response<Full<Bytes>> {
    let mut response = answer(StatusCode::FORBIDDEN, html);
    if let Ok(policy) = HeaderValue::from_str(policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The page of a refusal where there is no portal, in Vietnamese unless the reader asks for something else first.
pub fn page(verdict: &Verdict, criteria: &Criteria, languages: Option<&HeaderValue>) -> Response<Full<Bytes>> {
    let vietnamese = speaks_vietnamese(languages);
    let why = explain::justification(verdict, criteria, vietnamese);
    let (title, lead) = if vietnamese {
        ("Trang này không mở được ở đây", "Trang này không mở được ở đây.")
    } else {
        ("This page does not open here", "This page does not open here.")
    };
    let paragraphs = if vietnamese {
        [
            "Không phải lỗi của em. Nếu thấy chặn nhầm, hãy nói với người lớn mà em tin.",
            "Cần giúp đỡ, bất cứ lúc nào: gọi <a href=\"tel:111\">111</a>. Miễn phí, ngày và đêm.",
        ]
    } else {
        [
            "You did nothing wrong. If this is a mistake, tell a grown-up whom you trust.",
            "For help, at any time: call <a href=\"tel:111\">111</a>. It is free, day and night.",
        ]
    };
    let lang = if vietnamese { "vi" } else { "en" };
    let mut html = format!(
        "<!doctype html><html lang=\"{lang}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><style>body{{font:1.2em/1.5 sans-serif;max-width:32em;\
         margin:3em auto;padding:0 1em}}</style><h1>{lead}</h1><p>"
    );
    escape(&why, &mut html);
    for paragraph in paragraphs {
        html.push_str("<p>");
        html.push_str(paragraph);
    }
    answer(StatusCode::FORBIDDEN, html)
}

/// An answer of ours that is no refusal: a malformed request, an origin that is not there.
pub fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let reason = status.canonical_reason().unwrap_or("");
    answer(status, format!("<!doctype html><title>{reason}</title><p>{reason}"))
}

fn answer(status: StatusCode, html: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// The first language named counts, whatever its weight: lists are written in the order of preference.
fn speaks_vietnamese(languages: Option<&HeaderValue>) -> bool {
    let Some(languages) = languages.and_then(|value| value.to_str().ok()) else { return true };
    let first = languages.split([',', ';']).next().unwrap_or("").trim().to_ascii_lowercase();
    first.is_empty() || first == "*" || first == "vi" || first.starts_with("vi-")
}

fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        // Writing into a string does not fail.
        let _ = match letter {
            '<' => html.write_str("&lt;"),
            '>' => html.write_str("&gt;"),
            '&' => html.write_str("&amp;"),
            '"' => html.write_str("&quot;"),
            letter => html.write_char(letter),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn html(languages: Option<&'static str>) -> String {
        let languages = languages.map(HeaderValue::from_static);
        let page = page(&Verdict::NAMELESS, &crate::policy::criteria::plain(), languages.as_ref());
        assert_eq!(page.status(), StatusCode::FORBIDDEN);
        assert_eq!(page.headers()[CACHE_CONTROL], "no-store");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(page.into_body().collect()).unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_page_speaks_the_readers_language_and_always_tells_where_help_is() {
        for (languages, lang) in
            [(None, "vi"), (Some("vi-VN,en;q=0.8"), "vi"), (Some("en-US,vi;q=0.9"), "en"), (Some("*"), "vi")]
        {
            let html = html(languages);
            assert!(html.contains(&format!("lang=\"{lang}\"")) && html.contains("tel:111"), "{languages:?} {html}");
            assert!(html.len() < 4096 && !html.contains("http"), "small, and loads nothing");
        }
    }

    #[test]
    fn what_is_written_into_the_page_is_text() {
        let mut html = String::new();
        escape("<b>&\"x\"", &mut html);
        assert_eq!(html, "&lt;b&gt;&amp;&quot;x&quot;");
    }
}
