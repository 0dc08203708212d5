//! Routes of events.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use holon_authz::actions::{PublishEvents, ReadEvents, ReplayEvents};
use holon_model::wire::Page;
use holon_model::wire::events::{
    EventPublished, EventSummary, PublishEvent, PublishedEvent, ReplaySubscription, Subscription,
};
use holon_model::{Problem, PublishedId, SubscriptionId, Value};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{list, publish, replay};
use crate::http::{Allowed, ApiResult, Fields, JsonBody, Path, Query, ValueBody, cursor, idempotency_key};
use crate::state::AppState;

/// The most of a body: data with some room for the way it is written.
const BODY: usize = 1 << 20;

/// The feature's routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_events))
        .routes(routes!(publish_event))
        .routes(routes!(read_event))
        .routes(routes!(list_subscriptions))
        .routes(routes!(replay_subscription))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Events whose subject begins with this only.
    subject: Option<String>,
    /// Where to go on: `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 if absent.
    limit: Option<u16>,
}

/// Events of the environment, the last first, and who got them. What they tell is read one by one.
#[utoipa::path(get, path = "/events", tag = "events", params(ListQuery), responses((status = 200, body = Page<EventSummary>)))]
async fn list_events(
    State(state): State<AppState>,
    caller: Allowed<ReadEvents>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<EventSummary>>> {
    let cursor = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let ask = list::ListEvents { subject: query.subject.unwrap_or_default(), cursor, limit: query.limit.unwrap_or(50) };
    Ok(Json(list::list(&state, caller.context(), caller.proof(), ask).await?))
}

/// Publishes an event in the environment: durable when it is answered, and delivered a moment later to each subscription that takes
/// its subject. The same `Idempotency-Key` publishes it once for as long as events are kept, 30 days.
#[utoipa::path(post, path = "/events", tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Publishes once, however often it is sent")),
    request_body = PublishEvent, responses((status = 202, body = EventPublished), (status = 200, body = EventPublished)))]
async fn publish_event(
    State(state): State<AppState>,
    caller: Allowed<PublishEvents>,
    headers: HeaderMap,
    ValueBody(body): ValueBody<BODY>,
) -> ApiResult<(StatusCode, Json<EventPublished>)> {
    let intent = caller.intent(&*state.clock, publish::Publish(read(&body)?));
    let published = publish::publish(&state, caller.proof(), intent.with_key(idempotency_key(&headers)?)).await?;
    Ok((if published.replayed { StatusCode::OK } else { StatusCode::ACCEPTED }, Json(published)))
}

fn read(body: &Value) -> Result<PublishEvent, Problem> {
    let mut fields = Fields::of(body, &["subject", "data"], "The event is not as it must be. Nothing was published.");
    let event = PublishEvent {
        subject: fields.required("subject", 200, "must say what the event is about"),
        data: fields.value("data"),
    };
    fields.done().map(|()| event)
}

/// One event, with what it tells and who got it.
#[utoipa::path(get, path = "/events/{id}", tag = "events", params(("id" = PublishedId, Path)),
    responses((status = 200, body = PublishedEvent)))]
async fn read_event(
    State(state): State<AppState>,
    caller: Allowed<ReadEvents>,
    Path(id): Path<PublishedId>,
) -> ApiResult<Json<PublishedEvent>> {
    Ok(Json(list::read(&state, caller.context(), caller.proof(), id).await?))
}

/// Who subscribes in this environment: the event triggers of published flows, and how far each of them is.
#[utoipa::path(get, path = "/subscriptions", tag = "events", responses((status = 200, body = Page<Subscription>)))]
async fn list_subscriptions(
    State(state): State<AppState>,
    caller: Allowed<ReadEvents>,
) -> ApiResult<Json<Page<Subscription>>> {
    Ok(Json(list::subscriptions(&state, caller.context(), caller.proof()).await?))
}

/// Sets a subscription back to an event or a time: what it takes from there on is delivered again, each event in a new run.
#[utoipa::path(post, path = "/subscriptions/{id}/replay", tag = "events", params(("id" = SubscriptionId, Path)),
    request_body = ReplaySubscription, responses((status = 200, body = Subscription)))]
async fn replay_subscription(
    State(state): State<AppState>,
    caller: Allowed<ReplayEvents>,
    Path(id): Path<SubscriptionId>,
    JsonBody(to): JsonBody<ReplaySubscription>,
) -> ApiResult<Json<Subscription>> {
    let intent = caller.intent(&*state.clock, replay::Replay { id, to });
    Ok(Json(replay::replay(&state, caller.proof(), intent).await?))
}
