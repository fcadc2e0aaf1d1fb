//! Consults in a book: templates, presentations and the cases that follow.

use serde_json::{Value, json};

use super::consults::SHIPPED;
use super::tests::book;
use super::{CASE, FieldToAdd, Logbook, TemplateChange};
use crate::calculator::sir2019::{ThresholdInputs, Thresholds};
use crate::consult::{CONSULT, LabStanding};
use crate::form::{FieldKind, FormDefinition, TypedField, warnings};
use crate::ids::RecordId;
use crate::record::Fields;

fn typed(path: &str, text: &str) -> TypedField {
    TypedField { path: path.to_owned(), texts: vec![text.to_owned()] }
}

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn saved(book: &Logbook, form: &str, typed: &[TypedField]) -> RecordId {
    book.save_form(form, None, 0, typed, None).unwrap().id
}

#[test]
fn every_point_of_the_guide_has_a_field_and_every_drug_is_in_the_table() {
    let all = [
        "question",
        "age_band",
        "sex",
        "requesting_service",
        "history",
        "exam",
        "labs.platelets",
        "labs.inr",
        "labs.hgb",
        "labs.creatinine",
        "labs.bilirubin",
        "labs.ast",
        "labs.alt",
        "labs.alp",
        "labs.albumin",
        "imaging",
        "prior_ir",
        "pertinent_positives",
        "pertinent_negatives",
        "assessment",
        "plan_suggested",
    ];
    let own: [(&str, &[&str]); 5] = [
        ("drain", &["infection_history", "immunosuppression", "anticoagulation", "prior_imaging"]),
        ("vascular_access", &["prior_lines", "dialysis_need", "coagulopathy", "venous_thrombosis"]),
        ("bleeding", &["hemodynamics", "transfusions", "anticoagulation", "prior_endoscopy"]),
        (
            "paracentesis",
            &[
                "cirrhosis",
                "meld_reported",
                "symptoms",
                "stability",
                "fever",
                "peritonism",
                "us_when",
                "us_ascites",
                "us_portal_vein",
                "sbp_history",
                "fluid_studies",
            ],
        ),
        ("general", &[]),
    ];
    for (template, more) in own {
        let form = FormDefinition::shipped(&format!("consult-{template}")).unwrap();
        assert_eq!(form.kind, CONSULT);
        for path in all.iter().chain(more) {
            assert!(form.field(path).is_some_and(|field| field.asked), "{path} in {template}");
        }
        assert_eq!(form.field("age_band").unwrap().kind, FieldKind::Choice);
        let drugs = form.field("anticoagulants").unwrap();
        for drug in &drugs.options {
            let known = Thresholds::shipped().drug(&drug.value, None, &ThresholdInputs::default());
            assert!(known.is_some(), "{}", drug.value);
        }
    }
}

#[test]
fn the_consults_of_the_rotation_are_shown_whole_and_without_warnings() {
    let (_folder, book) = book();
    for line in include_str!("../../../tests/vectors/rotation.jsonl").lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["kind"] != CONSULT {
            continue;
        }
        let id = book.create_record(CONSULT, fields(record["fields"].clone())).unwrap().id;
        let sheet = book.record_sheet(id).unwrap();
        assert_eq!(
            sheet.form,
            format!("consult-{}", record["fields"]["template"].as_str().unwrap())
        );
        assert!(sheet.sections.iter().all(|section| section.id != "also_kept"));
        let form = FormDefinition::shipped(&sheet.form).unwrap();
        assert_eq!(warnings(form, &book.record(id).unwrap().fields), []);
        assert_eq!(book.consult(id).unwrap().presentation.problem, None);
    }
    let page = book.consults(None).unwrap();
    assert_eq!((page.rows.len(), page.next), (10, None));
    assert_eq!(page.rows[0].who, "60s M");
    assert_eq!(page.rows[0].template, "Consult: vascular access");
}

#[test]
fn a_list_of_many_goes_on() {
    let (_folder, book) = book();
    for count in 0..60 {
        book.create_record(CONSULT, fields(json!({"question": format!("{count}")}))).unwrap();
    }
    let first = book.consults(None).unwrap();
    assert_eq!((first.rows.len(), first.rows[0].name.name.as_str()), (50, "59"));
    let rest = book.consults(first.next.as_deref()).unwrap();
    assert_eq!((rest.rows.len(), rest.next, rest.rows[9].name.name.as_str()), (10, None, "0"));
}

