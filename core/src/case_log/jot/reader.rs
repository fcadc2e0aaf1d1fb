//! Puts the readers of the single fields together.

use std::sync::OnceLock;

use super::complication;
use super::context::Context;
use super::guidance;
use super::lexicon::Lexicon;
use super::line::{Hit, Line};
use super::measure::{self, Measure};
use super::people::{self, Named, StaffMember};
use super::procedure;
use super::quantity::{self, Amount};
use super::reading::{self, JotField, JotMark, JotReading, JotValues, TextSpan};
use super::role;
use super::setting;
use super::side;
use super::tags::Tag;
use super::token::Kind;
use super::vocabulary::{Vocabulary, VocabularyError, VocabularyFile};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(VocabularyFile {
            name: concat!("jot/", $name, ".toml"),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/content/jot/", $name, ".toml")),
        }),+]
    };
}

const SHIPPED: &[VocabularyFile<'static>] = shipped![
    "vascular",
    "oncology",
    "drainage",
    "venous_spine",
    "actions",
    "procedures",
    "sides",
    "guidance",
    "roles",
    "people",
    "settings",
    "complications",
    "quantities",
    "cues",
    "plain",
];

/// The compiled vocabulary.
#[derive(Debug, Default)]
pub struct JotReader {
    vocabulary: Vocabulary,
    lexicon: Lexicon,
}

impl JotReader {
    /// The reader of the vocabulary that ships with the core, compiled once.
    pub fn shipped() -> &'static Self {
        static READER: OnceLock<JotReader> = OnceLock::new();
        // A test compiles the shipped files, so the empty reader is never seen in the field.
        READER.get_or_init(|| Self::from_vocabulary(SHIPPED).unwrap_or_default())
    }

    /// Compiles other files.
    /// # Errors
    /// The first mistake, with file, line and field.
    pub fn from_vocabulary(files: &[VocabularyFile<'_>]) -> Result<Self, VocabularyError> {
        let vocabulary = Vocabulary::parse(files)?;
        let lexicon = Lexicon::new(&vocabulary.terms);
        Ok(Self { vocabulary, lexicon })
    }

    /// Reads one jot; `staff` are the people that the user has on record.
    pub fn read(&self, text: &str, staff: &[StaffMember]) -> JotReading {
        let line = Line::new(text, &self.vocabulary, &self.lexicon);
        let context = Context::new(&line);
        let (values, marks) = (JotValues::default(), Vec::new());
        let mut draft = Draft { line: &line, values, marks, case: Vec::new() };
        let people = people::read(&line, &context, staff);
        draft.procedure(&context);
        let amounts = quantity::read(&line);
        let read_out = draft.measures(&context, &amounts);
        let told = draft.complication(&context, text);
        draft.places(&context, &amounts, &read_out, told);
        draft.people(&context, &people);
        let unread = draft.unread();
        let note = reading::note(text, &unread);
        JotReading { text: text.to_owned(), values: draft.values, marks: draft.marks, unread, note }
    }
}

struct Draft<'a> {
    line: &'a Line<'a>,
    values: JotValues,
    marks: Vec<JotMark>,
    /// The things that named the procedure.
    case: Vec<u16>,
}

