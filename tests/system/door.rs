//! The page's door: locking, unlocking, and how an address reaches the browser and nobody else.

use std::fs;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use system_tests::{Answer, App, NOBODY, Page, inherit, path_of};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const PASSPHRASE: &str = "four plain words here";

/// The app with its key under a passphrase that the environment gives.
fn under_passphrase(app: &App, args: &[&str]) -> Command {
    let mut all = vec!["--keep-key", "passphrase"];
    all.extend(args);
    let mut command = app.command(&all);
    command.env("SELDINGER_PASSPHRASE", PASSPHRASE);
    command
}

fn origin(page: &Page) -> String {
    format!("http://127.0.0.1:{}", page.port)
}

/// Presses the Lock button.
fn lock(page: &Page, cookie: &str) {
    let settings = page.ask("GET", "/settings", &[("Cookie", cookie)], "");
    let token = settings.body.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let form = format!("csrf={}", token.split('"').next().unwrap());
    let headers = [("Cookie", cookie), ("Origin", &origin(page)), FORM];
    assert_eq!(page.ask("POST", "/lock", &headers, &form).status, 303);
}

fn unlock(page: &Page, cookie: &str, passphrase: &str) -> Answer {
    let form = format!("passphrase={}", passphrase.replace(' ', "+"));
    let headers = [("Cookie", cookie), ("Origin", &origin(page)), FORM];
    page.ask("POST", "/unlock", &headers, &form)
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn under_a_passphrase_only_that_opens_a_locked_page() {
    let app = App::new();
    assert!(under_passphrase(&app, &["jot", "R port, scrubbed"]).status().unwrap().success());
    let page = Page::start(under_passphrase(&app, &["serve", "--no-open"]));
    let cookie = page.enter(&page.opening());
    assert!(page.ask("GET", "/", &[("Cookie", &cookie)], "").body.contains("1 case"));

    // Open: the variable answers for a script, and only the right one.
    let second = under_passphrase(&app, &["serve", "--no-open"]).output().unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let unused = path_of(String::from_utf8(second.stdout).unwrap().trim());
    for wrong in [None, Some("another")] {
        let mut command = app.command(&["serve", "--no-open"]);
        command.envs(wrong.map(|wrong| ("SELDINGER_PASSPHRASE", wrong)));
        let refused = command.output().unwrap();
        assert_eq!((refused.status.code(), refused.stdout), (Some(4), Vec::new()), "{wrong:?}");
    }

    lock(&page, &cookie);
    let locked = page.ask("GET", "/", &[("Cookie", &cookie)], "");
    assert_eq!(locked.status, 401);
    assert!(locked.body.contains("The key is out of memory, and sync has stopped."));
    assert_eq!(page.ask("GET", &unused, &[], "").status, 401, "given out before");
    let second = under_passphrase(&app, &["serve", "--no-open"]).output().unwrap();
    assert_eq!((second.status.code(), second.stdout), (Some(4), Vec::new()));
    assert!(String::from_utf8_lossy(&second.stderr).contains("SELDINGER_PASSPHRASE does not"));

    assert_eq!(unlock(&page, "seldinger-1=x", PASSPHRASE).status, 401, "another browser");
    for wrong in ["", "four plain words"] {
        assert_eq!(unlock(&page, &cookie, wrong).status, 401);
    }
    let opened = unlock(&page, &cookie, PASSPHRASE);
    assert_eq!(opened.status, 303, "{}", opened.body);
    let again = cookie_of(&opened);
    assert_ne!(again, cookie);
    assert!(page.ask("GET", "/", &[("Cookie", &again)], "").body.contains("1 case"));
    assert_eq!(page.ask("GET", "/", &[("Cookie", &cookie)], "").status, 401);
}

#[test]
fn guesses_at_a_locked_page_are_heard_more_and_more_slowly() {
    let app = App::new();
    let page = Page::start(under_passphrase(&app, &["serve", "--no-open"]));
    let cookie = page.enter(&page.opening());
    lock(&page, &cookie);
    for _ in 0..3 {
        assert!(unlock(&page, &cookie, "guess").body.contains("That is not the passphrase."));
    }
    for _ in 0..2 {
        let told = unlock(&page, &cookie, "guess").body;
        if told.contains("Try again in") {
            return;
        }
    }
    panic!("five guesses in a row were heard");
}

#[test]
fn without_a_passphrase_its_own_cookie_or_a_fresh_address_opens_a_locked_page() {
    let app = App::new();
    assert!(app.run(&["jot", "R port, scrubbed"]).status.success());
    let page = app.serve(&[]);
    let cookie = page.enter(&page.opening());
    lock(&page, &cookie);
    let locked = page.ask("GET", "/", &[("Cookie", &cookie)], "");
    assert!(locked.body.contains("does not keep out whoever can use your account"));
    assert_eq!(unlock(&page, "seldinger-1=x", "").status, 401);
    let foreign = [("Cookie", cookie.as_str()), ("Origin", "http://evil.example"), FORM];
    assert_eq!(page.ask("POST", "/unlock", &foreign, "").status, 403);
    let opened = unlock(&page, &cookie, "");
    assert_eq!(opened.status, 303, "{}", opened.body);
    let cookie = cookie_of(&opened);
    assert!(page.ask("GET", "/", &[("Cookie", &cookie)], "").body.contains("1 case"));

    lock(&page, &cookie);
    let second = app.run(&["serve", "--no-open"]);
    let fresh = page.enter(&path_of(String::from_utf8(second.stdout).unwrap().trim()));
    assert!(page.ask("GET", "/", &[("Cookie", &fresh)], "").body.contains("1 case"));
}

#[test]
fn looking_ahead_does_not_use_an_address_up() {
    let app = App::new();
    let page = app.serve(&[]);
    let opening = page.opening();
    assert_eq!(page.ask("HEAD", &opening, &[], "").status, 204);
    for purpose in ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"] {
        let ahead = page.ask("GET", &opening, &[(purpose, "prefetch;prerender")], "");
        assert_eq!((ahead.status, ahead.header("set-cookie")), (503, None), "{purpose}");
    }
    assert_eq!(page.ask("GET", &opening, &[], "").status, 303);
    assert_eq!(page.ask("GET", &opening, &[], "").status, 401);
}

