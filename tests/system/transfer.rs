//! What goes out comes back equal.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use seldinger_core::case_log::list::{CaseFilter, CaseSort};
use seldinger_core::error::{LineProblem, LogbookError, StopReason};
use seldinger_core::logbook::{
    BadLineAt, ExportFormat, ExportOptions, ImportOptions, ImportReport, ImportSource, Logbook,
};
use seldinger_core::time::Moment;
use serde_json::{Value, json};
use system_tests::{rotation, setup};

fn import(
    book: &Logbook,
    source: ImportSource,
    skip_bad: bool,
) -> Result<ImportReport, LogbookError> {
    book.import_job(source, ImportOptions { skip_bad, ..ImportOptions::default() })?.run(|_| ())
}

fn bytes(text: &str) -> ImportSource {
    ImportSource::Bytes(Arc::from(text.as_bytes()))
}

fn export(book: &Logbook, path: &Path, format: ExportFormat, kind: Option<&str>) -> String {
    let options =
        ExportOptions { kind: kind.map(str::to_owned), replace: true, ..ExportOptions::default() };
    book.export_job(path, format, &options).unwrap().run(|_| ()).unwrap();
    fs::read_to_string(path).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lines without their ids, by kind and time, which in the sample name each record.
fn content(lines: &[Value]) -> BTreeMap<String, Value> {
    let strip = |line: &Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("id");
        (format!("{} {} {}", line["at"], line["kind"], line["fields"]), line)
    };
    let map: BTreeMap<_, _> = lines.iter().map(strip).collect();
    assert_eq!(map.len(), lines.len());
    map
}

#[test]
fn the_sample_goes_in_once_and_comes_out_equal() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(&folder.path().join("book"), 1)).unwrap().0;
    let sample = fs::read_to_string(rotation()).unwrap();
    let count = sample.lines().count() as u64;
    let first = import(&book, ImportSource::Path(rotation()), false).unwrap();
    assert_eq!((first.added, first.known, first.bad), (count, 0, 0));
    let again = import(&book, ImportSource::Path(rotation()), false).unwrap();
    assert_eq!((again.added, again.known), (0, count));

    let out = folder.path().join("out.jsonl");
    let exported = export(&book, &out, ExportFormat::Jsonl, None);
    let (sample, exported_lines) = (lines(&sample), lines(&exported));
    assert_eq!(content(&exported_lines), content(&sample));
    let times: Vec<_> = exported_lines
        .iter()
        .map(|line| Moment::parse(line["at"].as_str().unwrap()).unwrap().utc)
        .collect();
    assert!(times.is_sorted());

    // Into another book: the same bytes come out.
    let other = Logbook::create(setup(&folder.path().join("other"), 2)).unwrap().0;
    assert_eq!(import(&other, ImportSource::Path(out), false).unwrap().added, count);
    let second = folder.path().join("second.jsonl");
    assert_eq!(export(&other, &second, ExportFormat::Jsonl, None), exported);
    // Exported ids are those that the sample's lines get by themselves.
    let known = import(&other, ImportSource::Path(rotation()), false).unwrap().known;
    assert_eq!(known, count);
    let cases = export(&other, &second, ExportFormat::Jsonl, Some("case"));
    assert_eq!(cases.lines().count() as u64, other.count_cases(&CaseFilter::default()).unwrap());
    let leftovers = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(leftovers, 4, "two books, two files, nothing else");
}

#[test]
fn odd_values_survive_field_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(&folder.path().join("book"), 3)).unwrap().0;
    let odd = json!({
        "one": 1, "one_real": 1.0, "tiny": 5e-324, "large": 1.797e308, "big": u64::MAX, "low": i64::MIN,
        "null": null, "empty": {}, "none": [], "text": "", "nested": {"a.b": {"@c": [[1, [2.50]], {"d": null}]}},
        "tags": ["b", "a", "b"], "stages": [{"stage": "haemostasis", "at": "x"}, {"stage": "haemostasis"}],
        "devices": ["z", "a"], "\u{1F9EA} µ\u{0}": "\u{2028}\"\\", "@alive": false, "": 0,
    });
    let texts = [
        "2026-10-05T07:05:00-05:00",
        "2026-10-05T12:05:00Z",
        "2026-10-05T07:05:00.250+05:30",
        "2026-10-05T12:05:00+00:00",
    ];
    let lines_in: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(n, at)| json!({"kind": format!("kind of next year {n}"), "at": at, "fields": odd, "id": null}))
        .collect();
    let text = lines_in.iter().map(Value::to_string).collect::<Vec<_>>().join("\r\n\n");
    assert_eq!(import(&book, bytes(&text), false).unwrap().added, 4);
    let out = lines(&export(&book, &folder.path().join("o"), ExportFormat::Jsonl, None));
    for line in lines_in {
        let found = out.iter().find(|other| other["kind"] == line["kind"]).unwrap();
        assert_eq!(found["at"], line["at"]);
        // As text: a float that lost its last digit would still compare equal to itself.
        assert_eq!(found["fields"].to_string(), line["fields"].to_string());
    }
}

