//! All SQL of connections. No function here returns a secret in clear.

use std::collections::BTreeMap;

use holon_model::wire::connections::{Connection, ConnectionKind, ConnectionServer, ServerTls};
use holon_model::{ConnectionId, EnvironmentId, FlowId, TenantId, Timestamp};
use holon_platform::clock::{from_db, to_db};
use holon_platform::crypto::WrappedKey;
use holon_platform::db::TenantTx;
use sqlx::PgPool;
use uuid::Uuid;

use super::Error;

/// A sealed secret with what it takes to open it.
#[derive(Debug)]
pub struct Sealed {
    pub id: ConnectionId,
    pub kind: ConnectionKind,
    pub hosts: Vec<String>,
    pub header: Option<String>,
    pub server: Option<ConnectionServer>,
    pub version: i32,
    pub sealed: Vec<u8>,
    pub key: WrappedKey,
}

/// A connection to be written.
#[derive(Debug)]
pub struct NewConnection<'a> {
    pub id: ConnectionId,
    pub name: &'a str,
    pub kind: ConnectionKind,
    pub hosts: &'a [String],
    pub header: Option<&'a str>,
    pub server: Option<&'a ConnectionServer>,
    pub version: i32,
    pub sealed: &'a [u8],
    pub key: Uuid,
    pub now: Timestamp,
}

/// The kind as stored.
pub fn kind_text(kind: ConnectionKind) -> &'static str {
    match kind {
        ConnectionKind::HttpBearer => "http_bearer",
        ConnectionKind::HttpHeader => "http_header",
        ConnectionKind::HttpBasic => "http_basic",
        ConnectionKind::HmacKey => "hmac_key",
        ConnectionKind::Smtp => "smtp",
        ConnectionKind::Postgres => "postgres",
    }
}

fn kind(text: &str) -> Result<ConnectionKind, Error> {
    match text {
        "http_bearer" => Ok(ConnectionKind::HttpBearer),
        "http_header" => Ok(ConnectionKind::HttpHeader),
        "http_basic" => Ok(ConnectionKind::HttpBasic),
        "hmac_key" => Ok(ConnectionKind::HmacKey),
        "smtp" => Ok(ConnectionKind::Smtp),
        "postgres" => Ok(ConnectionKind::Postgres),
        other => Err(Error::Inconsistent(format!("kind `{other}` of a connection"))),
    }
}

/// The columns of a server.
struct Place {
    host: Option<String>,
    port: Option<i32>,
    tls: Option<String>,
    login: Option<String>,
    database: Option<String>,
    sender: Option<String>,
}

impl Place {
    fn server(self) -> Result<Option<ConnectionServer>, Error> {
        let Some(host) = self.host else { return Ok(None) };
        let wrong = |what: &str| Error::Inconsistent(format!("{what} of the connection to `{host}`"));
        let port = self.port.and_then(|port| u16::try_from(port).ok()).ok_or_else(|| wrong("port"))?;
        let tls = self.tls.as_deref().and_then(ServerTls::of).ok_or_else(|| wrong("encryption"))?;
        let (user, database, sender) = (self.login, self.database, self.sender);
        Ok(Some(ConnectionServer { host, port: Some(port), tls, user, database, sender }))
    }
}

pub async fn list(tx: &mut TenantTx<'_>) -> Result<Vec<Connection>, Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let rows = sqlx::query!(
        "select connection_id, name, kind, hosts, header, host, port, tls, login, database, sender, created_at, rotated_at \
         from connection where tenant_id = $1 and environment_id = $2 order by name limit 1000",
        tenant,
        environment,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Connection {
                id: ConnectionId(r.connection_id),
                name: r.name,
                kind: kind(&r.kind)?,
                hosts: r.hosts,
                header: r.header,
                server: Place {
                    host: r.host,
                    port: r.port,
                    tls: r.tls,
                    login: r.login,
                    database: r.database,
                    sender: r.sender,
                }
                .server()?,
                created_at: from_db(r.created_at),
                rotated_at: from_db(r.rotated_at),
            })
        })
        .collect()
}

/// The kind of each connection, by name.
pub async fn kinds(tx: &mut TenantTx<'_>) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let rows = sqlx::query!(
        "select name, kind from connection where tenant_id = $1 and environment_id = $2",
        tenant,
        environment,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.kind)).collect())
}

pub async fn insert(tx: &mut TenantTx<'_>, new: &NewConnection<'_>) -> Result<(), sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    sqlx::query!(
        "insert into connection (tenant_id, environment_id, connection_id, name, kind, hosts, header, sealed, key_id, \
         version, created_at, rotated_at, host, port, tls, login, database, sender) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, $16, $17)",
        tenant,
        environment,
        new.id.0,
        new.name,
        kind_text(new.kind),
        new.hosts,
        new.header,
        new.sealed,
        new.key,
        new.version,
        to_db(new.now),
        new.server.map(|server| server.host.as_str()),
        new.server.and_then(|server| server.port).map(i32::from),
        new.server.map(|server| server.tls.as_str()),
        new.server.and_then(|server| server.user.as_deref()),
        new.server.and_then(|server| server.database.as_deref()),
        new.server.and_then(|server| server.sender.as_deref()),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// When it was made and which version its secret has; locked until the transaction ends.
pub async fn lock(tx: &mut TenantTx<'_>, id: ConnectionId) -> Result<Option<(Timestamp, i32)>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    let row = sqlx::query!(
        "select created_at, version from connection \
         where tenant_id = $1 and environment_id = $2 and connection_id = $3 for update",
        tenant,
        environment,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| (from_db(r.created_at), r.version)))
}

