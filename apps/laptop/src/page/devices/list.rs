//! The devices, and ending the exchange with one.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Redirect, Response};
use axum::{Extension, Form};
use seldinger_core::case_log::list::CaseFilter;
use seldinger_core::content::{Wording, words as told};
use seldinger_core::error::LogbookError;
use seldinger_core::logbook::lan::{DeviceStatus, SyncState, SyncStatus};
use seldinger_core::logbook::{Logbook, RecordName, Revocation, RevokedBy};
use seldinger_core::sync::Fingerprint;

use super::{Badge, day_and_time};
use crate::exchange::host_name;
use crate::page::live::{Seen, look, unless_seen};
use crate::page::places;
use crate::page::proof::Proven;
use crate::page::shell::{Notices, Room, Shell, draw};
use crate::page::trouble::Trouble;
use crate::page::words;
use crate::serve::AppState;

/// One device as the list shows it.
struct Row {
    fingerprint: String,
    name: String,
    badge: Badge,
    /// When both last had everything, and what waits.
    about: String,
    /// What is to be done.
    told: Option<Wording>,
    revoked: bool,
    /// By whom and when.
    revoked_by: Vec<String>,
}

/// What the page shows and asks for again.
#[derive(Default)]
struct List {
    rows: Vec<Row>,
    /// Records in which two devices wrote the same field.
    twice: Vec<RecordName>,
}

impl List {
    async fn now(state: &AppState) -> Result<Self, Trouble> {
        let mut rows = rows(state.ask_exchange(|exchange| exchange.service().status()).await?);
        // Of devices that others were paired with it is known, too.
        let known = state.ask_own(|book| Ok(book.revocations()?)).await?;
        rows.extend(known.into_iter().filter(|known| !known.is_peer).map(revoked_row));
        Ok(Self { rows, twice: state.ask(Logbook::written_twice).await? })
    }

    /// What tells it from others.
    fn look(&self) -> String {
        let rows = self
            .rows
            .iter()
            .flat_map(|row| [row.name.as_str(), row.badge.class, &row.badge.text, &row.about]);
        let twice: Vec<String> = self.twice.iter().map(|row| row.id.to_string()).collect();
        look(&rows.chain(twice.iter().map(String::as_str)).collect::<Vec<_>>())
    }
}

#[derive(Template)]
#[template(path = "devices/page.html")]
struct DevicesPage {
    shell: Shell,
    me: String,
    cases: String,
    list: List,
}

impl DevicesPage {
    fn is_paired(&self) -> bool {
        self.list.rows.iter().any(|row| !row.revoked)
    }
}

#[derive(Template)]
#[template(path = "devices/list.html")]
struct ListPart {
    list: List,
}

#[derive(Template)]
#[template(path = "devices/revoke.html")]
struct RevokePage {
    shell: Shell,
    fingerprint: String,
    name: String,
}

impl RevokePage {
    fn short(&self) -> String {
        self.fingerprint.chars().take(8).collect()
    }
}

fn row(device: DeviceStatus) -> Row {
    let DeviceStatus { peer, state, clock_ahead_min, .. } = device;
    let mut about = Vec::new();
    about.push(match &peer.synced {
        Some(at) => told("app.synced_at", &[("time", &day_and_time(at))]),
        None => told("badge.never_synced", &[]),
    });
    if peer.waiting > 0 && state != SyncState::Offline {
        about.push(told("badge.waiting", &[("count", &peer.waiting.to_string())]));
    }
    if peer.refused > 0 {
        about.push(told("badge.set_aside", &[("count", &peer.refused.to_string())]));
    }
    if let Some(minutes) = clock_ahead_min {
        about.push(told("badge.clocks_differ", &[("minutes", &minutes.abs().to_string())]));
    }
    let trouble = match state {
        SyncState::Failed { trouble } => Some(trouble.wording()),
        _ => None,
    };
    Row {
        badge: if peer.is_revoked { Badge::none() } else { Badge::of(&state, peer.waiting) },
        about: about.join(". "),
        told: trouble.filter(|_| !peer.is_revoked),
        revoked: peer.is_revoked,
        revoked_by: peer.revoked_by.iter().map(RevokedBy::told).collect(),
        fingerprint: peer.fingerprint,
        name: peer.name,
    }
}

fn revoked_row(known: Revocation) -> Row {
    let Revocation { fingerprint, name, by, is_this_device, .. } = known;
    let about = if is_this_device { told("badge.this_device", &[]) } else { String::new() };
    let revoked_by = by.iter().map(RevokedBy::told).collect();
    Row { fingerprint, name, badge: Badge::none(), about, told: None, revoked: true, revoked_by }
}

fn rows(status: SyncStatus) -> Vec<Row> {
    let (revoked, live): (Vec<Row>, Vec<Row>) =
        status.devices.into_iter().map(row).partition(|row| row.revoked);
    live.into_iter().chain(revoked).collect()
}

/// All devices.
pub async fn page(State(state): State<AppState>, shell: Shell) -> Result<Response, Trouble> {
    let shell = shell.at(Room::Devices);
    let list = if shell.sample { List::default() } else { List::now(&state).await? };
    let cases = state.ask(|book| book.count_cases(&CaseFilter::default())).await?;
    let cases = words::counted(cases, "case", "cases");
    draw(&DevicesPage { shell, me: host_name(), cases, list })
}

/// The list again.
pub async fn live(
    State(state): State<AppState>,
    Query(seen): Query<Seen>,
) -> Result<Response, Trouble> {
    let list = List::now(&state).await?;
    let look = list.look();
    unless_seen(&ListPart { list }, &look, &seen)
}

/// Calls every device now.
pub async fn sync_now(State(state): State<AppState>) -> Result<Redirect, Trouble> {
    state
        .ask_exchange(|exchange| {
            exchange.service().sync_now();
            Ok(())
        })
        .await?;
    Ok(Redirect::to("/devices"))
}

/// The device's name.
pub(super) async fn named(state: &AppState, fingerprint: &str) -> Result<String, Trouble> {
    let wanted = fingerprint.to_owned();
    let peers = state.ask_own(|book| Ok(book.peers()?)).await?;
    let peer = peers.into_iter().find(|peer| peer.fingerprint == wanted);
    Ok(peer.ok_or(LogbookError::NotAnId)?.name)
}

/// Whether it is meant.
pub async fn ask_revoke(
    _proven: Proven,
    State(state): State<AppState>,
    shell: Shell,
    Path(fingerprint): Path<String>,
) -> Result<Response, Trouble> {
    let name = named(&state, &fingerprint).await?;
    draw(&RevokePage { shell: shell.at(Room::Devices), fingerprint, name })
}

/// The device's name, typed once more.
#[derive(serde::Deserialize)]
pub struct Confirmed {
    name: String,
}

/// Ends the exchange with a device for good.
pub async fn revoke(
    _proven: Proven,
    State(state): State<AppState>,
    Extension(notices): Extension<Notices>,
    Path(fingerprint): Path<String>,
    Form(confirmed): Form<Confirmed>,
) -> Result<Redirect, Trouble> {
    let name = named(&state, &fingerprint).await?;
    let peer: Fingerprint = fingerprint.parse().map_err(|_| LogbookError::NotAnId)?;
    state.ask_exchange(move |exchange| exchange.service().revoke(peer, &confirmed.name)).await?;
    notices.leave(told("sync.revoked", &[("name", &name)]), None);
    Ok(Redirect::to("/devices"))
}
