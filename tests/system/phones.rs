//! A laptop, a phone of the Kotlin package and one of the Swift package, each a process of its own, over
//! real sockets: what each wrote without the others is on all three.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::ids::RecordId;
use seldinger_core::logbook::{CASE, ExportFormat, ExportOptions, JotOptions};
use serde_json::json;
use system_tests::{Laptop, Remote, fields};
use xtask::setup::swift::Swift;
use xtask::setup::{kotlin, swift};

use super::shells::{built_swift, found, maven, one_at_a_time, package, report, run, stage};

/// Cases that each of the three writes before it meets the others; and one more on the laptop.
const JOTS: u64 = 3;
const CASES: u64 = 3 * JOTS + 1;

fn kotlin_phone(stage: &Path, folder: &Path) -> Command {
    let mut build = maven("process-test-classes", stage);
    report(&run(&mut build, "kotlin-phone"), |line| line.contains("BUILD SUCCESS"));
    let class_path = package("kotlin").join("target/class-path");
    let mut java = Command::new("java");
    java.arg("-cp").arg(fs::read_to_string(class_path).unwrap());
    for property in ["jna.library.path", "seldinger.stage"] {
        java.arg(format!("-D{property}={}", stage.display()));
    }
    java.arg("app.seldinger.core.PhoneKt").arg(folder).arg("Kotlin");
    java
}

fn swift_phone(swift: &Swift, stage: &Path, folder: &Path) -> Command {
    let mut build = built_swift(swift, stage, &["build", "--build-tests"]);
    report(&run(&mut build, "swift-phone"), |line| line.contains("Build complete"));
    let folder = swift.stage(stage).join(folder.strip_prefix(stage).unwrap());
    let args = ["run", "--skip-build", "Phone", folder.to_str().unwrap(), "Swift"];
    swift.command(&package("swift"), stage, &args)
}

/// A laptop and its phones.
struct Three {
    laptop: Laptop,
    phones: [Remote; 2],
}

impl Three {
    fn tell(&mut self, line: &str) {
        self.phones.iter_mut().for_each(|phone| phone.tell(line));
    }

    /// Pairs who has written something already.
    fn pair(&mut self) {
        for number in 0..JOTS {
            let jot = format!("para US, laptop, number {number}");
            self.laptop.book.save_jot(&jot, &JotOptions::default()).unwrap();
            self.tell(&format!("jot picc R basilic 5F US, phone, number {number}"));
        }
        self.tell("online");
        for phone in &mut self.phones {
            self.laptop.pair(phone, &self.laptop.at);
        }
    }

    /// The apps are suspended: that ends every connection.
    fn part(&mut self) {
        self.tell("offline");
        self.laptop.until(|laptop| {
            let devices = laptop.sync.status().unwrap().devices;
            devices.iter().all(|device| !device.is_connected).then_some(())
        });
    }

    /// Waits until all of them have everything, and nothing is left to choose.
    fn meet(&mut self) {
        self.tell(&format!("wait {CASES}"));
        self.phones.iter_mut().for_each(|phone| drop(phone.until("has ")));
        self.laptop.until_in_step();
        assert_eq!(self.laptop.book.count_cases(&CaseFilter::default()).unwrap(), CASES);
        assert!(self.laptop.book.written_twice().unwrap().is_empty());
    }

    /// What the laptop's book says at `path`.
    fn text(&self, case: RecordId, path: &str) -> String {
        self.laptop.book.record(case).unwrap().fields[path].as_str().unwrap().to_owned()
    }

    /// Whichever of both is shown, each phone tells of the other; one of them keeps both. What all say then.
    fn keep_both(
        &mut self,
        by: usize,
        case: RecordId,
        (path, between): (&str, &str),
        written: [&str; 2],
    ) -> String {
        self.tell(&format!("also {case} {path}"));
        let told = self.phones.each_mut().map(|phone| phone.until("also "));
        let shown = self.text(case, path);
        let other = written.into_iter().find(|text| **text != shown).unwrap();
        assert!(told.iter().all(|told| told.ends_with(other)), "{shown}: {told:?}");
        self.phones[by].tell(&format!("both {case} {path}"));
        format!("{shown}{between}{other}")
    }
}

/// What a book says of its cases, a line each; what was written in the same moment has no order.
fn lines(file: &Path) -> BTreeSet<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_three_wrote_apart_is_on_all_of_them() {
    let _turn = one_at_a_time();
    let (Some(_), Some(swift)) = (found(kotlin::find()), found(swift::find())) else { return };
    let stage = stage();
    let folder = tempfile::tempdir_in(&stage).unwrap();
    let folders = ["kotlin", "swift"].map(|name| folder.path().join(name));
    let phones = [kotlin_phone(&stage, &folders[0]), swift_phone(&swift, &stage, &folders[1])];
    let phones = phones.map(|mut command| Remote::start(&mut command));
    let mut three = Three { laptop: Laptop::new(), phones };

    let note = json!({"procedure": "picc", "note": "One wire, one sheath, one stitch."});
    let case = three.laptop.book.create_case(fields(note)).unwrap().id;
    three.pair();
    three.meet();

    three.part();
    let deep = "One wire, one sheath, one deep stitch.";
    let edit = vec![("note".to_owned(), Some(json!(deep)))];
    three.laptop.book.transact(|tx| tx.edit(case, edit, None)).unwrap();
    let stiff = "One stiff wire, one sheath, one stitch.";
    three.phones[0].tell(&format!("type {case} note {stiff}"));
    let typed = [["fentanyl", "aspirate"], ["midazolam", "tip of the line"]];
    for (phone, [sedation, specimens]) in three.phones.iter_mut().zip(typed) {
        phone.tell(&format!("type {case} sedation {sedation}"));
        phone.tell(&format!("type {case} specimens {specimens}"));
    }

    three.tell("online");
    let [kotlin, swift] = typed;
    let sedation = three.keep_both(0, case, ("sedation", "; "), [kotlin[0], swift[0]]);
    let specimens = three.keep_both(1, case, ("specimens", "; "), [kotlin[1], swift[1]]);
    // A long text is never made of two; whoever keeps both has the lines of both.
    let note = three.keep_both(1, case, ("note", "\n"), [stiff, deep]);
    three.meet();

    assert_eq!(three.text(case, "note"), note);
    assert_eq!(three.text(case, "sedation"), sedation);
    assert_eq!(three.text(case, "specimens"), specimens);
    let mine = folder.path().join("laptop.jsonl");
    let job = three
        .laptop
        .book
        .export_job(&mine, ExportFormat::Jsonl, &ExportOptions::of_kind(CASE))
        .unwrap();
    assert_eq!(job.run(|_| ()).unwrap().records, CASES);
    three.tell("export");
    three.tell("quit");
    for (mut phone, folder) in three.phones.into_iter().zip(&folders) {
        assert_eq!(phone.until("exported "), CASES.to_string());
        phone.end();
        assert_eq!(lines(&folder.join("cases.jsonl")), lines(&mine));
    }
}
