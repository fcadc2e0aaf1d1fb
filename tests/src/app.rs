//! The laptop app as a user's machine would run it: the real binary, a home folder of its own, no
//! keyring and nobody at the terminal.

#![allow(clippy::expect_used, reason = "a test that meets the unexpected should stop there")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A machine with the app on it.
pub struct App {
    folder: tempfile::TempDir,
}

/// Where the app's binary is: beside the folder of the test's own.
///
/// # Panics
/// Where nobody has built it.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let built = test.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    let binary = built.join(format!("seldinger{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "{} is missing: build it with `cargo build -p seldinger`",
        binary.display()
    );
    binary
}

impl App {
    /// A machine on which the app never ran.
    ///
    /// # Panics
    /// Without room for temporary files.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("temporary files can be made") }
    }

    /// Everything on that machine.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The app with these arguments, ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(&binary(), args)
    }

    /// The same with another binary, such as a copy that another user may run.
    pub fn command_of(&self, binary: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.arg("--data").arg(self.data()).args(args).stdin(Stdio::null());
        command.env("HOME", self.folder());
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "DISPLAY", "WAYLAND_DISPLAY"] {
            command.env_remove(name);
        }
        // A keyring of the machine that runs the test must not hear of it.
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        command.env_remove("SELDINGER_PASSPHRASE");
        command
    }

    /// The app on a machine with a screen, where this shell script stands for the system's opener: it is
    /// given what the browser shall open.
    ///
    /// # Panics
    /// Without room for the script.
    #[cfg(unix)]
    pub fn command_with_opener(&self, args: &[&str], script: &str) -> Command {
        use std::os::unix::fs::PermissionsExt as _;
        let tools = self.folder().join("bin");
        std::fs::create_dir_all(&tools).expect("a folder can be made");
        let opener = tools.join("xdg-open");
        std::fs::write(&opener, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
        let runs = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&opener, runs).expect("it may be run");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = self.command(args);
        command.env("PATH", format!("{}:{path}", tools.display())).env("DISPLAY", ":99");
        command
    }

    /// Runs the app to its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the app starts")
    }

    /// Runs the app to its end with something on standard input.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn run_with(&self, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the app starts");
        let mut stdin = child.stdin.take().expect("it was piped");
        let input = input.to_vec();
        // Written beside: neither side waits for the other with a full pipe.
        let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("the app ends");
        let _ = writing.join();
        output
    }

    /// Serves the page until it is dropped.
    ///
    /// # Panics
    /// Where it cannot be started or prints no address within half a minute.
    pub fn serve(&self, args: &[&str]) -> Page {
        let mut all = vec!["serve", "--no-open"];
        all.extend(args);
        Page::start(self.command(&all))
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// A running page.
pub struct Page {
    child: Child,
    /// The address that lets one browser in.
    pub address: String,
    /// Its port.
    pub port: u16,
}

/// An answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// Its number.
    pub status: u16,
    /// Status line and headers, as they came.
    pub head: String,
    /// What follows.
    pub body: String,
}

impl Answer {
    /// The value of a header, in small letters' name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Page {
    /// Starts the command and waits for its address.
    ///
    /// # Panics
    /// Where it does not start or prints no address.
    pub fn start(mut command: Command) -> Self {
        Self::started(command.stderr(Stdio::null()))
    }

    /// The same, and what it tells.
    ///
    /// # Panics
    /// Where it does not start or prints no address.
    pub fn start_told(mut command: Command) -> (Self, BufReader<ChildStderr>) {
        let mut page = Self::started(command.stderr(Stdio::piped()));
        let told = page.child.stderr.take().expect("it was piped");
        (page, BufReader::new(told))
    }

    fn started(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the app starts");
        let stdout = child.stdout.take().expect("it was piped");
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address).expect("the app prints an address");
        let address = address.trim().to_owned();
        let port = port_of(&address);
        Self { child, address, port }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The path and query of the address.
    pub fn opening(&self) -> String {
        path_of(&self.address)
    }

    /// Asks the process to end and waits for it; its exit code.
    ///
    /// # Panics
    /// Where it does not end within half a minute.
    pub fn end(&mut self, signal: &str) -> Option<i32> {
        send(self.id(), signal);
        wait(&mut self.child)
    }

    /// Sends a request as it stands, with the right Host unless one is given.
    ///
    /// # Panics
    /// Where there is no answer.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            let _ = write!(request, "Host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the page listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
        stream.write_all(request.as_bytes()).expect("the page reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("the page answers");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer {
            status: status.expect("an answer has a status"),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Enters by the address; the cookie.
    ///
    /// # Panics
    /// Where the address does not let in.
    pub fn enter(&self, opening: &str) -> String {
        let answer = self.ask("GET", opening, &[], "");
        assert_eq!(answer.status, 303, "{}", answer.head);
        let cookie = answer.header("set-cookie").expect("a cookie is set");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path and query of an address.
pub fn path_of(address: &str) -> String {
    let rest = address.strip_prefix("http://").unwrap_or(address);
    rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned())
}

/// The port of an address.
///
/// # Panics
/// Where it is no address of a page.
pub fn port_of(address: &str) -> u16 {
    let rest = address.strip_prefix("http://127.0.0.1:").unwrap_or_default();
    let port = rest.split('/').next().and_then(|port| port.parse().ok());
    port.unwrap_or_else(|| panic!("not the address of a page: {address:?}"))
}

/// Sends a signal by its name, `INT`.
///
/// # Panics
/// Where the system has no signals.
pub fn send(process: u32, signal: &str) {
    let status = Command::new("kill").args([format!("-{signal}"), process.to_string()]).status();
    assert!(status.expect("the system has signals").success());
}

/// Somebody else: a user of every machine who owns nothing.
pub const NOBODY: u32 = 65_534;

/// Gives a command the environment that another one would have had: one that starts it in some way.
pub fn inherit(from: &Command, to: &mut Command) {
    for (name, value) in from.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
}

/// Waits for a process; its exit code.
///
/// # Panics
/// Where it does not end within half a minute.
pub fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the app does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}