#[test]
fn a_consult_is_looked_over_as_it_is_typed_and_nothing_is_saved() {
    let (_folder, book) = book();
    let open = book.open_form("consult-drain", None).unwrap();
    let now = [typed("procedure", "Paracentesis"), typed("labs.inr", "2.4"), typed("sex", "F")];
    let view = book.look_over_consult(&open, &now).unwrap();
    let inr = view.labs.flags.iter().find(|flag| flag.path == "labs.inr").unwrap();
    assert_eq!(inr.standing, LabStanding::Borderline);
    assert_eq!(view.presentation.text, "A woman.\nLabs show INR 2.4.");
    assert!(view.presentation.missing.contains(&"Liver tests".to_owned()));
    assert!(view.presentation.missing.contains(&"Platelets".to_owned()));
    assert!(!view.presentation.missing.contains(&"INR".to_owned()));
    assert!(book.consults(None).unwrap().rows.is_empty());
    let id = saved(&book, "consult-drain", &now);
    assert_eq!(book.record(id).unwrap().fields["template"], json!("drain"));
    assert_eq!(book.consult(id).unwrap(), view);
}

#[test]
fn another_template_takes_along_what_was_typed() {
    let (_folder, book) = book();
    let draft = book.begin_draft("consult-drain", None).unwrap();
    let now = [
        typed("question", "Tap?"),
        typed("infection_history", "fever"),
        typed("note", "seen"),
        typed("exam", " "),
    ];
    book.keep_draft(draft.id, now.to_vec()).unwrap();
    let open =
        book.switch_consult("consult-drain", Some(draft.id), &now, "consult-paracentesis").unwrap();
    let texts = |path: &str| {
        let all = open.view.sections.iter().flat_map(|section| &section.fields);
        all.into_iter().find(|field| field.path == path).unwrap().values.join("|")
    };
    assert_eq!(
        (texts("question"), texts("note")),
        ("Tap?".into(), "seen\nInfection history: fever".into())
    );
    let left: Vec<_> = book.drafts().unwrap().into_iter().map(|draft| draft.form).collect();
    assert_eq!(left, ["consult-paracentesis"]);
    assert!(book.switch_consult("consult-drain", None, &[], "consult-none").is_err());
}

#[test]
fn a_consult_becomes_a_case_that_names_it() {
    let (_folder, book) = book();
    let consult = saved(
        &book,
        "consult-vascular_access",
        &[
            typed("question", "Line?"),
            typed("procedure", "picc"),
            typed("setting", "inpatient"),
            typed("imaging", "patent"),
            typed("ct_findings", "narrowed"),
            typed("labs.inr", "1.4"),
            typed("comorbidities", "CKD"),
        ],
    );
    let open = book.begin_case_from_consult(consult).unwrap();
    let draft = book.draft(open.draft.unwrap()).unwrap();
    assert_eq!(open.view.kind, CASE);
    // Left and gone on with.
    assert_eq!(book.begin_case_from_consult(consult).unwrap(), open);
    assert!(book.cases_of_consult(consult).unwrap().is_empty());
    let case = book.save_form(&open.view.id, None, 0, &draft.typed, open.draft).unwrap().id;
    let written = book.record(case).unwrap().fields;
    assert_eq!(
        Value::Object(written),
        json!({
            "procedure": "picc", "setting": "inpatient", "indication": "Line?", "imaging_reviewed": "patent\nnarrowed",
            "comorbidities": "CKD", "labs": {"inr": 1.4}, "consult": consult.to_string(),
        })
    );
    assert_eq!(book.cases_of_consult(consult).unwrap()[0].id, case);
    assert_eq!(book.consult_of_case(case).unwrap().unwrap().id, consult);
    let change = book.link_case(case, None).unwrap().unwrap();
    assert!(book.cases_of_consult(consult).unwrap().is_empty());
    book.undo(&change).unwrap();
    assert_eq!(book.cases_of_consult(consult).unwrap().len(), 1);
    book.delete(consult).unwrap();
    assert_eq!(book.consult_of_case(case).unwrap(), None);
    assert!(book.link_case(consult, None).is_err() && book.link_case(case, Some(case)).is_err());
    assert!(
        book.begin_case_from_consult(case).is_err() && book.open_form("case-of/x", None).is_err()
    );
}

