//! Parts of forms: a field with its label, hint and fault; a group of boxes. They render themselves, so that every form is told
//! to screen readers in the same way.

use askama::Template;
use askama::filters::HtmlSafe;

/// One value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As it is sent.
    pub value: String,
    /// As it is read.
    pub label: String,
    /// Chosen now.
    pub is_chosen: bool,
}

impl Choice {
    /// A choice, chosen if it is the present value.
    pub fn new(value: &str, label: &str, now: &str) -> Choice {
        Choice { value: value.to_string(), label: label.to_string(), is_chosen: value == now }
    }

    /// A box, ticked if its value is among those.
    pub fn among(value: &str, label: &str, ticked: &[String]) -> Choice {
        Choice { is_chosen: ticked.iter().any(|one| one == value), ..Choice::new(value, label, "") }
    }
}

/// What a field is filled in with.
#[derive(Debug, Clone)]
enum Input {
    Line { kind: &'static str, value: String, complete: &'static str },
    Area { value: String },
    Select { choices: Vec<Choice> },
}

/// A field with its label.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/field.html")]
pub struct Field {
    id: String,
    name: String,
    label: String,
    hint: String,
    fault: Option<String>,
    is_required: bool,
    input: Input,
}

impl HtmlSafe for Field {}

impl Field {
    fn new(name: &str, label: &str, input: Input) -> Field {
        let (id, name, label) = (name.to_string(), name.to_string(), label.to_string());
        Field { id, name, label, hint: String::new(), fault: None, is_required: false, input }
    }

    /// A line of text.
    pub fn line(name: &str, label: &str, value: &str) -> Field {
        Field::typed("text", name, label, value)
    }

    /// A line of another type: `number`, `time`, `date`, `datetime-local`.
    pub fn typed(kind: &'static str, name: &str, label: &str, value: &str) -> Field {
        Field::new(name, label, Input::Line { kind, value: value.to_string(), complete: "off" })
    }

    /// A password, which is never shown again. `complete` is `current-password` or `new-password`.
    pub fn password(name: &str, label: &str, complete: &'static str) -> Field {
        Field::new(name, label, Input::Line { kind: "password", value: String::new(), complete }).required()
    }

    /// Several lines.
    pub fn area(name: &str, label: &str, value: &str) -> Field {
        Field::new(name, label, Input::Area { value: value.to_string() })
    }

    /// One of several.
    pub fn select(name: &str, label: &str, choices: Vec<Choice>) -> Field {
        Field::new(name, label, Input::Select { choices })
    }

    /// Another id than its name, where a page has more fields of that name.
    pub fn at(mut self, id: &str) -> Field {
        self.id = id.to_string();
        self
    }

    /// With a sentence below.
    pub fn hint(mut self, hint: &str) -> Field {
        self.hint = hint.to_string();
        self
    }

    /// Has to be filled in.
    pub fn required(mut self) -> Field {
        self.is_required = true;
        self
    }

    /// With what is wrong with it, if that is this field's.
    pub fn told(mut self, wrong: Option<&Wrong>) -> Field {
        self.fault = wrong.filter(|wrong| wrong.field == self.name).map(|wrong| wrong.text.clone());
        self
    }

    fn has_more(&self) -> bool {
        !self.hint.is_empty() || self.fault.is_some()
    }
}

/// Several boxes under one legend.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/boxes.html")]
pub struct Boxes {
    id: String,
    name: String,
    legend: String,
    fault: Option<String>,
    kind: &'static str,
    choices: Vec<Choice>,
}

impl HtmlSafe for Boxes {}

impl Boxes {
    /// Any of them.
    pub fn any(name: &str, legend: &str, choices: Vec<Choice>) -> Boxes {
        Boxes {
            id: name.to_string(),
            name: name.to_string(),
            legend: legend.to_string(),
            fault: None,
            kind: "checkbox",
            choices,
        }
    }

    /// Another id than its name, where a page has more of that name.
    pub fn at(mut self, id: &str) -> Boxes {
        self.id = id.to_string();
        self
    }

    /// With what is wrong with it, if that is this group's.
    pub fn told(mut self, wrong: Option<&Wrong>) -> Boxes {
        self.fault = wrong.filter(|wrong| wrong.field == self.name).map(|wrong| wrong.text.clone());
        self
    }
}

/// What is wrong with a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field it is about; empty where it is about none.
    pub field: &'static str,
    /// In the reader's words.
    pub text: String,
    /// As the program says it, where it does: in English.
    pub lines: Vec<String>,
}

impl Wrong {
    /// About a field.
    pub fn about(field: &'static str, text: impl Into<String>) -> Wrong {
        Wrong { field, text: text.into(), lines: Vec::new() }
    }
}

/// A name as a part of a path.
pub fn in_path(name: &str) -> String {
    let mut path = String::new();
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'~') {
            path.push(char::from(octet));
        } else {
            path.push_str(&format!("%{octet:02X}"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_to_who_hears_the_page_and_values_are_escaped() {
        let wrong = Wrong::about("born", "Not a year");
        let html = Field::typed("number", "born", "Year", "20\"17").required().told(Some(&wrong)).to_string();
        assert!(html.contains("<label for=\"born\">Year</label>"), "{html}");
        assert!(html.contains("type=\"number\" value=\"20&#34;17\""), "{html}");
        assert!(html.contains(" required aria-describedby=\"born-more\" aria-invalid=\"true\""), "{html}");
        assert!(html.contains("id=\"born-more\"") && html.contains("Not a year"), "{html}");
        let other = Field::line("name", "Name", "").told(Some(&wrong)).to_string();
        assert!(!other.contains("aria-"), "{other}");
    }

    #[test]
    fn what_is_chosen_is_chosen() {
        let html = Field::select("b", "Band", vec![Choice::new("0-5", "0", "6-9"), Choice::new("6-9", "6", "6-9")]);
        assert!(html.to_string().contains("<option value=\"6-9\" selected>6</option>"), "{html}");
        let html = Boxes::any("d", "Days", vec![Choice::among("mon", "Mon", &["mon".to_string()])]).to_string();
        assert!(html.contains("<input type=\"checkbox\" name=\"d\" value=\"mon\" checked>"), "{html}");
    }

    #[test]
    fn names_survive_in_paths() {
        assert_eq!(in_path("Bé Na/2.5"), "B%C3%A9%20Na%2F2%2E5");
    }
}
