//! What is wrong with a form, beside the field it is about.

/// At most one fault: the first that was found.
#[derive(Debug, Clone, Default)]
pub struct Fault(Option<(&'static str, String)>);

impl Fault {
    /// About that field; an empty one is about the whole form.
    pub fn of(field: &'static str, text: impl Into<String>) -> Fault {
        Fault(Some((field, text.into())))
    }

    /// What is wrong with that field.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(of, _)| *of == field).map(|(_, text)| text.as_str())
    }
}
