//! What is certain, and what is not.

use serde_json::json;

use super::rules::{FORMS, Form, ROLES, RULES_OF_PROCEDURES, THINGS, Words};
use super::*;

fn read(path: &str, value: &Value) -> Meaning {
    of_value("case", path, value)
}

fn reads(path: &str, value: &Value, wanted: Value) {
    assert_eq!(read(path, value), Meaning::Reads(wanted), "{path}: {value}");
}

#[test]
fn what_is_certain_is_read_as_a_form_reads_it() {
    reads("fluoro_min", &json!("3,5"), json!(3.5));
    reads("fluoro_min", &json!("7:30"), json!(7.5));
    reads("fluoro_min", &json!("12 min"), json!(12));
    reads("air_kerma_mgy", &json!("1.2 Gy"), json!(1200));
    reads("air_kerma_mgy", &json!("1240"), json!(1240));
    reads("dap_gycm2", &json!("1363.9 µGy·m²"), json!(13.639));
    reads("dap_gycm2", &json!("12,345.6"), json!(12345.6));
    reads("labs.inr", &json!("1,7"), json!(1.7));
    reads("procedure", &json!("PICC"), json!("picc"));
    reads("procedure", &json!("picc placement"), json!("picc"));
    reads("procedure", &json!("Peripherally inserted central catheter"), json!("picc"));
    reads("procedure", &json!("Pícc placement"), json!("picc"));
    reads("procedure", &json!("Pi\u{301}cc placement"), json!("picc"));
    reads("role", &json!("Did part"), json!("did_part"));
    reads("role", &json!("performed, supervised"), json!("performed_supervised"));
    reads("role", &json!("First assist"), json!("assisted"));
    reads("role", &json!("watched"), json!("observed"));
    reads("access.guidance", &json!(["US", "fluoro"]), json!(["us", "fluoro"]));
    reads("interesting", &json!("yes"), json!(true));
    reads("interesting", &json!(0), json!(false));
}

#[test]
fn what_is_not_certain_is_not_read() {
    for (path, value) in [
        ("air_kerma_mgy", json!("1,240")),
        ("air_kerma_mgy", json!("1.240")),
        ("air_kerma_mgy", json!("1,240 mGy")),
        ("air_kerma_mgy", json!("5 apples")),
        ("air_kerma_mgy", json!(true)),
        ("air_kerma_mgy", json!([1])),
        ("fluoro_min", json!("4O2")),
        ("role", json!("S-TS")),
        ("role", json!(["observed"])),
        ("performed_at", json!("05/10/2026")),
        ("performed_at", json!("2026-10-05 13:40")),
        ("performed_at", json!(20_261_005)),
        ("procedure", json!("a procedure of next year")),
        ("procedure", json!({"id": "picc"})),
        ("interesting", json!("maybe")),
        ("access.guidance", json!(["us", "mri"])),
    ] {
        assert_eq!(read(path, &value), Meaning::Unread, "{path}: {value}");
    }
}

#[test]
fn what_a_form_stores_and_what_is_free_text_stands_for_itself() {
    for (path, value) in [
        ("air_kerma_mgy", json!(1.24)),
        ("air_kerma_mgy", json!("")),
        ("role", json!("observed")),
        ("procedure", json!("picc")),
        ("performed_at", json!("2026-10-05T13:40:00-05:00")),
        ("note", json!("1,240")),
        ("interesting", json!(false)),
        ("access.guidance", json!(["us", "ct"])),
        ("no such field", json!({"a": 1})),
    ] {
        assert_eq!(read(path, &value), Meaning::AsStored, "{path}: {value}");
    }
}

#[test]
fn readings_stand_beside_only_what_needs_them() {
    let of = |fields: Value| beside("case", fields.as_object().unwrap());
    assert_eq!(of(json!({"procedure": "picc", "fluoro_min": 3, "note": "3,5"})), None);
    assert_eq!(of(json!({})), None);
    assert_eq!(of(json!({"fluoro_min": "3,5"})).unwrap(), r#"{"fluoro_min":3.5}"#);
    assert_eq!(of(json!({"role": "S-TS"})).unwrap(), "{}", "to be found again");
    // SQL would take these for the numbers 1 and 0.
    assert_eq!(
        of(json!({"air_kerma_mgy": true, "dap_gycm2": [1]})).unwrap(),
        r#"{"air_kerma_mgy":"true","dap_gycm2":"[1]"}"#
    );
    assert_eq!(beside("consult", json!({"role": "x"}).as_object().unwrap()), None);
}

#[test]
fn every_file_is_read() {
    for form in FORMS {
        toml::from_str::<Form>(form).unwrap();
    }
    for file in THINGS.iter().chain([&ROLES, &RULES_OF_PROCEDURES]) {
        toml::from_str::<Words>(file).unwrap();
    }
    assert!(HOT.iter().all(|path| rules("case").contains_key(*path)));
    assert!(rules("consult").contains_key("labs.inr"));
    assert!(rules("case").contains_key("performed_at"));
    assert!(rules("checklist_run").contains_key("started"));
    let several = procedures().values().filter(|id| id.is_none()).count();
    assert!(procedures().len() > 300 && several < 20, "{}, {several}", procedures().len());
    for known in Content::shipped().procedures() {
        assert_eq!(procedure(&known.id), Meaning::AsStored);
        assert_eq!(procedure(&known.name), Meaning::Reads(json!(known.id)), "{}", known.name);
    }
}

proptest::proptest! {
    #[test]
    fn a_reading_reads_as_itself(text in "\\PC{0,20}|[-0-9.,: ']{1,12}( ?(min|Gy|mGy))?") {
        for path in rules("case").keys() {
            if let Meaning::Reads(read_as) = read(path, &json!(text)) {
                proptest::prop_assert_eq!(read(path, &read_as), Meaning::AsStored, "{}", path);
            }
        }
    }
}
