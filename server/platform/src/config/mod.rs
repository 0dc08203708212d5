//! Typed configuration: one table of keys, read from a TOML file and from `HOLON_*` in the environment (which wins).

mod error;
mod keys;
mod read;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use url::{Host, Url};

pub use error::ConfigError;
pub use keys::{KEYS, Key, markdown};
pub use read::Sources;

use crate::crypto::Secret;
use crate::net::IpRange;

/// Everything an operator can decide about one server process.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Where the embedded database, the root key and other state of this machine live.
    pub data_dir: PathBuf,
    /// The address people open. It alone decides the cookie's name, `Secure` and the expected `Origin`.
    pub public_url: Url,
    /// Where the database is.
    pub database: DatabaseConfig,
    /// The folder with the built pages and static files.
    pub site_dir: PathBuf,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpRange>,
    /// Filter of the log, in `tracing` syntax.
    pub log_filter: String,
    /// Shape of the log.
    pub log_format: LogFormat,
    /// Outbound calls may reach this machine's loopback addresses.
    pub egress_allow_loopback: bool,
    /// File with the root key that wraps every tenant's key.
    pub root_key_file: PathBuf,
    /// People may sign in over plain HTTP at a public address that is not this machine.
    pub allow_plain_http: bool,
    /// Where `/metrics` is served apart.
    pub metrics_listen: Option<SocketAddr>,
    /// What `/metrics` at the server's own address is asked for with.
    pub metrics_token: Option<Secret>,
    /// Where traces are sent.
    pub otlp_endpoint: Option<String>,
    /// Days for which runs are kept where a workspace chose nothing; none: without end.
    pub history_days: Option<u32>,
    /// The most days that a workspace may choose.
    pub history_days_most: Option<u32>,
    /// API requests that each workspace may make in a minute to this server.
    pub requests_per_minute: Option<u32>,
    /// Runs that each workspace may start in a minute.
    pub starts_per_minute: Option<u32>,
    /// Runs of each workspace that wait on this server, outside of its memory.
    pub waiting_runs: Option<u32>,
}

/// Where the database is.
#[derive(Clone, Debug)]
pub enum DatabaseConfig {
    /// Our own private Postgres in the data directory. `bin_dir` overrides the search for its binaries.
    Embedded {
        /// Folder with `postgres` and `initdb`.
        bin_dir: Option<PathBuf>,
    },
    /// One address whose role may create the four roles.
    Single {
        /// Address with a role that may create roles.
        url: String,
    },
    /// The four roles exist already.
    Four(Box<DatabaseUrls>),
}

/// One address per role.
#[derive(Clone, Debug)]
pub struct DatabaseUrls {
    /// `holon_owner`: migrations.
    pub owner: String,
    /// `holon_app`: requests, through `TenantTx`.
    pub app: String,
    /// `holon_auth`: look-ups before a tenant is known.
    pub auth: String,
    /// `holon_engine`: the runtime.
    pub engine: String,
}

/// Shape of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Pretty,
}

/// How the session cookie can be set at the configured public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieMode {
    /// `https`: `__Host-holon`, `Secure`.
    Host,
    /// `http` on this machine: `holon_<port>`, because cookies ignore ports.
    Local,
    /// `http` elsewhere and the operator allowed it: `holon_<port>`, not `Secure`.
    PlainNetwork,
    /// `http` elsewhere and not allowed: sign-in cannot work and the page must say so.
    Refused,
}

impl Config {
    /// Reads the process environment and the configuration file it names.
    ///
    /// # Errors
    /// When a value cannot be used; the error names the key and where it stands.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_sources(&Sources::from_process()?)
    }

    /// Says where the server listens now that it does: a free port is known only then, and a public address that was made from
    /// the port has the number of none until then. One that was set stays.
    pub fn listens_at(&mut self, address: SocketAddr) {
        self.listen = address;
        if self.public_url.port() == Some(0) {
            // An http address with a host takes every port.
            let _ = self.public_url.set_port(Some(address.port()));
        }
    }

    /// How the session cookie can be set at the configured public address.
    #[must_use]
    pub fn cookie_mode(&self) -> CookieMode {
        match (self.public_url.scheme(), self.public_is_local(), self.allow_plain_http) {
            ("https", ..) => CookieMode::Host,
            (_, true, _) => CookieMode::Local,
            (_, false, true) => CookieMode::PlainNetwork,
            (_, false, false) => CookieMode::Refused,
        }
    }

    /// Name of the session cookie.
    #[must_use]
    pub fn cookie_name(&self) -> String {
        match self.cookie_mode() {
            CookieMode::Host => "__Host-holon".to_owned(),
            _ => format!("holon_{}", self.public_url.port_or_known_default().unwrap_or(80)),
        }
    }

    /// The public address without a slash at its end, to put a path after.
    #[must_use]
    pub fn public_base(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// True when the public address names this machine itself.
    #[must_use]
    pub fn public_is_local(&self) -> bool {
        match self.public_url.host() {
            Some(Host::Domain(d)) => d == "localhost" || d.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip).to_canonical().is_loopback(),
            None => false,
        }
    }

    /// The `Origin` values that belong to the public address. On this machine its three spellings are the same.
    #[must_use]
    pub fn public_origins(&self) -> Vec<String> {
        let mut origins = vec![self.public_url.origin().ascii_serialization()];
        if self.public_is_local() {
            let port = self.public_url.port_or_known_default().unwrap_or(80);
            for host in ["localhost", "127.0.0.1", "[::1]"] {
                let origin = format!("{}://{host}:{port}", self.public_url.scheme());
                if !origins.contains(&origin) {
                    origins.push(origin);
                }
            }
        }
        origins
    }
}
