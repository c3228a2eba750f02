//! Cuts one direction's bytes into packets, wherever they were cut on their way, and copies no content.
//!
//! A packet that carries content (`SSH_FXP_WRITE` from a client, `SSH_FXP_DATA` from a target) comes as its head and
//! then its content in pieces; every other packet comes whole.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::record::sftp::wire::{Reader, kind};
use crate::record::transcript::ProtocolFault;

/// The longest packet, its length field left out: what OpenSSH takes on both sides (`SFTP_MAX_MSG_LENGTH`), and a
/// little for those who count without the head of a write.
pub const LONGEST_PACKET: u32 = 256 * 1024 + 1024;

/// The longest handle (draft-ietf-secsh-filexfer-02 §6.2).
pub const LONGEST_HANDLE: usize = 256;

/// Where the bytes of a piece are.
#[derive(Debug)]
pub enum Span {
    /// In the input, there.
    Here(Range<usize>),
    /// Put together from several inputs.
    Held(Bytes),
}

impl Span {
    /// The bytes.
    pub fn view<'a>(&'a self, data: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Here(range) => data.get(range.clone()).unwrap_or_default(),
            Self::Held(bytes) => bytes,
        }
    }
}

/// A piece of a direction.
#[derive(Debug)]
pub enum Piece {
    /// A whole packet.
    Packet(Span),
    /// A packet that carries content, up to its content; `content` says how much there is of it.
    Head { span: Span, content: usize },
    /// Content, there in the input.
    Content(Range<usize>),
}

/// How far what is wanted next reaches.
enum Extent {
    /// At least this many bytes are needed to know.
    AtLeast(usize),
    /// A whole packet.
    Whole(usize),
    /// A head, and its content.
    Head(usize, usize),
}

/// One direction.
#[derive(Debug)]
pub struct Framer {
    /// The type of packets that carry content.
    bulk: u8,
    /// The beginning of a packet whose rest is still to come.
    held: BytesMut,
    /// How much content is still to come.
    content: usize,
}

impl Framer {
    /// The direction whose packets of this type carry content.
    pub fn new(bulk: u8) -> Self {
        Self { bulk, held: BytesMut::new(), content: 0 }
    }

    /// Whether content is still to come of a packet whose head is through.
    pub const fn is_inside(&self) -> bool {
        self.content > 0
    }

    /// Whether the last packet is whole.
    pub fn is_between(&self) -> bool {
        self.content == 0 && self.held.is_empty()
    }

    /// The next piece of the input from `at` on, or nothing before there is more input.
    pub fn next(&mut self, data: &[u8], at: &mut usize) -> Result<Option<Piece>, ProtocolFault> {
        let rest = data.get(*at..).unwrap_or_default();
        if self.content > 0 {
            return Ok(self.take_content(rest.len(), at));
        }
        if !self.held.is_empty() {
            return self.take_held(rest, at);
        }
        let (length, content) = match self.extent(rest)? {
            Extent::Whole(length) if length <= rest.len() => (length, None),
            Extent::Head(length, content) => (length, Some(content)),
            _ => {
                self.held.extend_from_slice(rest);
                *at += rest.len();
                return Ok(None);
            }
        };
        let span = Span::Here(*at..*at + length);
        *at += length;
        Ok(Some(self.begin(span, content)))
    }

    fn take_content(&mut self, available: usize, at: &mut usize) -> Option<Piece> {
        let length = self.content.min(available);
        if length == 0 {
            return None;
        }
        let range = *at..*at + length;
        *at += length;
        self.content -= length;
        Some(Piece::Content(range))
    }

    /// Adds to what is held no more than its packet or head needs.
    fn take_held(&mut self, mut rest: &[u8], at: &mut usize) -> Result<Option<Piece>, ProtocolFault> {
        loop {
            let (wanted, content) = match self.extent(&self.held)? {
                Extent::AtLeast(wanted) | Extent::Whole(wanted) => (wanted, None),
                Extent::Head(wanted, content) => (wanted, Some(content)),
            };
            let missing = wanted.saturating_sub(self.held.len());
            if missing == 0 {
                let span = Span::Held(self.held.split().freeze());
                return Ok(Some(self.begin(span, content)));
            }
            if rest.is_empty() {
                return Ok(None);
            }
            let (taken, left) = rest.split_at(missing.min(rest.len()));
            self.held.extend_from_slice(taken);
            *at += taken.len();
            rest = left;
        }
    }

    fn begin(&mut self, span: Span, content: Option<usize>) -> Piece {
        match content {
            None => Piece::Packet(span),
            Some(content) => {
                self.content = content;
                Piece::Head { span, content }
            }
        }
    }

    fn extent(&self, bytes: &[u8]) -> Result<Extent, ProtocolFault> {
        let mut reader = Reader::new(bytes);
        let (Ok(length), Ok(kind)) = (reader.u32(), reader.u8()) else { return Ok(Extent::AtLeast(5)) };
        if length > LONGEST_PACKET {
            return Err(ProtocolFault::TooLong(length));
        }
        // Type, and an id or a version, are in every packet.
        if length < 5 {
            return Err(ProtocolFault::Malformed("too short"));
        }
        let whole = 4 + usize::try_from(length).unwrap_or(usize::MAX);
        if kind != self.bulk {
            return Ok(Extent::Whole(whole));
        }
        head(bytes, kind).and_then(|extent| match extent {
            Extent::AtLeast(wanted) if wanted > whole => Err(ProtocolFault::Malformed("cut short")),
            Extent::Head(head, content) if head + content != whole => {
                Err(ProtocolFault::Malformed("its lengths disagree"))
            }
            extent => Ok(extent),
        })
    }
}

/// Where the head of a packet with content ends.
fn head(bytes: &[u8], kind: u8) -> Result<Extent, ProtocolFault> {
    // Length, type, id; and the length of the handle, or of the content.
    let mut end = 4 + 1 + 4 + 4;
    if kind == kind::WRITE {
        let Some(handle) = number_before(bytes, end) else { return Ok(Extent::AtLeast(end)) };
        if handle > LONGEST_HANDLE {
            return Err(ProtocolFault::Malformed("a handle longer than 256 bytes"));
        }
        // The handle, the offset, the length of the content.
        end += handle + 8 + 4;
    }
    Ok(number_before(bytes, end).map_or(Extent::AtLeast(end), |content| Extent::Head(end, content)))
}

/// The number of 32 bits that ends there.
fn number_before(bytes: &[u8], end: usize) -> Option<usize> {
    let number = Reader::new(bytes.get(end - 4..end)?).u32().ok()?;
    usize::try_from(number).ok()
}
