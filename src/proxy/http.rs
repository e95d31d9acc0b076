//! Plain HTTP: every request of a connection is read by hyper, judged by its name and URL, and written anew to the origin, so
//! that what we judged is what the origin reads. WebSockets and CONNECT become tunnels after their verdict.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self as client, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::live::{About, CONNECT_SECS, Entry, Seat};
use super::places::Place;
use super::reading::{self, Begun};
use super::route::{OriginalDst, Route, Subject};
use super::server::{Connection, Worker, connect, ended};
use super::sniff::http::{Target, check};
use super::tunnel::{Side, Tunnel};
use super::wire::{Moved, Wire};
use super::{refusal, safe, ways};
use crate::clock::now_secs;
use crate::identity::ClientAddr;
use crate::name::Name;
use crate::policy::Verdict;
use crate::telemetry::proxied::{By, Passage};

/// Octets of a request's head; browsers send a few hundred, with many cookies some thousands.
const HEAD_MAX: usize = 64 << 10;

type Body = Either<Incoming, Either<Full<Bytes>, Begun>>;

/// One connection of a device.
struct Session {
    worker: Rc<Worker>,
    client: ClientAddr,
    to: SocketAddr,
    seat: Seat,
    place: RefCell<Option<Place>>,
    /// Something was asked for that is not help; until then it is nobody's business that the connection is there.
    is_counted: Cell<bool>,
    /// The connection to the origin that the last request went to.
    origin: RefCell<Option<(IpAddr, SendRequest<Incoming>)>>,
}

