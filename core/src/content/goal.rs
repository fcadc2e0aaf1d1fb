//! Goals of a rotation, by schemes that a user can bring.

use super::Procedure;
use super::error::{ContentError, ContentPlace};
use super::source::{SourceFile, Unique};

/// One goal: at least so many cases of any of these procedures.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct Goal {
    /// The scheme's own number, `S-14` in the guide.
    pub id: String,
    /// As lists show it.
    pub label: String,
    /// Ids of procedures that count; at least one.
    pub any_of: Vec<String>,
    /// Cases wanted; at least 1.
    pub minimum: u32,
}

/// A list of goals with a name and a source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "ffi", derive(uniffi::Record))]
pub struct GoalScheme {
    /// Stable id.
    pub id: String,
    /// As lists show it.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// In the scheme's own order.
    pub goals: Vec<Goal>,
}

impl GoalScheme {
    /// Reads a scheme from TOML.
    ///
    /// # Errors
    /// `ContentError` with line and field; `NoSuchId` where a procedure is not among `procedures`.
    pub fn parse(
        text: &str,
        file_name: &str,
        procedures: &[Procedure],
    ) -> Result<Self, ContentError> {
        let mut unique = Unique::default();
        SourceFile::new(file_name, text).read(|root| {
            let goals = root.tables("goal", |table| {
                let id = table.text("id")?;
                unique.add(&id, || table.place("id"))?;
                let any_of = table.texts("any_of")?;
                if any_of.is_empty() {
                    return Err(ContentError::Missing { place: table.place("any_of") });
                }
                let known = |id: &str| procedures.iter().any(|procedure| procedure.id == id);
                if let Some(unknown) = any_of.iter().find(|id| !known(&id.value)) {
                    let (place, found) = (unknown.place.clone(), unknown.value.clone());
                    return Err(ContentError::NoSuchId { place, found });
                }
                let minimum = table.opt_whole("minimum")?.unwrap_or(1);
                if minimum == 0 {
                    return Err(not_zero(table.place("minimum")));
                }
                let any_of = any_of.into_iter().map(|id| id.value).collect();
                Ok(Goal { id, label: table.text("label")?, any_of, minimum })
            })?;
            if goals.is_empty() {
                return Err(ContentError::Missing { place: root.place("goal") });
            }
            Ok(Self {
                id: root.text("id")?,
                name: root.text("name")?,
                source: root.text("source")?,
                goals,
            })
        })
    }

    /// The goals that a procedure counts for.
    pub fn goals_for<'a>(&'a self, procedure_id: &'a str) -> impl Iterator<Item = &'a Goal> {
        self.goals.iter().filter(move |goal| goal.any_of.iter().any(|id| id == procedure_id))
    }
}

fn not_zero(place: ContentPlace) -> ContentError {
    ContentError::NotAllowed { place, found: "0".to_owned(), allowed: "1 or more".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;

    fn read(text: &str) -> Result<GoalScheme, ContentError> {
        GoalScheme::parse(text, "own.toml", Content::shipped().procedures())
    }

    #[test]
    fn a_user_can_bring_a_scheme() {
        let text = "id = 'board'\nname = 'Board'\nsource = 'program sheet'\n\
            [[goal]]\nid = 'lines'\nlabel = 'Lines'\nany_of = ['picc', 'port']\nminimum = 10\n";
        let scheme = read(text).unwrap();
        assert_eq!(scheme.goals[0].minimum, 10);
        assert_eq!(scheme.goals_for("port").count(), 1);
        assert_eq!(scheme.goals_for("tips").count(), 0);
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        let head = "id = 'a'\nname = 'A'\nsource = 's'\n[[goal]]\nid = 'x'\nlabel = 'X'\n";
        for (rest, wanted) in [
            ("any_of = ['picc', 'pick']\n", "own.toml:7 goal[1].any_of[2]"),
            ("any_of = []\n", "own.toml:7 goal[1].any_of"),
            ("any_of = ['picc']\nminimum = 0\n", "own.toml:8 goal[1].minimum"),
            ("any_of = ['picc']\nminimum = -1\n", "own.toml:8 goal[1].minimum"),
            ("any_of = ['picc']\n[[goal]]\nid = 'x'\n", "own.toml:9 goal[2].id"),
        ] {
            assert_eq!(read(&format!("{head}{rest}")).unwrap_err().place().to_string(), wanted);
        }
        assert_eq!(read("id = 'a'\nname = 'A'\n").unwrap_err().place().field, "goal");
    }
}
