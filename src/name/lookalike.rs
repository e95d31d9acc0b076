//! Names that look like others: with letters of another alphabet, digits for letters, or a stroke between. Two names look
//! alike when nothing is left of them but what the eye sees, and that is the same.

use std::collections::HashMap;

use super::{Name, Suffix};

/// Names that others pretend to be.
#[derive(Debug, Clone, Default)]
pub struct Lookalikes {
    /// What the eye sees of the registered label → the protected name.
    seen: HashMap<String, Name>,
}

/// Shorter labels look like too much.
const LABEL_MIN: usize = 5;

impl Lookalikes {
    /// Protects the registrable domains of these names.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n Name>) -> Lookalikes {
        let mut seen = HashMap::new();
        for name in names {
            let Some(domain) = name.registrable() else { continue };
            if let Some(sight) = sight(domain) {
                seen.entry(sight).or_insert_with(|| domain.to_name());
            }
        }
        Lookalikes { seen }
    }

    /// The protected name that `name` looks like without being it; `None` for all others. Under the same registered label
    /// at another suffix a name is no imitation but a namesake.
    pub fn imitated(&self, name: &Name) -> Option<&Name> {
        if self.seen.is_empty() {
            return None;
        }
        let domain = name.registrable()?;
        let protected = self.seen.get(&sight(domain)?)?;
        (protected.labels().next() != domain.labels().next()).then_some(protected)
    }
}

/// What the eye sees of the first label; `None` when it is too short to look like anything.
fn sight(domain: Suffix<'_>) -> Option<String> {
    let label = std::str::from_utf8(domain.labels().next()?).ok()?;
    let written = if label.starts_with("xn--") { idna::domain_to_unicode(label).0 } else { label.to_string() };
    let seen: String = written.chars().flat_map(char::to_lowercase).filter_map(letter).collect();
    // Pairs that run together.
    let seen = seen.replace("rn", "m").replace("vv", "w");
    (seen.chars().count() >= LABEL_MIN).then_some(seen)
}

/// The letter that a character looks like; `None` for what the eye passes over.
fn letter(character: char) -> Option<char> {
    Some(match character {
        '-' | '_' | '·' | '\u{300}'..='\u{36f}' => return None,
        '0' | 'о' | 'ο' | 'ö' | 'ó' | 'ò' | 'ô' | 'õ' | 'ø' | 'ō' | 'ő' | 'ơ' | 'ọ' | 'ỏ' | 'ố' | 'ồ' | 'ổ' | 'ỗ'
        | 'ộ' | 'ớ' | 'ờ' | 'ở' | 'ỡ' | 'ợ' => 'o',
        '1' | 'i' | 'ı' | 'і' | 'ӏ' | 'ι' | 'í' | 'ì' | 'î' | 'ï' | 'ī' | 'ĩ' | 'ỉ' | 'ị' | 'ł' | 'ĺ' | 'ļ' | '|' => {
            'l'
        }
        '3' | 'е' | 'ё' | 'ε' | 'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' | 'ẹ' | 'ẻ' | 'ẽ' | 'ế' | 'ề' | 'ể'
        | 'ễ' | 'ệ' => 'e',
        '4' | 'а' | 'α' | 'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ạ' | 'ả' | 'ấ' | 'ầ' | 'ẩ' | 'ẫ'
        | 'ậ' | 'ắ' | 'ằ' | 'ẳ' | 'ẵ' | 'ặ' => 'a',
        '5' | 'ѕ' | 'ś' | 'š' | 'ş' | 'ș' => 's',
        '7' | 'т' | 'τ' | 'ţ' | 'ț' | 'ť' => 't',
        'в' | 'ь' => 'b',
        'с' | 'ç' | 'ć' | 'č' => 'c',
        'ԁ' | 'đ' | 'ď' => 'd',
        'ğ' | 'ģ' | 'ɡ' => 'g',
        'һ' | 'н' => 'h',
        'ј' => 'j',
        'к' | 'κ' | 'ķ' => 'k',
        'м' => 'm',
        'п' | 'η' | 'ñ' | 'ń' | 'ň' | 'ņ' => 'n',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' | 'ř' => 'r',
        'υ' | 'ú' | 'ù' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ũ' | 'ư' | 'ụ' | 'ủ' | 'ứ' | 'ừ' | 'ử' | 'ữ' | 'ự' => {
            'u'
        }
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ý' | 'ỳ' | 'ÿ' | 'ỷ' | 'ỹ' | 'ỵ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn imitations_are_seen_and_namesakes_left_alone() {
        let facebook = name("www.facebook.com");
        let lookalikes = Lookalikes::new([&facebook, &name("tiktok.com"), &name("minecraft.net"), &name("fb.com")]);
        let cyrillic = "fасеbook.com";
        for (imitation, of) in [
            ("faceb00k.com", "facebook.com"),
            ("login.face-book.net", "facebook.com"),
            (cyrillic, "facebook.com"),
            ("fácebook.com.vn", "facebook.com"),
            ("t1kt0k.vn", "tiktok.com"),
            ("rninecraft.net", "minecraft.net"),
        ] {
            assert_eq!(lookalikes.imitated(&name(imitation)).map(Name::to_string).as_deref(), Some(of), "{imitation}");
        }
        for other in
            ["facebook.com", "m.facebook.com", "facebook.de", "facebooks.com", "book.com", "fb.vn", "f6.com", "com"]
        {
            assert_eq!(lookalikes.imitated(&name(other)), None, "{other}");
        }
    }
}