/// Serves a connection of which `octets` were read already.
pub(super) async fn serve(worker: Rc<Worker>, connection: Connection, octets: Vec<u8>) {
    let Connection { stream, client, to, place } = connection;
    let asked_for = OriginalDst(to.ip().to_canonical());
    // Of no name before the first request: a change of the rules must not end what has asked for nothing yet.
    let about = About { asker: client.into(), name: RefCell::default(), to: asked_for, is_help: Cell::new(false) };
    let seat = worker.live.enter(about);
    let entry = seat.entry();
    // The client's side is there; each origin is waited for by itself.
    entry.connected();
    let patience = worker.server.settings.load().hello;
    let origin = RefCell::new(None);
    let session = Rc::new(Session {
        worker,
        client,
        to,
        seat,
        place: RefCell::new(Some(place)),
        is_counted: Cell::new(false),
        origin,
    });
    let moved = Arc::new(Moved::default());
    let wire = TokioIo::new(Wire::new(stream, octets, Arc::clone(&moved)));
    let answering = Rc::clone(&session);
    let service = service_fn(move |request| {
        let session = Rc::clone(&answering);
        async move { Ok::<_, Infallible>(session.answer(request).await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_MAX)
        .half_close(true)
        .preserve_header_case(true);
    let mut serving = pin!(builder.serve_connection(wire, service).with_upgrades());
    let mut before = moved.so_far();
    poll_fn(|context| {
        if entry.is_over(context) {
            return Poll::Ready(());
        }
        // How the client's connection ends is no concern of ours.
        let polled = serving.as_mut().poll(context).map(drop);
        let now = moved.so_far();
        if now != before {
            before = now;
            entry.touch();
        }
        polled
    })
    .await;
    let (counters, (up, down)) = (&session.worker.server.counters, moved.so_far());
    if !entry.is_quiet() {
        counters.octets(up, down);
        ended(counters, By::Http, &session.seat);
    }
    if session.is_counted.get() {
        counters.open(-1);
    }
}

impl Session {
    /// The way of a request.
    async fn answer(self: Rc<Self>, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let target = match check(&head) {
            Ok(target) => target,
            Err(error) => {
                tracing::debug!(%error, "request refused");
                self.count(Passage::Malformed);
                return closing(refusal::plain(StatusCode::BAD_REQUEST).map(own));
            }
        };
        // Where a length stood beside it, nobody may trust what follows (RFC 9112 §6.3); hyper does not tell, and browsers
        // send no chunked requests.
        let is_chunked = head.headers.contains_key(header::TRANSFER_ENCODING);
        let languages = head.headers.get(header::ACCEPT_LANGUAGE).cloned();
        let (host, port) = (target.host.clone(), target.port);
        let sniffed = target.clone().into_sniffed();
        self.seat.entry().rename(sniffed.name.as_ref());
        let to = OriginalDst(self.to.ip().to_canonical());
        let subject = Subject { asker: self.client.into(), to, port, sniffed: &sniffed, at: now_secs() };
        let (addr, is_help) = match self.worker.server.guide.route(subject).await {
            Route::To { addr, is_help, is_nameless } => {
                self.seat.entry().set_quiet(is_help);
                if !is_help {
                    self.count(if is_nameless { Passage::Nameless } else { Passage::Allowed });
                }
                (addr, is_help)
            }
            Route::Refuse(verdict) => return self.refuse(&verdict, sniffed.name.as_ref(), languages.as_ref()),
        };
        if head.method == Method::CONNECT {
            let addr = SocketAddr::new(addr, port);
            return self.connect_for(Request::from_parts(head, body), addr, host.is_some());
        }
        let guide = &self.worker.server.guide;
        let read = sniffed.name.as_ref().filter(|name| head.method == Method::GET && guide.reads_pages(subject, name));
        match self.forward(Request::from_parts(head, body), &target, addr, read).await {
            Some(Err(verdict)) => self.refuse(&verdict, sniffed.name.as_ref(), languages.as_ref()),
            Some(Ok(response)) if is_chunked => closing(response),
            Some(Ok(response)) => response,
            None => {
                if !is_help {
                    self.count(Passage::Unreachable);
                }
                closing(refusal::plain(StatusCode::BAD_GATEWAY).map(own))
            }
        }
    }

    fn refuse(&self, verdict: &Verdict, name: Option<&Name>, languages: Option<&HeaderValue>) -> Response<Body> {
        self.count(Passage::Refused);
        let server = &self.worker.server;
        ways::note(&server.counters, verdict);
        let page = match server.pages.get().zip(name) {
            Some((pages, name)) => {
                let languages = languages.and_then(|value| value.to_str().ok());
                let (html, policy) = pages.refused(self.client, name, verdict, languages);
                refusal::full_page(html, &policy)
            }
            None => refusal::page(verdict, &server.guide.judge.current().criteria, languages),
        };
        page.map(own)
    }

    fn count(&self, passage: Passage) {
        if !self.is_counted.replace(true) {
            self.worker.server.counters.open(1);
        }
        self.worker.server.counters.passage(By::Http, passage);
    }

    /// Asks the origin at `addr`; `None` when it cannot be reached or breaks off.
    async fn forward(
        self: &Rc<Self>,
        mut request: Request<Incoming>,
        target: &Target,
        addr: IpAddr,
        read: Option<&Name>,
    ) -> Option<Result<Response<Body>, Verdict>> {
        let on_upgrade = wants_upgrade(request.headers()).then(|| hyper::upgrade::on(&mut request));
        let mut request = self.rewritten(request, target)?;
        if read.is_some() {
            reading::ask_plain(request.headers_mut());
        }
        let mut response = self.ask(request, addr).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let theirs = hyper::upgrade::on(&mut response);
            let (ours, session) = (on_upgrade?, Rc::clone(self));
            spawn_local(async move {
                if let (Ok(client), Ok(origin)) = (ours.await, theirs.await) {
                    session.tunnel(client, origin).await;
                }
            });
            return Some(Ok(response.map(Either::Left)));
        }
        without_hops(response.headers_mut());
        match read.filter(|_| reading::is_page(&response)) {
            Some(name) => self.judged(response, name).await,
            None => Some(Ok(response.map(Either::Left))),
        }
    }

    /// The page, once its beginning was read; or why it is refused.
    async fn judged(&self, response: Response<Incoming>, name: &Name) -> Option<Result<Response<Body>, Verdict>> {
        let server = &self.worker.server;
        let snapshot = server.guide.judge.keep();
        let Some(model) = snapshot.engine.guesser().text() else { return Some(Ok(response.map(Either::Left))) };
        let (head, body) = response.into_parts();
        let (scores, begun) = reading::begin(body, model).await?;
        let moment = snapshot.moment(i64::try_from(now_secs()).unwrap_or(i64::MAX));
        let profile = snapshot.asker(self.client.into());
        match snapshot.rule_text(profile, name, scores.called(), &moment).filter(Verdict::is_refusal) {
            Some(verdict) => {
                // The rest of the page is of no use to anybody, and with it the connection.
                *self.origin.borrow_mut() = None;
                server.guide.door.tell(&snapshot, self.client.into(), name, verdict);
                Some(Err(verdict))
            }
            None => Some(Ok(Response::from_parts(head, Either::Right(Either::Right(begun))))),
        }
    }

    /// The request as the origin shall read it: to one host, in one form, for this hop alone.
    fn rewritten(&self, request: Request<Incoming>, target: &Target) -> Option<Request<Incoming>> {
        let (mut head, body) = request.into_parts();
        let upgrade = wants_upgrade(&head.headers).then(|| head.headers.get(header::UPGRADE).cloned()).flatten();
        without_hops(&mut head.headers);
        if let Some(protocol) = upgrade {
            head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(header::UPGRADE, protocol);
        }
        if let Some(host) = head.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str())) {
            head.headers.insert(header::HOST, host.ok()?);
        }
        self.make_safe(&mut head, target);
        Some(Request::from_parts(head, body))
    }

    fn make_safe(&self, head: &mut Parts, target: &Target) {
        let snapshot = self.worker.server.guide.judge.current();
        let profile = snapshot.asker(self.client.into());
        let path = match target.host.clone().and_then(|host| host.name()) {
            Some(name) => safe::rewrite(profile, &name, &target.path, &mut head.headers),
            None => None,
        };
        if let Ok(uri) = path.as_deref().unwrap_or(&target.path).parse::<Uri>() {
            head.uri = uri;
        }
    }

    /// On the connection that is open, else on a new one. A request that an ending connection did not take is sent again.
    async fn ask(&self, request: Request<Incoming>, addr: IpAddr) -> Option<Response<Incoming>> {
        let mut request = request;
        let kept = self.origin.borrow_mut().take().filter(|(to, _)| *to == addr);
        if let Some((_, mut sender)) = kept
            && sender.ready().await.is_ok()
        {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    *self.origin.borrow_mut() = Some((addr, sender));
                    return Some(response);
                }
                Err(mut error) => request = error.take_message()?,
            }
        }
        let entry = self.seat.entry();
        let mut sender = open(SocketAddr::new(addr, self.to.port()), &entry).await?;
        let response = sender.send_request(request).await.ok()?;
        *self.origin.borrow_mut() = Some((addr, sender));
        Some(response)
    }

    /// A client that takes us for its proxy: led to the host it named itself, and what it says there is read like any other
    /// connection's first octets.
    fn connect_for(self: Rc<Self>, mut request: Request<Incoming>, to: SocketAddr, is_named: bool) -> Response<Body> {
        const WEB: [u16; 2] = [80, 443];
        if !is_named || !WEB.contains(&to.port()) {
            return closing(refusal::plain(StatusCode::FORBIDDEN).map(own));
        }
        let upgrade = hyper::upgrade::on(&mut request);
        spawn_local(async move {
            let Some(Side { stream, read }) = upgrade.await.ok().and_then(client_side) else { return };
            let Some(place) = self.place.borrow_mut().take() else { return };
            let connection = Connection { stream, client: self.client, to, place };
            // A box, since this future holds one of its own kind.
            let serving: std::pin::Pin<Box<dyn Future<Output = ()>>> =
                Box::pin(Rc::clone(&self.worker).serve(connection, read));
            serving.await;
        });
        Response::new(own(Full::default()))
    }

    /// Both sides agreed to speak something else: bytes from now on.
    async fn tunnel(&self, client: Upgraded, origin: Upgraded) {
        let (Some(client), Some(origin)) = (client_side(client), origin_side(origin)) else { return };
        let entry = self.seat.entry();
        let (up, down) = Tunnel::new(client, origin, Rc::clone(&entry)).await;
        if !entry.is_quiet() {
            self.worker.server.counters.octets(up, down);
            ended(&self.worker.server.counters, By::Http, &self.seat);
        }
    }
}