#[test]
fn a_bad_line_stops_everything_or_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(&folder.path().join("book"), 4)).unwrap().0;
    let line = |n: usize| {
        format!(
            "{{\"kind\":\"case\",\"at\":\"2026-10-05T07:05:00-05:00\",\"fields\":{{\"n\":{n}}}}}\n"
        )
    };
    let deep = line(0)
        .replace("{\"n\"", &format!("{{\"x\":{}{},\"n\"", "[".repeat(4000), "]".repeat(4000)));
    let mut text: String = (0..700).map(line).collect();
    text.push_str("{\"kind\":\"case\"}\n");
    text.push_str(&line(700));
    text.push_str(&deep);
    text.push_str(&"x".repeat(5 << 20));
    assert_eq!(
        import(&book, bytes(&text), false),
        Err(LogbookError::BadLine { line: 701, reason: LineProblem::At })
    );
    assert_eq!(book.count_cases(&CaseFilter::default()).unwrap(), 0, "nothing was written");
    let report = import(&book, bytes(&text), true).unwrap();
    assert_eq!((report.added, report.bad), (701, 3));
    assert_eq!(
        report.bad_lines,
        [(701, LineProblem::At), (703, LineProblem::TooLarge), (704, LineProblem::TooLarge)]
            .map(|(line, reason)| BadLineAt { line, reason })
    );
    assert_eq!(
        import(&book, ImportSource::Path(folder.path().join("none")), false),
        Err(LogbookError::NoFile)
    );
}

#[test]
fn a_stopped_import_goes_on_when_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(&folder.path().join("book"), 5)).unwrap().0;
    let line =
        |n| json!({"kind": "case", "at": "2026-10-05T07:05:00Z", "fields": {"n": n}}).to_string();
    let text = (0..1000).map(line).collect::<Vec<_>>().join("\n");
    let job = book.import_job(bytes(&text), ImportOptions::default()).unwrap();
    while book.count_cases(&CaseFilter::default()).unwrap() == 0 {
        let progress = job.step().unwrap();
        assert!(progress.done <= progress.total && !progress.finished);
    }
    job.cancel();
    let part = book.count_cases(&CaseFilter::default()).unwrap();
    let reason = StopReason::Cancelled;
    assert_eq!(job.step(), Err(LogbookError::ImportStopped { reason, records: part }));
    assert_eq!(job.step(), Err(LogbookError::Cancelled));
    assert!(part > 0 && part < 1000, "{part}");
    let rest = import(&book, bytes(&text), false).unwrap();
    assert_eq!((rest.added, rest.known), (1000 - part, part));
}

#[test]
fn what_was_deleted_or_erased_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(&folder.path().join("book"), 6)).unwrap().0;
    import(&book, ImportSource::Path(rotation()), false).unwrap();
    let page = book.cases(&CaseFilter::default(), CaseSort::Newest, None).unwrap();
    let rows: Vec<_> = page.rows().collect();
    book.delete(rows[0].id).unwrap();
    book.erase(rows[1].id).unwrap();
    let before = export(&book, &folder.path().join("a"), ExportFormat::Jsonl, None);
    let again = import(&book, ImportSource::Path(rotation()), false).unwrap();
    assert_eq!((again.added, again.gone, again.deleted), (0, 1, 1));
    assert_eq!(export(&book, &folder.path().join("a"), ExportFormat::Jsonl, None), before);
    assert!(!before.contains(&rows[1].id.to_string()));
}

#[test]
fn an_export_shows_one_moment_and_leaves_nothing_when_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let book = Logbook::create(setup(&folder.path().join("book"), 7)).unwrap().0;
    import(&book, ImportSource::Path(rotation()), false).unwrap();
    let out = folder.path().join("cases.csv");
    let job = book.export_job(&out, ExportFormat::Csv, &ExportOptions::default()).unwrap();
    job.step().unwrap();
    let count = book.count_cases(&CaseFilter::default()).unwrap();
    book.create_case(system_tests::case(1, "=SUM(A1)")).unwrap();
    assert_eq!(job.run(|_| ()).unwrap().records, count);
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.starts_with("\u{feff}id,kind,at,performed_at,procedure,role,attending,"));

    let text = export(&book, &out, ExportFormat::Csv, None);
    assert!(text.contains(",'=SUM(A1),"));
    let options = ExportOptions::default();
    drop(book.export_job(&folder.path().join("stopped"), ExportFormat::Jsonl, &options).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let report = book.identifier_job(None).unwrap().run(|_| ()).unwrap();
    assert_eq!(report.records, rotation_count() + 1);
    book.create_case(system_tests::case(2, "seen with Mr. Jones, MRN 12345678")).unwrap();
    let flagged = book.identifier_job(Some("case")).unwrap().run(|_| ()).unwrap().flagged;
    assert_eq!(flagged.last().map(|record| record.hits), Some(2));
}

fn rotation_count() -> u64 {
    fs::read_to_string(rotation()).unwrap().lines().count() as u64
}
