//! The walk itself: what must be found in made-up sources, and what must not.

use super::arrows::{Modules, written};
use super::code::code;
use super::floors::faults;

/// Whom a file `a/mod.rs` imports among `a/own`, `b` (which hands on `b::deep`) and `c`.
fn imported_by(source: &str) -> Vec<String> {
    let modules = Modules::made_up(&[
        ("lib.rs", "pub mod a; pub mod b; pub mod c;"),
        ("a/mod.rs", source),
        ("a/own.rs", ""),
        (
            "b/mod.rs",
            "mod deep; mod wide; pub use self::deep::Deep; pub(crate) use deep::Hidden as Shown; pub use wide::*; pub struct B;",
        ),
        ("b/deep.rs", "pub struct Deep; pub struct Hidden;"),
        ("b/wide.rs", "pub struct Wide;"),
        ("c.rs", ""),
    ]);
    let found = modules.arrows().remove(&vec!["a".to_owned()]).unwrap_or_default();
    found.keys().map(|place| written(place)).collect()
}

#[test]
fn imports_are_seen_however_they_are_written() {
    for (source, expected) in [
        ("use crate::b::B;", &["crate::b"][..]),
        ("pub(crate) use super::c as d;", &["crate::c"]),
        ("use crate::{b::{self, B as C, deep::{Deep, x::*}}, c};", &["crate::b", "crate::b::deep", "crate::c"]),
        ("mod own; use own::Thing;", &["crate::a::own"]),
        ("mod own; use self::own::{Thing};", &["crate::a::own"]),
        ("fn f<'a>(x: &'a crate::c::C) -> char { 'x' }", &["crate::c"]),
        ("fn f() { super::super::nothing(); super::c::f::<super::b::B>(); }", &["crate", "crate::b", "crate::c"]),
        (
            "mod inner { use super::own::X; mod more { use super::super::super::c; } } use crate::b;",
            &["crate::a::own", "crate::b", "crate::c"],
        ),
        ("impl crate::b::B { fn f() -> impl Sized + use<'_> {} } use crate::c;", &["crate::b", "crate::c"]),
        // What a face hands on counts for the file that it comes from.
        ("use crate::b::Deep;", &["crate::b::deep"]),
        ("use crate::b::{Shown, Wide};", &["crate::b::deep", "crate::b::wide"]),
        ("fn f() { crate::b::Deep::new() }", &["crate::b::deep"]),
    ] {
        assert_eq!(imported_by(source), expected, "{source}");
    }
}

#[test]
fn what_is_no_import_is_not_seen() {
    for source in [
        "use std::b; use ::c::d; use curfew_b::c; fn f() { my_crate::c(); ::c::f(); x::b::c() }",
        "// use crate::b;\n/* use crate::c; /* crate::b */ crate::c */ /// [`crate::b`]\n",
        "const X: &str = \"use crate::b; \\\" crate::c\"; const Y: &str = r#\"\" crate::b \"#; const Z: &[u8] = br\"crate::c\";",
        "#[cfg(test)] mod tests { use crate::b::B; fn f() { if true {} } }",
        "#[cfg(test)]\n#[allow(x)]\npub(crate) use crate::{b::B, c};",
        "#[cfg(test)] fn f(x: [u8; 3]) -> bool { crate::b::f() }",
        "pub(in crate::b) fn f() {} pub(super) struct S(pub(crate) u8);",
        // A face is not at home in what it hands on.
        "mod own; pub use own::Thing; pub use self::own::*;",
    ] {
        assert_eq!(imported_by(source), [""; 0], "{source}");
    }
    // What follows the unit tests is seen.
    assert_eq!(imported_by("#[cfg(test)]\nmod tests;\nmod own;\nuse crate::c;"), ["crate::c"]);
    assert_eq!(
        imported_by("const Q: char = '\"'; const R: char = '\\''; use crate::c; const S: char = '\"';"),
        ["crate::c"]
    );
}

#[test]
fn code_is_left_as_it_is() {
    let source = "fn f<'a>(x: &'a str) -> Permit { Permit { x } } // Permit\n";
    assert_eq!(code(source), "fn f<'a>(x: &'a str) -> Permit { Permit { x } } \n");
    assert_eq!(code("let r = for_r\"x\";"), "let r = for_r\"\";");
}

#[test]
fn an_arrow_back_is_found() {
    let modules = Modules::made_up(&[
        ("lib.rs", "mod cellar; mod hall; mod roof;"),
        ("cellar.rs", "use crate::roof::Tile;"),
        ("hall/mod.rs", "mod niche; use crate::cellar; use crate::hall::niche::N;"),
        ("hall/niche.rs", "use super::Hall;"),
        ("roof.rs", "use crate::{cellar, hall::Hall};"),
    ]);
    let all = faults(&modules, &["cellar", "hall", "roof"]);
    assert_eq!(all, ["crate::cellar (room `cellar`) names crate::roof::Tile of the room `roof`, which is above it"]);
    // A room within a room is below or above the rest of it, wherever it is told to be.
    let niche_below = faults(&modules, &["roof", "cellar", "hall/niche", "hall"]);
    assert!(
        niche_below
            .iter()
            .any(|fault| fault.starts_with("crate::hall::niche (room `hall/niche`) names crate::hall::Hall"))
    );
}

#[test]
fn rooms_that_are_not_there_and_files_without_a_room_are_found() {
    let modules = Modules::made_up(&[("lib.rs", ""), ("hall.rs", ""), ("shed/axe.rs", "")]);
    let all = faults(&modules, &["cellar", "hall"]);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].starts_with("the room `cellar`") && all[1].starts_with("shed/axe.rs has no room"), "{all:?}");
}

#[test]
fn a_circle_of_files_is_found_and_told() {
    let circle = Modules::made_up(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::{b::{B, BB}, d};"),
        ("b.rs", "fn f() { super::c::g() }"),
        ("c/mod.rs", "mod inner; pub use self::inner::I;"),
        ("c/inner.rs", "use crate::a::A;"),
        ("d.rs", ""),
    ]);
    // `b` names `c` itself, which leads nowhere.
    assert_eq!(circle.circles(), [""; 0]);

    let circle = Modules::made_up(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::{b::{B, BB}, d};"),
        ("b.rs", "use crate::c::I;"),
        ("c/mod.rs", "mod inner; pub use self::inner::I;"),
        ("c/inner.rs", "use crate::a::A;"),
        ("d.rs", ""),
    ]);
    let told = circle.circles();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        told[0],
        "a circle of 3 files:\n  crate::a → crate::b (names crate::b::B)\n  crate::b → crate::c::inner (names crate::c::I)\n  \
         crate::c::inner → crate::a (names crate::a::A)"
    );
}

#[test]
fn a_face_and_its_own_file_that_need_each_other_are_a_circle() {
    let modules = Modules::made_up(&[
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod own; use own::Thing; pub struct A(Thing);"),
        ("a/own.rs", "use super::A; pub struct Thing(A);"),
    ]);
    assert_eq!(modules.circles().len(), 1);
    let handed_on = Modules::made_up(&[
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod own; pub use own::Thing; pub struct A;"),
        ("a/own.rs", "use super::A; pub struct Thing(A);"),
    ]);
    assert_eq!(handed_on.circles(), [""; 0]);
}
