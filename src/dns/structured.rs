//! Structured DNS errors: the reason of a refusal as JSON in the text of the extended error
//! (draft-ietf-dnsop-structured-dns-error-27 §4). Holds no names and nothing of the asker.

use serde::Serialize;

use crate::config::StructuredErrors;
use crate::policy::Verdict;

#[derive(Serialize)]
struct Reason<'a> {
    /// Where a wrong refusal can be reported.
    #[serde(rename = "c", skip_serializing_if = "<[String]>::is_empty")]
    contact: &'a [String],
    #[serde(rename = "j", skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
    /// What kind of danger; only beside "blocked" (code 15).
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    sub_error: Option<u8>,
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(rename = "l", skip_serializing_if = "Option::is_none")]
    language: Option<&'static str>,
}

/// Longer texts lose justification and organisation first, as the draft says.
const TEXT_MAX: usize = 480;

/// The text of the extended error.
pub fn text(verdict: &Verdict, config: &StructuredErrors, justification: &str) -> String {
    let language = if config.vietnamese { "vi" } else { "en" };
    let mut reason = Reason {
        contact: &config.contact,
        justification: Some(justification),
        sub_error: sub_error(verdict),
        organization: config.organization.as_deref(),
        language: Some(language),
    };
    // Strings and numbers always become JSON.
    let write = |reason: &Reason<'_>| serde_json::to_string(reason).unwrap_or_default();
    let whole = write(&reason);
    if whole.len() <= TEXT_MAX {
        return whole;
    }
    reason.organization = None;
    let shorter = write(&reason);
    if shorter.len() <= TEXT_MAX {
        return shorter;
    }
    (reason.contact, reason.organization) = (&[], None);
    write(&reason)
}

/// Malware, phishing, spyware.
fn sub_error(verdict: &Verdict) -> Option<u8> {
    if verdict.ede() != 15 {
        return None;
    }
    verdict.reason.category.and_then(|category| match category.code() {
        "malware" => Some(1),
        "phishing_scam" => Some(2),
        "stalkerware" => Some(4),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(contact: &str) -> StructuredErrors {
        let organization = Some("Our home".to_string());
        StructuredErrors { option_code: 0, contact: vec![contact.to_string()], organization, vietnamese: true }
    }

    #[test]
    fn it_is_json_and_stays_short() {
        let written = text(&Verdict::REBINDING, &config("mailto:a@b.example"), "Chặn theo quy tắc");
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["c"][0], "mailto:a@b.example");
        assert_eq!((&read["l"], &read["o"]), (&"vi".into(), &"Our home".into()));
        let long = text(&Verdict::REBINDING, &config(&format!("mailto:{}", "x".repeat(470))), "j");
        assert!(long.len() <= TEXT_MAX && serde_json::from_str::<serde_json::Value>(&long).is_ok(), "{long}");
    }
}
