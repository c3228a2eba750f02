//! The arrows between the files of a crate: who imports whom, and where the arrows run in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::code::code;
use super::names::{How, Name, declared, defines, names};

/// The place of a module, or of what is in one: `["store", "tx"]` for `crate::store::tx`.
pub type Place = Vec<String>;

/// A file of a crate.
#[derive(Debug)]
pub struct Module {
    pub file: PathBuf,
    /// Its code, without comments, texts and unit tests.
    pub code: String,
    names: Vec<Name>,
    /// It declares modules, and hands their names on.
    face: bool,
}

/// The files of a crate, by the place of their modules.
#[derive(Debug, Default)]
pub struct Modules(BTreeMap<Place, Module>);

/// Who imports whom, and by which path (one of them).
pub type Arrows = BTreeMap<Place, BTreeMap<Place, String>>;

impl Modules {
    /// Those of a crate's `src` folder, unit tests left out.
    pub fn of(folder: &Path) -> Self {
        let mut modules = Self::default();
        for file in sources(folder) {
            let source = std::fs::read_to_string(&file).expect("read a source");
            modules.add(file.strip_prefix(folder).expect("a file of the folder"), &source);
        }
        assert!(!modules.0.is_empty(), "{} has no sources", folder.display());
        modules
    }

    /// Those of made-up sources.
    pub fn made_up(sources: &[(&str, &str)]) -> Self {
        let mut modules = Self::default();
        sources.iter().for_each(|(file, source)| modules.add(Path::new(file), source));
        modules
    }

    fn add(&mut self, file: &Path, source: &str) {
        let code = code(source);
        let mut place: Place = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if place.last().is_some_and(|last| last == "mod" || last == "lib") {
            place.pop();
        }
        let module = Module { file: file.to_owned(), names: names(&code), face: !declared(&code).is_empty(), code };
        self.0.insert(place, module);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Module)> {
        self.0.iter()
    }

    /// The arrows between the files. What a face hands on counts for the file that it comes from, and is no arrow of the
    /// face.
    pub fn arrows(&self) -> Arrows {
        let handed_on = self.handed_on();
        let mut arrows = Arrows::new();
        for (from, module) in &self.0 {
            for name in &module.names {
                if module.face && matches!(name.how, How::HandedOn(_)) {
                    continue;
                }
                let Some(named) = self.place_of(from, name) else { continue };
                let to = self.module_of(&self.origin(named.clone(), &handed_on));
                if to != *from {
                    arrows.entry(from.clone()).or_default().entry(to).or_insert_with(|| written(&named));
                }
            }
        }
        arrows
    }

    /// Where what the faces hand on comes from, by the place where others find it. A last word `*` is all there is.
    fn handed_on(&self) -> BTreeMap<Place, Vec<Place>> {
        let mut handed_on: BTreeMap<Place, Vec<Place>> = BTreeMap::new();
        for (face, module) in self.0.iter().filter(|(_, module)| module.face) {
            for name in &module.names {
                if let (How::HandedOn(known_as), Some(origin)) = (&name.how, self.place_of(face, name)) {
                    let found_at = [face.as_slice(), &name.within, std::slice::from_ref(known_as)].concat();
                    handed_on.entry(found_at).or_default().push(origin);
                }
            }
        }
        handed_on
    }

    /// Where a path leads from a module; none where it leads out of the crate.
    fn place_of(&self, here: &Place, name: &Name) -> Option<Place> {
        let mut at = [here.as_slice(), &name.within].concat();
        let (first, mut rest) = name.path.split_first()?;
        match first.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop();
                while let Some((_, after)) = rest.split_first().filter(|(word, _)| *word == "super") {
                    at.pop();
                    rest = after;
                }
            }
            // A module that is declared here needs no `self::`.
            child => {
                at.push(child.to_owned());
                return self.0.contains_key(&at).then(|| [at.as_slice(), rest].concat());
            }
        }
        Some([at.as_slice(), rest].concat())
    }

    /// Where something comes from that may have been handed on, perhaps more than once.
    fn origin(&self, mut place: Place, handed_on: &BTreeMap<Place, Vec<Place>>) -> Place {
        // Faces that hand on to each other for ever do not compile.
        for _ in 0..8 {
            let Some(next) = self.handed_on_from(&place, handed_on) else { break };
            place = next;
        }
        place
    }

    fn handed_on_from(&self, place: &Place, handed_on: &BTreeMap<Place, Vec<Place>>) -> Option<Place> {
        for len in (1..=place.len()).rev() {
            let (found_at, rest) = place.split_at(len);
            if self.0.contains_key(found_at) {
                return None;
            }
            if let Some(origin) = handed_on.get(found_at).and_then(|origins| origins.first()) {
                return Some([origin.as_slice(), rest].concat());
            }
            let (name, face) = found_at.split_last()?;
            let everything = [face, &["*".to_owned()]].concat();
            let origins = handed_on.get(&everything).into_iter().flatten();
            let has_it = |origin: &&Place| self.0.get(*origin).is_some_and(|module| defines(&module.code, name));
            if let Some(origin) = origins.into_iter().find(has_it) {
                return Some([origin.as_slice(), &found_at[len - 1..], rest].concat());
            }
        }
        None
    }

    /// The file that something is in.
    fn module_of(&self, place: &Place) -> Place {
        let is_module = |len: &usize| self.0.contains_key(&place[..*len]);
        let len = (0..=place.len()).rev().find(is_module).unwrap_or(0);
        place[..len].to_vec()
    }

    /// The circles of files, each told with the paths that make it.
    pub fn circles(&self) -> Vec<String> {
        let arrows = self.arrows();
        circles(&arrows).into_iter().map(|circle| told(&circle, &arrows)).collect()
    }
}

/// A circle, with the arrows in it.
fn told(circle: &BTreeSet<Place>, arrows: &Arrows) -> String {
    let mut lines = format!("a circle of {} files:", circle.len());
    for from in circle {
        for (to, path) in arrows.get(from).into_iter().flatten().filter(|(to, _)| circle.contains(*to)) {
            lines.push_str(&format!("\n  {} → {} (names {path})", written(from), written(to)));
        }
    }
    lines
}

/// A place as it is written in code.
pub fn written(place: &[String]) -> String {
    ["crate"].into_iter().chain(place.iter().map(String::as_str)).collect::<Vec<_>>().join("::")
}

/// The largest sets in which each leads to each other, of those with more than one.
fn circles(arrows: &Arrows) -> Vec<BTreeSet<Place>> {
    let reached: BTreeMap<&Place, BTreeSet<&Place>> = arrows.keys().map(|from| (from, reached(from, arrows))).collect();
    let mut found = BTreeSet::new();
    for (from, all) in &reached {
        let back = |to: &&&Place| reached.get(**to).is_some_and(|further| further.contains(from));
        let circle: BTreeSet<Place> = all.iter().filter(back).map(|place| (*place).clone()).collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

/// All that somebody leads to, over any number of arrows.
fn reached<'a>(from: &Place, arrows: &'a Arrows) -> BTreeSet<&'a Place> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Place> = arrows.get(from).into_iter().flat_map(BTreeMap::keys).collect();
    while let Some(place) = next.pop() {
        if seen.insert(place) {
            next.extend(arrows.get(place).into_iter().flat_map(BTreeMap::keys));
        }
    }
    seen
}

/// Every Rust file below a folder, tests left out.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests")) {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
