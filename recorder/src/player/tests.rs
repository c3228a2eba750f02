//! The players: Debian's asciinema 2.2, asciinema 3 by its rules, and our own.

use std::process::Command;
use std::time::Duration;

use crate::tests::{SAMPLE_OUTPUT, Studio, ms};
use crate::{Cast, CastError, Frame, Pace, Player};

/// What a player shows of the sample.
fn shown() -> String {
    String::from_utf8_lossy(SAMPLE_OUTPUT).into_owned()
}

#[test]
fn asciinema_2_2_shows_exactly_the_output() {
    if Command::new("asciinema").arg("--version").output().is_err() {
        eprintln!("skipped: asciinema is not installed");
        return;
    }
    let studio = Studio::new();
    studio.sample();
    // `cat` wants a terminal of its own, which script(1) gives it; `play` does without.
    let cat = format!("asciinema cat {}", studio.path().display());
    let cat = Command::new("script").args(["-qec", &cat, "/dev/null"]).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(cat.status.success(), "{cat:?}");
    assert_eq!(String::from_utf8(cat.stdout).unwrap(), shown());
    let mut play = Command::new("asciinema");
    let play = play.args(["play", "--speed", "1000"]).arg(studio.path()).env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(play.status.success(), "{play:?}");
    assert!(String::from_utf8(play.stdout).unwrap().contains(&shown()));
}

/// asciinema 3 takes a line for an event when its time is a number that prints with a fraction, its code a string
/// without escapes that is not empty, and its data a string; times must not go back (`src/asciicast/v2.rs`, `util.rs`).
#[test]
fn asciinema_3_takes_every_line() {
    #[derive(serde::Deserialize)]
    struct Header {
        version: u8,
        width: u16,
        height: u16,
        timestamp: Option<u64>,
        title: Option<String>,
        env: Option<std::collections::HashMap<String, String>>,
    }
    let studio = Studio::new();
    let mut writer = studio.writer("whole-seconds.cast");
    writer.flush(Duration::from_secs(3)).unwrap();
    studio.sample();
    for path in [studio.path(), studio.folder.path().join("whole-seconds.cast")] {
        let file = std::fs::read_to_string(path).unwrap();
        let mut lines = file.lines();
        let header: Header = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!((header.version, header.width, header.height), (2, 80, 24));
        assert_eq!((header.timestamp, header.title.as_deref()), (Some(1_790_000_000), Some("root@web1")));
        assert_eq!(header.env.unwrap().get("TERM").unwrap(), "xterm-256color");
        let mut last = 0.0;
        for line in lines {
            let (time, code, data): (serde_json::Value, &str, String) = serde_json::from_str(line).unwrap();
            let time = time.as_f64().unwrap();
            assert!(time.to_string().contains('.'), "{line}");
            assert!(time >= last, "{line}");
            last = time;
            assert!(!code.is_empty());
            if code == "r" {
                let (cols, rows) = data.split_once('x').unwrap();
                assert!(cols.parse::<u16>().is_ok() && rows.parse::<u16>().is_ok());
            }
        }
    }
}

const CAST: &str = concat!(
    "{\"version\": 2, \"width\": 80, \"height\": 24, \"title\": \"a\\u001b[2Jb\"}\n",
    "[1.0, \"o\", \"one \"]\n",
    "[1.5, \"i\", \"typed\"]\n",
    "\n",
    "[1.5, \"x\", \"ignored\"]\n",
    "[3.0, \"o\", \"two \"]\n",
    "[63.0, \"o\", \"three\"]",
);

fn frames(pace: Pace) -> Vec<(u64, String)> {
    let player = Player::new(Cast::read(CAST.as_bytes()).unwrap(), pace).unwrap();
    let frame = |frame: Result<Frame, CastError>| {
        let Frame { delay, bytes } = frame.unwrap();
        (u64::try_from(delay.as_millis()).unwrap(), String::from_utf8(bytes).unwrap())
    };
    player.map(frame).collect()
}

fn paced(millis: [u64; 3]) -> Vec<(u64, String)> {
    millis.into_iter().zip(["one ", "two ", "three"].map(str::to_owned)).collect()
}

#[test]
fn the_player_shows_output_alone_at_its_pace() {
    let pace = Pace::default();
    assert_eq!(frames(pace), paced([1_000, 2_000, 60_000]));
    assert_eq!(frames(Pace { speed: 2.0, ..pace }), paced([500, 1_000, 30_000]));
    assert_eq!(frames(Pace { idle_limit: Some(ms(1_500)), ..pace }), paced([1_000, 1_500, 1_500]));
    assert_eq!(frames(Pace { idle_limit: Some(ms(1_500)), speed: 0.5, ..pace }), paced([2_000, 3_000, 3_000]));
}

#[test]
fn what_comes_before_the_start_is_shown_at_once() {
    let from = |start_at| frames(Pace { start_at, ..Pace::default() });
    assert_eq!(from(ms(2_000)), paced([0, 1_000, 60_000]));
    assert_eq!(from(ms(3_600_000)), paced([0, 0, 0]));
}

#[test]
fn a_speed_that_is_no_speed_is_refused_and_extreme_ones_are_not_fatal() {
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let cast = Cast::read(CAST.as_bytes()).unwrap();
        assert!(matches!(Player::new(cast, Pace { speed, ..Pace::default() }), Err(CastError::Speed)), "{speed}");
    }
    assert_eq!(frames(Pace { speed: f64::MAX, ..Pace::default() }), paced([0, 0, 0]));
    let cast = Cast::read(CAST.as_bytes()).unwrap();
    let slow = Player::new(cast, Pace { speed: f64::MIN_POSITIVE, ..Pace::default() }).unwrap();
    assert!(slow.map(Result::unwrap).all(|frame| frame.delay == Duration::MAX));
}

#[test]
fn a_title_moves_no_cursor() {
    assert_eq!(Cast::read(CAST.as_bytes()).unwrap().title().unwrap(), "a\\u{1b}[2Jb");
}

#[test]
fn faults_name_their_line_and_end_the_playing() {
    let header = "{\"version\":2,\"width\":80,\"height\":24}\n";
    for (text, message) in [
        (format!("{header}[0.5,\"o\",\"a\"]\nnonsense\n[0.6,\"o\",\"b\"]\n"), "line 3: not an event"),
        (format!("{header}[0.5,\"o\",\"a\"]\n[-1,\"o\",\"b\"]\n"), "line 3: the time is negative"),
        (format!("{header}[0.5,\"o\",\"a\"]\n[0.6,\"r\",\"80\"]\n"), "line 3: not a terminal size"),
        (format!("{header}[0.5,\"o\",\"a\"]\n[0.6,\"o\",\"b"), "line 3: the file ends here"),
        (format!("{header}[0.5,\"o\",\"a\"]\n[0.6,\"o\",\"{}\"]\n", "x".repeat(9 << 20)), "line 3: too long"),
    ] {
        let mut player = Player::new(Cast::read(text.as_bytes()).unwrap(), Pace::default()).unwrap();
        assert!(player.next().unwrap().is_ok());
        let error = player.next().unwrap().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert!(player.next().is_none());
    }
    for (text, message) in
        [("", "empty"), ("{}\n", "missing field"), ("{\"version\":3,\"width\":1,\"height\":1}\n", "version 3")]
    {
        let error = Cast::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
