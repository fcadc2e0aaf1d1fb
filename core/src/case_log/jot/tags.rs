//! What a vocabulary entry can mean. The grammar knows these; the words are content.

/// Makes the tags with the names that the vocabulary files use.
macro_rules! tags {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)+) => {
        /// What an entry's words mean to the grammar.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Tag {
            $($(#[$meta])* $variant,)+
        }

        impl Tag {
            /// The tag with this name in the vocabulary files.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Longer matches hide shorter ones of the same domain: the first word of the name.
            pub fn domain(self) -> &'static str {
                let name = match self {
                    $(Self::$variant => $name,)+
                };
                name.split(' ').next().unwrap_or(name)
            }
        }
    };
}

tags! {
    /// A procedure, device, organ or action; its own name follows: `thing picc`.
    Thing = "thing",
    SideLeft = "side left",
    SideRight = "side right",
    SideBoth = "side both",
    /// "both", which counts only before a paired thing or at the end of a clause.
    SideEach = "side each",
    /// Looks like a side and is none: `left in`, `right away`.
    SideNone = "side none",
    /// Where a needle or sheath goes in, as against what is treated.
    SiteAccess = "site access",
    /// "access", "approach": what stands before it is only a way in.
    SiteApproach = "site approach",
    /// "via", "through": the site after it is only a way in.
    SiteWay = "site way",
    /// A finding that lies on a side without being treated: "effusions".
    SiteFinding = "site finding",
    /// Unusable here, so another was taken: "occluded".
    SiteBlocked = "site blocked",
    /// Left alone: "spared", "absent".
    SiteUntouched = "site untouched",
    /// Before a side: it was given up: "aborted".
    SiteSkipped = "site skipped",
    /// What may follow "both" or a bare L: a paired thing.
    SitePaired = "site paired",
    GuidanceUs = "guidance us",
    GuidanceFluoro = "guidance fluoro",
    GuidanceCt = "guidance ct",
    GuidanceCbct = "guidance cbct",
    GuidanceNone = "guidance none",
    /// "guided", "under": what is beside it did guide.
    ImagingUsed = "imaging used",
    /// Before a modality: it was an earlier study.
    ImagingPriorBefore = "imaging prior_before",
    /// After a modality: it was an earlier study.
    ImagingPriorAfter = "imaging prior_after",
    /// Before a lower-case "us": the pronoun.
    PronounBefore = "pronoun before",
    RoleObserved = "role observed",
    RoleScrubbed = "role scrubbed",
    RoleAssisted = "role assisted",
    RolePart = "role part",
    /// "did the …": a step, unless the word names the case itself.
    RoleStep = "role step",
    RoleWhole = "role whole",
    /// "did", "performed": whole only with a supervisor beside it or a procedure after it.
    RoleDid = "role did",
    RoleNone = "role none",
    /// "supervising", "watching" of someone else.
    Supervised = "supervision yes",
    /// Someone other than the student, without a name.
    PersonOther = "person other",
    /// "I", "me".
    PersonSelf = "person self",
    TitleAttending = "title attending",
    TitleDoctor = "title doctor",
    TitleOther = "title other",
    /// After or before a name: only passing by, or not here.
    BystanderAfter = "bystander after",
    BystanderBefore = "bystander before",
    SettingInpatient = "setting inpatient",
    SettingOutpatient = "setting outpatient",
    SettingEmergency = "setting emergency",
    SettingNone = "setting none",
    /// Before a place: where the patient went afterwards.
    PlaceAfterwards = "place afterwards",
    ComplicationStrong = "complication strong",
    ComplicationWeak = "complication weak",
    ComplicationDenied = "complication denied",
    /// "cx:", "complication": what follows is one.
    ComplicationLabel = "complication label",
    ComplicationNone = "complication none",
    /// "small", "groin": belongs to the words of a complication beside it.
    ComplicationModifier = "modifier complication",
    /// "after", "needed": something happened.
    EventNear = "event near",
    /// "after", "during": it came with the procedure.
    EventAfter = "event after",
    /// Before a word: it is the reason for the case.
    IndicationBefore = "indication before",
    /// After a word: it turned out to be nothing.
    DismissedAfter = "dismissed after",
    UnitFrench = "unit french",
    UnitGauge = "unit gauge",
    UnitMl = "unit ml",
    UnitLiter = "unit liter",
    UnitHour = "unit hour",
    UnitMinute = "unit minute",
    UnitSecond = "unit second",
    UnitMgy = "unit mgy",
    UnitCgy = "unit cgy",
    UnitGy = "unit gy",
    UnitDap = "unit dap",
    UnitOther = "unit other",
    LabelFluoroTime = "label fluoro_time",
    LabelFluoro = "label fluoro",
    LabelKerma = "label kerma",
    LabelDap = "label dap",
    LabelOther = "label other",
    /// Between a label and its number: "about", "total".
    LabelFiller = "label filler",
    /// Makes "60s" an age band.
    AgeAfter = "age after",
    FluidOut = "fluid out",
    /// "sent": a part of what was taken off.
    FluidSample = "fluid sample",
    FluidIn = "fluid in",
    /// Given by weight: its grams are no gauge.
    DrugWeighed = "drug weighed",
    /// After a volume: an output per day, not what was taken off.
    FluidRate = "fluid rate",
    SizeSheath = "size sheath",
    SizeDevice = "size device",
    /// Dilators, guides, microcatheters: not the device of the case.
    SizeOther = "size other",
    /// "was", "over": the size of what was there until now.
    SizeBefore = "size before",
    NeedleCoaxial = "needle coaxial",
    NeedleBiopsy = "needle biopsy",
    /// Has a gauge, but is hardly a needle.
    NeedleDoubtful = "needle doubtful",
    CueNegation = "cue negation",
    CueExcept = "cue except",
    CueHistory = "cue history",
    CueHistoryAfter = "cue history_after",
    CuePlanned = "cue planned",
    CuePlannedAfter = "cue planned_after",
    /// Only the next word is still to come: "pre-chemo port".
    CuePlannedNext = "cue planned_next",
    CueExisting = "cue existing",
    CueBooked = "cue booked",
    CueInstead = "cue instead",
    CueCanceled = "cue canceled",
    CueReason = "cue reason",
    /// Ends a scope: "but", "now".
    CuePivot = "cue pivot",
    /// Ends a scope, and what stood before it was not done: "converted to".
    CueConverted = "cue converted",
    /// Before a turn to something else: what it says was not done: "failed".
    CueFailed = "cue failed",
    /// Holds the words of a cue without being one: "preop".
    CueNone = "cue none",
    /// Known words that must be neither repaired nor taken for names.
    Plain = "plain word",
}
