//! Criteria: why a group of categories is treated as it is, in words a person can check. Compiled to one table of actions;
//! the file itself is read by `config`.

use super::band::{Action, Band};
use crate::classify::{Category, CategorySet, Tier};

/// One criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Stable, shown on the block page.
    pub id: String,
    /// One line for people, Vietnamese.
    pub title_vi: String,
    /// The same in English.
    pub title_en: String,
    /// Laws, circulars and reasons, for people.
    pub basis: Vec<String>,
    /// What it decides.
    pub categories: CategorySet,
    /// By band.
    pub actions: [Action; 6],
    /// Which help panel a refusal opens.
    pub help: HelpPanel,
    /// A guardian may allow whole categories of it.
    pub may_loosen: bool,
    /// A guardian may refuse more than it does.
    pub may_tighten: bool,
}

/// The help panel of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpPanel {
    /// None.
    None,
    /// The child helpline.
    Helpline,
    /// Getting intimate pictures taken down.
    Image,
    /// Reporting a scam.
    Scam,
    /// Someone to talk to, now.
    Selfharm,
}

impl HelpPanel {
    /// All panels.
    pub const ALL: [HelpPanel; 5] =
        [HelpPanel::None, HelpPanel::Helpline, HelpPanel::Image, HelpPanel::Scam, HelpPanel::Selfharm];

    /// The code that files use.
    pub const fn code(self) -> &'static str {
        match self {
            HelpPanel::None => "none",
            HelpPanel::Helpline => "111",
            HelpPanel::Image => "image",
            HelpPanel::Scam => "scam",
            HelpPanel::Selfharm => "selfharm",
        }
    }

    /// The panel with that code.
    pub fn from_code(code: &str) -> Option<HelpPanel> {
        HelpPanel::ALL.into_iter().find(|panel| panel.code() == code)
    }
}

/// What the lint finds wrong: the criterion's position, if it is one criterion's fault, and the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Position in the file's order.
    pub criterion: Option<usize>,
    /// What is wrong and what would be right.
    pub what: String,
}

/// All criteria and the table they make together.
#[derive(Debug, Clone)]
pub struct Criteria {
    list: Vec<Criterion>,
    /// `[band][category]`: the strictest action, and the first criterion that asks for it.
    table: [[(Action, u16); 48]; 6],
    no_loosening: CategorySet,
    no_tightening: CategorySet,
}

