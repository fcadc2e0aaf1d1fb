//! Forms as browsers post them: names and texts, a name once for each of its texts.

use seldinger_core::form::TypedField;
use serde::Deserialize;
use zeroize::Zeroizing;

/// What was posted, in its order.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Posted(Vec<(String, String)>);

/// Stands before the path of a field of a record, so that no path can be taken for a name of ours.
pub const FIELD: &str = "f.";

impl Posted {
    /// What a draft of ours holds.
    pub fn of_typed(typed: &[TypedField]) -> Self {
        let pairs = |field: &TypedField| {
            let path = field.path.clone();
            field.texts.iter().map(move |text| (path.clone(), text.clone())).collect::<Vec<_>>()
        };
        Self(typed.iter().flat_map(pairs).collect())
    }

    /// The text under a name; empty where there is none.
    pub fn one(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// Takes the text under a name out, where it is a secret: no copy of it stays.
    pub fn secret(&mut self, name: &str) -> Zeroizing<String> {
        let found = self.0.iter_mut().find(|(known, _)| known == name);
        Zeroizing::new(found.map(|(_, text)| std::mem::take(text)).unwrap_or_default())
    }

    /// Every text under a name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, text)| text.as_str()).collect()
    }

    /// The fields of a record's form, as the core takes them.
    pub fn typed(&self) -> Vec<TypedField> {
        let mut typed: Vec<TypedField> = Vec::new();
        for (name, text) in &self.0 {
            let Some(path) = name.strip_prefix(FIELD) else { continue };
            match typed.iter_mut().find(|field| field.path == path) {
                Some(field) => field.texts.push(text.clone()),
                None => typed.push(TypedField { path: path.to_owned(), texts: vec![text.clone()] }),
            }
        }
        typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_come_more_than_once() {
        let pairs = [
            ("csrf", "x"),
            ("f.tags", "a"),
            ("f.labs.inr", "1.4"),
            ("f.tags", "b"),
            ("f.csrf", "y"),
        ];
        let posted = Posted(pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec());
        let typed = posted.typed();
        let told: Vec<_> = typed.iter().map(|t| (t.path.as_str(), t.texts.join("+"))).collect();
        assert_eq!(
            told,
            [("tags", "a+b".into()), ("labs.inr", "1.4".into()), ("csrf", "y".into())]
        );
        assert_eq!((posted.one("csrf"), posted.one("draft")), ("x", ""));
        assert_eq!(Posted::of_typed(&typed).all("tags"), ["a", "b"]);
    }
}