#[test]
fn only_the_opening_takes_a_post_from_a_file_and_only_with_its_token() {
    let app = App::new();
    let page = app.serve(&[]);
    let token = page.opening().split("token=").nth(1).unwrap().to_owned();
    let form = format!("token={token}");
    let from_file = [("Origin", "null"), ("Sec-Fetch-Site", "cross-site"), FORM];
    for path in ["/", "/jot", "/lock", "/unlock", "/code", "/again", "/again/waiting"] {
        let status = page.ask("POST", path, &from_file, &form).status;
        assert!([401, 403].contains(&status), "{path}: {status}");
    }
    for origin in ["http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1"] {
        let status = page.ask("POST", "/open", &[("Origin", origin), FORM], &form).status;
        assert_eq!(status, 403, "{origin}");
    }
    for wrong in ["", "token=", "token=x"] {
        assert_eq!(page.ask("POST", "/open", &from_file, wrong).status, 401, "{wrong:?}");
    }
    let entered = page.ask("POST", "/open", &from_file, &form);
    assert_eq!(entered.status, 200);
    assert!(entered.body.contains("http-equiv=\"refresh\""), "the cookie goes along");
    let cookie = cookie_of(&entered);
    assert_eq!(page.ask("GET", "/", &[("Cookie", &cookie)], "").status, 200);
    assert_eq!(page.ask("POST", "/open", &from_file, &form).status, 401, "used");
    let (own, rest) = (("Cookie", cookie.as_str()), &from_file[..]);
    let again = page.ask("POST", "/open", &[&[own], rest].concat(), &form);
    assert_eq!(again.status, 303, "a reload in the browser that used it");
}

