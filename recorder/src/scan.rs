//! Reading a recording as evidence: every line, with the chain through them. Verification and repair both begin here.

use std::io::{self, BufRead};
use std::time::Duration;

use crate::cast::{Header, Statement, Totals};
use crate::chain::{Chain, split_tail};
use crate::event::{Line, code};
use crate::exact::Exact;
use crate::key::SIGNATURE_LEN;
use crate::lines::{Found, read_line};

/// The first thing that is wrong with a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The first line that may be the bad one, from 1.
    pub first: u64,
    /// The last line that may be the bad one.
    pub last: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The first line is not a header.
    #[error("not the header of a recording: {0}")]
    Header(String),
    /// A line is not an event.
    #[error("{0}")]
    Event(String),
    /// A line is longer than any line may be.
    #[error("the line is too long")]
    TooLong,
    /// A link does not fit: lines were changed, added, removed, or moved.
    #[error("lines were changed, added, removed or moved: the hash does not match")]
    Hash,
    /// Something follows the signature.
    #[error("something was added after the seal")]
    AfterSeal,
    /// A signature without its statement and link.
    #[error("a seal without its statement")]
    NoStatement,
    /// The key is not among the trusted ones.
    #[error("sealed with the key {0}, which is not among the given ones")]
    UnknownKey(String),
    /// The signature does not fit: the file was changed as a whole, or the seal is another's.
    #[error("the signature does not match: the recording was changed, or the seal is another's")]
    Signature,
    /// The statement says other than the file.
    #[error("the seal speaks of {stated} {what}, the file holds {found}")]
    Miscount {
        /// What was counted.
        what: &'static str,
        /// The statement's number.
        stated: u64,
        /// The file's number.
        found: u64,
    },
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.first, self.last) {
            (first, last) if first == last => write!(f, "line {first}: {}", self.problem),
            (first, last) => write!(f, "lines {first} to {last}: {}", self.problem),
        }
    }
}

/// Why there is nothing to say of a file.
#[derive(Debug)]
pub(crate) enum ScanError {
    Io(io::Error),
    /// The header was never written whole; so many bytes are there.
    Empty(u64),
    Damaged(Damage),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Damage> for ScanError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// What a recording holds, when every link in it fits.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) header: Header,
    /// Over all whole lines.
    pub(crate) chain: Chain,
    /// Of all whole lines.
    pub(crate) totals: Totals,
    /// The length of all whole lines.
    pub(crate) len: u64,
    /// The beginning of a line at the end.
    pub(crate) torn: Vec<u8>,
    /// The whole lines after the last link.
    pub(crate) unlinked: u64,
    pub(crate) seal: Option<Seal>,
}

/// A signature and what it signs.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(crate) statement: Statement,
    /// The hash that is signed.
    pub(crate) hash: [u8; 32],
    pub(crate) signature: Vec<u8>,
    /// Lines and bytes of output before the statement.
    pub(crate) before: Totals,
}

impl Scan {
    /// When the last event happened.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_micros(self.totals.micros)
    }

    /// Whether the statement fits the file.
    pub(crate) fn check_statement(&self, seal: &Seal) -> Result<(), Damage> {
        let counts = [
            ("lines", seal.statement.lines, seal.before.lines),
            ("bytes of output", seal.statement.output_bytes, seal.before.output_bytes),
        ];
        for (what, stated, found) in counts {
            if stated != found {
                return Err(self.damage(Problem::Miscount { what, stated, found }));
            }
        }
        Ok(())
    }

    /// Damage in the last line.
    pub(crate) fn damage(&self, problem: Problem) -> Damage {
        Damage { first: self.totals.lines, last: self.totals.lines, problem }
    }
}

