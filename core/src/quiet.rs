//! Silence about what a user wrote: notes reach no log by way of `{:?}`.

/// Gives types a `Debug` that tells their name and nothing else. A test watches that types with texts in
/// them do not derive it.
macro_rules! quiet_debug {
    ($($name:ident),+ $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
