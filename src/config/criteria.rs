//! Reads `criteria.toml`; what the criteria mean together is checked by `policy`.

use crate::classify::{Category, CategorySet};
use crate::document::{At, Fault, Table, read};
use crate::policy::{Action, Band, Criteria, Criterion, HelpPanel};

use super::fields::choice;

/// Reads the text, or tells every fault of it.
pub fn criteria(shown: &str, text: &str) -> Result<Criteria, Vec<Fault>> {
    read(shown, text, |root| {
        super::read::schema(root, "criteria/1");
        let start = root.span();
        let mut spans = Vec::new();
        let mut list = Vec::new();
        let tables = root.tables("criterion");
        let expected = tables.len();
        for mut table in tables {
            let span = table.span();
            if let Some(one) = criterion(&mut table) {
                spans.push(span);
                list.push(one);
            }
        }
        if list.len() < expected {
            // A criterion that could not be read would show up as missing categories; its own fault is enough.
            return None;
        }
        match Criteria::new(list) {
            Ok(criteria) => Some(criteria),
            Err(problems) => {
                for problem in problems {
                    let span = problem.criterion.and_then(|at| spans.get(at)).unwrap_or(&start);
                    root.fault(span, problem.what);
                }
                None
            }
        }
    })
}

fn criterion(table: &mut Table<'_>) -> Option<Criterion> {
    let id = table.required::<String>("id");
    let titles = table.table("title").map(|mut title| (title.required::<String>("vi"), title.required::<String>("en")));
    let basis = table.or::<Vec<String>>("basis", Vec::new());
    let categories = table.required::<Vec<Category>>("categories");
    let actions = table.table("bands").and_then(|mut bands| {
        let by_band = Band::ALL.map(|band| bands.required::<Action>(band.code()).map(|at| at.value));
        by_band.iter().all(Option::is_some).then(|| by_band.map(|action| action.unwrap_or(Action::Block)))
    });
    let help = table.required::<String>("help").and_then(|word| word_of(table, &word, "help panel", &PANELS));
    let may: Vec<bool> = table
        .or::<Vec<At<String>>>("guardian_may", Vec::new())
        .iter()
        .filter_map(|word| word_of(table, word, "permission", &[("loosen", true), ("tighten", false)]))
        .collect();
    if titles.is_none() {
        table.fault(&table.span(), "`title.vi` and `title.en` are missing");
    }
    let (vi, en) = titles?;
    Some(Criterion {
        id: id?.value,
        title_vi: vi?.value,
        title_en: en?.value,
        basis,
        categories: categories?.value.into_iter().collect::<CategorySet>(),
        actions: actions?,
        help: help?,
        may_loosen: may.contains(&true),
        may_tighten: may.contains(&false),
    })
}

const PANELS: [(&str, HelpPanel); 5] = [
    ("none", HelpPanel::None),
    ("111", HelpPanel::Helpline),
    ("image", HelpPanel::Image),
    ("scam", HelpPanel::Scam),
    ("selfharm", HelpPanel::Selfharm),
];

fn word_of<T: Copy>(table: &Table<'_>, word: &At<String>, what: &str, all: &[(&str, T)]) -> Option<T> {
    choice(word, what, all).map_err(|fault| table.fault(&word.span, fault)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_criteria_give_the_default_table() {
        let criteria = criteria("criteria.toml", super::super::CRITERIA).unwrap_or_else(|faults| {
            panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>());
        });
        for band in Band::ALL {
            for category in Category::ALL {
                let (action, by) = criteria.action(band, category);
                assert_eq!(action, band.default_action(category), "{band} {}", category.code());
                assert_eq!(by.is_some(), category != Category::Help, "{}", category.code());
            }
        }
    }

    #[test]
    fn faults_have_places() {
        let text = "schema = \"criteria/1\"\n[[criterion]]\nid = \"a\"\ntitle = { vi = \"a\" }\ncategories = [\"gambing\"]\n\
                    bands = { \"0-5\" = \"deny\" }\nhelp = \"112\"\nguardian_may = [\"losen\"]\n";
        let faults = criteria("c.toml", text).expect_err("faults");
        let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let expected = [
            "c.toml:4:9: `en` is missing",
            "c.toml:5:15: unknown category \"gambing\" (did you mean \"gambling\"?)",
            "c.toml:6:9: `6-9` is missing",
            "c.toml:6:19: unknown action \"deny\"",
            "c.toml:7:8: unknown help panel \"112\"",
            "c.toml:8:17: unknown permission \"losen\" (did you mean \"loosen\"?)",
        ];
        for part in expected {
            assert!(all.iter().any(|fault| fault.starts_with(part)), "{part} in {all:#?}");
        }
    }
}
