//! The words a case is described with: each has one stored name, the same in every language.

use serde::{Deserialize, Serialize};

/// Makes a set of fixed words with their stored names.
macro_rules! stored_words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $stored:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "ffi", derive(uniffi::Enum))]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $stored)] $variant,)+
        }

        impl $name {
            /// All words, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $stored,)+
                }
            }

            /// The word with this stored name; none for anything else.
            pub fn parse(stored: &str) -> Option<Self> {
                match stored {
                    $($stored => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

stored_words! {
    /// The student's own part in a case, from least to most involved.
    Role {
        /// Watched only.
        Observed = "observed",
        /// Sterile at the table.
        Scrubbed = "scrubbed",
        /// Helped the operator.
        Assisted = "assisted",
        /// Did some steps.
        DidPart = "did_part",
        /// Did the case under supervision.
        PerformedSupervised = "performed_supervised",
    }
}

stored_words! {
    /// The treated side.
    Side {
        /// Left.
        Left = "left",
        /// Right.
        Right = "right",
        /// Both sides.
        Bilateral = "bilateral",
    }
}

stored_words! {
    /// What the needle was guided by.
    Guidance {
        /// Ultrasound.
        Us = "us",
        /// Fluoroscopy.
        Fluoro = "fluoro",
        /// Computed tomography.
        Ct = "ct",
        /// Cone-beam computed tomography.
        Cbct = "cbct",
    }
}

stored_words! {
    /// Where the patient came from.
    Setting {
        /// On a ward or in intensive care.
        Inpatient = "inpatient",
        /// From home: clinic or day case.
        Outpatient = "outpatient",
        /// From the emergency department.
        Emergency = "emergency",
    }
}

stored_words! {
    /// What someone on the service is.
    StaffRole {
        /// Supervising physician.
        Attending = "attending",
        /// Fellow.
        Fellow = "fellow",
        /// Resident.
        Resident = "resident",
        /// Nurse.
        Nurse = "nurse",
        /// Technologist.
        Tech = "tech",
        /// Advanced practice provider.
        App = "app",
        /// Anesthesia.
        Anesthesia = "anesthesia",
        /// Coordinator.
        Coordinator = "coordinator",
        /// Anyone else.
        Other = "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_round_trip_and_match_the_json() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(*role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for role in StaffRole::ALL {
            assert_eq!(StaffRole::parse(role.as_str()), Some(*role));
        }
        assert_eq!(Guidance::parse("cbct"), Some(Guidance::Cbct));
        assert_eq!(Setting::parse("Inpatient"), None);
        assert_eq!(Side::ALL.len(), 3);
    }

    #[test]
    fn roles_are_ordered_by_involvement() {
        assert!(Role::Observed < Role::Scrubbed);
        assert!(Role::Assisted < Role::DidPart);
        assert!(Role::DidPart < Role::PerformedSupervised);
    }
}
