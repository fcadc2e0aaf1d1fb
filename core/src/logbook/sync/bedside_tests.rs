//! What is written at the bedside travels like a case: every kind, and what two devices did to one of them.

use serde_json::json;

use super::super::Keep;
use super::tests::{Device, fields, paired, run};
use super::*;
use crate::checklist::ItemState;
use crate::ids::RecordId;

struct Both([Device; 2]);

impl Both {
    fn new() -> Self {
        Self(paired::<2>())
    }

    fn phone(&self) -> &Logbook {
        &self.0[0].book
    }

    fn laptop(&self) -> &Logbook {
        &self.0[1].book
    }

    fn meet(&self) {
        run(&self.0, 0, 1, usize::MAX);
    }

    fn same(&self, id: RecordId) {
        let [phone, laptop] = [self.phone(), self.laptop()].map(|book| book.record(id).unwrap());
        assert_eq!(phone.fields, laptop.fields);
    }
}

#[test]
fn every_kind_arrives_as_it_was_written() {
    let both = Both::new();
    let template = both.phone().copy_template("consult-drain").unwrap().id;
    let text = both.phone().template_text(template).unwrap().text;
    let own = both
        .phone()
        .consult_templates()
        .unwrap()
        .into_iter()
        .find(|template| template.own.is_some());
    let own = own.unwrap().form;
    let note = json!({"procedure": "tips", "note": "Ask for the pressures."});
    let finding = json!({"region": "liver", "finding": "early vein", "read_as": "alone"});
    let consult = json!({"template": own, "question": "Drain?"});
    let mut ids = vec![template];
    for (kind, written) in [
        ("procedure_note", note),
        ("imaging_finding", finding),
        ("daily_read", json!({"title": "caudate lobe"})),
        ("consult", consult),
    ] {
        ids.push(both.phone().create_record(kind, fields(written)).unwrap().id);
    }
    ids.push(both.phone().begin_run("before", Some("tips"), None).unwrap().run.row.id);
    both.meet();
    for id in &ids {
        both.same(*id);
    }
    assert_eq!(both.laptop().template_text(template).unwrap().text, text);
    assert_eq!(both.laptop().procedure_page("tips").unwrap().notes.len(), 1);
    assert_eq!(both.laptop().imaging_growth().unwrap()[0].new_regions, ["liver"]);
    assert_eq!(both.laptop().checklist_runs(None).unwrap().open.len(), 1);
    // The consult opens in the user's own template there, too.
    let sheet = both.laptop().record_sheet(ids[4]).unwrap();
    assert!(sheet.title.contains("drain"), "{}", sheet.title);
}

#[test]
fn what_both_tick_is_ticked_and_stages_come_together() {
    let both = Both::new();
    let id = both.phone().begin_run("during", Some("tips"), None).unwrap().run.row.id;
    both.meet();
    both.phone().tick_items(id, &["S-62".to_owned()]).unwrap();
    both.phone().stamp_stage(id, "consent", None).unwrap();
    both.laptop().tick_items(id, &["S-63".to_owned()]).unwrap();
    both.laptop().skip_item(id, "S-64", "No fluoroscopy").unwrap();
    both.laptop().stamp_stage(id, "timeout", None).unwrap();
    both.meet();
    let run = both.phone().checklist_run(id).unwrap();
    assert!(run == both.laptop().checklist_run(id).unwrap(), "both show the same");
    let is_ticked = |item: &str| {
        let item = run.items.iter().find(|one| one.id == item).unwrap();
        item.state == ItemState::Ticked
    };
    assert!(is_ticked("S-62") && is_ticked("S-63") && !is_ticked("S-64"));
    assert_eq!(run.stages.iter().filter(|stage| stage.at.is_some()).count(), 2);
}

#[test]
fn a_consult_that_both_wrote_keeps_both_and_is_settled_by_its_own_form() {
    let both = Both::new();
    let written = json!({"template": "bleeding", "question": "Embolize?", "labs": {"inr": 1.4}});
    let id = both.phone().create_record("consult", fields(written)).unwrap().id;
    both.meet();
    for (book, inr, exam) in [(both.phone(), 1.5, "Pale."), (both.laptop(), 1.9, "Cool skin.")] {
        let edit =
            vec![("labs.inr".to_owned(), Some(json!(inr))), ("exam".to_owned(), Some(json!(exam)))];
        book.transact(|tx| tx.edit(id, edit, None)).unwrap();
    }
    both.meet();
    both.same(id);
    let also = both.laptop().also_written(id).unwrap();
    assert_eq!(also.len(), 2, "both are kept");
    assert_eq!(both.laptop().written_twice().unwrap()[0].name, "Embolize?");
    let exam = also.iter().find(|also| also.path == "exam").unwrap();
    let in_one = Keep::Both { text: exam.both.clone().unwrap() };
    both.laptop().settle(id, "exam", &in_one, &exam.seen).unwrap();
    let inr = also.iter().find(|also| also.path == "labs.inr").unwrap();
    both.laptop().settle(id, "labs.inr", &Keep::Shown, &inr.seen).unwrap();
    both.meet();
    both.same(id);
    let exam = both.phone().record(id).unwrap().fields["exam"].as_str().unwrap().to_owned();
    assert!(exam.contains("Pale.") && exam.contains("Cool skin."), "{exam}");
    assert!(both.phone().written_twice().unwrap().is_empty());
}
