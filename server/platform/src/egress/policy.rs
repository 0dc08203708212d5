//! Where requests may go: scheme, port, host and address. The URL is parsed here, once, and checked on every hop.

use std::net::IpAddr;

use url::{Host, Url};

use super::{EgressError, Policy};
use crate::net::{AddressKind, classify};

/// Which network a request may use. The strictest of instance, tenant, environment, flow and connection holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkPolicy {
    /// None at all.
    NoNetwork,
    /// Public addresses on ports 80 and 443.
    HttpOnly,
    /// Public addresses on any port that is not another protocol's.
    #[default]
    EgressOnly,
}

impl NetworkPolicy {
    /// The stricter of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

/// Ports of other protocols that an HTTP request could be made to speak (the Fetch standard's "bad ports", and those
/// of common databases and caches).
const BAD_PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 2379, 3306, 3389, 3659,
    4045, 4190, 4222, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211,
    27017,
];

/// Names of clouds' metadata services; they resolve to addresses that are refused anyway.
const BAD_NAMES: &[&str] =
    &["metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal"];

/// A parsed and normalised address to send to.
#[derive(Clone, Debug)]
pub struct Target {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl Target {
    /// Parses an address as browsers do, so that odd spellings (`0x7f.1`, full-width digits) become what they mean.
    ///
    /// # Errors
    /// `bad_url`, `forbidden_scheme`.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let url = Url::parse(text.trim())
            .map_err(|e| EgressError::refused("bad_url", format!("`{}` is not an address: {e}", shown(text))))?;
        Self::from_url(url)
    }

    /// A server of another protocol than HTTP; `tls`: encrypted from the first byte.
    ///
    /// # Errors
    /// `bad_url`.
    pub(super) fn server(host: &str, port: u16, tls: bool) -> Result<Self, EgressError> {
        // What is not a host could be read as more than one in an address.
        let host = Host::parse(host.trim())
            .map_err(|e| EgressError::refused("bad_url", format!("`{}` is not a host: {e}", shown(host))))?;
        Self::parse(&format!("{}://{host}:{port}/", if tls { "https" } else { "http" }))
    }

    fn from_url(mut url: Url) -> Result<Self, EgressError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EgressError::refused(
                "forbidden_scheme",
                format!("`{}:` is not allowed; use https or http", url.scheme()),
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::refused(
                "bad_url",
                "a name or password in the address is not allowed; use a connection",
            ));
        }
        url.set_fragment(None);
        let host = match url.host() {
            // A trailing dot names the same host and would slip past comparisons.
            Some(Host::Domain(name)) => Host::Domain(name.trim_end_matches('.').to_owned()),
            Some(other) => other.to_owned(),
            None => return Err(EgressError::refused("bad_url", "the address has no host")),
        };
        let port = url.port_or_known_default().unwrap_or(443);
        Ok(Self { url, host, port })
    }

    /// Where a `Location` leads from here.
    pub(super) fn redirect(&self, location: &[u8]) -> Result<Self, EgressError> {
        let bad = |why: &str| EgressError::refused("bad_redirect", format!("the redirect cannot be followed: {why}"));
        let text = std::str::from_utf8(location).map_err(|_| bad("its address is not text"))?;
        let url = self.url.join(text).map_err(|_| bad("its address is not one"))?;
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(bad("it leads from https to an unencrypted address"));
        }
        Self::from_url(url)
    }

    /// Whether the request may go there at all; addresses are judged when they are known.
    pub(super) fn check(&self, policy: &Policy) -> Result<(), EgressError> {
        self.check_with(policy, &[])
    }

    /// The same for another protocol, whose own ports are `ports`.
    pub(super) fn check_with(&self, policy: &Policy, ports: &[u16]) -> Result<(), EgressError> {
        let allowed = match policy.network {
            NetworkPolicy::NoNetwork => {
                return Err(EgressError::refused("no_network", "the network policy allows no outbound calls"));
            }
            NetworkPolicy::HttpOnly => matches!(self.port, 80 | 443),
            NetworkPolicy::EgressOnly => ports.contains(&self.port) || !BAD_PORTS.contains(&self.port),
        };
        if !allowed {
            return Err(EgressError::refused("forbidden_port", format!("port {} is not allowed", self.port)));
        }
        let host = self.host_text();
        if BAD_NAMES.contains(&host.as_str()) {
            return Err(EgressError::refused("forbidden_host", format!("`{host}` may not be called")));
        }
        if !policy.hosts.is_empty() && !policy.hosts.iter().any(|pattern| host_matches(pattern, &host)) {
            return Err(EgressError::refused(
                "forbidden_host",
                format!("`{host}` is not among the hosts that the connection may be sent to"),
            ));
        }
        Ok(())
    }

    pub(super) fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The host without brackets, lower case.
    pub(super) fn host_text(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// What goes into the `Host` header.
    pub(super) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// What goes into the request line.
    pub(super) fn path_and_query(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.url.scheme() == other.url.scheme() && self.host == other.host && self.port == other.port
    }

    pub(super) fn into_url(self) -> Url {
        self.url
    }
}

/// Whether a host fits a pattern: the same name, or a name under `*.example.com`.
fn host_matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.trim().trim_end_matches('.').to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => pattern == host,
    }
}

/// Whether an address may be dialled.
pub(super) fn check_address(ip: IpAddr, allow_loopback: bool) -> Result<(), EgressError> {
    let why = match classify(ip) {
        AddressKind::Public => return Ok(()),
        AddressKind::Loopback if allow_loopback => return Ok(()),
        AddressKind::Loopback => "is this machine; HOLON_EGRESS_ALLOW_LOOPBACK allows that in development",
        AddressKind::Special => "is not a public address",
    };
    Err(EgressError::refused("forbidden_address", format!("{ip} {why}")))
}

/// An address as it may be shown: without a password, and not endless.
fn shown(text: &str) -> String {
    let text = match (text.find("//"), text.rfind('@')) {
        (Some(start), Some(at)) if at > start => format!("{}…{}", &text[..start + 2], &text[at..]),
        _ => text.to_owned(),
    };
    text.chars().take(200).collect()
}
