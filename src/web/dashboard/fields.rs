//! A form's fields, some of which come more than once. Its hidden `csrf` field is checked before anything is read.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};

use crate::web::{Trouble, Visitor, Web};

/// The fields of a form that came from a page of ours.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of a field without the space round it; empty when it is not there.
    pub fn one(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The value; `None` when it is empty or not there.
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.one(name)).filter(|value| !value.is_empty())
    }

    /// All values of a field, the empty ones left out.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim());
        values.filter(|value| !value.is_empty()).map(str::to_string).collect()
    }

    /// The values of a text field with one value a line or between commas.
    pub fn words(&self, name: &str) -> Vec<String> {
        let words = self.one(name).split(['\n', ',', ' ']).map(str::trim).filter(|word| !word.is_empty());
        words.map(str::to_string).collect()
    }

    /// True when the form has the field, filled in or not.
    pub fn is_there(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// True when a checkbox is on.
    pub fn has(&self, name: &str) -> bool {
        self.some(name).is_some()
    }

    /// A password as it was typed.
    pub fn secret(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A number of the form.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Trouble> {
        self.one(name).parse().map_err(|_| Trouble::Invalid(format!("{:?} is not a number", self.one(name))))
    }
}

impl FromRequest<Arc<Web>> for Fields {
    type Rejection = Trouble;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Fields, Trouble> {
        let visitor = request.extensions().get::<Visitor>().cloned();
        let visitor = visitor.ok_or_else(|| Trouble::Internal("a request without a visitor".into()))?;
        let octets = Bytes::from_request(request, web).await.map_err(|error| Trouble::Invalid(error.body_text()))?;
        let fields = Fields(form_urlencoded::parse(&octets).into_owned().collect());
        visitor.check_form(fields.one("csrf"))?;
        Ok(fields)
    }
}
