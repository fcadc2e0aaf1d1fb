//! What locking the page ends, and what it does not.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::visit::Visit;
use crate::data_dir::write_private;
use crate::vault::{Sealed, VaultMode};

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
        assert!(!visit.state.is_open());
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
    assert!(visit.state.is_open());
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

#[test]
fn the_locked_page_does_not_say_that_the_key_is_gone_while_something_holds_it() {
    let visit = Visit::new();
    let (held, other) = (visit.state.book(), visit.another());
    std::thread::scope(|scope| {
        let locking = scope.spawn(move || other.post("/lock", &[]).status);
        while visit.state.is_open() {
            std::thread::yield_now();
        }
        let locked = visit.get("/").body;
        assert!(locked.contains("Something is still running."), "{locked}");
        assert!(!locked.contains("The key is out of memory"), "{locked}");
        drop(held);
        assert_eq!(locking.join().unwrap(), 303);
    });
    assert!(visit.get("/").body.contains("The key is out of memory, and sync has stopped."));
}

/// The token was accepted, then somebody pressed the button, then the book is to be opened.
#[test]
fn an_address_that_was_used_just_before_the_lock_does_not_open_the_book_again() {
    let visit = Visit::new();
    let cookie = visit.state.doors().enter(&visit.state.doors().new_token(), Instant::now());
    visit.post("/lock", &[]);
    let headers = axum::http::HeaderMap::new();
    let cookie = cookie.unwrap();
    let answer = visit.wait(super::door::let_in(&visit.state, &headers, &cookie));
    assert_eq!(answer.status(), 401);
    assert!(!visit.state.is_open());
}

/// Whoever sits at an unlocked account can write into the folder of the log.
#[test]
fn neither_another_note_nor_other_sealed_keys_unlock_an_open_book() {
    let visit = Visit::under(PASSPHRASE);
    visit.state.doors().lock();
    let unlock = |typed: &str| visit.post_door("/unlock", &[("passphrase", typed)]);
    let places = visit.places();
    let note = std::fs::read(places.vault_note()).unwrap();
    write_private(&places.vault_note(), br#"{"version":1,"mode":"key_file"}"#).unwrap();
    assert_eq!(visit.state.vault_mode(), VaultMode::Passphrase);
    assert_eq!(unlock("").status, 401);
    std::fs::remove_file(places.vault_note()).unwrap();
    assert_eq!(unlock("").status, 401);
    write_private(&places.vault_note(), &note).unwrap();

    let sealed = std::fs::read(places.sealed_keys()).unwrap();
    std::fs::remove_file(places.sealed_keys()).unwrap();
    Sealed::open_or_make(&places.sealed_keys(), "theirs").unwrap();
    assert_eq!(unlock("theirs").status, 401);
    write_private(&places.sealed_keys(), &sealed).unwrap();
    assert_eq!(unlock(PASSPHRASE).location(), "/");
}

/// The guard let the request through, then another tab pressed the button.
#[test]
fn what_was_asked_for_while_the_page_was_locked_shows_the_door() {
    let visit = Visit::new();
    assert!(visit.state.close());
    let (whole, part) = (visit.get("/"), visit.get_part("/live/devices"));
    for answer in [&whole, &part] {
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert!(answer.body.contains("This page is locked."), "{}", answer.body);
        assert!(!answer.body.contains("keyring"), "{}", answer.body);
    }
    assert_eq!(part.headers["hx-refresh"].to_str().unwrap(), "true");
}
