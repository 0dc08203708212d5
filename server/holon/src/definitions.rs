//! Published definitions, read once and kept: a version never changes. The runtime and the pages use the same ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use holon_engine::ChildVersion;
use holon_flow::{Catalogue, Definition};
use holon_model::{EnvironmentId, FlowId, TenantId, json};
use holon_runtime::{Definitions, DefinitionsError, LoadedFlow};
use sqlx::PgPool;

/// Versions kept at most; the one that was asked for longest ago goes first.
const MOST: usize = 512;

type Key = (TenantId, FlowId, i32);

#[derive(Default)]
struct Kept {
    versions: BTreeMap<Key, (Arc<LoadedFlow>, u64)>,
    asked: u64,
}

/// The published definitions of all tenants, by `flow_version`.
pub struct StoredDefinitions {
    engine: PgPool,
    catalogue: Arc<Catalogue>,
    kept: Mutex<Kept>,
}

impl StoredDefinitions {
    /// Reads with the engine's pool: the tenant stands in every statement.
    pub fn new(engine: PgPool, catalogue: Arc<Catalogue>) -> Self {
        Self { engine, catalogue, kept: Mutex::default() }
    }

    fn read(&self, text: &str) -> Result<LoadedFlow, DefinitionsError> {
        let broken = |what: String| DefinitionsError::Broken(what);
        let value = json::parse(text.as_bytes()).map_err(|error| broken(error.to_string()))?;
        let first = |found: Vec<holon_model::wire::flows::Diagnostic>| {
            broken(found.first().map_or_else(String::new, |first| format!("{}: {}", first.pointer, first.message)))
        };
        let definition = Definition::from_value(&value).map_err(first)?;
        let compiled = holon_engine::compile(&definition, &self.catalogue).map_err(first)?;
        if let Some(lacking) = compiled.needs().lacking(&holon_runtime::SUPPORTED) {
            return Err(broken(format!("it needs {lacking}, which this server does not serve")));
        }
        Ok(LoadedFlow { hash: definition.hash(), definition, compiled })
    }

    fn kept(&self, key: &Key) -> Option<Arc<LoadedFlow>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        let asked = kept.asked;
        let (loaded, last) = kept.versions.get_mut(key)?;
        *last = asked;
        Some(loaded.clone())
    }

    fn keep(&self, key: Key, loaded: &Arc<LoadedFlow>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.versions.len() >= MOST {
            let oldest = kept.versions.iter().min_by_key(|(_, (_, asked))| *asked).map(|(key, _)| *key);
            oldest.and_then(|key| kept.versions.remove(&key));
        }
        let asked = kept.asked;
        kept.versions.insert(key, (loaded.clone(), asked));
    }
}

#[async_trait]
impl Definitions for StoredDefinitions {
    async fn load(&self, tenant: TenantId, flow: FlowId, version: i32) -> Result<Arc<LoadedFlow>, DefinitionsError> {
        let key = (tenant, flow, version);
        if let Some(found) = self.kept(&key) {
            return Ok(found);
        }
        let text = sqlx::query_scalar!(
            "select definition from flow_version where tenant_id = $1 and flow_id = $2 and version = $3",
            tenant.0,
            flow.0,
            version,
        )
        .fetch_optional(&self.engine)
        .await
        .map_err(|error| DefinitionsError::Unavailable(error.to_string()))?
        .ok_or(DefinitionsError::NotFound)?;
        let loaded = Arc::new(self.read(&text)?);
        self.keep(key, &loaded);
        Ok(loaded)
    }

    async fn resolve(
        &self,
        tenant: TenantId,
        environment: EnvironmentId,
        flow: FlowId,
        version: ChildVersion,
    ) -> Result<i32, DefinitionsError> {
        let (tenant, flow) = (tenant.0, flow.0);
        let found =
            match version {
                ChildVersion::Latest => sqlx::query_scalar!(
                    "select version from flow_deployment where tenant_id = $1 and environment_id = $2 and flow_id = $3",
                    tenant,
                    environment.0,
                    flow,
                )
                .fetch_optional(&self.engine)
                .await,
                ChildVersion::Number(number) => {
                    let number = i32::try_from(number).map_err(|_| DefinitionsError::NotFound)?;
                    sqlx::query_scalar!(
                        "select version from flow_version where tenant_id = $1 and flow_id = $2 and version = $3",
                        tenant,
                        flow,
                        number,
                    )
                    .fetch_optional(&self.engine)
                    .await
                }
                ChildVersion::Hash(hash) => {
                    sqlx::query_scalar!(
                    "select version from flow_version where tenant_id = $1 and flow_id = $2 and definition_hash = $3
                     order by version desc limit 1",
                    tenant,
                    flow,
                    hash.as_slice(),
                )
                    .fetch_optional(&self.engine)
                    .await
                }
            };
        found.map_err(|error| DefinitionsError::Unavailable(error.to_string()))?.ok_or(DefinitionsError::NotFound)
    }
}
