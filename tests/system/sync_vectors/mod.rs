//! The vectors of the sync protocol: what each means, and what must be refused, read through the public
//! interface. `WRITE_VECTORS=1` writes them anew; a released version's vectors never change.

mod invalid;
mod reading;
mod valid;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use reading::{Copy, sums_of};

/// How the bytes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Frame,
    /// A frame whose records are unpacked.
    Page,
    Record,
    Invitation,
    TypedCode,
    Pairing,
}

const FORMS: [(Form, &str); 6] = [
    (Form::Frame, "frame"),
    (Form::Page, "page"),
    (Form::Record, "record"),
    (Form::Invitation, "invitation"),
    (Form::TypedCode, "typed code"),
    (Form::Pairing, "pairing"),
];

impl Form {
    fn name(self) -> &'static str {
        FORMS.iter().find(|(form, _)| *form == self).unwrap().1
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Invitation | Self::TypedCode)
    }
}

/// One vector.
struct Vector {
    name: &'static str,
    form: Form,
    /// For people.
    means: &'static str,
    bytes: Vec<u8>,
    /// So many zero bytes follow; nobody wants them in a file.
    zeros: usize,
}

impl Vector {
    fn new(name: &'static str, form: Form, means: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, form, means, bytes, zeros: 0 }
    }

    fn file(&self) -> String {
        format!("{}.{}", self.name, if self.form.is_text() { "txt" } else { "hex" })
    }

    fn text(&self) -> String {
        let text = if self.form.is_text() {
            String::from_utf8(self.bytes.clone()).unwrap()
        } else {
            hex(&self.bytes)
        };
        text + "\n"
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.trim().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/sync/v1").join(name)
}

fn write(name: &str, vectors: &[Vector]) {
    let index: Vec<Value> = vectors
        .iter()
        .map(|vector| {
            let bytes = [vector.bytes.clone(), vec![0; vector.zeros]].concat();
            let mut line = json!({
                "file": vector.file(), "form": vector.form.name(), "means": vector.means,
            });
            match reading::read(vector.form, &bytes) {
                Ok(says) => line["says"] = says,
                Err(refused) => line["refused"] = Value::from(refused),
            }
            if vector.zeros > 0 {
                line["then_zeros"] = Value::from(vector.zeros);
            }
            fs::write(folder(name).join(vector.file()), vector.text()).unwrap();
            line
        })
        .collect();
    let index = serde_json::to_string_pretty(&index).unwrap() + "\n";
    fs::write(folder(name).join("index.json"), index).unwrap();
}

/// The lines of an index, each with its bytes.
fn stored(name: &str) -> Vec<(Value, Form, Vec<u8>)> {
    let index = fs::read_to_string(folder(name).join("index.json")).unwrap();
    let lines: Vec<Value> = serde_json::from_str(&index).unwrap();
    let files = fs::read_dir(folder(name)).unwrap().count();
    assert_eq!(files, lines.len() + 1, "{name} holds files that its index does not name");
    lines
        .into_iter()
        .map(|line| {
            let form = FORMS.iter().find(|(_, name)| line["form"] == *name).unwrap().0;
            let file = folder(name).join(line["file"].as_str().unwrap());
            let text = fs::read_to_string(file).unwrap();
            let mut bytes =
                if form.is_text() { text.trim_end().as_bytes().to_vec() } else { unhex(&text) };
            let zeros = line["then_zeros"].as_u64().unwrap_or(0);
            bytes.resize(bytes.len() + usize::try_from(zeros).unwrap(), 0);
            (line, form, bytes)
        })
        .collect()
}

fn record(name: &str) -> Vec<u8> {
    unhex(&fs::read_to_string(folder("valid").join(name)).unwrap())
}

#[test]
fn what_is_valid_means_what_its_index_says() {
    let made = valid::all();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        write("valid", &made);
    }
    let stored = stored("valid");
    assert_eq!(stored.len(), made.len());
    for ((line, form, bytes), made) in stored.iter().zip(&made) {
        assert_eq!(reading::read(*form, bytes).as_ref(), Ok(&line["says"]), "{line}");
        assert_eq!(line["file"], Value::from(made.file()));
        if *form == Form::Page {
            // Another version of the compressor may pack the same in another way.
            assert_eq!(reading::read(*form, &made.bytes).as_ref(), Ok(&line["says"]), "{line}");
        } else {
            assert_eq!(bytes, &made.bytes, "{line} is written in another way now");
        }
    }
}

#[test]
fn what_is_invalid_is_refused_as_its_index_says() {
    let made = invalid::all();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        write("invalid", &made);
    }
    let stored = stored("invalid");
    assert_eq!(stored.len(), made.len());
    for (line, form, bytes) in &stored {
        let refused = reading::read(*form, bytes).map(|_| ());
        assert_eq!(refused.unwrap_err(), line["refused"], "{line}");
    }
}

#[test]
fn every_cut_and_every_longer_form_is_refused() {
    for (line, form, bytes) in stored("valid") {
        if form == Form::Record || form.is_text() {
            continue;
        }
        for end in 0..bytes.len() {
            assert!(reading::read(form, &bytes[..end]).is_err(), "{line} cut at {end}");
        }
        assert!(reading::read(form, &[&bytes[..], &[0]].concat()).is_err(), "{line} and more");
    }
}

#[test]
fn a_cut_record_is_set_aside_wherever_it_is_cut() {
    let copy = Copy::new(1);
    let whole = record("record_siblings.hex");
    let cuts: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for cuts in cuts.chunks(400) {
        let (changed, refused) = copy.take_in(cuts.to_vec());
        assert!(!changed && refused.iter().all(|why| *why == "unreadable"));
        assert_eq!(refused.len(), cuts.len());
    }
    // What was cut stops nothing: the whole record is taken in, and nothing is set aside any more.
    assert_eq!(copy.take_in(vec![whole]), (true, Vec::new()));
    assert_eq!(copy.book.peers().unwrap()[0].refused, 0);
}

#[test]
fn order_and_repetition_do_not_matter() {
    let (phone, laptop) =
        (record("record_edited_on_phone.hex"), record("record_edited_on_laptop.hex"));
    let orders = [
        vec![phone.clone(), laptop.clone()],
        vec![laptop.clone(), phone.clone()],
        vec![phone.clone(), phone, laptop.clone(), laptop],
    ];
    // Copies of one seed: what they say of themselves is equal.
    let sums: Vec<_> = orders
        .into_iter()
        .map(|records| {
            let copy = Copy::new(1);
            assert_eq!(copy.take_in(records), (true, Vec::new()));
            let (text, other) = copy.texts();
            // Two texts of one field are never mixed: one is shown, the other stands beside it.
            assert_eq!(text, "On the laptop: left arm");
            (sums_of(&copy.book), other)
        })
        .collect();
    assert!(sums.iter().all(|one| *one == sums[0]));
    let joined = Copy::new(1);
    joined.take_in(vec![record("record_siblings.hex")]);
    assert_eq!(sums_of(&joined.book), sums[0].0);
}
