//! `tally`: the log, counted.

use clap::Args;
use seldinger_core::case_log::tally::{RoleCount, Tally};
use seldinger_core::case_log::values::Role;
use seldinger_core::content::words;
use seldinger_core::time::Day;
use serde_json::{Value, json};

use super::cases::{FilterArgs, tell_names};
use super::look::{self, fit, number};
use crate::failure::Failure;
use crate::open::Home;
use crate::say::{Out, plain};

/// What is counted.
#[derive(Args)]
pub struct TallyArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Counts.
pub fn run(home: &Home, args: &TallyArgs) -> Result<(), Failure> {
    let filter = args.filter.filter()?;
    let book = home.existing()?.book;
    let tally = book.tally(&filter, None)?;
    let mut out = Out::new();
    if args.json {
        out.line(to_json(&tally))?;
    } else {
        totals(&mut out, &tally)?;
        procedures(&mut out, &tally)?;
        goals(&mut out, &tally)?;
    }
    out.flush()?;
    tell_names(tally.told)
}

fn totals(out: &mut Out, tally: &Tally) -> Result<(), Failure> {
    let days = match (tally.first_day, tally.last_day) {
        (Some(first), Some(last)) => format!(", {} to {}", first.iso(), last.iso()),
        _ => String::new(),
    };
    out.line(format_args!(
        "{} cases{days}, {} procedures, {} of them more than once",
        tally.cases, tally.procedures, tally.repeated
    ))?;
    out.line("")?;
    for count in tally.roles.iter().filter(|count| count.cases > 0) {
        out.line(format_args!("{:>6}  {}", count.cases, role(count.role)))?;
    }
    out.line("")?;
    for attending in &tally.attendings {
        out.line(format_args!("{:>6}  {}", attending.cases, plain(&attending.attending)))?;
    }
    out.line("")?;
    for week in &tally.weeks {
        let strokes = "|".repeat(week.cases.min(60) as usize);
        let line = format!("{:>6}  week of {}  {strokes}", week.cases, week.monday.iso());
        out.line(line.trim_end())?;
    }
    out.line("")?;
    for (field, quantity) in tally.dose.quantities() {
        out.line(format_args!(
            "{} {} in {} cases",
            look::label(field),
            number(quantity.sum),
            quantity.cases
        ))?;
        if quantity.left_out > 0 {
            let count = quantity.left_out.to_string();
            let values = [("name", look::label(field)), ("count", count.as_str())];
            out.line(words("app.left_out", &values))?;
        }
    }
    Ok(())
}

fn procedures(out: &mut Out, tally: &Tally) -> Result<(), Failure> {
    for category in &tally.categories {
        if category.cases == 0 {
            continue;
        }
        out.line("")?;
        let name = if category.name.is_empty() { "Other" } else { &category.name };
        out.line(format_args!("{:>6}  {}", category.cases, plain(name)))?;
        for procedure in &category.procedures {
            let name = if procedure.name.is_empty() { "not written" } else { &procedure.name };
            let most = procedure.roles.iter().flatten().max().copied();
            let line = format!("{:>6}    {}", procedure.roles.len(), fit(&plain(name), 34));
            let most = most.map(|role| format!("  most: {}", look::role(Some(role))));
            out.line(format!("{line}{}", most.unwrap_or_default()).trim_end())?;
        }
    }
    Ok(())
}

fn goals(out: &mut Out, tally: &Tally) -> Result<(), Failure> {
    let goals = &tally.goals;
    out.line("")?;
    out.line(format_args!("{}: {} of {} reached", goals.scheme, goals.reached, goals.goals))?;
    for goal in &goals.open {
        out.line(format_args!("    {:6}{}", goal.id, goal.label))?;
    }
    Ok(())
}

fn role(role: Option<Role>) -> String {
    if role.is_none() { "role not written".to_owned() } else { look::role(role).into() }
}

fn roles_json(roles: &[RoleCount]) -> Value {
    let name = |role: Option<Role>| role.map(Role::as_str);
    roles.iter().map(|count| json!({ "role": name(count.role), "cases": count.cases })).collect()
}

fn to_json(tally: &Tally) -> Value {
    let weeks = tally.weeks.iter().map(|week| {
        json!({
            "week": format!("{}-W{:02}", week.week.year, week.week.week),
            "monday": week.monday.iso(),
            "cases": week.cases,
            "roles": roles_json(&week.roles),
        })
    });
    let categories = tally.categories.iter().map(|category| {
        let procedures = category.procedures.iter().map(|procedure| {
            json!({
                "procedure": procedure.procedure,
                "name": procedure.name,
                "cases": procedure.roles.len(),
                "roles": procedure.roles.iter().map(|role| role.map(Role::as_str)).collect::<Vec<_>>(),
            })
        });
        json!({
            "category": category.category,
            "name": category.name,
            "cases": category.cases,
            "procedures": procedures.collect::<Vec<_>>(),
        })
    });
    let attendings = tally.attendings.iter();
    let attendings =
        attendings.map(|one| json!({ "attending": one.attending, "cases": one.cases }));
    let open = tally.goals.open.iter().map(|goal| {
        json!({ "id": goal.id, "label": goal.label, "cases": goal.cases, "minimum": goal.minimum })
    });
    json!({
        "cases": tally.cases,
        "first_day": tally.first_day.map(Day::iso),
        "last_day": tally.last_day.map(Day::iso),
        "procedures": tally.procedures,
        "repeated": tally.repeated,
        "roles": roles_json(&tally.roles),
        "weeks": weeks.collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
        "attendings": attendings.collect::<Vec<_>>(),
        "dose": {
            "air_kerma_mgy": tally.dose.air_kerma_mgy.sum,
            "air_kerma_cases": tally.dose.air_kerma_mgy.cases,
            "fluoro_min": tally.dose.fluoro_min.sum,
            "fluoro_cases": tally.dose.fluoro_min.cases,
            "dap_gycm2": tally.dose.dap_gycm2.sum,
            "dap_cases": tally.dose.dap_gycm2.cases,
            "air_kerma_left_out": tally.dose.air_kerma_mgy.left_out,
            "fluoro_left_out": tally.dose.fluoro_min.left_out,
            "dap_left_out": tally.dose.dap_gycm2.left_out,
        },
        "goals": {
            "scheme": tally.goals.scheme,
            "goals": tally.goals.goals,
            "reached": tally.goals.reached,
            "open": open.collect::<Vec<_>>(),
        },
    })
}