impl Criteria {
    /// Checks the criteria together and compiles them, or tells every problem.
    pub fn new(list: Vec<Criterion>) -> Result<Criteria, Vec<Problem>> {
        let mut problems: Vec<Problem> = list.iter().enumerate().flat_map(|(at, one)| lint(at, one, &list)).collect();
        for category in Category::ALL {
            if category != Category::Help && !list.iter().any(|one| one.categories.contains(category)) {
                let what = format!("category `{}` stands in no criterion; every category needs one", category.code());
                problems.push(Problem { criterion: None, what });
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let of = |may: fn(&Criterion) -> bool| {
            list.iter().filter(|one| !may(one)).fold(CategorySet::EMPTY, |set, one| set | one.categories)
        };
        let (no_loosening, no_tightening) = (of(|one| one.may_loosen), of(|one| one.may_tighten));
        Ok(Criteria { table: table(&list), list, no_loosening, no_tightening })
    }

    /// What the band gets of the category, and the criterion that says so; `None` for `help`, which no criterion names.
    pub fn action(&self, band: Band, category: Category) -> (Action, Option<u16>) {
        match self.table[band as usize][category as usize] {
            (_, NOBODY) => (band.default_action(category), None),
            (action, criterion) => (action, Some(criterion)),
        }
    }

    /// The criterion at that position.
    pub fn get(&self, position: u16) -> Option<&Criterion> {
        self.list.get(usize::from(position))
    }

    /// All, in the file's order.
    pub fn list(&self) -> &[Criterion] {
        &self.list
    }

    /// Categories a guardian may not allow as a whole (single names are another matter).
    pub fn no_loosening(&self) -> CategorySet {
        self.no_loosening
    }

    /// Categories a guardian may not refuse.
    pub fn no_tightening(&self) -> CategorySet {
        self.no_tightening
    }
}

const NOBODY: u16 = u16::MAX;

fn table(list: &[Criterion]) -> [[(Action, u16); 48]; 6] {
    let mut table = [[(Action::Allow, NOBODY); 48]; 6];
    for (position, criterion) in list.iter().enumerate() {
        for category in criterion.categories.iter() {
            for band in Band::ALL {
                let cell = &mut table[band as usize][category as usize];
                let action = criterion.actions[band as usize];
                // Of two equally strict ones the help panel is the better answer; else the first in the file stands.
                let rank = |action: Action| (action.strictness(), action == Action::Help);
                if cell.1 == NOBODY || rank(action) > rank(cell.0) {
                    *cell = (action, position as u16);
                }
            }
        }
    }
    table
}

fn lint(at: usize, one: &Criterion, list: &[Criterion]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |what: String| problems.push(Problem { criterion: Some(at), what });
    if list[..at].iter().any(|other| other.id == one.id) {
        say(format!("criterion id `{}` is taken; ids are unique", one.id));
    }
    if one.categories.is_empty() {
        say(format!("criterion `{}` decides no category", one.id));
    }
    if one.categories.contains(Category::Help) {
        say(format!("criterion `{}` names `help`; nothing may decide the help set", one.id));
    }
    for title in [&one.title_vi, &one.title_en] {
        if title.trim().is_empty() {
            say(format!("criterion `{}` needs a title in both languages", one.id));
        } else if !is_nfc(title) {
            say(format!("title {title:?} of criterion `{}` is not in Unicode normalisation form C", one.id));
        }
    }
    for pair in Band::ALL.windows(2) {
        if one.actions[pair[1] as usize].strictness() > one.actions[pair[0] as usize].strictness() {
            say(format!("criterion `{}` is stricter on band {} than on the younger {}", one.id, pair[1], pair[0]));
        }
    }
    if one.actions.contains(&Action::Help) && one.help == HelpPanel::None {
        say(format!("criterion `{}` refuses with help but has `help = \"none\"`; name a panel", one.id));
    }
    problems
}

/// True when no combining mark follows a letter it could be joined with: all Vietnamese letters have a code point.
fn is_nfc(text: &str) -> bool {
    // The marks of Vietnamese and its neighbours: grave, acute, circumflex, tilde, breve, hook above, horn, dot below.
    !text.chars().any(|letter| matches!(letter, '\u{300}'..='\u{303}' | '\u{306}' | '\u{309}' | '\u{31b}' | '\u{323}'))
}

/// The criteria of the default table, one for each category: what holds when nothing better was read.
pub fn plain() -> Criteria {
    let list: Vec<Criterion> = Category::ALL
        .into_iter()
        .filter(|category| category.tier() != Tier::Protected)
        .map(|category| Criterion {
            id: format!("default.{}", category.code()),
            title_vi: category.title().to_string(),
            title_en: category.title().to_string(),
            basis: Vec::new(),
            categories: CategorySet::of(&[category]),
            actions: Band::ALL.map(|band| band.default_action(category)),
            help: HelpPanel::Helpline,
            may_loosen: true,
            may_tighten: true,
        })
        .collect();
    Criteria { table: table(&list), list, no_loosening: CategorySet::EMPTY, no_tightening: CategorySet::EMPTY }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(categories: &[Category], actions: [Action; 6]) -> Criterion {
        Criterion {
            id: "x".into(),
            title_vi: "Bạo lực".into(),
            title_en: "Violence".into(),
            basis: Vec::new(),
            categories: CategorySet::of(categories),
            actions,
            help: HelpPanel::None,
            may_loosen: true,
            may_tighten: true,
        }
    }

    fn problems(list: Vec<Criterion>) -> Vec<String> {
        let found = Criteria::new(list).expect_err("a problem");
        found.into_iter().map(|problem| problem.what).filter(|what| !what.contains("stands in no")).collect()
    }

    #[test]
    fn lint_names_each_problem() {
        let mut bad = one(&[Category::Horror, Category::Help], [Action::Allow; 6]);
        bad.actions[3] = Action::Help;
        bad.title_vi = "Bao lu\u{31b}\u{323}c".into();
        bad.title_en = " ".into();
        let found = problems(vec![bad.clone(), bad]);
        for part in
            ["nothing may decide", "both languages", "form C", "stricter on band 13-15", "name a panel", "taken"]
        {
            assert!(found.iter().any(|what| what.contains(part)), "{part}: {found:#?}");
        }
    }

    #[test]
    fn every_category_needs_a_criterion() {
        let found = Criteria::new(vec![one(&[Category::Horror], [Action::Block; 6])]).expect_err("missing ones");
        assert_eq!(found.len(), 46);
    }

    #[test]
    fn strictest_wins_and_ties_go_to_the_first() {
        let mut list: Vec<Criterion> = plain().list;
        list.push(one(&[Category::Horror], [Action::Block; 6]));
        let criteria = Criteria { table: table(&list), ..plain() };
        assert_eq!(criteria.action(Band::Adult, Category::Horror), (Action::Block, Some(list.len() as u16 - 1)));
        assert_eq!(criteria.action(Band::Age0to5, Category::Horror), (Action::Block, Some(Category::Horror as u16)));
    }
}