pub async fn replace(tx: &mut TenantTx<'_>, new: &NewConnection<'_>) -> Result<(), sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    sqlx::query!(
        "update connection set name = $4, kind = $5, hosts = $6, header = $7, sealed = $8, key_id = $9, version = $10, \
         rotated_at = $11, host = $12, port = $13, tls = $14, login = $15, database = $16, sender = $17 \
         where tenant_id = $1 and environment_id = $2 and connection_id = $3",
        tenant,
        environment,
        new.id.0,
        new.name,
        kind_text(new.kind),
        new.hosts,
        new.header,
        new.sealed,
        new.key,
        new.version,
        to_db(new.now),
        new.server.map(|server| server.host.as_str()),
        new.server.and_then(|server| server.port).map(i32::from),
        new.server.map(|server| server.tls.as_str()),
        new.server.and_then(|server| server.user.as_deref()),
        new.server.and_then(|server| server.database.as_deref()),
        new.server.and_then(|server| server.sender.as_deref()),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes it and says what it was called.
pub async fn delete(tx: &mut TenantTx<'_>, id: ConnectionId) -> Result<Option<String>, sqlx::Error> {
    let (tenant, environment) = (tx.tenant().0, tx.context().environment.0);
    sqlx::query_scalar!(
        "delete from connection where tenant_id = $1 and environment_id = $2 and connection_id = $3 returning name",
        tenant,
        environment,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The tenant's newest key.
pub async fn tenant_key(tx: &mut TenantTx<'_>) -> Result<Option<WrappedKey>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        "select key_id, wrapped from tenant_key where tenant_id = $1 order by key_id desc limit 1",
        tenant
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| WrappedKey { id: r.key_id, bytes: r.wrapped }))
}

pub async fn insert_tenant_key(tx: &mut TenantTx<'_>, key: &WrappedKey, now: Timestamp) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "insert into tenant_key (tenant_id, key_id, wrapped, created_at) values ($1, $2, $3, $4)",
        tenant,
        key.id,
        key.bytes,
        to_db(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Which connection has a name now, and its version, without what it holds: as `holon_engine`, which names the tenant itself.
pub async fn revision(
    engine: &PgPool,
    tenant: TenantId,
    environment: EnvironmentId,
    name: &str,
) -> Result<Option<(ConnectionId, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        "select connection_id, version from connection where tenant_id = $1 and environment_id = $2 and name = $3",
        tenant.0,
        environment.0,
        name,
    )
    .fetch_optional(engine)
    .await?;
    Ok(row.map(|row| (ConnectionId(row.connection_id), row.version)))
}

/// A connection by name, for the runtime: as `holon_engine`, which names the tenant itself.
pub async fn sealed(
    engine: &PgPool,
    tenant: TenantId,
    environment: EnvironmentId,
    name: &str,
) -> Result<Option<Sealed>, Error> {
    let row = sqlx::query!(
        "select c.connection_id, c.kind, c.hosts, c.header, c.host, c.port, c.tls, c.login, c.database, c.sender, c.version, \
           c.sealed, k.key_id, k.wrapped \
         from connection c join tenant_key k on k.tenant_id = c.tenant_id and k.key_id = c.key_id \
         where c.tenant_id = $1 and c.environment_id = $2 and c.name = $3",
        tenant.0,
        environment.0,
        name,
    )
    .fetch_optional(engine)
    .await?;
    row.map(|r| {
        Ok(Sealed {
            id: ConnectionId(r.connection_id),
            kind: kind(&r.kind)?,
            hosts: r.hosts,
            header: r.header,
            server: Place {
                host: r.host,
                port: r.port,
                tls: r.tls,
                login: r.login,
                database: r.database,
                sender: r.sender,
            }
            .server()?,
            version: r.version,
            sealed: r.sealed,
            key: WrappedKey { id: r.key_id, bytes: r.wrapped },
        })
    })
    .transpose()
}

/// The name of a connection.
pub async fn name(tx: &mut TenantTx<'_>, id: ConnectionId) -> Result<Option<String>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    sqlx::query_scalar!(
        "select name from connection where tenant_id = $1 and environment_id = $2 and connection_id = $3",
        tenant,
        environment,
        id.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// A flow whose definitions hold a text.
#[derive(Debug)]
pub struct FlowWith {
    pub id: FlowId,
    pub name: String,
    pub draft: String,
    pub published: Option<String>,
}

/// Flows in which this name stands somewhere, in the draft or in the version in force. Names have nothing that JSON escapes.
pub async fn flows_with(tx: &mut TenantTx<'_>, name: &str) -> Result<Vec<FlowWith>, sqlx::Error> {
    let tenant = tx.tenant().0;
    let environment = tx.context().environment.0;
    let rows = sqlx::query!(
        r#"select f.flow_id, f.name, f.definition, v.definition as "published?"
           from flow f
           left join flow_deployment d on d.tenant_id = f.tenant_id and d.flow_id = f.flow_id and d.environment_id = $2
           left join flow_version v on v.tenant_id = d.tenant_id and v.flow_id = d.flow_id and v.version = d.version
           where f.tenant_id = $1 and (position($3 in f.definition) > 0 or position($3 in v.definition) > 0)"#,
        tenant,
        environment,
        format!("\"{name}\""),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FlowWith {
            id: FlowId(row.flow_id),
            name: row.name,
            draft: row.definition,
            published: row.published,
        })
        .collect())
}