/// Reads a recording to its end, or to the first damage in it.
pub(crate) fn scan(reader: &mut impl BufRead) -> Result<Scan, ScanError> {
    let mut line = Vec::new();
    let mut scanner = Scanner::begin(reader, &mut line)?;
    loop {
        let number = scanner.scan.totals.lines + 1;
        let damage = |problem| Damage { first: number, last: number, problem };
        match read_line(reader, &mut line)? {
            Found::End => return Ok(scanner.scan),
            _ if scanner.scan.seal.is_some() => return Err(damage(Problem::AfterSeal).into()),
            Found::TooLong => return Err(damage(Problem::TooLong).into()),
            Found::Torn => {
                scanner.scan.torn = line;
                return Ok(scanner.scan);
            }
            Found::Whole => scanner.take(number, &line)?,
        }
    }
}

struct Scanner {
    scan: Scan,
    exact: Exact,
    /// The last statement, and what came before it.
    statement: Option<(Statement, Totals)>,
}

impl Scanner {
    fn begin(reader: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Self, ScanError> {
        let damage = |problem| Damage { first: 1, last: 1, problem };
        match read_line(reader, line)? {
            Found::End | Found::Torn => return Err(ScanError::Empty(line.len() as u64)),
            Found::TooLong => return Err(damage(Problem::TooLong).into()),
            Found::Whole => {}
        }
        let header = Header::parse(line).map_err(|why| damage(Problem::Header(why)))?;
        let mut chain = Chain::default();
        chain.update(line);
        let (totals, len) = (Totals { lines: 1, ..Totals::default() }, line.len() as u64);
        let scan = Scan { header, chain, totals, len, torn: Vec::new(), unlinked: 1, seal: None };
        Ok(Self { scan, exact: Exact::default(), statement: None })
    }

    /// Takes a whole line.
    fn take(&mut self, number: u64, line: &[u8]) -> Result<(), Damage> {
        let damage = |problem| Damage { first: number, last: number, problem };
        let event = Line::parse(line).map_err(|why| damage(Problem::Event(why)))?;
        let at = u64::try_from(event.at().as_micros()).unwrap_or(u64::MAX);
        match event.1 {
            code::LINK => self.take_link(number, line)?,
            code::SIGNATURE => self.take_signature(number, line)?,
            code::STATEMENT => {
                let statement = serde_json::from_str(&event.2);
                let statement =
                    statement.map_err(|error| damage(Problem::Event(format!("not a statement: {error}"))))?;
                self.statement = Some((statement, self.scan.totals));
                self.take_plain(line);
            }
            _ => {
                let bytes = self.exact.bytes(event).map_err(|why| damage(Problem::Event(why)))?;
                self.scan.totals.output_bytes += bytes.map_or(0, |bytes| bytes.len() as u64);
                self.take_plain(line);
            }
        }
        self.scan.totals.micros = self.scan.totals.micros.max(at);
        self.scan.totals.lines = number;
        self.scan.len += line.len() as u64;
        Ok(())
    }

    fn take_plain(&mut self, line: &[u8]) {
        self.scan.chain.update(line);
        self.scan.unlinked += 1;
    }

    fn take_link(&mut self, number: u64, line: &[u8]) -> Result<(), Damage> {
        if !self.scan.chain.check_link(line) {
            return Err(Damage { first: number - self.scan.unlinked, last: number, problem: Problem::Hash });
        }
        self.scan.unlinked = 0;
        Ok(())
    }

    /// A signature stands two lines after its statement, one after the last link.
    fn take_signature(&mut self, number: u64, line: &[u8]) -> Result<(), Damage> {
        let missing = Damage { first: number, last: number, problem: Problem::NoStatement };
        let (Some((statement, before)), Some((opening, signature))) =
            (self.statement.take(), split_tail(line, SIGNATURE_LEN))
        else {
            return Err(missing);
        };
        if before.lines + 3 != number || self.scan.unlinked != 0 {
            return Err(missing);
        }
        self.scan.chain.update(opening);
        let hash = self.scan.chain.current();
        self.scan.chain.update(line.get(opening.len()..).unwrap_or_default());
        self.scan.seal = Some(Seal { statement, hash, signature: signature.to_owned(), before });
        Ok(())
    }
}
