//! The paths that a source names: in `use`, whole trees of it, and in its code.

use super::code::is_of_a_word;

/// A path that a source names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The modules within the file that the path is named in, from the outside in.
    pub within: Vec<String>,
    /// Its words, as written.
    pub path: Vec<String>,
    pub how: How,
}

/// How a path is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// `use a::b;`
    Imported,
    /// `pub use a::b;`, with the name that others then find it by; `*` for all there is.
    HandedOn(String),
    /// `a::b()`
    Mentioned,
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// `::`
    Step,
    Sign(char),
}

/// Every path of more than one word that this code names.
pub fn names(code: &str) -> Vec<Name> {
    let tokens = tokens(code);
    let mut reader = Reader { tokens: &tokens, at: 0, modules: Vec::new(), depth: 0, found: Vec::new() };
    reader.read();
    reader.found
}

/// The names of the modules that this code declares in files of their own (`mod a;`).
pub fn declared(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let modules = tokens.windows(3).filter_map(|window| match window {
        [Token::Word("mod"), Token::Word(name), Token::Sign(';')] => Some((*name).to_owned()),
        _ => None,
    });
    modules.collect()
}

/// Whether this code defines an item of this name.
pub fn defines(code: &str, name: &str) -> bool {
    const KINDS: [&str; 9] = ["struct", "enum", "union", "trait", "type", "fn", "const", "static", "mod"];
    let is_it = |pair: &[Token<'_>]| matches!(pair, [Token::Word(kind), Token::Word(word)] if KINDS.contains(kind) && *word == name);
    tokens(code).windows(2).any(is_it)
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let len = if is_of_a_word(c) {
            let len = rest.find(|c| !is_of_a_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..len]));
            len
        } else if rest.starts_with("::") {
            tokens.push(Token::Step);
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(Token::Sign(c));
            }
            c.len_utf8()
        };
        rest = &rest[len..];
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    /// The modules within the file that are open here, each with the braces that were open before it.
    modules: Vec<(String, usize)>,
    depth: usize,
    found: Vec<Name>,
}

impl<'a> Reader<'a> {
    fn ahead(&self, by: usize) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at + by)
    }

    fn read(&mut self) {
        let mut visible = false;
        while let Some(token) = self.ahead(0) {
            match token {
                Token::Word("pub") => {
                    self.at += 1;
                    self.skip_where_it_is_visible();
                    visible = true;
                    continue;
                }
                // Not the `use<'a>` of a bound.
                Token::Word("use") if self.ahead(1) != Some(&Token::Sign('<')) => {
                    self.at += 1;
                    self.tree(&mut Vec::new(), visible);
                }
                Token::Word("mod") => self.module(),
                Token::Word(_) => self.mention(),
                // A path that begins with `::` is another crate's; the rest of `<T>::A` is nobody's.
                Token::Step => {
                    self.at += 1;
                    self.path();
                }
                Token::Sign(sign) => {
                    self.brace(*sign);
                    self.at += 1;
                }
            }
            visible = false;
        }
    }

    fn brace(&mut self, sign: char) {
        match sign {
            '{' => self.depth += 1,
            '}' => {
                self.depth = self.depth.saturating_sub(1);
                self.modules.pop_if(|(_, depth)| *depth == self.depth);
            }
            _ => {}
        }
    }

    /// `(crate)`, `(in crate::a)`: who may see an item is no import.
    fn skip_where_it_is_visible(&mut self) {
        let opens = self.ahead(0) == Some(&Token::Sign('('));
        let limited = matches!(self.ahead(1), Some(Token::Word("crate" | "super" | "self" | "in")));
        if opens && limited {
            let close = self.tokens[self.at..].iter().position(|token| *token == Token::Sign(')'));
            self.at += close.map_or(0, |close| close + 1);
        }
    }

    /// `mod a {` opens a module; `mod a;` is a file.
    fn module(&mut self) {
        if let (Some(Token::Word(name)), Some(Token::Sign('{'))) = (self.ahead(1), self.ahead(2)) {
            self.modules.push(((*name).to_owned(), self.depth));
            self.depth += 1;
        }
        self.at += 3;
    }

    /// The words of a path, which begins here.
    fn path(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.ahead(0) {
            words.push((*word).to_owned());
            self.at += 1;
            if self.ahead(0) != Some(&Token::Step) || !matches!(self.ahead(1), Some(Token::Word(_))) {
                break;
            }
            self.at += 1;
        }
        words
    }

    fn mention(&mut self) {
        let path = self.path();
        if path.len() > 1 {
            self.add(path, How::Mentioned);
        }
    }

    /// A `use` tree: `a::b`, `a::{b, c::*}`, `a as b`.
    fn tree(&mut self, before: &mut Vec<String>, visible: bool) {
        let kept = before.len();
        if self.ahead(0) == Some(&Token::Step) {
            self.at += 1;
            // Another crate's, whatever it is called.
            before.push(String::new());
        }
        before.extend(self.path());
        if self.ahead(0) == Some(&Token::Step) {
            self.at += 1;
        }
        match self.ahead(0) {
            Some(Token::Sign('{')) => self.group(before, visible),
            Some(Token::Sign('*')) => {
                self.at += 1;
                self.import(before.clone(), visible, "*");
            }
            _ => self.leaf(before.clone(), visible),
        }
        before.truncate(kept);
    }

    /// The end of a branch: a path, and the other name that it may be given.
    fn leaf(&mut self, mut path: Vec<String>, visible: bool) {
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut known_as = path.last().cloned().unwrap_or_default();
        if let (Some(Token::Word("as")), Some(Token::Word(other))) = (self.ahead(0), self.ahead(1)) {
            known_as = (*other).to_owned();
            self.at += 2;
        }
        self.import(path, visible, &known_as);
    }

    fn group(&mut self, before: &mut Vec<String>, visible: bool) {
        self.at += 1;
        while let Some(token) = self.ahead(0) {
            match token {
                Token::Sign('}') => {
                    self.at += 1;
                    return;
                }
                Token::Sign(_) => self.at += 1,
                _ => self.tree(before, visible),
            }
        }
    }

    fn import(&mut self, path: Vec<String>, visible: bool, known_as: &str) {
        self.add(path, if visible { How::HandedOn(known_as.to_owned()) } else { How::Imported });
    }

    fn add(&mut self, path: Vec<String>, how: How) {
        let within = self.modules.iter().map(|(name, _)| name.clone()).collect();
        self.found.push(Name { within, path, how });
    }
}
