//! Who a name pretends to be. A brand's word stands in a label, and all else in the label is lure, filler, digit or stroke;
//! or the whole is one letter away from such a word; or a brand's address stands below somebody else's name.

use super::brands::{Brand, Protected};
use super::sight::{Sight, Spelling};
use super::words::Words;
use crate::name::{Name, NameSet, Suffix};

/// Who is imitated, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imitation<'l> {
    /// The brand.
    pub of: &'l Brand,
    /// The way.
    pub how: Kind,
}

/// The ways a name imitates another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Letters that look alike: of another alphabet, with marks, digits, `rn` for `m`.
    Homoglyph,
    /// One letter too many, too few, another, or two swapped; or strokes within the word.
    Edit,
    /// The word and lures beside it.
    AddedWord,
    /// The word itself at an ending that is not the brand's.
    OtherEnding,
    /// The brand's address within or below another name.
    Subdomain,
}

impl Kind {
    /// The code that `explain --json` uses.
    pub const fn code(self) -> &'static str {
        match self {
            Kind::Homoglyph => "homoglyph",
            Kind::Edit => "edit",
            Kind::AddedWord => "added_word",
            Kind::OtherEnding => "other_ending",
            Kind::Subdomain => "subdomain",
        }
    }
}

/// The protected brands, ready to be looked for. Built once; finding allocates for names of other alphabets alone.
pub struct Lookalikes {
    brands: Vec<Brand>,
    words: Vec<Word>,
    /// Positions in `words`, by what is seen of them.
    places: Words<u16>,
    /// Positions in `words` by how many letters are seen of them: those that can be a letter away from so many.
    near: Vec<Vec<usize>>,
    beside: Words<Beside>,
    /// What no finding can be: the brands' own names and the trusted endings.
    own: NameSet,
    others: Vec<String>,
}

struct Word {
    text: String,
    seen: Box<[u8]>,
    brand: usize,
    is_joined: bool,
}

/// What stands beside a word, as bits that add up.
type Beside = u8;
const FILLER: Beside = 1;
const LURE: Beside = 2;
/// A lure of five letters or more.
const LONG_LURE: Beside = 4;
/// Part of an address: `www`, `com`.
const ADDRESS: Beside = 8;

/// Labels that make a word before them look like an address.
const ADDRESS_PARTS: [&str; 8] = ["www", "com", "net", "org", "gov", "comvn", "govvn", "netvn"];
const ENDINGS: [&[u8]; 8] = [b"com", b"net", b"org", b"gov", b"vn", b"me", b"gg", b"co"];

/// Words of fewer letters are too near to others to be sought with a letter changed; guesses that the tests bear out.
const EDIT_MIN: usize = 6;
const EDIT_JOINED_MIN: usize = 7;
/// People and swindlers keep the first letter of a shorter word.
const FREE_MIN: usize = 8;
/// Banks differ in the letters before this.
const BANK: &[u8] = b"bank";
/// Shorter words are initials; beside them only a long lure counts.
const INITIALS_MAX: usize = 3;

/// What can be said of each place of a label: what fills all before it, and all behind; `None` where something is left over.
struct Around {
    before: [Option<Beside>; PLACES],
    behind: [Option<Beside>; PLACES],
}

/// Places of a label, its end included.
const PLACES: usize = 97;

struct Found {
    word: usize,
    how: Kind,
}

impl Lookalikes {
    /// Prepares what `blocklists/protected.toml` says.
    pub fn new(protected: &Protected) -> Lookalikes {
        let words: Vec<Word> = protected.brands.iter().enumerate().flat_map(words_of).collect();
        let places = words.iter().zip(0..).map(|(word, at)| (word.seen.clone(), at));
        let lures = protected.lures.iter().map(|lure| (lure, if lure.len() >= 5 { LURE | LONG_LURE } else { LURE }));
        let fillers = protected.fillers.iter().map(|filler| (filler, FILLER));
        let parts = ADDRESS_PARTS.map(String::from);
        let beside = lures.chain(fillers).chain(parts.iter().map(|part| (part, ADDRESS)));
        Lookalikes {
            places: Words::new(places),
            near: near(&words),
            beside: Words::new(beside.map(|(word, what)| (Sight::of_word(word), what))),
            own: NameSet::new(protected.brands.iter().flat_map(|brand| &brand.names).chain(&protected.trusted)),
            others: protected.others.clone(),
            brands: protected.brands.clone(),
            words,
        }
    }

