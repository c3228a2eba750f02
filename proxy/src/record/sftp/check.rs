//! A request whose paths the target is asked about before it goes there: where do they really lead?
//!
//! The target's own `SSH_FXP_REALPATH` (draft-ietf-secsh-filexfer-02 §6.11) resolves every link. What goes on is the request
//! with the places that were looked at, so a link in a path cannot lead it elsewhere. OpenSSH's server (8.1 or later) answers
//! for what is yet to be made as well; from an older one only what is there already can be had.
//!
//! What remains is the instant between the answer and the request, in which a folder may become a link: by a process on the
//! target, or by a second channel that moves a link there which led out of the roots before; none is made through here.

use bytes::{BufMut, Bytes, BytesMut};

use crate::record::sftp::request::{Effect, On, Op, Request};
use crate::record::sftp::roots::Roots;
use crate::record::sftp::rules::{self, Refused};
use crate::record::sftp::wire::{Reader, code, kind};
use crate::record::transcript::ProtocolFault;

/// A request that waits for the target's answers.
#[derive(Debug)]
pub struct Check {
    packet: Bytes,
    /// How many of the questions are for the roots themselves; they come first.
    roots: usize,
    questions: Vec<Question>,
    /// What each of the request's paths ends with beyond what was asked for.
    names: Vec<Option<Box<[u8]>>>,
}

#[derive(Debug)]
struct Question {
    id: u32,
    answer: Option<Answer>,
}

#[derive(Debug)]
enum Answer {
    Place(Box<[u8]>),
    Status(u32),
}

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It goes to the target, like this.
    Goes(Bytes),
    /// It does not.
    Refused(Refused),
    /// The target cannot find its way either: with this status.
    Failed(u32),
}

/// A path, as it is asked about.
struct Path {
    ask: Vec<u8>,
    /// It is the home of somebody (`~`), as the target knows it.
    home: bool,
    name: Option<Box<[u8]>>,
}

impl Check {
    /// Begins to look at a request, and gives the questions for the target; nothing where it has no path. `ids` are none that
    /// wait for an answer.
    ///
    /// # Errors
    /// When the text alone says that it leads elsewhere.
    pub fn begin(
        request: &Request<'_>,
        packet: &[u8],
        roots: &Roots,
        mut ids: impl Iterator<Item = u32>,
    ) -> Result<Option<(Self, Bytes)>, Refused> {
        let paths = match request.on {
            On::Path(path) => vec![look(request.op, path, roots)?],
            On::Paths(from, to) => vec![look(request.op, from, roots)?, look(request.op, to, roots)?],
            _ => return Ok(None),
        };
        let mut asked = BytesMut::new();
        let mut questions = Vec::new();
        let mut ask = |path: &[u8], home: bool| {
            let id = ids.next().unwrap_or_default();
            put_question(&mut asked, id, path, home);
            questions.push(Question { id, answer: None });
        };
        roots.unknown().iter().for_each(|root| ask(root, false));
        paths.iter().for_each(|path| ask(&path.ask, path.home));
        let check = Self {
            packet: Bytes::copy_from_slice(packet),
            roots: roots.unknown().len(),
            questions,
            names: paths.into_iter().map(|path| path.name).collect(),
        };
        Ok(Some((check, asked.freeze())))
    }

    /// The request, as it came.
    pub fn packet(&self) -> Bytes {
        self.packet.clone()
    }

    /// Takes the target's answer, if it is to one of the questions.
    pub fn takes(&mut self, id: u32, packet: &[u8]) -> Result<bool, ProtocolFault> {
        let waits = |question: &&mut Question| question.id == id && question.answer.is_none();
        let Some(question) = self.questions.iter_mut().find(waits) else { return Ok(false) };
        question.answer = Some(read_answer(packet)?);
        Ok(true)
    }

    /// Whether all has been answered.
    pub fn is_ready(&self) -> bool {
        self.questions.iter().all(|question| question.answer.is_some())
    }

    /// Decides by the answers.
    pub fn decide(self, roots: &mut Roots) -> Result<Outcome, ProtocolFault> {
        let mut answers = self.questions.into_iter().filter_map(|question| question.answer);
        if self.roots > 0 {
            let place = |answer| match answer {
                Answer::Place(place) => Some(place),
                Answer::Status(_) => None,
            };
            roots.learned(answers.by_ref().take(self.roots).filter_map(place).collect());
        }
        let request = Request::read(&self.packet)?;
        let below = !follows(request.op) && request.op.effect() == Effect::Changes;
        let mut places = Vec::new();
        for (answer, name) in answers.zip(self.names) {
            let place = match answer {
                Answer::Place(place) => join(place, name.as_deref()),
                Answer::Status(status) => return Ok(Outcome::Failed(status)),
            };
            let holds = if below { roots.hold_below(&place) } else { roots.hold(&place) };
            if !holds {
                return Ok(Outcome::Refused(rules::outside(roots)));
            }
            places.push(place);
        }
        Ok(Outcome::Goes(with_paths(&self.packet, &places)?))
    }
}

