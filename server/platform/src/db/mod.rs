//! The database: our own Postgres or a given one, four roles with a pool each, migrations, and `TenantTx`, the only
//! road to tenants' rows.

mod embedded;
mod migrate;
mod os_user;
mod owner;
mod pg_binaries;
mod pools;
mod tenant_tx;
pub mod test_db;

pub use embedded::{EmbeddedError, EmbeddedPostgres};
pub use migrate::{MIGRATOR, migrate};
pub use owner::OwnerDatabase;
pub use pg_binaries::PgBinaries;
pub use pools::{Database, DbError, Pools, Role};
pub use tenant_tx::{TenantTx, TxError};

/// The oldest major version of Postgres that Holon runs on.
pub const OLDEST_POSTGRES: u32 = 15;
