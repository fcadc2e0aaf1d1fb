//! Consults: what IR asks, what is said about it, and the case that follows.

mod entry;
mod list;
mod paper;
mod templates;
mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::serve::AppState;

/// Pages and actions of this room.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/consults", get(list::page))
        .route("/consults/new", get(entry::begin))
        .route("/consults/keep", post(entry::keep))
        .route("/consults/switch", post(entry::switch))
        .route("/consults/templates", get(templates::list))
        .route("/consults/templates/copy", post(templates::copy))
        .route("/consults/templates/{id}", get(templates::page))
        .route("/consults/templates/{id}/text", post(templates::save))
        .route("/consults/templates/{id}/change", post(templates::change))
        .route("/consults/wording", get(templates::wording).post(templates::save_wording))
        .route("/consults/{id}", get(view::page))
        .route("/consults/{id}/edit", get(entry::edit))
        .route("/consults/{id}/say", get(view::say))
        .route("/consults/{id}/link", post(view::link))
        .route("/consults/{id}/unlink", post(view::unlink))
}

#[cfg(test)]
mod tests {
    use crate::serve::visit::Visit;

    #[test]
    fn a_consult_is_filled_in_and_read_without_scripts() {
        let visit = Visit::new();
        let list = visit.get("/consults").body;
        for template in ["drain", "vascular_access", "bleeding", "paracentesis", "general"] {
            assert!(list.contains(&format!("form=consult-{template}")), "{template}");
        }
        let page = visit.get("/consults/new?form=consult-drain&procedure=picc");
        assert!(page.body.contains("Low bleeding risk"), "what the address names is filled in");
        let draft = page.value("draft");
        let filled = [
            ("form", "consult-drain"),
            ("draft", draft.as_str()),
            ("f.sex", "F"),
            ("f.question", "R IJ <b>line</b>?"),
            ("f.procedure", "picc"),
            ("f.labs.inr", "2.4"),
        ];
        let kept = visit.post_part("/consults/keep", &filled).body;
        for part in [
            "id=\"flag-labs-inr\"",
            "2.0–3.0, ask",
            "<mark>INR 2.4</mark>",
            "A woman.",
            "Not written: ",
        ] {
            assert!(kept.contains(part), "{part}: {kept}");
        }
        assert!(kept.contains("right IJ") && !kept.contains("<b>line"), "{kept}");
        let again = visit.get("/consults/new?form=consult-drain").body;
        assert!(again.contains("As you left it") && again.contains("value=\"2.4\""));
        let saved = visit.post("/form/save", &filled);
        let id = saved.location().rsplit('/').next().unwrap().to_owned();
        assert_eq!(saved.location(), format!("/consults/{id}"));
        let sheet = visit.get(saved.location()).body;
        assert!(sheet.contains("No case followed yet.") && sheet.contains("Low bleeding risk."));
        let say = visit.get(&format!("/consults/{id}/say")).body;
        assert!(say.contains("data-part=\"Problem, and why IR\""), "{say}");
        let case = visit.get(&format!("/consults/{id}/case")).body;
        assert!(case.contains("value=\"PICC placement\""));
    }

    #[test]
    fn another_template_takes_along_what_was_typed() {
        let visit = Visit::new();
        let draft = visit.get("/consults/new?form=consult-drain").value("draft");
        let filled = [
            ("form", "consult-drain"),
            ("draft", draft.as_str()),
            ("f.question", "Bleeding?"),
            ("f.prior_imaging", "CT last week"),
        ];
        visit.post_part("/consults/keep", &filled);
        let to = [filled[0], filled[1], ("to", "consult-bleeding")];
        let switched = visit.post("/consults/switch", &to);
        assert_eq!(switched.location(), "/consults/new?form=consult-bleeding");
        let page = visit.get(switched.location()).body;
        assert!(
            page.contains(">Bleeding?</textarea>") && page.contains("Prior imaging: CT last week")
        );
    }
}
