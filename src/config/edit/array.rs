//! An array given other elements, while the comments between them stay with those they were written for.

use toml_edit::{Array, Value};

/// Gives `array` these strings in this order. An element that stood there keeps what was written above it and behind it;
/// of one that goes, the line above stays and the remark behind it goes too.
pub(super) fn rearrange(array: &mut Array, wanted: &[String]) {
    let mut old = Slots::of(array);
    let picks = old.picks(wanted);
    old.keep_comments_of_leavers(&picks);
    let fresh = old.fresh_space();
    let mut slots: Vec<Option<Slot>> = old.slots.into_iter().map(Some).collect();
    let mut take = |pick: &Option<usize>, text: &String| {
        let kept = pick.and_then(|at| slots.get_mut(at).and_then(Option::take));
        kept.unwrap_or_else(|| Slot { value: Value::from(text.as_str()), above: fresh.clone(), behind: String::new() })
    };
    let rows: Vec<Slot> = picks.iter().zip(wanted).map(|(pick, text)| take(pick, text)).collect();
    write(array, rows, &old.opening, &old.tail, &fresh);
}

/// One element: what stands above it, and the remark behind it on its line.
struct Slot {
    value: Value,
    above: String,
    behind: String,
}

struct Slots {
    /// Behind the bracket, on its line.
    opening: String,
    slots: Vec<Slot>,
    /// Before the closing bracket.
    tail: String,
}

impl Slots {
    fn of(array: &Array) -> Slots {
        let trailing = array.trailing().as_str().unwrap_or_default();
        let mut all = Slots { opening: String::new(), slots: Vec::new(), tail: String::new() };
        let mut suffix = String::new();
        for value in array {
            let decor = value.decor();
            let usual = if all.slots.is_empty() { "" } else { " " };
            let prefix = decor.prefix().map_or(Some(usual), |raw| raw.as_str()).unwrap_or_default();
            let above = all.give_behind(format!("{suffix}{prefix}"));
            suffix = decor.suffix().and_then(|raw| raw.as_str()).unwrap_or_default().to_string();
            let mut value = value.clone();
            value.decor_mut().clear();
            all.slots.push(Slot { value, above, behind: String::new() });
        }
        all.tail = all.give_behind(format!("{suffix}{trailing}"));
        all
    }

    /// Gives the part before the first line break to what stands before it, and returns the rest.
    fn give_behind(&mut self, gap: String) -> String {
        let Some(end) = gap.find('\n') else { return gap };
        let behind = self.slots.last_mut().map_or(&mut self.opening, |slot| &mut slot.behind);
        *behind = gap[..end].to_string();
        gap[end..].to_string()
    }

    /// Where each wanted string stood, each place once.
    fn picks(&self, wanted: &[String]) -> Vec<Option<usize>> {
        let mut free: Vec<Option<&str>> = self.slots.iter().map(|slot| slot.value.as_str()).collect();
        let mut pick = |text: &String| {
            let at = free.iter().position(|slot| *slot == Some(text.as_str()))?;
            free[at] = None;
            Some(at)
        };
        wanted.iter().map(&mut pick).collect()
    }

    fn keep_comments_of_leavers(&mut self, picks: &[Option<usize>]) {
        for at in 0..self.slots.len() {
            let above = self.slots[at].above.clone();
            if picks.contains(&Some(at)) || !above.contains('#') {
                continue;
            }
            let next = match self.slots.get_mut(at + 1) {
                Some(slot) => &mut slot.above,
                None => &mut self.tail,
            };
            let lines = above.rfind('\n').map_or("", |end| &above[..end]);
            *next = if next.contains('\n') { format!("{lines}{next}") } else { above };
        }
    }

    /// What stands above a new element.
    fn fresh_space(&self) -> String {
        let mut indents = self.slots.iter().filter_map(|slot| Some(&slot.above[slot.above.rfind('\n')?..]));
        let is_tall = self.tail.contains('\n');
        indents.next_back().map(str::to_string).unwrap_or_else(|| if is_tall { "\n    ".into() } else { " ".into() })
    }
}

