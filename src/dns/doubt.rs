//! Names that pass the filter of the sealed category are asked about at the holder's, who learns neither the name nor the
//! answer (RFC 9497, VOPRF mode). What cannot be asked stays in doubt, and the judge says what that means for whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;

use crate::classify::sealed::{Belief, Sealed, TAG_LEN, canonical};
use crate::clock::now_secs;
use crate::name::Name;
use crate::oprf::{self, Evaluated, PublicKey};

/// Asks the holder.
pub struct Doubts {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    places: Semaphore,
    /// Before that second nobody is asked again: the holder did not answer.
    rests_until: AtomicU64,
    settled: AtomicU64,
    failed: AtomicU64,
}

/// An asking device waits about five seconds for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A holder that cannot be reached is left alone for so long, so that names in doubt do not wait in vain one after another.
const REST_SECS: u64 = 10;
/// Asked at once; one of 256 rare names is.
const PLACES: usize = 16;
/// One element and its proof.
pub const ANSWER_LEN: usize = 96;

impl Default for Doubts {
    fn default() -> Doubts {
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Doubts {
            http: Client::builder(TokioExecutor::new()).build(https),
            places: Semaphore::new(PLACES),
            rests_until: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }
}

impl Doubts {
    /// Has the memory of `sealed` know what `name` is, where the holder can be asked.
    pub async fn settle(&self, sealed: &Sealed, name: &Name) {
        let rests = || self.rests_until.load(Ordering::Relaxed) > now_secs();
        if rests() {
            return;
        }
        let Ok(_place) = self.places.acquire().await else { return };
        // Others asked meanwhile: perhaps for the same name, perhaps in vain.
        if rests() || sealed.belief(name) != Belief::Unknown {
            return;
        }
        match tokio::time::timeout(PATIENCE, self.ask(sealed, name)).await {
            Ok(Some(is_sealed)) => {
                sealed.remember(name, is_sealed);
                self.settled.fetch_add(1, Ordering::Relaxed);
            }
            Ok(None) | Err(_) => {
                self.rests_until.store(now_secs() + REST_SECS, Ordering::Relaxed);
                self.failed.fetch_add(1, Ordering::Relaxed);
                // Not which name, and not what was answered.
                tracing::warn!("the holder of the sealed list does not answer, or not with its key");
            }
        }
    }

    async fn ask(&self, sealed: &Sealed, name: &Name) -> Option<bool> {
        let (table, key) = (sealed.table(), PublicKey::from_bytes(&sealed.table().key).ok()?);
        let (blinding, element) = oprf::blind(canonical(name)?).ok()?;
        let body = Full::new(Bytes::copy_from_slice(&element));
        let request = Request::builder().method(Method::POST).uri(&table.url).body(body).ok()?;
        let response = self.http.request(request).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let octets = Limited::new(response.into_body(), ANSWER_LEN).collect().await.ok()?.to_bytes();
        let (element, proof) = octets.split_first_chunk::<32>()?;
        let evaluated = Evaluated { elements: vec![*element], proof: proof.try_into().ok()? };
        let output = blinding.finish(&evaluated, &key).ok()?;
        Some(table.has(output.first_chunk::<TAG_LEN>()?))
    }

    /// Names that were settled, and that could not be: which of them were sealed is counted nowhere.
    pub fn counts(&self) -> (u64, u64) {
        (self.settled.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}
