//! Reads the sources and turns text into typed values.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use url::Url;

use crate::crypto::Secret;

use super::keys::{KEYS, NOT_KEYS};
use super::{Config, ConfigError, DatabaseConfig, DatabaseUrls, LogFormat};

/// Where values come from: the environment and at most one file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    env: BTreeMap<String, String>,
    file: Option<(PathBuf, BTreeMap<String, String>)>,
    /// `HOLON_*` names in the environment that mean nothing to this server; worth a warning, not a refusal.
    pub unknown_env: Vec<String>,
}

/// Characters of a token that opens something to the network.
const SHORTEST_TOKEN: usize = 16;

struct Found<'a> {
    key: &'static str,
    place: String,
    text: &'a str,
}

impl Found<'_> {
    fn wrong(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::Value { key: self.key, place: self.place.clone(), problem: problem.into() }
    }
}

impl Sources {
    /// The process environment, and the file named by `HOLON_CONFIG` or found in the data directory.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn from_process() -> Result<Self, ConfigError> {
        let env = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.to_string_lossy().into_owned())))
            .filter(|(k, _)| k.starts_with("HOLON_"))
            .collect();
        Self::new(env)
    }

    /// The given environment, and the file it names.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn new(env: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let named = env.get("HOLON_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from);
        let path = named.clone().unwrap_or_else(|| {
            Path::new(env.get("HOLON_DATA_DIR").map_or(".holon", String::as_str)).join("holon.toml")
        });
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some((path.clone(), parse_file(&path, &text)?)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => None,
            Err(problem) => return Err(ConfigError::File { key: "HOLON_CONFIG", path, problem }),
        };
        let unknown_env = env
            .keys()
            .filter(|k| !NOT_KEYS.contains(&k.as_str()) && !KEYS.iter().any(|known| known.env == k.as_str()))
            .cloned()
            .collect();
        Ok(Self { env, file, unknown_env })
    }

    /// The value of a key that must be in the table. An empty value counts as absent.
    fn find(&self, env: &'static str) -> Option<Found<'_>> {
        let key = KEYS.iter().find(|k| k.env == env).expect("every key that is read stands in KEYS");
        if let Some(text) = self.env.get(env).map(|t| t.trim()).filter(|t| !t.is_empty()) {
            return Some(Found { key: key.env, place: "environment".to_owned(), text });
        }
        let (path, values) = self.file.as_ref()?;
        let text = values.get(&key.toml()).map(|t| t.trim()).filter(|t| !t.is_empty())?;
        Some(Found { key: key.env, place: format!("{}, key `{}`", path.display(), key.toml()), text })
    }

    fn text(&self, env: &'static str) -> Option<String> {
        self.find(env).map(|f| f.text.to_owned())
    }

    fn parsed<T: std::str::FromStr>(&self, env: &'static str, expected: &str) -> Result<Option<T>, ConfigError> {
        let Some(found) = self.find(env) else { return Ok(None) };
        match found.text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(found.wrong(format!("`{}` is not {expected}", found.text))),
        }
    }

    fn flag(&self, env: &'static str) -> Result<bool, ConfigError> {
        let Some(found) = self.find(env) else { return Ok(false) };
        match found.text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            other => Err(found.wrong(format!("`{other}` is neither true nor false"))),
        }
    }

    fn database_url(&self, env: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(found) = self.find(env) else { return Ok(None) };
        // The address may carry a password: it is never repeated in the error.
        let url = Url::parse(found.text).map_err(|e| found.wrong(format!("not an address: {e}")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(found.wrong(format!("must start with postgres://, not {}://", url.scheme())));
        }
        Ok(Some(found.text.to_owned()))
    }
}

