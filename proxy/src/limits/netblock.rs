//! Where connections come from: the blocks of addresses behind which one person may be.

use std::fmt;
use std::net::IpAddr;

/// A block of addresses: the first of them, and how many leading bits they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Netblock {
    first: IpAddr,
    bits: u8,
}

impl Netblock {
    /// What one person has for certain: an IPv4 address, or a /64 of IPv6, in which any host takes addresses as it
    /// likes. OpenSSH's `PerSourceNetBlockSize`, which is 32:128 there.
    ///
    /// An IPv4 address that is mapped into IPv6 (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2) is the IPv4 address.
    #[must_use]
    pub fn source(address: IpAddr) -> Self {
        Self::around(address, 32, 64)
    }

    /// What one owner is likely to have: a /24 of IPv4, a /48 of IPv6.
    #[must_use]
    pub fn neighbours(self) -> Self {
        Self::around(self.first, 24, 48)
    }

    fn around(address: IpAddr, bits4: u8, bits6: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits4)).unwrap_or(0);
                Self { first: IpAddr::V4((address.to_bits() & mask).into()), bits: bits4 }
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits6)).unwrap_or(0);
                Self { first: IpAddr::V6((address.to_bits() & mask).into()), bits: bits6 }
            }
        }
    }
}

impl fmt::Display for Netblock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            IpAddr::V4(address) if self.bits == 32 => address.fmt(f),
            _ => write!(f, "{}/{}", self.first, self.bits),
        }
    }
}

#[cfg(test)]
mod tests;
