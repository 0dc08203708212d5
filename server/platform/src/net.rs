//! Addresses: ranges in CIDR notation, and what kind of address one is (after unwrapping IPv4 hidden in IPv6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, `10.0.0.0/8`; a single address is a range of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    base: IpAddr,
    bits: u8,
}

/// Not an address and not a range.
#[derive(Debug, thiserror::Error)]
#[error("neither an IP address nor a range like 10.0.0.0/8")]
pub struct BadRange;

impl IpRange {
    /// True when the address (IPv4 in IPv6 unwrapped) lies in the range.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.base, ip.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => prefix_eq(base.to_bits().into(), ip.to_bits().into(), 32, self.bits),
            (IpAddr::V6(base), IpAddr::V6(ip)) => prefix_eq(base.to_bits(), ip.to_bits(), 128, self.bits),
            _ => false,
        }
    }
}

fn prefix_eq(a: u128, b: u128, width: u8, bits: u8) -> bool {
    let drop = u32::from(width - bits);
    // A shift by the full width of 128 is not defined on u128: a prefix of nothing matches everything.
    a.checked_shr(drop).unwrap_or(0) == b.checked_shr(drop).unwrap_or(0)
}

impl FromStr for IpRange {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (base, bits) = text.split_once('/').map_or((text, None), |(b, n)| (b, Some(n)));
        let base: IpAddr = base.parse().map_err(|_| BadRange)?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |n| n.parse::<u8>().map_err(|_| BadRange))?;
        if bits > width {
            return Err(BadRange);
        }
        Ok(Self { base, bits })
    }
}

/// What kind of place an address is, as far as outbound calls are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// Reachable on the public internet.
    Public,
    /// This machine.
    Loopback,
    /// Private, link-local, shared, reserved, documentation, multicast: never reachable by a flow.
    Special,
}

/// Classifies an address. IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4) is judged as what it hides.
///
/// The blocks are those of the IANA special-purpose registries.
#[must_use]
pub fn classify(ip: IpAddr) -> AddressKind {
    match ip {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(ip: Ipv4Addr) -> AddressKind {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (127, ..) => AddressKind::Loopback,
        (0 | 10, ..)
        | (100, 64..=127, _)
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (192, 168, _)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113)
        | (224.., ..) => AddressKind::Special,
        _ => AddressKind::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> AddressKind {
    if ip == Ipv6Addr::LOCALHOST {
        return AddressKind::Loopback;
    }
    if ip.is_unspecified() {
        return AddressKind::Special;
    }
    let s = ip.segments();
    let low = |hi: u16, lo: u16| Ipv4Addr::from((u32::from(hi) << 16) | u32::from(lo));
    match s {
        // IPv4-mapped, IPv4-compatible, and the two NAT64 prefixes (RFC 6052, RFC 8215).
        [0, 0, 0, 0, 0, 0 | 0xffff, hi, lo] | [0x64, 0xff9b, 0, 0, 0, 0, hi, lo] => classify_v4(low(hi, lo)),
        // RFC 8215 is for a network's own translation: which bits hold the IPv4 address is the network's choice, so
        // both the /96 form and anything else in the block is judged, and only a public inner address passes.
        [0x64, 0xff9b, 1, 0, 0, 0, hi, lo] => classify_v4(low(hi, lo)),
        [0x64, 0xff9b, 1, ..] => AddressKind::Special,
        // 6to4 (RFC 3056).
        [0x2002, hi, lo, ..] => classify_v4(low(hi, lo)),
        [0x2001, 0, ..] | [0x2001, 0xdb8, ..] => AddressKind::Special,
        // 2001::/23 is for protocol assignments (ORCHID, benchmarking and the like).
        [0x2001, 0..=0x1ff, ..] => AddressKind::Special,
        [0x3fff, 0..=0xfff, ..] => AddressKind::Special,
        // IPv4-translated (RFC 7915), used inside a translator only.
        [0, 0, 0, 0, 0xffff, 0, ..] => AddressKind::Special,
        [0x100, 0, 0, ..] => AddressKind::Special,
        [0x5f00, ..] => AddressKind::Special,
        [first, ..] if first & 0xfe00 == 0xfc00 => AddressKind::Special,
        [first, ..] if first & 0xff80 == 0xfe80 => AddressKind::Special,
        [first, ..] if first & 0xff00 == 0xff00 => AddressKind::Special,
        // What is not in 2000::/3 is not assigned.
        [first, ..] if first & 0xe000 != 0x2000 => AddressKind::Special,
        _ => AddressKind::Public,
    }
}