    /// Who `name` pretends to be; `None` for the brands' own names, all below them, and all that imitates nobody. It knows
    /// nothing of popularity: a popular name may hold a brand's word honestly, and the caller excepts those.
    pub fn find(&self, name: &Name) -> Option<Imitation<'_>> {
        if self.own.contains(name) {
            return None;
        }
        let domain = name.registrable()?;
        let sight = Sight::of(domain.labels().next()?);
        let around = self.around(&sight);
        let found = match self.in_label(&sight, &around) {
            Some(found) => (found.how != Kind::OtherEnding || !self.is_namesake(&found, domain)).then_some(found),
            None => self.below(name, domain, around.whole().is_some()),
        }?;
        let of = self.brands.get(self.words.get(found.word)?.brand)?;
        Some(Imitation { of, how: found.how })
    }

    /// The brand's own name at the ending of a country, where it holds nearly all.
    fn is_namesake(&self, found: &Found, domain: Suffix<'_>) -> bool {
        let brand = self.words.get(found.word).and_then(|word| self.brands.get(word.brand));
        let ending = domain.labels().last().unwrap_or_default();
        brand.is_some_and(|brand| brand.everywhere) && (ending.len() == 2 || ENDINGS.contains(&ending))
    }

    /// The best finding in a registered label: the longest word that stands there, else one that is a letter away.
    fn in_label(&self, sight: &Sight, around: &Around) -> Option<Found> {
        if self.others.iter().any(|other| sight.is_written(other)) {
            return None;
        }
        self.standing(sight, around).or_else(|| self.edited(sight, around))
    }

    fn standing(&self, sight: &Sight, around: &Around) -> Option<Found> {
        let seen = sight.seen();
        let mut best: Option<(usize, Found)> = None;
        for start in (0..seen.len()).filter(|start| around.before(*start).is_some()) {
            for (word, at) in self.places.at(seen.get(start..).unwrap_or_default()) {
                let end = start + word.len();
                if best.as_ref().is_some_and(|(longest, _)| *longest >= word.len()) {
                    continue;
                }
                let (Some(beside), Some(entry)) = (around.beside(start, end), self.words.get(usize::from(*at))) else {
                    continue;
                };
                let spelling = sight.spelling(start, end, entry.text.as_bytes());
                if let Some(how) = entry.means(spelling, beside) {
                    best = Some((word.len(), Found { word: usize::from(*at), how }));
                }
            }
        }
        best.map(|(_, found)| found)
    }

    /// One letter away from a word. Words of a part's length are few, so each is compared; an index of what is left when a
    /// letter is taken away would cost a look for every letter.
    fn edited(&self, sight: &Sight, around: &Around) -> Option<Found> {
        let seen = sight.seen();
        (0..seen.len()).filter(|start| around.before(*start).is_some()).find_map(|start| {
            let part = seen.get(start..)?;
            let words = self.near.iter().enumerate().take(part.len() + 1);
            words.filter(|(_, near)| !near.is_empty()).find_map(|(letters, near)| {
                let (beside, part) = (around.beside(start, start + letters)?, part.get(..letters)?);
                let word = near.iter().find(|at| self.words.get(**at).is_some_and(|word| word.is_edited(part, beside)));
                Some(Found { word: *word?, how: Kind::Edit })
            })
        })
    }

    /// A brand's address below a registered name, or its word below one that only lures.
    fn below(&self, name: &Name, domain: Suffix<'_>, lures: bool) -> Option<Found> {
        let depth = name.label_count().checked_sub(domain.labels().count())?;
        let mut labels = name.labels().take(depth).peekable();
        while let Some(label) = labels.next() {
            let is_address = labels.peek().is_some_and(|next| ENDINGS.contains(next));
            let sight = Sight::of(label);
            if let Some(word) = is_address.then(|| self.whole_word(&sight)).flatten() {
                return Some(Found { word, how: Kind::Subdomain });
            }
            let found = self.standing(&sight, &self.around(&sight));
            if let Some(Found { word, how }) = found
                && (lures || is_address || matches!(how, Kind::Subdomain | Kind::Homoglyph))
            {
                let how = if how == Kind::Homoglyph { how } else { Kind::Subdomain };
                return Some(Found { word, how });
            }
        }
        None
    }

    fn whole_word(&self, sight: &Sight) -> Option<usize> {
        self.words.iter().position(|word| word.text.len() > INITIALS_MAX && sight.is_written(&word.text))
    }

    fn around(&self, sight: &Sight) -> Around {
        let seen = sight.seen();
        let mut around = Around { before: [None; PLACES], behind: [None; PLACES] };
        add(&mut around.before, 0, 0);
        add(&mut around.behind, seen.len(), 0);
        for at in 0..seen.len() {
            let Some(so_far) = around.before(at) else { continue };
            self.steps(sight, at, |to, what| add(&mut around.before, to, so_far | what));
        }
        for at in (0..seen.len()).rev() {
            let mut all = None;
            self.steps(sight, at, |to, what| {
                if let Some(rest) = around.behind(to) {
                    all = Some(all.unwrap_or(0) | rest | what);
                }
            });
            if let Some(all) = all {
                add(&mut around.behind, at, all);
            }
        }
        around
    }

    /// What can stand at a place beside a word, and where it ends.
    fn steps(&self, sight: &Sight, at: usize, mut step: impl FnMut(usize, Beside)) {
        if sight.is_digit(at) {
            step(at + 1, FILLER);
        }
        for (word, what) in self.beside.at(sight.seen().get(at..).unwrap_or_default()) {
            step(at + word.len(), *what);
        }
    }
}

