//! Nothing that a person typed, or a thief, steers the terminal of another.

use proptest::prelude::*;
use serde_json::json;

use super::{grant, now, request, rules, session};
use crate::console::hints::Hints;
use crate::console::render::*;
use crate::usecase::view::{
    AnyView, ApprovalView, EventView, GrantView, RecordingView, RequestView, SessionView, TargetView, WhoamiView,
};

/// Every page there is, with one text wherever a person's text, or a thief's, may come to stand.
fn pages(sheet: &Sheet<'_>, text: &str) -> Vec<String> {
    let text = || text.to_owned();
    let some = || Some(text());
    let word = || ApprovalView { by: text(), at: text(), note: some() };
    let request = RequestView {
        id: text(),
        user: text(),
        targets: vec![text()],
        role: text(),
        login: some(),
        reason: text(),
        starts_at: some(),
        approvals: vec![word()],
        decided: Some(word()),
        grant: some(),
        ..request()
    };
    let grant = GrantView { user: text(), targets: vec![text()], role: text(), login: some(), note: some(), ..grant() };
    let recording = RecordingView { command: some(), path: text(), ..session().recordings.remove(0) };
    let session = SessionView {
        user: text(),
        target: text(),
        login: text(),
        client_version: text(),
        ended_why: some(),
        recordings: vec![recording],
        ..session()
    };
    let labels = [(text(), text())].into();
    let target = TargetView { name: text(), protocol: text(), labels, roles: vec![text()] };
    let event = EventView {
        seq: 1,
        at: text(),
        actor: text(),
        action: text(),
        subject: text(),
        detail: json!({ text(): text() }),
        prev: text(),
        hash: text(),
    };
    let mut pending = vec![request.clone()];
    pending.push(RequestView { user: "alice".into(), ..request.clone() });
    let whoami = WhoamiView {
        user: "alice".into(),
        groups: vec![text()],
        may: vec![text()],
        grants: vec![grant.clone()],
        pending,
    };
    vec![
        page(sheet, &whoami),
        page(sheet, &WhoamiView { user: text(), ..whoami.clone() }),
        requests(sheet, std::slice::from_ref(&request)),
        grants(sheet, &[grant.clone(), GrantView { ended_why: some(), ended_at: some(), ..grant.clone() }]),
        sessions(sheet, &[session.clone(), SessionView { ended_at: some(), ..session.clone() }]),
        targets(sheet, &[target]),
        audit(sheet, &[event], true),
        asked(sheet, &request, &[text()], None),
        asked(sheet, &request, &[], Some(&grant)),
        not_granted(&request) + &not_granted(&RequestView { state: "denied".into(), ..request.clone() }),
        still_waiting(&request, 1),
        denied(&request) + &cancelled(&request) + &done(&grant) + &revoked(&grant) + &killed(sheet, &session),
        show(sheet, &AnyView::Request(request)),
        show(sheet, &AnyView::Grant(grant)),
        show(sheet, &AnyView::Session(session)),
    ]
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{0,4}[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{2069}\u{feff}]{1,4}[a-z]{0,4}",
    ]
}

proptest! {
    #[test]
    fn no_text_of_a_person_steers_the_terminal_of_another(text in hostile()) {
        let (rules, hints) = (rules(), Hints::ssh("bastion", 22));
        let sheet = Sheet { screen: Screen::plain(now()), hints: &hints, rules: &rules };
        for page in pages(&sheet, &text) {
            for c in page.chars().filter(|c| *c != '\n') {
                prop_assert!(!c.is_control(), "{page:?}");
                prop_assert!(!matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'), "{page:?}");
            }
        }
    }

    #[test]
    fn on_a_terminal_the_only_controls_are_our_own_colours(text in hostile(), columns in 0u32..200) {
        let (rules, hints) = (rules(), Hints::ssh("bastion", 22));
        let sheet = Sheet { screen: Screen::terminal(columns, now()), hints: &hints, rules: &rules };
        for page in pages(&sheet, &text) {
            let mut rest = page;
            for colour in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"] {
                rest = rest.replace(colour, "");
            }
            prop_assert!(!rest.chars().any(|c| c.is_control() && c != '\n'), "{rest:?}");
        }
    }
}
