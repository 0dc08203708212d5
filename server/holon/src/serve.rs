//! Starts the server: configuration, root key, database, state, listener; and ends it: drain, then stop the database.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use holon_platform::clock::SystemClock;
use holon_platform::config::{Config, CookieMode};
use holon_platform::crypto::Keyring;
use holon_platform::db::Database;
use holon_platform::egress::Egress;
use holon_platform::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::compose::{Ground, compose};
use crate::listen::listen;
use crate::state::AppState;
use crate::{alerts, backup, events, failures, identity, metrics, polls, retention, router, schedules, workers};

/// How long requests in hand may take once the server drains.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// How long effects in hand may take once nothing new is accepted; what is left goes on at the next start.
const RUNS_DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// How often what is over is cleared away.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);
/// How long a session that is over is kept, for questions.
const SESSIONS_KEPT: holon_model::Millis = holon_model::Millis(30 * 24 * 60 * 60 * 1000);

/// Serves until the process is asked to end.
///
/// # Errors
/// When something at the start cannot be had; the text names what to change.
pub async fn serve(mut config: Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("listening for signals")?;
    let keyring = Arc::new(Keyring::open_or_create(&config.root_key_file)?);
    // Before the database: a port that is taken is the commonest mistake and should not cost a database start.
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("HOLON_PORT, HOLON_BIND: cannot listen on {}", config.listen))?;
    config.listens_at(listener.local_addr()?);
    let metrics = match config.metrics_listen {
        None => None,
        Some(address) => Some(
            TcpListener::bind(address)
                .await
                .with_context(|| format!("HOLON_METRICS_LISTEN: cannot listen on {address}"))?,
        ),
    };
    let database = Database::open(&config, &keyring).await?;
    let served = run(config, (listener, metrics), &database, keyring, shutdown).await;
    database.close().await;
    tracing::info!("stopped");
    served
}

async fn run(
    config: Config,
    (listener, metrics_listener): (TcpListener, Option<TcpListener>),
    database: &Database,
    keyring: Arc<Keyring>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let state = compose(Ground {
        pools: database.pools.clone(),
        clock: SystemClock::shared(),
        address: address.to_string(),
        alone: database.is_embedded(),
        keyring,
        shutdown: shutdown.clone(),
        config,
    })
    .await?;
    let life = backup::present(&state.pools.engine).await.context("reading which life of the data this is")?;
    let runtime = state.runtime.clone();
    say_where(&state.config, address, database.is_embedded());
    let measuring = metrics_listener.map(|listener| {
        let (state, shutdown) = (state.clone(), shutdown.clone());
        tokio::spawn(async move { metrics::serve_apart(listener, state, &shutdown).await })
    });
    let housekeeping = tokio::spawn(keep_house(state.clone()));
    let watching = tokio::spawn(alerts::keep_watching(state.clone()));
    let telling = state
        .config
        .otlp_endpoint
        .clone()
        .map(|to| tokio::spawn(state.traces.clone().send(to, Egress::for_operator())));
    let sweeping = tokio::spawn(retention::keep_sweeping(state.clone()));
    let caring = tokio::spawn(failures::keep_watching(state.clone()));
    let firing = tokio::spawn(schedules::keep_firing(state.clone()));
    let looking = tokio::spawn(polls::keep_looking(state.clone()));
    let handing_out = tokio::spawn(workers::keep_watching(state.clone()));
    let delivering = tokio::spawn(events::keep_delivering(state.clone()));
    let served = tokio::select! {
        () = listen(listener, router(state.clone()), &shutdown, DRAIN_WITHIN) => Ok(()),
        () = runtime.lost() => Err(anyhow::anyhow!(
            "another process has taken over the runs of this one, which stops: two must not drive the same runs"
        )),
        () = backup::another_begins(&state.pools.engine, life) => Err(anyhow::anyhow!(
            "the database was restored from a backup: this server belongs to what was there before, and stops"
        )),
    };
    housekeeping.abort();
    firing.abort();
    looking.abort();
    delivering.abort();
    caring.abort();
    sweeping.abort();
    if let Some(telling) = telling {
        telling.abort();
    }
    handing_out.abort();
    watching.abort();
    if let Some(measuring) = measuring {
        measuring.abort();
    }
    runtime.drain(RUNS_DRAIN_WITHIN).await;
    served
}

/// Clears away what is over, now and then.
async fn keep_house(state: AppState) {
    let mut tick = tokio::time::interval(HOUSEKEEPING);
    loop {
        tick.tick().await;
        let before = state.clock.now().minus(SESSIONS_KEPT);
        match identity::forget_sessions(&state.pools.auth, before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "sessions that are over were forgotten"),
            Err(error) => tracing::warn!(%error, "sessions that are over could not be forgotten"),
        }
    }
}

fn say_where(config: &Config, address: SocketAddr, embedded: bool) {
    let database = if embedded { "its own Postgres" } else { "the configured Postgres" };
    tracing::info!(url = %config.public_base(), %address, data_dir = %config.data_dir.display(), database, "Holon is ready");
    // Beside the log, whose shape and filter are the operator's: the address that a person opens. Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "Holon is ready at {} (Ctrl-C stops it)", config.public_base());
    if config.cookie_mode() == CookieMode::Refused {
        tracing::warn!(
            url = %config.public_base(),
            "nobody can sign in: the public address is plain http on a network. Set HOLON_PUBLIC_URL to an https \
             address, or HOLON_ALLOW_PLAIN_HTTP=true on a network you trust"
        );
    }
    if config.egress_allow_loopback {
        tracing::warn!("HOLON_EGRESS_ALLOW_LOOPBACK: flows can call this machine's own services");
    }
}