fn wait_for(file: &Path) {
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "{} does not come", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The browser is handed a file; neither it nor what it starts inherits the passphrase, and no argument
/// carries the token.
#[cfg(target_os = "linux")]
#[test]
fn the_browser_is_handed_a_file_and_neither_token_nor_passphrase() {
    use std::os::unix::fs::PermissionsExt as _;
    let app = App::new();
    let heard = app.folder().join("heard");
    let script = format!("(echo \"$@\"; env) > {0}.new; mv {0}.new {0}", heard.display());
    let mut command = app.command_with_opener(&["serve"], &script);
    command.env("SELDINGER_PASSPHRASE", PASSPHRASE);
    let mut page = Page::start(command);
    wait_for(&heard);
    let heard = fs::read_to_string(&heard).unwrap();
    let token = page.opening().split("token=").nth(1).unwrap().to_owned();
    assert!(!heard.contains(&token) && !heard.contains("token="), "{heard}");
    assert!(!heard.contains(PASSPHRASE) && !heard.contains("SELDINGER_PASSPHRASE"));
    let file = PathBuf::from(heard.lines().next().unwrap());
    assert!(file.starts_with(app.data()) && file.extension().is_some_and(|end| end == "html"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let form = fs::read_to_string(&file).unwrap();
    assert!(form.contains(&format!("value=\"{token}\"")));
    let posted = page.ask("POST", "/open", &[("Origin", "null"), FORM], &format!("token={token}"));
    assert_eq!(posted.status, 303);
    assert!(!file.exists(), "it goes as soon as it was used");
    page.end("INT");
    assert!(!app.data().join("opening").exists());
}

/// What a killed program leaves is swept by the next.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_was_left_behind_is_swept() {
    let app = App::new();
    let mut page = Page::start(app.command_with_opener(&["serve"], "exit 0"));
    page.end("KILL");
    assert_eq!(fs::read_dir(app.data().join("opening")).unwrap().count(), 1);
    let _next = app.serve(&[]);
    assert!(!app.data().join("opening").exists());
}

/// A browser that cannot read the file says nothing: after ten seconds there is a code.
#[cfg(target_os = "linux")]
#[test]
fn where_no_browser_comes_a_code_is_typed() {
    let app = App::new();
    let (page, told) = Page::start_told(app.command_with_opener(&["serve"], "exit 0"));
    let plain = page.ask("GET", "/", &[], "");
    assert!(!plain.body.contains("name=\"code\""), "there is none yet");
    let code = told
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split("type this code: ").nth(1).map(str::to_owned));
    let code = code.map(|rest| rest.split(' ').next().unwrap().to_owned()).next().unwrap();
    assert_eq!(code.len(), 9, "{code}");

    assert!(page.ask("GET", "/", &[], "").body.contains("name=\"code\""));
    let origin = origin(&page);
    let post = |origin: &str, code: &str| {
        page.ask("POST", "/code", &[("Origin", origin), FORM], &format!("code={code}"))
    };
    assert_eq!(post("null", &code).status, 403);
    assert_eq!(post("http://evil.example", &code).status, 403);
    assert!(post(&origin, "AAAA-AAAA").body.contains("not the code in the terminal"));
    let entered = post(&origin, &code.to_lowercase().replace('-', ""));
    assert_eq!(entered.status, 303, "{}", entered.body);
    let cookie = cookie_of(&entered);
    assert_eq!(page.ask("GET", "/", &[("Cookie", &cookie)], "").status, 200);
    assert_eq!(post(&origin, &code).status, 401, "once");
    assert_eq!(page.ask("GET", &page.opening(), &[], "").status, 401, "it was one invitation");
}

/// Another user of the machine, a process of their own: they see with what the browser was started, and
/// get nothing of it.
#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::print_stdout, reason = "a test that cannot be made here says so")]
fn another_user_finds_nothing_to_come_in_with() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    if fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me)).ok() != Some(0)
    {
        return println!("SKIPPED: only root can be somebody else");
    }
    let app = App::new();
    fs::set_permissions(app.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let shared = app.folder().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    let (begun, seen) = (shared.join("begun"), shared.join("seen"));
    // The opener stands there with its arguments until the other user has looked.
    let script = format!(
        "touch {0}; n=0; while [ ! -e {1} ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done",
        begun.display(),
        seen.display()
    );
    let mut page = Page::start(app.command_with_opener(&["serve"], &script));
    wait_for(&begun);
    // As where the user gave a folder of theirs: only what is in it is closed.
    fs::set_permissions(app.data(), fs::Permissions::from_mode(0o755)).unwrap();
    // The words are taken apart: the spy sees itself too.
    let spy = format!(
        "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; echo; echo ENVIRON; \
         cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; echo; echo FILES; \
         for file in {0}/*.html $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep '[.]html$'); \
         do cat \"$file\" && echo SPY''GOT; done 2>&1; ls {0} && echo SPY''GOT; cat {1} && echo SPY''GOT",
        app.data().join("opening").display(),
        app.data().join("serve.json").display()
    );
    let spied = Command::new("sh").args(["-c", &spy]).uid(NOBODY).gid(NOBODY).output().unwrap();
    fs::write(&seen, "").unwrap();
    let spied = String::from_utf8_lossy(&spied.stdout).into_owned();
    let token = page.opening().split("token=").nth(1).unwrap().to_owned();
    assert!(spied.contains("xdg-open"), "the opener was not seen: {spied}");
    let opening = app.data().join("opening").display().to_string();
    let is_file = |line: &str| {
        line.starts_with(&opening) && Path::new(line).extension().is_some_and(|end| end == "html")
    };
    assert!(spied.lines().any(is_file), "its argument was not seen: {spied}");
    for leak in [token.as_str(), "SPYGOT"] {
        assert!(!spied.contains(leak), "{leak}: {spied}");
    }
    assert_eq!(page.ask("GET", &page.opening(), &[], "").status, 303, "the owner comes in");
    page.end("INT");
}