/// A connection to an origin, kept going by a task of its own.
async fn open(to: SocketAddr, entry: &Entry) -> Option<SendRequest<Incoming>> {
    // The client's connection may stay for longer; only this wait is short.
    let limit = Duration::from_secs(u64::from(CONNECT_SECS));
    let stream = timeout(limit, connect(to, entry)).await.ok()?.ok()?;
    let (sender, connection) =
        client::Builder::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await.ok()?;
    spawn_local(async move {
        // Its end is told to whoever waits for an answer.
        let _ = connection.with_upgrades().await;
    });
    Some(sender)
}

fn client_side(upgraded: Upgraded) -> Option<Side> {
    let parts = upgraded.downcast::<TokioIo<Wire>>().ok()?;
    let (stream, left) = parts.io.into_inner().into_parts();
    // hyper has read what stands before what is left.
    Some(Side { stream, read: [&parts.read_buf[..], &left[..]].concat() })
}

fn origin_side(upgraded: Upgraded) -> Option<Side> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    Some(Side { stream: parts.io.into_inner(), read: parts.read_buf.to_vec() })
}

/// A body of our own.
fn own(body: Full<Bytes>) -> Body {
    Either::Right(Either::Left(body))
}

fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// True when Connection names Upgrade (RFC 9110 §7.8), and that is to a WebSocket: HTTP/2 in the clear, which it could also
/// be, would carry requests that nobody judges.
fn wants_upgrade(headers: &HeaderMap) -> bool {
    let is_websocket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    headers.get(header::UPGRADE).is_some_and(is_websocket) && named_hops(headers).any(|name| name == header::UPGRADE)
}

fn named_hops(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> + '_ {
    let lines = headers.get_all(header::CONNECTION).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|octet| *octet == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
}

/// Takes out what concerns one hop alone (RFC 9110 §7.6.1); hyper writes its own.
fn without_hops(headers: &mut HeaderMap) {
    let own = ["keep-alive", "proxy-connection"].map(HeaderName::from_static);
    let usual = [header::CONNECTION, header::UPGRADE, header::TE, header::TRANSFER_ENCODING, header::EXPECT];
    let named: Vec<HeaderName> = named_hops(headers).collect();
    for name in named.iter().chain(&own).chain(&usual) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_websockets_are_upgrades() {
        let asked = |lines: &[(&'static str, &'static str)]| {
            let lines =
                lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            wants_upgrade(&lines.collect())
        };
        assert!(asked(&[("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")]));
        assert!(!asked(&[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")]));
        assert!(!asked(&[("connection", "upgrade"), ("upgrade", "websocket, h2c")]));
        assert!(!asked(&[("connection", "close"), ("upgrade", "websocket")]));
    }

    #[test]
    fn what_concerns_one_hop_goes_no_further() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "x-mine, keep-alive"), ("keep-alive", "5"), ("x-mine", "1"), ("te", "x"), ("x-other", "2")]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        without_hops(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-other"]);
    }
}
