//! Troubles of a form in the reader's words.

use crate::web::Trouble;
use crate::web::text::Language;

/// What a form's page says of a trouble; what is no fault of the form is a trouble still.
pub fn in_words(trouble: Trouble, language: Language) -> Result<String, Trouble> {
    let text = match &trouble {
        Trouble::Invalid(what) => invalid(what, language),
        Trouble::Faults(_) => language.t1("fault-faults", "what", trouble.lines().join("; ")).into_owned(),
        Trouble::Conflict(what) => language.t1("fault-conflict", "what", what).into_owned(),
        Trouble::Wait(secs) => language.t1("fault-wait", "secs", *secs).into_owned(),
        Trouble::NotSignedIn | Trouble::Forbidden | Trouble::NoSuch(_) | Trouble::Internal(_) => return Err(trouble),
    };
    Ok(text)
}

fn invalid(what: &str, language: Language) -> String {
    let text = match what {
        _ if what.contains("is taken") => language.t("fault-taken"),
        _ if what.starts_with("a name ") => language.t("fault-name"),
        _ if what.starts_with("a password ") => language.t("fault-password"),
        _ if what.starts_with("the name, the password") => language.t("fault-sign-in"),
        _ if what.starts_with("this request was answered") => language.t("fault-answered"),
        _ => language.t1("fault-other", "what", what),
    };
    text.into_owned()
}