impl Draft<'_> {
    fn span(&self, first: usize, last: usize) -> TextSpan {
        let start = self.line.tokens.get(first).map_or(0, |token| token.start);
        let end = self.line.tokens.get(last).map_or(start, |token| token.end);
        TextSpan { start, end }
    }

    fn spans(&self, hits: &[Hit]) -> Vec<TextSpan> {
        let mut spans: Vec<TextSpan> =
            hits.iter().map(|hit| self.span(hit.first, hit.last)).collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    fn mark(
        &mut self,
        field: JotField,
        value: String,
        spans: Vec<TextSpan>,
        rule: &str,
        certain: bool,
    ) {
        self.marks.push(JotMark { field, value, spans, rule: rule.to_owned(), certain });
    }

    fn procedure(&mut self, context: &Context) {
        let Some(named) = procedure::read(self.line, context) else { return };
        let spans = self.spans(&named.hits);
        self.case = named.hits.iter().map(|hit| hit.thing).collect();
        self.mark(JotField::Procedure, named.id.clone(), spans, &named.rule, named.certain);
        if named.certain {
            self.values.procedure = Some(named.id);
        }
    }

    fn in_group(&self, group: &str) -> bool {
        self.line.vocabulary.in_group(group, self.values.procedure.as_deref())
    }

    /// The numbers; returns where the fluoroscopy time stands.
    fn measures(&mut self, context: &Context, amounts: &[Amount]) -> Vec<(usize, usize)> {
        let line = self.line;
        let keeps = self.in_group("keeps-device");
        let drains = self.in_group("drains-fluid");
        let doses = self.in_group("doses-in-gy");
        self.values.french =
            self.measure(JotField::French, measure::french(line, context, amounts, keeps));
        self.values.gauge = self.measure(JotField::Gauge, measure::gauge(line, amounts));
        self.values.volume_ml =
            self.measure(JotField::VolumeMl, measure::volume_ml(line, context, amounts, drains));
        let fluoro = measure::fluoro_min(line, amounts);
        let read_out =
            fluoro.iter().flat_map(|m| [Some((m.first, m.last)), m.label_at]).flatten().collect();
        self.values.fluoro_min = self.measure(JotField::FluoroMin, fluoro);
        self.values.air_kerma_mgy =
            self.measure(JotField::AirKermaMgy, measure::air_kerma_mgy(line, amounts, doses));
        read_out
    }

    fn measure(&mut self, field: JotField, found: Option<Measure>) -> Option<f64> {
        let found = found?;
        let mut spans = vec![self.span(found.first, found.last)];
        spans.extend(found.label_at.map(|(first, last)| self.span(first, last)));
        let value = (found.value * 1000.0).round() / 1000.0;
        self.mark(field, value.to_string(), spans, found.rule, found.certain);
        found.certain.then_some(value)
    }

    fn places(
        &mut self,
        context: &Context,
        amounts: &[Amount],
        read_out: &[(usize, usize)],
        told: Option<(usize, usize)>,
    ) {
        let line = self.line;
        if let Some(named) = side::read(line, context, amounts, told) {
            let spans = self.spans(&named.hits);
            let rule = named.hits.first().map_or("", |hit| line.rule(*hit));
            self.mark(JotField::Side, named.side.as_str().to_owned(), spans, rule, named.certain);
            self.values.side = named.certain.then_some(named.side);
        }
        for named in guidance::read(line, context, read_out) {
            let spans = self.spans(&[named.hit]);
            let value = named.guidance.as_str().to_owned();
            self.mark(JotField::Guidance, value, spans, line.rule(named.hit), true);
            self.values.guidance.push(named.guidance);
        }
        if let Some((setting, hit)) = setting::read(line, context) {
            let spans = self.spans(&[hit]);
            self.mark(JotField::Setting, setting.as_str().to_owned(), spans, line.rule(hit), true);
            self.values.setting = Some(setting);
        }
    }

    fn people(&mut self, context: &Context, people: &[Named]) {
        let line = self.line;
        if let Some(named) = role::read(line, context, people, &self.case) {
            let spans = self.spans(&[named.hit]);
            let value = named.role.as_str().to_owned();
            self.mark(JotField::Role, value, spans, line.rule(named.hit), named.certain);
            self.values.role = named.certain.then_some(named.role);
        }
        if let Some(person) = people::attending(line, people) {
            let first = people::first_with_title(line, &person);
            let spans = vec![self.span(first, person.last)];
            self.mark(JotField::Attending, person.surname.clone(), spans, person.rule, true);
            self.values.attending = Some(person.surname);
        }
    }

    /// The complication; returns where it stands, unless it is a denial.
    fn complication(&mut self, context: &Context, text: &str) -> Option<(usize, usize)> {
        let line = self.line;
        let found = complication::read(line, context, self.values.procedure.as_deref());
        let named = found?;
        let span = self.span(named.first, named.last);
        let length = (span.end - span.start) as usize;
        let value: String = if named.denied {
            complication::NONE.to_owned()
        } else {
            text.chars().skip(span.start as usize).take(length).collect()
        };
        self.mark(
            JotField::Complication,
            value.clone(),
            vec![span],
            line.rule(named.hit),
            named.certain,
        );
        self.values.complication = named.certain.then_some(value);
        (!named.denied).then_some((named.first, named.last))
    }

    /// The words that no mark covers, joined where they stand side by side.
    fn unread(&self) -> Vec<TextSpan> {
        let tokens = &self.line.tokens;
        let mut covered = vec![false; tokens.len()];
        for span in self.marks.iter().flat_map(|mark| &mark.spans) {
            let first = tokens.partition_point(|token| token.start < span.start);
            let inside = tokens.iter().zip(&mut covered).skip(first);
            for (_, covered) in inside.take_while(|(token, _)| token.end <= span.end) {
                *covered = true;
            }
        }
        let mut unread: Vec<TextSpan> = Vec::new();
        let mut open = false;
        for (i, (token, covered)) in tokens.iter().zip(covered).enumerate() {
            let silent = token.kind == Kind::Mark || self.line.has(i, Tag::Plain);
            if covered || self.line.is(i, ",") {
                open = false;
            } else if open {
                if let Some(last) = unread.last_mut().filter(|_| token.kind != Kind::Mark) {
                    last.end = token.end;
                }
            } else if !silent {
                unread.push(TextSpan { start: token.start, end: token.end });
                open = true;
            }
        }
        unread
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::case_log::values::{Guidance, Role, Side, StaffRole};

    fn staff() -> Vec<StaffMember> {
        [
            ("Okafor", StaffRole::Attending),
            ("Haddad", StaffRole::Fellow),
            ("Tran", StaffRole::Resident),
        ]
        .map(|(surname, role)| StaffMember { surname: surname.to_owned(), role })
        .to_vec()
    }

    fn read(text: &str) -> JotValues {
        JotReader::shipped().read(text, &staff()).values
    }

    #[test]
    fn the_shipped_vocabulary_compiles() {
        if let Err(error) = JotReader::from_vocabulary(SHIPPED) {
            panic!("{error}");
        }
    }

    #[test]
    fn a_line_becomes_a_draft() {
        let found =
            read("para 5.5 L LLQ us guided, did it w Tran supervising, okafr, FT 3:24, no cx");
        assert_eq!(found.procedure.as_deref(), Some("paracentesis"));
        assert_eq!(found.role, Some(Role::PerformedSupervised));
        assert_eq!(found.side, Some(Side::Left));
        assert_eq!(found.guidance, [Guidance::Us]);
        assert_eq!(found.volume_ml, Some(5500.0));
        assert_eq!(found.fluoro_min, Some(3.4));
        assert_eq!(found.attending.as_deref(), Some("Okafor"));
        assert_eq!(found.complication.as_deref(), Some("none"));
    }

    #[test]
    fn nothing_said_is_nothing_read() {
        assert_eq!(read(""), JotValues::default());
        assert_eq!(read("long day, read about shunts on the way home"), JotValues::default());
    }

    #[test]
    fn without_people_on_record_a_title_makes_the_attending() {
        let read = |text: &str| JotReader::shipped().read(text, &[]).values.attending;
        assert_eq!(read("picc R, okafor"), None);
        assert_eq!(read("picc R w/ Dr. Okafor").as_deref(), Some("Okafor"));
        assert_eq!(read("picc R, attending nakamura, obs").as_deref(), Some("Nakamura"));
        assert_eq!(read("attending supervising, picc R"), None);
        assert_eq!(self::read("picc R w/ Dr Haddad").attending, None);
    }

    #[test]
    fn a_title_belongs_to_the_name() {
        for text in ["picc R, Dr Okafor", "picc R, attending: Dr. okafor", "picc R w/ okafor"] {
            let reading = JotReader::shipped().read(text, &staff());
            assert_eq!(reading.values.attending.as_deref(), Some("Okafor"), "{text}");
            assert_eq!(reading.note, "", "{text}");
        }
        assert_eq!(JotReader::shipped().read("picc R w/ Dr Haddad", &staff()).note, "Dr Haddad");
    }

    #[test]
    fn a_guess_stays_outside_the_values() {
        let reading =
            JotReader::shipped().read("mwa seg 5 hcc us, antenna 14g, drain upsized to 12", &[]);
        assert_eq!((reading.values.gauge, reading.values.french), (None, None));
        let guesses: Vec<&str> =
            reading.marks.iter().filter(|m| !m.certain).map(|m| m.value.as_str()).collect();
        assert_eq!(guesses, ["12", "14"]);
    }

    #[test]
    fn marks_show_the_words_and_the_rest_is_unread() {
        let text = "α-1 pt, R thora 900 mL, moody ceiling lights";
        let reading = JotReader::shipped().read(text, &[]);
        let piece = |span: &TextSpan| -> String {
            text.chars().skip(span.start as usize).take((span.end - span.start) as usize).collect()
        };
        let volume = reading.marks.iter().find(|m| m.field == JotField::VolumeMl).unwrap();
        assert_eq!(piece(&volume.spans[0]), "900 mL");
        let unread: Vec<String> = reading.unread.iter().map(piece).collect();
        assert!(unread.contains(&"moody ceiling lights".to_owned()), "{unread:?}");
    }

    #[test]
    fn errors_and_debug_never_show_the_text() {
        let reading = JotReader::shipped().read("picc R, canaryword, tiny ptx", &[]);
        let shown = format!("{reading:?}");
        assert!(!shown.contains("canaryword") && !shown.contains("tiny"), "{shown}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_text_is_read_without_harm(text in "\\PC{0,120}") {
            check(&text)?;
        }

        #[test]
        fn any_soup_of_jot_words_is_read_without_harm(
            words in proptest::collection::vec(
                prop_oneof![
                    "(R|L|b/l|us|CT|picc|tips|port|drain|out|no|cx|hx|booked|as|so|instead|FT|AK|did|it|obs|okafor|dr|\\?|->|/|:|-|,|\\(|\\))",
                    "[0-9.,:/]{1,5}(F|g|L|ml|cc|mGy|Gy|s|min|m)?",
                ],
                0..24,
            )
        ) {
            check(&words.join(" "))?;
            check(&words.concat())?;
        }

        #[test]
        fn upper_case_says_the_same_procedure_and_numbers(index in 0usize..4) {
            let text = ["para 5 l llq, did it w tran supervising", "picc r basilic 5f, obs",
                "r pcn exchange 10 fr, ft 3:24, ak 12", "tips thrombosed, 10f, moderate hematoma after"][index];
            let (a, b) = (read(text), read(&text.to_uppercase()));
            prop_assert_eq!(a.procedure, b.procedure);
            prop_assert_eq!(a.role, b.role);
            prop_assert_eq!(a.side, b.side);
            prop_assert_eq!((a.french, a.volume_ml, a.fluoro_min), (b.french, b.volume_ml, b.fluoro_min));
        }
    }

    fn check(text: &str) -> Result<(), TestCaseError> {
        let reading = JotReader::shipped().read(text, &staff());
        let length = u32::try_from(text.chars().count()).unwrap();
        let spans = reading.marks.iter().flat_map(|m| m.spans.iter()).chain(&reading.unread);
        for span in spans {
            prop_assert!(span.start < span.end && span.end <= length, "{:?} of {}", span, length);
        }
        prop_assert_eq!(&reading.text, text);
        prop_assert!(reading == JotReader::shipped().read(text, &staff()));
        Ok(())
    }
}
