//! What locking the page ends, and what it does not.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::visit::Visit;

const PASSPHRASE: &str = "four plain words here";

fn port_of_sync(visit: &Visit) -> u16 {
    let asking = visit.state.ask_exchange(|exchange| {
        exchange.invite()?;
        Ok(exchange.service().port().unwrap())
    });
    visit.wait(asking).unwrap()
}

#[test]
fn the_button_closes_the_books_and_ends_sync() {
    for visit in [Visit::new(), Visit::under(PASSPHRASE)] {
        visit.post("/sample/open", &[]);
        let sample = Arc::downgrade(&visit.state.book());
        let own = Arc::downgrade(&visit.state.own_book().unwrap());
        let port = port_of_sync(&visit);
        assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
        visit.post("/lock", &[]);
        assert!(visit.state.is_closed());
        assert_eq!((own.strong_count(), sample.strong_count()), (0, 0), "the key is in memory");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "sync goes on");
        assert!(visit.state.own_book().is_err());
        let locked = visit.get("/");
        assert_eq!(locked.status, 401);
        assert!(locked.body.contains("The key is out of memory, and sync has stopped."));
    }
}

#[test]
fn idle_time_ends_sessions_only() {
    let visit = Visit::idle_after(Duration::from_mins(30));
    let own = Arc::downgrade(&visit.state.own_book().unwrap());
    let port = port_of_sync(&visit);
    assert!(visit.state.doors().lock_idle(Instant::now() + Duration::from_mins(31)));
    let locked = visit.get("/");
    assert_eq!(locked.status, 401);
    assert!(locked.body.contains("The log stays open to the program, and sync goes on."));
    assert!(own.strong_count() > 0 && TcpStream::connect(("127.0.0.1", port)).is_ok());
    let opened = visit.post_door("/unlock", &[]);
    assert_eq!(opened.location(), "/");
    let visit = visit.with_cookie_of(&opened);
    assert_eq!(visit.get("/").status, 200);
    assert_eq!(visit.get("/export/cases.csv").status, 403, "a click proves nothing");
}

#[test]
fn under_a_passphrase_idle_sessions_want_it_too() {
    let visit = Visit::under(PASSPHRASE);
    visit.state.doors().lock();
    assert!(!visit.state.is_closed());
    for wrong in ["", "four plain words"] {
        assert_eq!(visit.post_door("/unlock", &[("passphrase", wrong)]).status, 401, "{wrong}");
    }
    assert_eq!(visit.stranger().post_door("/unlock", &[("passphrase", PASSPHRASE)]).status, 401);
    let opened = visit.post_door("/unlock", &[("passphrase", PASSPHRASE)]);
    let visit = visit.with_cookie_of(&opened);
    assert_eq!(visit.get("/export/cases.csv").status, 200, "the passphrase is a proof");
}

#[test]
fn settings_and_the_locked_page_say_what_locking_does_not_protect_from() {
    let visit = Visit::new();
    let warned = "does not keep out whoever can use your account";
    assert!(visit.get("/settings").body.contains(warned));
    visit.post("/lock", &[]);
    assert!(visit.get("/").body.contains(warned));
    assert!(!visit.stranger().get("/").body.contains("/unlock"), "only its own browsers unlock");
    let visit = Visit::under(PASSPHRASE);
    assert!(visit.get("/settings").body.contains("Only the passphrase unlocks it"));
    visit.post("/lock", &[]);
    assert!(visit.get("/").body.contains("type=\"password\""));
}

#[test]
fn a_part_of_a_locked_page_sends_the_whole_one_to_the_door() {
    let visit = Visit::new();
    visit.post("/lock", &[]);
    let part = visit.get_part("/live/badge");
    assert_eq!((part.status, part.headers["hx-refresh"].to_str().unwrap()), (401, "true"));
}
