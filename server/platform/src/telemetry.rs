//! Logs: one subscriber for the process, JSON for machines or readable for people. Request and run ids are fields of spans
//! (`request_id` of requests, which get `run_id` when they begin a run; `run_id` of effects) or of lines (`run_id`), so every line about one
//! says which. What is counted is in `instruments`,
//! what a collector of traces is told in `traces`.

mod instruments;
mod traces;

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

pub use instruments::{BATCH, Counter, DURATION, Exposition, Family, Histogram, LATENCY};
pub use traces::{Kind, Span, Traces, of_parent, short, span_of, trace_of};

use crate::config::{Config, ConfigError, LogFormat};

/// Starts logging to standard error.
///
/// # Errors
/// When `HOLON_LOG` is not a filter, or logging was started before.
pub fn init(config: &Config) -> Result<(), ConfigError> {
    let wrong = |problem: String| ConfigError::Value { key: "HOLON_LOG", place: "configuration".into(), problem };
    // sqlx repeats Postgres's notices and its own reconnecting at info; what matters of it is a warning.
    let filter = EnvFilter::try_new(format!("sqlx=warn,{}", config.log_filter))
        .map_err(|e| wrong(format!("`{}` is not a log filter: {e}", config.log_filter)))?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.log_format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Pretty => registry
            .with(
                fmt::layer()
                    .compact()
                    .with_target(false)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    }
    .map_err(|e| wrong(e.to_string()))
}