/// Where nobody raised the number of files, three thousand connections that say nothing are in nobody's
/// way.
#[cfg(unix)]
#[test]
fn thousands_of_quiet_connections_do_not_hang_the_page() {
    let app = App::new();
    let mut command = with_few_files(&app.command(&["serve", "--no-open"]));
    command.stdin(Stdio::null());
    let page = Page::start(command);
    let cookie = page.enter(&page.opening());
    let quiet: Vec<Quiet> = (0..4).map(|_| Quiet::open(page.port, 750)).collect();
    // While they are held, and as they come: a page, what it posts, and a browser that is new.
    for _ in 0..10 {
        let begun = Instant::now();
        assert_eq!(page.ask("GET", "/", &[("Cookie", &cookie)], "").status, 200);
        assert_eq!(page.ask("GET", "/", &[], "").status, 401);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    if cfg!(target_os = "linux") {
        let files = fs::read_dir(format!("/proc/{}/fd", page.id())).unwrap().count();
        assert!(files < 512, "{files} files are open");
    }
    assert!(app.run(&["jot", "R port, scrubbed"]).status.success());
    drop(quiet);
    assert_eq!(page.ask("GET", "/", &[("Cookie", &cookie)], "").status, 200);
}

/// The same command where it may have no more than 1,024 files open.
#[cfg(unix)]
pub fn with_few_files(inner: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 1024; exec \"$0\" \"$@\""]).arg(inner.get_program());
    command.args(inner.get_args());
    inherit(inner, &mut command);
    command
}

/// A program that holds half-open connections, until dropped.
pub struct Quiet(std::process::Child);

impl Quiet {
    pub fn open(port: u16, count: u16) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_half_open"));
        command.args([port.to_string(), count.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut word = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut word).unwrap();
        assert_eq!(word.trim(), "ready");
        Self(child)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
