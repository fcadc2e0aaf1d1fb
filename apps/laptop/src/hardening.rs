//! Keeps the memory of this program, which holds keys, from being written to disk and from being read by
//! other programs of the same user.
//!
//! Where the system is Linux, the program cannot be dumped or traced and leaves no core file; elsewhere on
//! POSIX it leaves no core file. On Windows nothing is done: error reports there take the user's consent.

/// Called before anything else. A system that refuses is no reason not to start.
pub fn keep_memory_private() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        // What this program starts may raise it again, such as a browser.
        let Rlimit { maximum, .. } = getrlimit(Resource::Core);
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
