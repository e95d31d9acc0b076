//! Safe search where a URL can be seen: the parameter by which an engine is asked for safe results, and the header by which
//! YouTube is asked to restrict itself.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::name::Name;
use crate::policy::{Profile, Youtube};

/// Part of the engine's name (its label before the public suffix), path of its search, parameter and its safe value. From the
/// engines' own help pages.
const ENGINES: [(&str, &str, &str, &str); 6] = [
    ("google", "/", "safe", "active"),
    ("bing", "/", "adlt", "strict"),
    ("duckduckgo", "/", "kp", "1"),
    ("yahoo", "/search", "vm", "r"),
    ("yandex", "/", "family", "yes"),
    ("pixabay", "/", "safesearch", "true"),
];

/// Hosts that read the header (support.google.com/a/answer/6214622).
const YOUTUBE: [&str; 5] = [
    "www.youtube.com",
    "m.youtube.com",
    "youtubei.googleapis.com",
    "youtube.googleapis.com",
    "www.youtube-nocookie.com",
];

/// Sets the header where it is due, and returns the path with the safe parameter where it has to change.
pub fn rewrite(profile: &Profile, name: &Name, path: &str, headers: &mut HeaderMap) -> Option<String> {
    restrict(profile, name, headers);
    if !profile.safe_search {
        return None;
    }
    let label = name.registrable()?.labels().next()?;
    let (_, under, key, value) = ENGINES.iter().find(|(engine, ..)| engine.as_bytes() == label)?;
    let (before, query) = path.split_once('?')?;
    before.starts_with(under).then(|| format!("{before}?{}", with(query, key, value)))
}

fn restrict(profile: &Profile, name: &Name, headers: &mut HeaderMap) {
    let value = match profile.youtube {
        Youtube::Off => return,
        Youtube::Moderate => "Moderate",
        Youtube::Strict => "Strict",
    };
    if YOUTUBE.iter().any(|host| Name::parse(host).is_ok_and(|host| host == *name)) {
        headers.insert(HeaderName::from_static("youtube-restrict"), HeaderValue::from_static(value));
    }
}

/// The query with that parameter once, and nothing else of that name, however its letters are written.
fn with(query: &str, key: &str, value: &str) -> String {
    let others = query.split('&').filter(|pair| !pair.is_empty() && !is_key(pair.split('=').next().unwrap_or(""), key));
    others.map(str::to_string).chain([format!("{key}={value}")]).collect::<Vec<_>>().join("&")
}

/// True when `text`, with its %XX read, is `key`.
fn is_key(text: &str, key: &str) -> bool {
    let mut octets = text.bytes();
    let decoded = std::iter::from_fn(|| match octets.next()? {
        b'%' => {
            let digits = [octets.next()?, octets.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
        }
        octet => Some(octet),
    });
    decoded.map(|octet| octet.to_ascii_lowercase()).eq(key.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::ServiceSet;
    use crate::policy::{Age, Band, ProfileInput, criteria};

    fn profile(band: Band) -> Profile {
        Profile::compile(&ProfileInput::new("x", Age::Band(band)), &criteria::plain(), ServiceSet::EMPTY, 2026)
    }

    fn rewritten(band: Band, name: &str, path: &str) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        let path = rewrite(&profile(band), &Name::parse(name).unwrap(), path, &mut headers);
        (path, headers.get("youtube-restrict").map(|value| value.to_str().unwrap().to_string()))
    }

    #[test]
    fn searches_carry_the_safe_parameter_once_and_only_there() {
        let child = |name, path| rewritten(Band::Age10to12, name, path).0;
        let google = "www.google.com.vn";
        assert_eq!(child(google, "/search?q=a").as_deref(), Some("/search?q=a&safe=active"));
        assert_eq!(
            child(google, "/search?safe=off&q=a&SAFE=off&s%61fe=off").as_deref(),
            Some("/search?q=a&safe=active")
        );
        assert_eq!(child("www.bing.com", "/search?q=a").as_deref(), Some("/search?q=a&adlt=strict"));
        assert_eq!(child(google, "/imghp"), None);
        assert_eq!(child("google.evil.example", "/search?q=a"), None);
        assert_eq!(rewritten(Band::Adult, google, "/search?q=a").0, None);
    }

    #[test]
    fn youtube_is_asked_to_restrict_itself() {
        assert_eq!(rewritten(Band::Age10to12, "www.youtube.com", "/").1.as_deref(), Some("Strict"));
        assert_eq!(rewritten(Band::Age13to15, "m.youtube.com", "/").1.as_deref(), Some("Moderate"));
        assert_eq!(rewritten(Band::Adult, "www.youtube.com", "/").1, None);
        assert_eq!(rewritten(Band::Age10to12, "www.example.com", "/").1, None);
    }
}
