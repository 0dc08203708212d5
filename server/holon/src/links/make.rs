//! The nodes that make links: effects of the host, whose results are journaled like any other's. The id of the link is the key of the
//! effect, so that doing it again makes the same link.

use std::sync::Arc;

use async_trait::async_trait;
use holon_flow::capability::NodeError;
use holon_flow::definition::Node;
use holon_model::context::Actor;
use holon_model::{Context, LinkId, Millis, Value};
use holon_platform::clock::{SharedClock, to_text};
use holon_platform::crypto::{Keyring, hash_token};
use holon_platform::db::{Pools, TenantTx};
use holon_platform::execute::{EffectContext, EffectRequest, Executor};
use holon_runtime::{Definitions as _, LoadedFlow};
use uuid::Uuid;

use super::store::{self, NewLink, Purpose, Wanted};
use super::{CALLBACK, Error, MOST_ASSIGNEE, callback, page, place, token, valid_for};
use crate::definitions::StoredDefinitions;
use crate::runs;

/// The kind of a node that makes a link to a task.
const LINK: &str = "flow.link@1";
/// The kind of a node that makes an address for a delivery.
const ADDRESS: &str = "flow.address@1";
/// The kind that asks people.
const APPROVAL: &str = "flow.approval";
/// Kinds that wait for signals by a name of their own.
const WAITS: [&str; 2] = ["flow.callback", "flow.signal"];
/// Bytes of what an address answers.
const MOST_ANSWER: usize = 64 << 10;

/// What links are made with.
#[derive(Clone)]
pub struct Maker {
    /// The database.
    pub pools: Pools,
    /// The root of the tokens.
    pub keyring: Arc<Keyring>,
    /// Time.
    pub clock: SharedClock,
    /// The instance's public address.
    pub base: String,
    /// Published flows.
    pub definitions: Arc<StoredDefinitions>,
}

/// Who executes the kinds that make links.
pub fn executors(maker: Maker) -> [(String, Arc<dyn Executor>); 2] {
    [(LINK.to_owned(), Arc::new(TaskLink(maker.clone())) as _), (ADDRESS.to_owned(), Arc::new(Address(maker)) as _)]
}

struct TaskLink(Maker);
struct Address(Maker);

#[async_trait]
impl Executor for TaskLink {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let config = &request.config;
        let (context, flow) = self.0.flow(cx, &request).await?;
        let key = config.get("task").and_then(Value::as_str).unwrap_or_default();
        let is = |node: &Node| &*node.kind.name == APPROVAL && !node.disabled;
        let (path, approval) = place::nearest(&flow.definition.graph, &request.path, key, is).ok_or_else(|| {
            let message =
                format!("there is no approval `{key}` beside this node or around it: `task` names the node that asks");
            NodeError::new("unknown_task", message)
        })?;
        let assignee = config.get("assignee").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        if assignee.is_some_and(|text| text.len() > MOST_ASSIGNEE || text.contains('\0')) {
            let message = format!("`assignee` has at most {MOST_ASSIGNEE} bytes, and no character U+0000");
            return Err(NodeError::new("invalid_value", message));
        }
        let listed = approval.config.get("choices").and_then(Value::as_list).unwrap_or_default();
        let known: Vec<&str> = listed.iter().filter_map(|choice| choice.get("port")?.as_str()).collect();
        let wanted = config.get("choices").and_then(Value::as_list).unwrap_or_default();
        let choices: Vec<String> = wanted.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if let Some(stray) = choices.iter().find(|choice| !known.contains(&choice.as_str())) {
            let message = format!("`{key}` has no choice `{stray}`; it has: {}", known.join(", "));
            return Err(NodeError::new("invalid_value", message));
        }
        let purpose = Purpose::Task {
            task: Wanted::Path(path),
            assignee: assignee.map(str::to_owned),
            choices: (!choices.is_empty()).then_some(choices),
        };
        self.0.make(&context, &request, &purpose, page::PREFIX).await
    }
}

#[async_trait]
impl Executor for Address {
    async fn execute(&self, cx: &EffectContext, request: EffectRequest) -> Result<Value, NodeError> {
        let (context, flow) = self.0.flow(cx, &request).await?;
        let waits = |node: &Node| {
            WAITS.contains(&&*node.kind.name) && node.config.get("name").and_then(Value::as_str) == Some(CALLBACK)
        };
        if !place::any(&flow.definition.graph, &waits) {
            let message =
                "no node of the flow waits for a callback: nothing that is sent to the address could be taken";
            return Err(NodeError::new("nobody_waits", message));
        }
        let takes = ["method", "schema", "answer"]
            .into_iter()
            .filter_map(|name| Some((name, request.config.get(name).filter(|value| !value.is_null())?.clone())));
        let takes = Value::map(takes);
        if takes.get("answer").and_then(Value::as_str).is_some_and(|text| text.len() > MOST_ANSWER) {
            return Err(NodeError::new("invalid_value", format!("`answer` has at most {MOST_ANSWER} bytes")));
        }
        self.0.make(&context, &request, &Purpose::Callback { takes }, callback::PREFIX).await
    }
}

impl Maker {
    /// The flow of the run that asks, and the authority under which its links are made.
    async fn flow(&self, cx: &EffectContext, request: &EffectRequest) -> Result<(Context, Arc<LoadedFlow>), NodeError> {
        let context = Context::of(cx.tenant, cx.environment, Actor::System);
        let found = async {
            let mut tx = TenantTx::begin(&self.pools, &context).await?;
            let run = runs::store::find(&mut tx, request.run).await?;
            tx.commit().await?;
            Ok::<_, Error>(run)
        };
        let run =
            found.await.map_err(away)?.ok_or_else(|| NodeError::new("internal", "the run is not in the history"))?;
        let loaded =
            self.definitions.load(cx.tenant, run.summary.flow, run.summary.version).await.map_err(|error| {
                let mut failed =
                    NodeError::new("flow_unavailable", format!("the flow of the run cannot be read: {error}"));
                failed.retryable = true;
                failed
            })?;
        Ok((context, loaded))
    }

    /// Makes the link, or finds it made.
    async fn make(
        &self,
        context: &Context,
        request: &EffectRequest,
        purpose: &Purpose,
        prefix: &str,
    ) -> Result<Value, NodeError> {
        let valid = valid_for(request.config.get("valid_for").unwrap_or(&Value::Null));
        let valid: Millis = valid.map_err(|why| NodeError::new("invalid_value", format!("`valid_for` {why}")))?;
        let key = Uuid::try_parse(&request.key);
        let id = LinkId(key.map_err(|_| NodeError::new("internal", "the effect's key is no id"))?);
        let (token, now) = (token::of(&self.keyring, context.tenant, id), self.clock.now());
        let link = NewLink {
            id,
            run: request.run,
            hash: hash_token(&token),
            purpose,
            made_by: &request.path,
            now,
            expires_at: now.plus(valid),
        };
        let made = async {
            let mut tx = TenantTx::begin(&self.pools, context).await?;
            let expires_at = store::put(&mut tx, &link).await?;
            tx.commit().await?;
            Ok::<_, Error>(expires_at)
        };
        let expires_at = made.await.map_err(away)?;
        Ok(Value::map([
            ("id", Value::from(id.to_string())),
            ("url", Value::from(format!("{}{prefix}{token}", self.base))),
            ("expires_at", Value::from(to_text(expires_at))),
        ]))
    }
}

fn away(error: Error) -> NodeError {
    tracing::warn!(%error, "a link cannot be made");
    let mut failed = NodeError::new("links_unavailable", "links cannot be made at the moment");
    failed.retryable = true;
    failed
}