impl Config {
    /// Builds the configuration from the given sources.
    ///
    /// # Errors
    /// When a value cannot be used; the error names the key and where it stands.
    pub fn from_sources(s: &Sources) -> Result<Self, ConfigError> {
        let port: u16 = s.parsed("HOLON_PORT", "a port number between 0 and 65535")?.unwrap_or(8080);
        let bind: IpAddr =
            s.parsed("HOLON_BIND", "an IP address")?.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        let data_dir = PathBuf::from(s.text("HOLON_DATA_DIR").unwrap_or_else(|| ".holon".to_owned()));
        let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
        let log_format = match s.find("HOLON_LOG_FORMAT") {
            None if std::io::stderr().is_terminal() => LogFormat::Pretty,
            None => LogFormat::Json,
            Some(f) => match f.text {
                "json" => LogFormat::Json,
                "pretty" => LogFormat::Pretty,
                other => return Err(f.wrong(format!("`{other}` is neither `json` nor `pretty`"))),
            },
        };
        Ok(Self {
            listen: SocketAddr::new(bind, port),
            public_url: public_url(s, port)?,
            database: database(s)?,
            site_dir: PathBuf::from(s.text("HOLON_SITE_DIR").unwrap_or_else(|| "target/site".to_owned())),
            trusted_proxies: trusted_proxies(s)?,
            log_filter: s.text("HOLON_LOG").unwrap_or_else(|| "info".to_owned()),
            log_format,
            egress_allow_loopback: s.flag("HOLON_EGRESS_ALLOW_LOOPBACK")?,
            root_key_file: s.text("HOLON_ROOT_KEY_FILE").map_or_else(|| data_dir.join("root.key"), PathBuf::from),
            allow_plain_http: s.flag("HOLON_ALLOW_PLAIN_HTTP")?,
            metrics_listen: s.parsed("HOLON_METRICS_LISTEN", "an address and port such as 127.0.0.1:9090")?,
            metrics_token: metrics_token(s)?,
            otlp_endpoint: otlp_endpoint(s)?,
            history_days: days(s, "HOLON_HISTORY_DAYS")?,
            history_days_most: days(s, "HOLON_HISTORY_DAYS_MOST")?,
            requests_per_minute: bound(s, "HOLON_REQUESTS_PER_MINUTE")?,
            starts_per_minute: bound(s, "HOLON_STARTS_PER_MINUTE")?,
            waiting_runs: bound(s, "HOLON_WAITING_RUNS")?,
            data_dir,
        })
    }
}

fn parse_file(path: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let table: toml::Table = text
        .parse()
        .map_err(|e: toml::de::Error| ConfigError::Syntax { path: path.to_owned(), problem: e.to_string() })?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let Some(known) = KEYS.iter().find(|k| k.toml() == key) else {
            return Err(ConfigError::UnknownKey { path: path.to_owned(), hint: nearest(&key), key });
        };
        let wrong = |problem: String| ConfigError::Value {
            key: known.env,
            place: format!("{}, key `{key}`", path.display()),
            problem,
        };
        let text = match value {
            toml::Value::String(v) => v,
            toml::Value::Integer(v) => v.to_string(),
            toml::Value::Boolean(v) => v.to_string(),
            toml::Value::Array(items) => items
                .iter()
                .map(|i| i.as_str().map(str::to_owned).ok_or_else(|| wrong("a list must hold strings".to_owned())))
                .collect::<Result<Vec<_>, _>>()?
                .join(","),
            other => return Err(wrong(format!("a {} is not expected here", other.type_str()))),
        };
        values.insert(key, text);
    }
    Ok(values)
}