#[test]
fn a_template_of_ones_own_is_a_record_that_consults_are_made_with() {
    let (_folder, book) = book();
    let own = book.copy_template("consult-drain").unwrap().id;
    let change = |change: TemplateChange| book.change_template(own, &change).unwrap();
    change(TemplateChange::Rename { title: " Night drain ".into() });
    change(TemplateChange::Drop { path: "prior_imaging".into() });
    for _ in 0..2 {
        change(TemplateChange::Add {
            label: "Größe, cm".into(),
            kind: FieldToAdd::Number,
            unit: "cm".into(),
        });
    }
    let told = change(TemplateChange::Ask { path: "own.gr_e_cm".into(), asked: true });
    assert_eq!((told.problem, told.change.is_some()), (None, true));
    let form = format!("own/{own}");
    let listed = book.consult_templates().unwrap();
    assert_eq!(listed.len(), SHIPPED.len() + 1);
    assert_eq!((listed[5].form.as_str(), listed[5].title.as_str()), (form.as_str(), "Night drain"));
    let open = book.open_form(&form, None).unwrap();
    assert_eq!((open.view.id.as_str(), open.view.title.as_str()), (form.as_str(), "Night drain"));
    let consult = saved(
        &book,
        &form,
        &[typed("question", "Drain?"), typed("own.gr_e_cm", "6,2 cm"), typed("prior_imaging", "x")],
    );
    let record = book.record(consult).unwrap();
    assert_eq!(record.fields["template"], json!(form));
    assert_eq!(record.fields["own"], json!({"gr_e_cm": 6.2}));
    assert!(
        book.consult(consult)
            .unwrap()
            .presentation
            .missing
            .contains(&"Infection and bleeding".to_owned())
    );
    assert_eq!(book.copy_template(&form).unwrap().change.kind, "consult_template");

    // Gone: the general form shows what it knows, the rest is kept and listed.
    book.delete(own).unwrap();
    let sheet = book.record_sheet(consult).unwrap();
    let kept = sheet.sections.iter().find(|section| section.id == "also_kept").unwrap();
    assert_eq!((kept.fields.len(), kept.fields[0].texts.join("")), (1, "6.2".into()));
    assert_eq!(book.open_form(&form, Some(consult)).unwrap().view.title, "Consult: general");
    book.save_form(&form, Some(consult), record.lseq, &[typed("exam", "soft")], None).unwrap();
    assert_eq!(book.record(consult).unwrap().fields["own"], json!({"gr_e_cm": 6.2}));
    book.restore_record(own).unwrap();
    assert_eq!(book.record_sheet(consult).unwrap().title, "Night drain");
}

#[test]
fn a_template_that_cannot_be_read_is_kept_and_told() {
    let (_folder, book) = book();
    let own = book.copy_template("consult-bleeding").unwrap().id;
    let text = book.template_text(own).unwrap();
    assert_eq!((text.based_on.as_str(), text.problem), ("consult-bleeding", None));
    let saved = book.save_template(own, &format!("{}\nodd = 1", text.text)).unwrap();
    let told = saved.problem.unwrap().line();
    assert!(told.contains("template.toml, line") && told.contains("odd"), "{told}");
    assert!(book.template_text(own).unwrap().text.ends_with("odd = 1"));
    assert!(book.consult_templates().unwrap()[5].problem.is_some());
    // What it began with stands in for it.
    let form = book.open_form(&format!("own/{own}"), None).unwrap();
    assert_eq!(form.view.title, "Consult: bleeding");
    let drop = TemplateChange::Drop { path: "exam".into() };
    assert!(book.change_template(own, &drop).unwrap().problem.is_some());
    book.undo(&saved.change.unwrap()).unwrap();
    assert!(book.change_template(own, &drop).unwrap().problem.is_none());
    let gone = FormDefinition::parse(&book.template_text(own).unwrap().text, "x").unwrap();
    assert!(gone.field("exam").is_none());
}

#[test]
fn wording_of_ones_own_is_a_record_and_the_shipped_one_comes_back() {
    let (_folder, book) = book();
    let consult = saved(&book, "consult-general", &[typed("sex", "M")]);
    let shipped = book.presentation_wording().unwrap();
    assert_eq!(shipped.own, None);
    let own = shipped.text.replace("person = \"A man\"", "person = \"A gentleman\"");
    let saved = book.save_presentation_wording(&own).unwrap();
    assert_eq!(saved.problem, None);
    assert_eq!(book.consult(consult).unwrap().presentation.text, "A gentleman.");
    let broken =
        book.save_presentation_wording(&own.replace("{% if plan %}", "{% if plan")).unwrap();
    assert_eq!(broken.id, saved.id);
    assert!(broken.problem.unwrap().line().contains("wording.toml, line"));
    let told = book.consult(consult).unwrap().presentation;
    assert_eq!((told.text.as_str(), told.problem.is_some()), ("A man.", true));
    book.delete(saved.id).unwrap();
    assert_eq!(book.consult(consult).unwrap().presentation.problem, None);
    assert_eq!(book.presentation_wording().unwrap().own, None);
}
