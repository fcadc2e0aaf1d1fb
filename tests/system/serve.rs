//! The page's server: who is let in, and who is not.

use std::fs;

use system_tests::{App, Page, path_of, port_of};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A page's own token, as its forms carry it.
fn token(page: &Page, cookie: &str) -> String {
    let answer = page.ask("GET", "/", &[("Cookie", cookie)], "");
    assert_eq!(answer.status, 200, "{}", answer.head);
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_token = |word: &&str| word.split_once('.').is_some_and(|(a, b)| hex(a) && hex(b));
    let separators = |c: char| !c.is_ascii_hexdigit() && c != '.';
    answer.body.split(separators).find(is_token).expect("the page carries a token").to_owned()
}

#[test]
fn only_the_right_host_and_a_session_come_in() {
    let app = App::new();
    let page = app.serve(&[]);
    let cookie = page.enter(&page.opening());
    let cookie = [("Cookie", cookie.as_str())];
    assert_eq!(page.ask("GET", "/", &cookie, "").status, 200);
    assert_eq!(page.ask("GET", "/", &[], "").status, 401);
    assert_eq!(page.ask("GET", "/", &[("Cookie", "seldinger-1=x")], "").status, 401);
    let port = page.port.to_string();
    for host in ["evil.example", "127.0.0.1", "evil.example:{port}", "[::1]:{port}"] {
        let host = host.replace("{port}", &port);
        let answer = page.ask("GET", "/", &[cookie[0], ("Host", &host)], "");
        assert_eq!(answer.status, 421, "{host}");
    }
    // The address works once; and never without its token.
    assert_eq!(page.ask("GET", &page.opening(), &[], "").status, 401);
    assert_eq!(page.ask("GET", "/open", &[], "").status, 401);
    assert_eq!(page.ask("GET", "/open?token=", &[], "").status, 401);
    assert_eq!(page.ask("GET", &page.opening(), &cookie, "").status, 303, "a reload goes home");
}

#[test]
fn the_cookie_and_every_answer_are_strict() {
    let app = App::new();
    let page = app.serve(&[]);
    let entered = page.ask("GET", &page.opening(), &[], "");
    let cookie = entered.header("set-cookie").unwrap();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let locked = page.ask("GET", "/", &[], "");
    let wrong_host = page.ask("GET", "/", &[("Host", "evil.example")], "");
    let missing = page.ask("GET", "/no/such/page", &[("Cookie", cookie)], "");
    assert_eq!(missing.status, 404);
    for answer in [&entered, &locked, &wrong_host, &missing] {
        let policy = answer.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        for (name, value) in [
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn what_changes_something_needs_origin_and_page_token() {
    let app = App::new();
    let page = app.serve(&[]);
    let cookie = page.enter(&page.opening());
    let cookie = ("Cookie", cookie.as_str());
    let token = token(&page, cookie.1);
    let form = format!("csrf={token}");
    let home = format!("http://127.0.0.1:{}", page.port);
    let origin = ("Origin", home.as_str());
    let post = |headers: &[(&str, &str)], body: &str| {
        page.ask("POST", "/no/such/page", headers, body).status
    };
    // A path that does not exist: past the guard it is 404 or 405, before it 401 or 403.
    let passed = [404, 405];
    assert!(passed.contains(&post(&[cookie, origin, FORM], &form)));
    assert!(passed.contains(&post(&[cookie, origin, ("X-CSRF-Token", &token)], "")));
    let browser = [("Origin", "null"), ("Sec-Fetch-Site", "same-origin")];
    assert!(passed.contains(&post(&[cookie, browser[0], browser[1], FORM], &form)));

    assert_eq!(post(&[origin, FORM], &form), 401, "without a session");
    assert_eq!(post(&[cookie, FORM], &form), 403, "without an origin");
    assert_eq!(post(&[cookie, browser[0], FORM], &form), 403, "from nowhere");
    for foreign in ["http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1"] {
        assert_eq!(post(&[cookie, ("Origin", foreign), FORM], &form), 403, "{foreign}");
    }
    assert_eq!(post(&[cookie, origin, FORM], "csrf=x"), 403, "with a wrong token");
    assert_eq!(post(&[cookie, origin, FORM], ""), 403, "without a token");
    let plain = ("Content-Type", "text/plain");
    assert_eq!(post(&[cookie, origin, plain], &form), 403, "not a form");
    let wrong = ("X-CSRF-Token", "x.y");
    assert_eq!(post(&[cookie, origin, wrong, FORM], &form), 403, "a wrong header decides");
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(page.ask(method, "/", &[cookie, origin], "").status, 403, "{method}");
    }

    // A token of another session's page is worth nothing here.
    let second = app.run(&["serve", "--no-open"]);
    let address = String::from_utf8(second.stdout).unwrap();
    let other = page.enter(&path_of(address.trim()));
    assert_eq!(post(&[("Cookie", &other), origin, FORM], &form), 403);
}

#[test]
fn the_second_is_shown_in_through_the_first() {
    let app = App::new();
    let mut page = app.serve(&[]);
    let second = app.run(&["--no-open"]);
    assert!(second.status.success());
    let address = String::from_utf8(second.stdout).unwrap();
    assert_eq!(port_of(address.trim()), page.port);
    let cookie = page.enter(&path_of(address.trim()));
    assert_eq!(page.ask("GET", "/", &[("Cookie", &cookie)], "").status, 200);
    assert_eq!(page.ask("POST", "/again", &[], "").status, 403);
    let wrong = [("Authorization", "Bearer x")];
    assert_eq!(page.ask("POST", "/again", &wrong, "").status, 403);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let note = fs::metadata(app.data().join("serve.json")).unwrap();
        assert_eq!(note.permissions().mode() & 0o777, 0o600);
    }
    // The command line shares the book with the page meanwhile.
    assert!(app.run(&["jot", "R port, scrubbed"]).status.success());
    assert_eq!(page.end("TERM"), Some(0));
    assert!(!app.data().join("serve.json").exists());
    let log = fs::metadata(app.data().join("books/own/book.db-wal"));
    assert!(log.map_or(true, |log| log.len() == 0), "the log is emptied at the end");
}

#[test]
fn a_killed_page_leaves_its_place_to_the_next() {
    let app = App::new();
    let mut page = app.serve(&[]);
    page.end("KILL");
    let mut next = app.serve(&[]);
    next.enter(&next.opening());
    assert_eq!(next.end("INT"), Some(0));
}

#[test]
fn a_taken_port_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = App::new().run(&["serve", "--no-open", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&port));
}