/// The known key with the fewest letters to change, when those are few, as a hint.
fn nearest(key: &str) -> String {
    KEYS.iter()
        .map(|k| k.toml())
        .min_by_key(|known| distance(known, key))
        .filter(|known| distance(known, key) <= 2 + known.len() / 5)
        .map_or_else(String::new, |k| format!("; did you mean `{k}`?"))
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

fn public_url(s: &Sources, port: u16) -> Result<Url, ConfigError> {
    let Some(found) = s.find("HOLON_PUBLIC_URL") else {
        return Url::parse(&format!("http://localhost:{port}")).map_err(|e| ConfigError::Conflict {
            key: "HOLON_PUBLIC_URL",
            problem: format!("no public address can be made from the port: {e}"),
        });
    };
    let url = Url::parse(found.text)
        .map_err(|e| found.wrong(format!("`{}` is not an address ({e}); expected https://host", found.text)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(found.wrong(format!("must start with http:// or https://, not {}:", url.scheme())));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(found.wrong("only scheme, host and port are allowed; Holon lives at the root of its address"));
    }
    Ok(url)
}

fn otlp_endpoint(s: &Sources) -> Result<Option<String>, ConfigError> {
    let Some(found) = s.find("HOLON_OTLP_ENDPOINT") else { return Ok(None) };
    match Url::parse(found.text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() => Ok(Some(found.text.to_owned())),
        _ => Err(found.wrong("is not an address that begins with http:// or https://".to_owned())),
    }
}

fn days(s: &Sources, key: &'static str) -> Result<Option<u32>, ConfigError> {
    let days: Option<u32> = s.parsed(key, "a number of days")?;
    match (days, s.find(key)) {
        (Some(days), Some(found)) if !(1..=3_650).contains(&days) => {
            Err(found.wrong(format!("`{days}` is not 1 to 3650 days")))
        }
        _ => Ok(days),
    }
}

fn bound(s: &Sources, key: &'static str) -> Result<Option<u32>, ConfigError> {
    let bound: Option<u32> = s.parsed(key, "a whole number")?;
    match (bound, s.find(key)) {
        (Some(0), Some(found)) => {
            Err(found.wrong("`0` would let nothing through; leave it out for no bound".to_owned()))
        }
        _ => Ok(bound),
    }
}

fn metrics_token(s: &Sources) -> Result<Option<Secret>, ConfigError> {
    let Some(found) = s.find("HOLON_METRICS_TOKEN") else { return Ok(None) };
    if found.text.len() < SHORTEST_TOKEN || !found.text.bytes().all(|b| b.is_ascii_graphic()) {
        // Never the value itself.
        return Err(found.wrong(format!("needs at least {SHORTEST_TOKEN} visible characters and no spaces")));
    }
    Ok(Some(Secret::new(found.text)))
}

fn trusted_proxies(s: &Sources) -> Result<Vec<crate::net::IpRange>, ConfigError> {
    let Some(found) = s.find("HOLON_TRUSTED_PROXIES") else { return Ok(Vec::new()) };
    found
        .text
        .split(',')
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(|t| {
            t.parse().map_err(|_| found.wrong(format!("`{t}` is neither an IP address nor a range like 10.0.0.0/8")))
        })
        .collect()
}

fn database(s: &Sources) -> Result<DatabaseConfig, ConfigError> {
    let single = s.database_url("HOLON_DATABASE_URL")?;
    let owner = s.database_url("HOLON_DATABASE_OWNER_URL")?;
    let app = s.database_url("HOLON_DATABASE_APP_URL")?;
    let auth = s.database_url("HOLON_DATABASE_AUTH_URL")?;
    let engine = s.database_url("HOLON_DATABASE_ENGINE_URL")?;
    let missing = |key, what: &Option<String>| {
        what.is_none().then(|| ConfigError::Conflict {
            key,
            problem: "is missing: set all four HOLON_DATABASE_{OWNER,APP,AUTH,ENGINE}_URL or none".to_owned(),
        })
    };
    match (single, owner, app, auth, engine) {
        (None, None, None, None, None) => {
            Ok(DatabaseConfig::Embedded { bin_dir: s.text("HOLON_POSTGRES_BIN").map(PathBuf::from) })
        }
        (Some(url), None, None, None, None) => Ok(DatabaseConfig::Single { url }),
        (None, Some(owner), Some(app), Some(auth), Some(engine)) => {
            Ok(DatabaseConfig::Four(Box::new(DatabaseUrls { owner, app, auth, engine })))
        }
        (Some(_), ..) => Err(ConfigError::Conflict {
            key: "HOLON_DATABASE_URL",
            problem: "excludes the four HOLON_DATABASE_{OWNER,APP,AUTH,ENGINE}_URL: set one or the others".to_owned(),
        }),
        (None, owner, app, auth, engine) => Err(missing("HOLON_DATABASE_OWNER_URL", &owner)
            .or_else(|| missing("HOLON_DATABASE_APP_URL", &app))
            .or_else(|| missing("HOLON_DATABASE_AUTH_URL", &auth))
            .or_else(|| missing("HOLON_DATABASE_ENGINE_URL", &engine))
            .expect("one of the four is absent, else the arm above matched")),
    }
}
