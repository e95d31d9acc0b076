//! The phrases and sample pages that come with the program, and the model of page text made from them.

use crate::classify::Category;
use crate::classify::text::{PageText, Phrase, Sample, TextModel};
use crate::document::{Fault, Table, read};

/// Of each label every third sample is held out: nothing is learnt from it, and the tests judge by it.
const HELD_OUT_EVERY: usize = 3;

const PHRASES: [(&str, &str); 2] = [
    ("phrases/vi.toml", include_str!("../../blocklists/phrases/vi.toml")),
    ("phrases/en.toml", include_str!("../../blocklists/phrases/en.toml")),
];
const TEXTS: [(&str, &str); 2] = [
    ("phrases/texts/vi.toml", include_str!("../../blocklists/phrases/texts/vi.toml")),
    ("phrases/texts/en.toml", include_str!("../../blocklists/phrases/texts/en.toml")),
];
/// The label of what speaks against all, and of pages that are none of it.
const CALM: &str = "calm";

/// Sample pages: those to learn from, and those held out.
pub struct Samples {
    /// To learn from.
    pub learnt: Vec<Sample>,
    /// To judge by.
    pub held_out: Vec<Sample>,
}

/// Reads the phrases. They are tested, so faults mean a broken build.
pub fn phrases() -> Result<Vec<Phrase>, Vec<Fault>> {
    let mut all = Vec::new();
    for (file, text) in PHRASES {
        all.extend(read(file, text, |root| Some(phrases_of(root)))?);
    }
    Ok(all)
}

/// Reads the sample pages.
pub fn samples() -> Result<Samples, Vec<Fault>> {
    let mut samples = Samples { learnt: Vec::new(), held_out: Vec::new() };
    for (file, text) in TEXTS {
        let mut counts = std::collections::BTreeMap::<Option<Category>, usize>::new();
        for sample in read(file, text, |root| Some(samples_of(root)))? {
            let count = counts.entry(sample.category).or_default();
            *count += 1;
            let is_held_out = count.is_multiple_of(HELD_OUT_EVERY);
            if is_held_out { &mut samples.held_out } else { &mut samples.learnt }.push(sample);
        }
    }
    Ok(samples)
}

/// The model of page text: the phrases, and what is learnt from the samples now. `None` when a file has faults.
pub fn text_model() -> Option<TextModel> {
    TextModel::new(&phrases().ok()?, &samples().ok()?.learnt).ok()
}

fn phrases_of(root: &mut Table<'_>) -> Vec<Phrase> {
    root.required::<String>("schema");
    let mut phrases = Vec::new();
    for mut table in root.tables("phrases") {
        let (category, weight) = (label(&mut table), table.required::<u64>("weight"));
        let texts = table.required::<Vec<String>>("texts");
        let (Some(category), Some(weight), Some(texts)) = (category, weight, texts) else { continue };
        if !(1..=20).contains(&weight.value) {
            table.fault(&weight.span, "a weight is 1 to 20");
        }
        let weight = i32::try_from(weight.value).unwrap_or_default();
        phrases.extend(texts.value.into_iter().map(|text| Phrase { text, category, weight }));
    }
    phrases
}

fn samples_of(root: &mut Table<'_>) -> Vec<Sample> {
    root.required::<String>("schema");
    let read = |mut table: Table<'_>| {
        let category = label(&mut table);
        let (title, body) = (table.required::<String>("title"), table.required::<String>("body"));
        let page = format!("<title>{}</title><p>{}", title?.value, body?.value);
        Some(Sample { category: category?, text: PageText::of(page.as_bytes()) })
    };
    root.tables("text").into_iter().filter_map(read).collect()
}

/// A category, or `calm` for none of them.
fn label(table: &mut Table<'_>) -> Option<Option<Category>> {
    let label = table.required::<String>("label")?;
    let category = Category::from_code(&label.value);
    if category.is_none() && label.value != CALM {
        table.fault(&label.span, format!("label {:?} is no category and not {CALM:?}", label.value));
    }
    Some(category)
}