impl Word {
    /// What it means that the word is written so with that beside it; `None` for an honest use.
    fn means(&self, spelling: Spelling, beside: Beside) -> Option<Kind> {
        let letters = self.text.len();
        let is_disguised = match spelling {
            Spelling::Disguised => letters > INITIALS_MAX,
            Spelling::Letters => letters > INITIALS_MAX + 1,
            Spelling::Plain | Spelling::Split => false,
        };
        if is_disguised {
            return Some(Kind::Homoglyph);
        }
        if spelling == Spelling::Letters || spelling == Spelling::Disguised {
            return None;
        }
        let enough = if letters <= INITIALS_MAX { LONG_LURE } else { LURE };
        match (beside, self.is_joined) {
            (0, false) if spelling == Spelling::Plain => Some(Kind::OtherEnding),
            (0, false) => (letters >= EDIT_MIN).then_some(Kind::Edit),
            _ if beside & enough != 0 => Some(Kind::AddedWord),
            (_, true) => None,
            _ if beside & ADDRESS != 0 => Some(Kind::Subdomain),
            _ => Some(Kind::AddedWord),
        }
    }

    fn is_edited(&self, part: &[u8], beside: Beside) -> bool {
        let letters = self.seen.len();
        let min = if self.is_joined { EDIT_JOINED_MIN } else { EDIT_MIN };
        let is_plain = beside == 0 || beside & LURE != 0 || letters >= FREE_MIN;
        letters >= min && part.starts_with(self.kept()) && is_plain && is_one_edit(part, &self.seen)
    }

    /// The beginning that an edit leaves alone.
    fn kept(&self) -> &[u8] {
        let letters = self.seen.len();
        let kept = match self.seen.strip_suffix(BANK) {
            _ if letters >= FREE_MIN => 0,
            Some(initials) => initials.len(),
            None => 1,
        };
        self.seen.get(..kept).unwrap_or_default()
    }
}

impl Around {
    fn before(&self, at: usize) -> Option<Beside> {
        self.before.get(at).copied().flatten()
    }

    fn behind(&self, at: usize) -> Option<Beside> {
        self.behind.get(at).copied().flatten()
    }

    fn beside(&self, start: usize, end: usize) -> Option<Beside> {
        Some(self.before(start)? | self.behind(end)?)
    }

    /// What the whole label is made of, when that is lures and fillers alone.
    fn whole(&self) -> Option<Beside> {
        self.behind(0)
    }
}

fn words_of((brand, spec): (usize, &Brand)) -> impl Iterator<Item = Word> {
    let words = spec.words.iter().map(|text| (text, false)).chain(spec.joined.iter().map(|text| (text, true)));
    words.map(move |(text, is_joined)| Word { text: text.clone(), seen: Sight::of_word(text), brand, is_joined })
}

/// For each number of letters the words that have one fewer, as many, or one more.
fn near(words: &[Word]) -> Vec<Vec<usize>> {
    let longest = words.iter().map(|word| word.seen.len()).max().unwrap_or(0);
    let near = |letters: usize| {
        let is_near = |word: &Word| word.seen.len() >= EDIT_MIN && word.seen.len().abs_diff(letters) <= 1;
        words.iter().enumerate().filter(|(_, word)| is_near(word)).map(|(at, _)| at).collect()
    };
    (0..=longest + 1).map(near).collect()
}

fn add(places: &mut [Option<Beside>; PLACES], at: usize, what: Beside) {
    if let Some(place) = places.get_mut(at) {
        *place = Some(place.unwrap_or(0) | what);
    }
}

/// One letter more, less or other, or two neighbours swapped: what is left between the longest beginning and the longest end
/// that both share.
fn is_one_edit(one: &[u8], other: &[u8]) -> bool {
    let shared = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let (one, other) = (one.get(shared..).unwrap_or_default(), other.get(shared..).unwrap_or_default());
    let shared = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    match (one.get(..one.len() - shared), other.get(..other.len() - shared)) {
        (Some([a, b]), Some([c, d])) => a == d && b == c,
        (Some(one), Some(other)) => one.len() <= 1 && other.len() <= 1 && one.len() + other.len() > 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Optimal string alignment by the table in the textbook.
    fn distance(one: &[u8], other: &[u8]) -> usize {
        let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
        for (i, row) in table.iter_mut().enumerate() {
            row[0] = i;
        }
        for (j, cell) in table[0].iter_mut().enumerate() {
            *cell = j;
        }
        for i in 1..=one.len() {
            for j in 1..=other.len() {
                let swap = usize::from(one[i - 1] != other[j - 1]);
                let mut least = (table[i - 1][j] + 1).min(table[i][j - 1] + 1).min(table[i - 1][j - 1] + swap);
                if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                    least = least.min(table[i - 2][j - 2] + 1);
                }
                table[i][j] = least;
            }
        }
        table[one.len()][other.len()]
    }

    proptest! {
        #[test]
        fn one_edit_is_a_distance_of_one(one in "[ab]{0,6}", other in "[ab]{0,6}") {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            prop_assert_eq!(is_one_edit(one, other), distance(one, other) == 1);
        }
    }
}
