//! Puts together what the parts of the process count.

use holon_platform::telemetry::Exposition;
use sqlx::PgPool;

use crate::state::AppState;

/// Everything, as text.
pub async fn exposition(state: &AppState) -> String {
    let mut out = Exposition::default();
    let version = env!("CARGO_PKG_VERSION");
    out.gauges(
        "holon_build_info",
        "Always 1; the labels say what runs.",
        &[(&[("version", version), ("pages", &state.build.id)], 1.0)],
    );
    out.gauges(
        "holon_ready",
        "1 when this replica drives the runs of its shards and does not drain.",
        &[(&[], f64::from(u8::from(state.runtime.ready() && !state.shutdown.has_begun())))],
    );
    state.runtime.expose(&mut out).await;
    state.requests.expose(&mut out);
    state.forgotten.expose(&mut out);
    state.traces.expose(&mut out);
    state.egress.expose(&mut out);
    super::queues::expose(&mut out, state).await;
    pools(&mut out, state);
    process(&mut out);
    out.into_text()
}

fn pools(out: &mut Exposition, state: &AppState) {
    let pools = [("app", &state.pools.app), ("auth", &state.pools.auth), ("engine", &state.pools.engine)];
    let idle = |pool: &PgPool| u32::try_from(pool.num_idle()).unwrap_or(u32::MAX).min(pool.size());
    let mut values: Vec<([(&str, &str); 2], f64)> = Vec::new();
    for (role, pool) in pools {
        let idle = idle(pool);
        values.push(([("role", role), ("state", "idle")], f64::from(idle)));
        values.push(([("role", role), ("state", "used")], f64::from(pool.size() - idle)));
    }
    let values: Vec<(&[(&str, &str)], f64)> =
        values.iter().map(|(labels, value)| (labels.as_slice(), *value)).collect();
    out.gauges("holon_database_connections", "Connections to the database, by role.", &values);
    let most: Vec<([(&str, &str); 1], f64)> =
        pools.iter().map(|(role, pool)| ([("role", *role)], f64::from(pool.options().get_max_connections()))).collect();
    let most: Vec<(&[(&str, &str)], f64)> = most.iter().map(|(labels, value)| (labels.as_slice(), *value)).collect();
    out.gauges("holon_database_connections_max", "Connections that there can be, by role.", &most);
}

/// Memory and files of the process, where the system tells.
fn process(out: &mut Exposition) {
    let resident = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u32>().ok()
    });
    if let Some(kib) = resident {
        let help = "Memory of the process.";
        out.gauges("process_resident_memory_bytes", help, &[(&[], f64::from(kib) * 1024.0)]);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(files.count()).unwrap_or(u32::MAX);
        out.gauges("process_open_fds", "Files and connections that are open.", &[(&[], f64::from(open))]);
    }
}
