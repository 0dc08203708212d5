//! The server's routes in process, against a real Postgres, as the roles it uses.

mod alerts;
mod backup;
mod bad_input;
mod connections;
mod cross_site;
mod disk_full;
mod endpoint;
mod examples;
mod flows;
mod forms;
mod identity;
mod links;
mod listening;
mod metrics;
mod replicas;
mod runs;
mod runs_operating;
mod runs_search;
mod schedules;
mod settings;
mod support;
mod tokens;
mod waiting;
mod walk;
mod webhooks;
