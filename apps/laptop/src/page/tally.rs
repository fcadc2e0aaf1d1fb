//! The tally: what was done so far, counted, with charts.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use seldinger_core::case_log::list::CaseChoices;
use seldinger_core::case_log::tally::{DoseQuantity, OpenGoal, Tally, WeekTally};
use seldinger_core::case_log::values::Role;
use seldinger_core::content::{self, Content};
use seldinger_core::error::Result;
use seldinger_core::form::FormDefinition;
use seldinger_core::logbook::Logbook;

use super::cases::query::{self, CaseQuery, NO_ROLE};
use super::charts::{DoseChart, Strokes, WeeksChart};
use super::shell::{Room, Shell, draw};
use super::trouble::Trouble;
use super::words;
use crate::serve::AppState;

/// Rows of a dose table; the chart has all.
const MOST_ROWS: usize = 50;

/// Pages of this room.
pub fn routes() -> Router<AppState> {
    Router::new().route("/tally", get(page).post(filtered))
}

/// Everything counted, ready to be drawn.
struct Counted {
    tally: Tally,
    narrows: bool,
}

#[derive(Template)]
#[template(path = "tally/page.html")]
struct TallyPage {
    shell: Shell,
    beside: bool,
    query: CaseQuery,
    choices: CaseChoices,
    counted: Counted,
}

#[derive(Template)]
#[template(path = "tally/counted.html")]
struct CountedPart {
    counted: Counted,
    /// The heading is put in its place above the filters.
    beside: bool,
}

/// One dose quantity with its charts.
struct Dose<'a> {
    title: &'static str,
    unit: &'static str,
    quantity: &'a DoseQuantity,
    wide: DoseChart,
    slim: DoseChart,
}

impl Counted {
    fn read(book: &Logbook, query: &CaseQuery) -> Result<Self> {
        Ok(Self { tally: book.tally(&query.filter(), None)?, narrows: query.narrows() })
    }

    /// `46 cases`.
    fn title(&self) -> String {
        words::counted(u64::from(self.tally.cases), "case", "cases")
    }

    /// `5 to 30 October 2026. 37 procedures, six of them more than once.`
    fn summary(&self) -> String {
        let tally = &self.tally;
        let days = match (tally.first_day, tally.last_day) {
            (Some(first), Some(last)) => format!("{}. ", first.until(last)),
            _ => String::new(),
        };
        let procedures = words::counted(u64::from(tally.procedures), "procedure", "procedures");
        let repeated = match tally.repeated {
            0 => String::new(),
            repeated if tally.procedures == repeated => ", each more than once".to_owned(),
            repeated => format!(", {} of them more than once", small_number(repeated)),
        };
        format!("{days}{procedures}{repeated}.")
    }

    fn weeks(&self) -> Option<WeeksChart> {
        WeeksChart::new(&self.tally.weeks)
    }

    /// How many cases a week has of each role, in the order of the legend; empty for none.
    fn by_role(&self, week: &WeekTally) -> Vec<String> {
        let of = |role| {
            let found = week.roles.iter().find(|count| count.role == role);
            found.map(|count| count.cases.to_string()).unwrap_or_default()
        };
        self.tally.roles.iter().map(|count| of(count.role)).collect()
    }

    fn doses(&self) -> Vec<Dose<'_>> {
        let dose = |(field, quantity): (&'static str, _)| {
            let form = FormDefinition::shipped("case").and_then(|form| form.field(field));
            let title = form.map_or(field, |field| field.label.as_str());
            let unit = Content::shipped().quantity(field).map_or("", |known| known.unit.as_str());
            let wide = DoseChart::wide(title, unit, quantity)?;
            let slim = DoseChart::slim(title, unit, quantity)?;
            Some(Dose { title, unit, quantity, wide, slim })
        };
        self.tally.dose.quantities().into_iter().filter_map(dose).collect()
    }

    /// What is said of values that no sum counts.
    fn left_out(&self) -> Vec<String> {
        let quantities = self.tally.dose.quantities().into_iter();
        let told = |(field, quantity): (&'static str, &DoseQuantity)| {
            let form = FormDefinition::shipped("case").and_then(|form| form.field(field));
            let name = form.map_or(field, |field| field.label.as_str());
            let count = quantity.left_out.to_string();
            content::words("app.left_out", &[("name", name), ("count", &count)])
        };
        quantities.filter(|(_, quantity)| quantity.left_out > 0).map(told).collect()
    }

    /// Goals that are not reached, as one sentence would list them.
    fn missing(&self) -> String {
        let goal = |(at, goal): (usize, &OpenGoal)| {
            let name = if at == 0 { goal.label.clone() } else { words::inside(&goal.label) };
            let so_far = format!(" ({} of {})", goal.cases, goal.minimum);
            format!("{name}{}", if goal.minimum > 1 { &so_far } else { "" })
        };
        self.tally.goals.open.iter().enumerate().map(goal).collect::<Vec<_>>().join(", ")
    }
}

/// Small numbers are words in a sentence.
fn small_number(number: u32) -> String {
    const WORDS: [&str; 10] =
        ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let word = usize::try_from(number).ok().and_then(|at| WORDS.get(at));
    word.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    whole(state, shell, CaseQuery::default()).await
}

async fn filtered(
    State(state): State<AppState>,
    shell: Shell,
    Form(query): Form<CaseQuery>,
) -> Result<Response, Trouble> {
    if !shell.part {
        return whole(state, shell, query).await;
    }
    let counted = state.ask(move |book| Counted::read(book, &query)).await?;
    draw(&CountedPart { counted, beside: true })
}

async fn whole(state: AppState, shell: Shell, query: CaseQuery) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Tally);
    let page = state.ask(move |book| {
        let (counted, choices) = (Counted::read(book, &query)?, book.case_choices()?);
        Ok(TallyPage { shell, beside: false, query, choices, counted })
    });
    draw(&page.await?)
}
