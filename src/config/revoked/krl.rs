//! OpenSSH's key revocation list (PROTOCOL.krl): sections in sections, each a type and a string of bytes.

use super::list::{OfCa, Revoked};

/// What a list begins with.
pub const MAGIC: &[u8] = b"SSHKRL\n\0";

const VERSION: u32 = 1;

const CERTIFICATES: u8 = 1;
const KEYS: u8 = 2;
const SHA1: u8 = 3;
const SIGNATURE: u8 = 4;
const SHA256: u8 = 5;
const EXTENSION: u8 = 255;

const SERIALS: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_IDS: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// What is wrong with a list.
type Why = &'static str;

/// Reads a list.
///
/// # Errors
/// What is wrong with it. A section or a critical extension that is not known is: it may revoke something.
pub fn parse(bytes: &[u8]) -> Result<Revoked, Why> {
    let mut list = Reader(bytes);
    list.take(MAGIC.len())?;
    if list.u32()? != VERSION {
        return Err("its version is not 1");
    }
    // Its number, the time it was made, flags; then what is reserved, and a comment.
    list.take(3 * 8)?;
    list.string()?;
    list.string()?;
    let mut revoked = Revoked::default();
    while !list.is_empty() {
        let (kind, section) = (list.u8()?, list.string()?);
        match kind {
            CERTIFICATES => certificates(section, &mut revoked)?,
            KEYS => section.strings(|key| insert(key, None, &mut revoked.keys))?,
            SHA1 => section.strings(|hash| insert(hash, Some(20), &mut revoked.sha1))?,
            SHA256 => section.strings(|hash| insert(hash, Some(32), &mut revoked.sha256))?,
            // The key that signed comes first, and the signature after it in a string of its own.
            SIGNATURE => _ = list.string()?,
            EXTENSION => extension(section)?,
            _ => return Err("it has a section of an unknown type"),
        }
    }
    Ok(revoked)
}

fn certificates(mut section: Reader<'_>, revoked: &mut Revoked) -> Result<(), Why> {
    let ca = section.string()?.0;
    section.string()?;
    let list = revoked.certificates.entry((!ca.is_empty()).then(|| ca.to_vec())).or_default();
    while !section.is_empty() {
        let (kind, mut part) = (section.u8()?, section.string()?);
        match kind {
            SERIALS => {
                while !part.is_empty() {
                    list.serials.insert(part.u64()?);
                }
            }
            SERIAL_RANGE => range(part, list)?,
            SERIAL_BITMAP => bitmap(part, list)?,
            KEY_IDS => part.strings(|id| insert(id, None, &mut list.key_ids))?,
            CERTIFICATE_EXTENSION => extension(part)?,
            _ => return Err("it has a section on certificates of an unknown type"),
        }
    }
    Ok(())
}

fn range(mut part: Reader<'_>, list: &mut OfCa) -> Result<(), Why> {
    let (first, last) = (part.u64()?, part.u64()?);
    if first > last {
        return Err("a range of serials ends before it begins");
    }
    list.ranges.push((first, last));
    part.end()
}

fn bitmap(mut part: Reader<'_>, list: &mut OfCa) -> Result<(), Why> {
    let (first, bits) = (part.u64()?, part.string()?.0);
    if bits.first().is_some_and(|byte| byte & 0x80 != 0) {
        return Err("a bitmap of serials is negative");
    }
    list.bitmaps.push((first, bits.to_vec()));
    part.end()
}

fn extension(mut section: Reader<'_>) -> Result<(), Why> {
    section.string()?;
    if section.u8()? != 0 {
        return Err("it has a critical extension, which is not supported");
    }
    section.string()?;
    section.end()
}

fn insert(entry: &[u8], length: Option<usize>, into: &mut std::collections::BTreeSet<Vec<u8>>) -> Result<(), Why> {
    if entry.is_empty() || length.is_some_and(|length| length != entry.len()) {
        return Err("an entry has the wrong length");
    }
    into.insert(entry.to_vec());
    Ok(())
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Why> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Why> {
        let (taken, rest) = self.0.split_first_chunk().ok_or("it ends too early")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Why> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Why> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Why> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A string of bytes (RFC 4251 §5).
    fn string(&mut self) -> Result<Self, Why> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| "it ends too early")?).map(Reader)
    }

    /// Strings up to the end.
    fn strings(mut self, mut each: impl FnMut(&'a [u8]) -> Result<(), Why>) -> Result<(), Why> {
        while !self.is_empty() {
            each(self.string()?.0)?;
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Why> {
        if self.is_empty() { Ok(()) } else { Err("a section has something after its end") }
    }
}
