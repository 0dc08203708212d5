//! The one table of configuration keys. `docs/configuration.md` is written from it and a test compares them.

use std::fmt::Write as _;

/// One configuration key.
#[derive(Debug)]
pub struct Key {
    /// Name in the environment; in the file it is the same without `HOLON_`, in lower case.
    pub env: &'static str,
    /// The default, for people.
    pub default: &'static str,
    /// What it decides.
    pub help: &'static str,
}

impl Key {
    /// Name in the TOML file.
    #[must_use]
    pub fn toml(&self) -> String {
        self.env.trim_start_matches("HOLON_").to_ascii_lowercase()
    }
}

const fn key(env: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { env, default, help }
}

/// Every key there is.
pub const KEYS: &[Key] = &[
    key("HOLON_PORT", "`8080`", "Port to listen on; `0` takes a free one, which the server says when it is ready."),
    key("HOLON_BIND", "`127.0.0.1`", "Address to listen on. `0.0.0.0` or `::` opens the server to the network."),
    key(
        "HOLON_DATA_DIR",
        "`.holon`",
        "Folder for the embedded database, the root key and this machine's state. Back it up; keep it private.",
    ),
    key(
        "HOLON_PUBLIC_URL",
        "`http://localhost:<port>`",
        "The address people open. It alone decides the cookie's name, `Secure` and the `Origin` that is accepted; \
         `Host` and forwarded headers never do.",
    ),
    key(
        "HOLON_DATABASE_URL",
        "none: embedded Postgres",
        "Postgres to use instead of the embedded one. Its role must be allowed to create roles: the four roles are \
         made and given passwords derived from the root key.",
    ),
    key("HOLON_DATABASE_OWNER_URL", "none", "Address for `holon_owner` (migrations). Set all four or none."),
    key("HOLON_DATABASE_APP_URL", "none", "Address for `holon_app` (requests)."),
    key("HOLON_DATABASE_AUTH_URL", "none", "Address for `holon_auth` (look-ups before a tenant is known)."),
    key("HOLON_DATABASE_ENGINE_URL", "none", "Address for `holon_engine` (the runtime)."),
    key("HOLON_SITE_DIR", "`target/site`", "Folder with the built pages and static files."),
    key(
        "HOLON_TRUSTED_PROXIES",
        "none",
        "Comma-separated addresses or ranges (`10.0.0.0/8`) whose `X-Forwarded-For` is believed.",
    ),
    key("HOLON_LOG", "`info`", "Log filter, for example `info,holon_runtime=debug`."),
    key("HOLON_LOG_FORMAT", "`pretty` at a terminal, else `json`", "`json` or `pretty`."),
    key(
        "HOLON_EGRESS_ALLOW_LOOPBACK",
        "`false`",
        "Lets outbound calls reach this machine's loopback addresses. For development and tests only.",
    ),
    key(
        "HOLON_POSTGRES_BIN",
        "searched",
        "Folder with `postgres` and `initdb` (15 or newer) for the embedded database.",
    ),
    key(
        "HOLON_ROOT_KEY_FILE",
        "`<data dir>/root.key`",
        "File with the key that wraps all secrets; made with mode 0400 at the first start. Losing it loses every \
         connection's secret.",
    ),
    key(
        "HOLON_ALLOW_PLAIN_HTTP",
        "`false`",
        "Allows sign-in over plain HTTP at a public address that is not this machine (a trusted local network). \
         Cookies are then not `Secure`.",
    ),
    key(
        "HOLON_METRICS_LISTEN",
        "none",
        "Address and port, such as `127.0.0.1:9090`, where `/metrics` is served to whoever reaches it, apart from \
         everything else. Prometheus reads it.",
    ),
    key(
        "HOLON_METRICS_TOKEN",
        "none",
        "Serves `/metrics` at the server's own address too, to callers with `Authorization: Bearer <token>`; at least 16 \
         characters.",
    ),
    key(
        "HOLON_HISTORY_DAYS",
        "none: without end",
        "For how many days runs are kept after their end where a workspace chose nothing else; 1 to 3650.",
    ),
    key(
        "HOLON_HISTORY_DAYS_MOST",
        "none",
        "The most days that a workspace may choose; those that chose nothing get no more either. 1 to 3650.",
    ),
    key(
        "HOLON_REQUESTS_PER_MINUTE",
        "none: without bound",
        "API requests that each workspace may make in a minute to one server; more are answered with 429.",
    ),
    key(
        "HOLON_STARTS_PER_MINUTE",
        "none: without bound",
        "Runs that each workspace may start in a minute, on all servers together; more are answered with 429.",
    ),
    key(
        "HOLON_WAITING_RUNS",
        "`2000000`",
        "Runs of each workspace that wait on one server, for time or for somebody, outside of its memory; a start beyond that is \
         answered with 429.",
    ),
    key(
        "HOLON_OTLP_ENDPOINT",
        "none",
        "Where traces of requests, runs and nodes are sent by OTLP over HTTP (protobuf), such as `http://127.0.0.1:4318`; the path \
         `/v1/traces` is put behind it.",
    ),
];

/// Names in the environment that start with `HOLON_` and are not configuration of the server.
pub(super) const NOT_KEYS: &[&str] = &["HOLON_CONFIG", "HOLON_TEST_PG", "HOLON_TARGET_DIR", "HOLON_CACHE_DIR"];

/// The table as the page `docs/configuration.md` shows it.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         Every key can stand in the environment or in a TOML file (`HOLON_CONFIG`, else `holon.toml` in the data \
         directory). The environment wins. A value that cannot be used stops the start with an error that names the \
         key; an unknown key in the file does so too.\n\n\
         | environment | file | default | what it decides |\n| --- | --- | --- | --- |\n",
    );
    for k in KEYS {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{}` | `{}` | {} | {} |", k.env, k.toml(), k.default, k.help);
    }
    out
}