fn write(array: &mut Array, rows: Vec<Slot>, opening: &str, tail: &str, fresh: &str) {
    let was_empty = array.is_empty();
    let line = if fresh.contains('\n') { fresh } else { "\n    " };
    let is_tall = fresh.contains('\n');
    let spaced = |behind: &str, above: &str, is_first: bool| match above.contains('\n') {
        true => format!("{behind}{above}"),
        false if behind.contains('#') => format!("{behind}{line}"),
        false if is_first && !is_tall => {
            array.get(0).and_then(|value| value.decor().prefix()?.as_str()).unwrap_or("").into()
        }
        false if is_first => above.to_string(),
        false => " ".to_string(),
    };
    let mut behind = opening.to_string();
    let mut values = Vec::new();
    for row in rows {
        let mut value = row.value;
        *value.decor_mut() = toml_edit::Decor::new(spaced(&behind, &row.above, values.is_empty()), "");
        behind = row.behind;
        values.push(value);
    }
    let trailing = match tail.contains('\n') {
        true => format!("{behind}{tail}"),
        false if behind.contains('#') => format!("{behind}\n"),
        false if was_empty || values.is_empty() => String::new(),
        false => tail.to_string(),
    };
    let has_comma = array.trailing_comma() || (was_empty && trailing.contains('\n'));
    array.clear();
    values.into_iter().for_each(|value| array.push_formatted(value));
    array.set_trailing_comma(has_comma);
    array.set_trailing(trailing);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str, wanted: &[&str]) -> String {
        let mut document: toml_edit::DocumentMut = format!("a = {before}\n").parse().unwrap();
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        rearrange(document["a"].as_array_mut().unwrap(), &wanted);
        let text = document.to_string();
        let again: toml_edit::DocumentMut = text.parse().unwrap_or_else(|error| panic!("{text}\n{error}"));
        let read: Vec<&str> = again["a"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(read, wanted, "{text}");
        text["a = ".len()..].trim_end_matches('\n').to_string()
    }

    #[test]
    fn on_one_line() {
        assert_eq!(changed("[]", &["x"]), r#"["x"]"#);
        assert_eq!(changed(r#"["a", "b"]"#, &["a", "b", "c"]), r#"["a", "b", "c"]"#);
        assert_eq!(changed(r#"[ "a", "b" ]"#, &["b"]), r#"[ "b" ]"#);
        assert_eq!(changed(r#"["a", 'b']"#, &["b", "a"]), r#"['b', "a"]"#);
        assert_eq!(changed(r#"["a", "b"]"#, &[]), "[]");
        assert_eq!(changed(r#"["a", "a"]"#, &["a", "b", "a"]), r#"["a", "b", "a"]"#);
    }

    #[test]
    fn remarks_stay_with_their_elements() {
        let before = "[ # mine\n  # games\n  \"gaming\", # too much\n  \"social\", # for now\n  # more to come\n]";
        let more =
            "[ # mine\n  # games\n  \"gaming\", # too much\n  \"social\", # for now\n  \"video\",\n  # more to come\n]";
        assert_eq!(changed(before, &["gaming", "social", "video"]), more);
        let less = "[ # mine\n  # games\n  \"social\", # for now\n  # more to come\n]";
        assert_eq!(changed(before, &["social"]), less);
        let turned = "[ # mine\n  \"social\", # for now\n  # games\n  \"gaming\", # too much\n  # more to come\n]";
        assert_eq!(changed(before, &["social", "gaming"]), turned);
        assert_eq!(changed(before, &[]), "[ # mine\n  # games\n  # more to come\n]");
        assert_eq!(changed("[\n  # none\n]", &["a"]), "[\n    \"a\",\n  # none\n]");
    }

    #[test]
    fn a_remark_never_swallows_an_element() {
        for before in
            ["[\"a\", # x\n\"b\" # y\n]", "[\"a\" # x\n, \"b\"]", "[\n\"a\", \"b\", # y\n\"c\"]", "[# z\n\"a\"]"]
        {
            for wanted in [&["b", "a"][..], &["b"], &["a"], &["n", "b"], &["a", "n"], &["c", "n", "a", "b"], &[]] {
                changed(before, wanted);
            }
        }
    }
}