/// How a path of a request is asked about: whole, where the request follows a link at its end; else its folder.
fn look(op: Op, path: &[u8], roots: &Roots) -> Result<Path, Refused> {
    if op == Op::ExpandPath && path.starts_with(b"~") {
        return Ok(Path { ask: path.to_vec(), home: true, name: None });
    }
    let path = roots.absolute(path);
    rules::check_path(&path)?;
    if !roots.may_hold(&path) {
        return Err(rules::outside(roots));
    }
    let whole = |path| Path { ask: path, home: false, name: None };
    if follows(op) || (roots.are(&path) && op.effect() == Effect::Looks) {
        return Ok(whole(path));
    }
    Ok(match folder_and_name(&path) {
        Some((folder, name)) => Path { ask: folder.to_vec(), home: false, name: Some(name.into()) },
        None => whole(path),
    })
}

/// Whether the target follows a link at the end of the request's path.
const fn follows(op: Op) -> bool {
    matches!(op, Op::Open | Op::OpenDir | Op::Stat | Op::Setstat | Op::Realpath | Op::Statvfs | Op::ExpandPath)
}

/// A path's folder, and its name there. None where it ends with `.` or `..`, which are no links.
fn folder_and_name(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = path.iter().rposition(|byte| *byte != b'/')? + 1;
    let path = path.get(..end)?;
    let at = path.iter().rposition(|byte| *byte == b'/')?;
    let (folder, name) = (path.get(..at)?, path.get(at + 1..)?);
    (!matches!(name, b"." | b"..")).then_some((if folder.is_empty() { b"/" } else { folder }, name))
}

fn join(place: Box<[u8]>, name: Option<&[u8]>) -> Vec<u8> {
    let mut place = place.into_vec();
    if let Some(name) = name {
        if place != b"/" {
            place.push(b'/');
        }
        place.extend_from_slice(name);
    }
    place
}

fn put_string(packet: &mut BytesMut, string: &[u8]) {
    packet.put_u32(u32::try_from(string.len()).unwrap_or_default());
    packet.put_slice(string);
}

fn put_question(asked: &mut BytesMut, id: u32, path: &[u8], home: bool) {
    let mut body = BytesMut::new();
    if home {
        body.put_u8(kind::EXTENDED);
        body.put_u32(id);
        put_string(&mut body, b"expand-path@openssh.com");
    } else {
        body.put_u8(kind::REALPATH);
        body.put_u32(id);
    }
    put_string(&mut body, path);
    put_string(asked, &body);
}

/// `SSH_FXP_NAME` with the one name that there is (§7), or a status.
fn read_answer(packet: &[u8]) -> Result<Answer, ProtocolFault> {
    let mut reader = Reader::new(packet);
    let (_length, kind, _id) = (reader.u32()?, reader.u8()?, reader.u32()?);
    match kind {
        kind::NAME if reader.u32()? == 1 => Ok(Answer::Place(reader.string()?.into())),
        kind::STATUS => match reader.u32()? {
            code::OK | code::EOF => Err(ProtocolFault::Order("an answer of the wrong kind")),
            status => Ok(Answer::Status(status)),
        },
        _ => Err(ProtocolFault::Order("an answer of the wrong kind")),
    }
}

/// The same packet with other paths. They come after the head: type and id, and of an extension its name.
fn with_paths(packet: &[u8], places: &[Vec<u8>]) -> Result<Bytes, ProtocolFault> {
    let mut reader = Reader::new(packet);
    let (_length, kind, _id) = (reader.u32()?, reader.u8()?, reader.u32()?);
    if kind == kind::EXTENDED {
        reader.string()?;
    }
    let head = packet.len() - reader.left();
    for _ in places {
        reader.string()?;
    }
    let rest = packet.len() - reader.left();
    let mut body = BytesMut::from(packet.get(4..head).unwrap_or_default());
    places.iter().for_each(|place| put_string(&mut body, place));
    body.put_slice(packet.get(rest..).unwrap_or_default());
    if u32::try_from(body.len()).is_ok_and(|length| length <= super::frame::LONGEST_PACKET) {
        let mut whole = BytesMut::new();
        put_string(&mut whole, &body);
        return Ok(whole.freeze());
    }
    Err(ProtocolFault::TooLong(u32::try_from(body.len()).unwrap_or(u32::MAX)))
}
