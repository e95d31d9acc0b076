//! As much HTTP/1.1 as the measurement needs: an origin with one page, and a client that reads it through any proxy.

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::plan::PAGE;

/// The page begins with this, which no block page does.
const MARK: &[u8] = b"<html><p>origin";
/// Octets of a head, or of a body of unknown length, that are read at most.
const MAX: usize = 256 << 10;

/// What came back.
pub struct Reply {
    pub status: u16,
    /// The origin's page, whole.
    pub is_page: bool,
    /// The connection may be used again.
    pub stays: bool,
}

/// Answers requests with the page until the client wants no more.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> anyhow::Result<()> {
    let (keep, last) = (page(true), page(false));
    let mut buffer = Vec::with_capacity(2048);
    while let Some(end) = head(&mut stream, &mut buffer).await? {
        let is_last = value(&buffer[..end], "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        buffer.drain(..end);
        stream.write_all(if is_last { &last } else { &keep }).await?;
        stream.flush().await?;
        if is_last {
            stream.shutdown().await?;
            let _ = stream.read(&mut [0; 1]).await?;
            break;
        }
    }
    Ok(())
}

fn page(stays: bool) -> Vec<u8> {
    let connection = if stays { "keep-alive" } else { "close" };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {PAGE}\r\nConnection: {connection}\r\n\r\n"
    );
    let mut page = head.into_bytes();
    let end = page.len() + PAGE;
    page.extend_from_slice(MARK);
    // Words, for those that weigh them.
    page.extend(b" river mountain morning bread".iter().cycle().take(end - page.len()));
    page
}

/// Sends one request and reads the answer; what belongs to the next one stays in `buffer`.
pub async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    name: &str,
    keep: bool,
) -> anyhow::Result<Reply> {
    let connection = if keep { "keep-alive" } else { "close" };
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nAccept: */*\r\nConnection: {connection}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let end = head(stream, buffer).await?.context("closed without an answer")?;
    let text = buffer[..end].to_vec();
    buffer.drain(..end);
    let status = std::str::from_utf8(&text)?.split(' ').nth(1).context("no status")?.parse()?;
    let is_word = |key: &str, word: &str| value(&text, key).is_some_and(|value| value.eq_ignore_ascii_case(word));
    let len = value(&text, "content-length").map(str::parse::<usize>).transpose()?;
    let (body, is_bounded) = match len {
        Some(len) => (exactly(stream, buffer, len).await?, true),
        None if is_word("transfer-encoding", "chunked") => (chunks(stream, buffer).await?, true),
        None => (rest(stream, buffer).await?, false),
    };
    let is_page = status == 200 && body.len() == PAGE && body.starts_with(MARK);
    Ok(Reply { status, is_page, stays: is_bounded && !is_word("connection", "close") })
}

/// Reads until the empty line; the octets up to and with it. `None` when the other side has ended before the first.
async fn head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> anyhow::Result<Option<usize>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        anyhow::ensure!(buffer.len() < MAX, "a head without end");
        if stream.read_buf(buffer).await? == 0 {
            anyhow::ensure!(buffer.is_empty(), "cut in a head");
            return Ok(None);
        }
    }
}

fn value<'a>(head: &'a [u8], key: &str) -> Option<&'a str> {
    let lines = std::str::from_utf8(head).ok()?.split("\r\n").skip(1);
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.trim())
}

async fn exactly<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>, len: usize) -> anyhow::Result<Vec<u8>> {
    anyhow::ensure!(len < MAX, "a page of {len} octets");
    while buffer.len() < len {
        anyhow::ensure!(stream.read_buf(buffer).await? > 0, "cut in a page");
    }
    Ok(buffer.drain(..len).collect())
}

async fn chunks<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = loop {
            match buffer.windows(2).position(|two| two == b"\r\n") {
                Some(at) => break at,
                None => anyhow::ensure!(stream.read_buf(buffer).await? > 0, "cut before a chunk"),
            }
        };
        let line = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let len = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
        buffer.drain(..end + 2);
        body.extend(exactly(stream, buffer, len).await?);
        exactly(stream, buffer, 2).await?;
        anyhow::ensure!(body.len() < MAX, "chunks without end");
        if len == 0 {
            return Ok(body);
        }
    }
}

async fn rest<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> anyhow::Result<Vec<u8>> {
    while buffer.len() < MAX && stream.read_buf(buffer).await? > 0 {}
    Ok(std::mem::take(buffer))
}
