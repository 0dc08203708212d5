//! Published definitions, read once and kept: a version never changes. The runtime and the pages use the same ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::FutureExt as _;
use holon_engine::ChildVersion;
use holon_flow::{Catalogue, Definition};
use holon_model::{EnvironmentId, FlowId, TenantId, json};
use holon_runtime::{Definitions, DefinitionsError, LoadedFlow};
use sqlx::PgPool;

use crate::single_flight::SingleFlight;

/// Bytes of versions kept at most, roughly; the one that was asked for longest ago goes first.
const MOST: u64 = 256 << 20;
/// And of one tenant, so that none takes the room of all the others.
const MOST_OF_ONE: u64 = MOST / 8;
/// A definition is kept as it was read and as it was compiled.
const TIMES_KEPT: u64 = 3;

type Key = (TenantId, FlowId, i32);

struct Version<T> {
    loaded: T,
    weight: u64,
    asked: u64,
}

/// What is kept, the sum of which is bounded. Of what is asked for now there is always one.
struct Kept<T> {
    versions: BTreeMap<Key, Version<T>>,
    asked: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { versions: BTreeMap::new(), asked: 0 }
    }
}

impl<T: Clone> Kept<T> {
    fn get(&mut self, key: &Key) -> Option<T> {
        self.asked += 1;
        let version = self.versions.get_mut(key)?;
        version.asked = self.asked;
        Some(version.loaded.clone())
    }

    fn put(&mut self, key: Key, loaded: T, weight: u64) {
        self.versions.remove(&key);
        self.make_room(MOST_OF_ONE.saturating_sub(weight), |other| other.0 == key.0);
        self.make_room(MOST.saturating_sub(weight), |_| true);
        self.versions.insert(key, Version { loaded, weight, asked: self.asked });
    }

    /// Drops what was asked for longest ago until those that `of` names weigh no more than `most`.
    fn make_room(&mut self, most: u64, of: impl Fn(&Key) -> bool) {
        let mut ages: Vec<(u64, Key, u64)> = self
            .versions
            .iter()
            .filter(|(key, _)| of(key))
            .map(|(key, version)| (version.asked, *key, version.weight))
            .collect();
        ages.sort_unstable();
        let mut sum: u64 = ages.iter().map(|(_, _, weight)| weight).sum();
        for (_, key, weight) in ages {
            if sum <= most {
                return;
            }
            self.versions.remove(&key);
            sum -= weight;
        }
    }
}

/// The published definitions of all tenants, by `flow_version`.
pub struct StoredDefinitions {
    engine: PgPool,
    catalogue: Arc<Catalogue>,
    kept: Mutex<Kept<Arc<LoadedFlow>>>,
    reading: SingleFlight<Key, Result<(Arc<LoadedFlow>, u64), DefinitionsError>>,
}

impl StoredDefinitions {
    /// Reads with the engine's pool: the tenant stands in every statement.
    pub fn new(engine: PgPool, catalogue: Arc<Catalogue>) -> Self {
        Self { engine, catalogue, kept: Mutex::default(), reading: SingleFlight::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<Arc<LoadedFlow>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A version as it stands in the database, and what it weighs.
async fn fetch(
    engine: PgPool,
    catalogue: Arc<Catalogue>,
    key: Key,
) -> Result<(Arc<LoadedFlow>, u64), DefinitionsError> {
    let (tenant, flow, version) = key;
    let text = sqlx::query_scalar!(
        "select definition from flow_version where tenant_id = $1 and flow_id = $2 and version = $3",
        tenant.0,
        flow.0,
        version,
    )
    .fetch_optional(&engine)
    .await
    .map_err(|error| DefinitionsError::Unavailable(error.to_string()))?
    .ok_or(DefinitionsError::NotFound)?;
    let (loaded, weight) = read(&catalogue, &text)?;
    Ok((Arc::new(loaded), weight))
}

/// The version that this text is, and what it weighs.
fn read(catalogue: &Catalogue, text: &str) -> Result<(LoadedFlow, u64), DefinitionsError> {
    let broken = |what: String| DefinitionsError::Broken(what);
    let value = json::parse(text.as_bytes()).map_err(|error| broken(error.to_string()))?;
    let first = |found: Vec<holon_model::wire::flows::Diagnostic>| {
        broken(found.first().map_or_else(String::new, |first| format!("{}: {}", first.pointer, first.message)))
    };
    let definition = Definition::from_value(&value).map_err(first)?;
    let compiled = holon_engine::compile(&definition, catalogue).map_err(first)?;
    if let Some(lacking) = compiled.needs().lacking(&holon_runtime::SUPPORTED) {
        return Err(broken(format!("it needs {lacking}, which this server does not serve")));
    }
    let weight = value.weight().saturating_mul(TIMES_KEPT);
    Ok((LoadedFlow { hash: definition.hash(), definition, compiled }, weight))
}

#[async_trait]
impl Definitions for StoredDefinitions {
    async fn load(&self, tenant: TenantId, flow: FlowId, version: i32) -> Result<Arc<LoadedFlow>, DefinitionsError> {
        let key = (tenant, flow, version);
        let found = self.kept().get(&key);
        if let Some(found) = found {
            return Ok(found);
        }
        let fetching = || fetch(self.engine.clone(), Arc::clone(&self.catalogue), key).boxed();
        let (loaded, weight) = self.reading.share(key, fetching).await?;
        let mut kept = self.kept();
        // Of those who waited for the same answer one keeps it.
        if kept.get(&key).is_none() {
            kept.put(key, Arc::clone(&loaded), weight);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(tenant: u128, version: i32) -> Key {
        (TenantId(Uuid::from_u128(tenant)), FlowId(Uuid::from_u128(1)), version)
    }

    #[test]
    fn a_tenant_with_many_large_versions_takes_no_more_than_its_share_and_nobody_elses() {
        let mut kept = Kept::default();
        kept.put(key(2, 1), "small", 1);
        for version in 0..100 {
            kept.put(key(1, version), "large", MOST_OF_ONE / 4);
            // Asked for again and again, it stays.
            assert_eq!(kept.get(&key(1, 0)), Some("large"));
        }
        let his: Vec<i32> = kept.versions.keys().filter(|key| key.0 == self::key(1, 0).0).map(|key| key.2).collect();
        assert_eq!(his, [0, 97, 98, 99]);
        assert_eq!(kept.get(&key(2, 1)), Some("small"));
        // One that is larger than its share is kept while it is asked for, alone.
        kept.put(key(1, 100), "huge", MOST);
        assert_eq!(kept.versions.len(), 1);
        for tenant in 3..50 {
            kept.put(key(tenant, 1), "large", MOST_OF_ONE);
            assert!(kept.versions.values().map(|version| version.weight).sum::<u64>() <= MOST);
        }
        assert_eq!(kept.versions.len(), 8);
    }
}
