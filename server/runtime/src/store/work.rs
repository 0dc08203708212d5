//! Effects that are handed out to the tenant's own workers: what a worker is told of one.
//!
//! The kind is one whose manifest says `"resources": ["worker"]`; what is handed out stands in its config. A row stands for each attempt
//! that is outstanding, written and taken back in the commits of the run; who has it is the business of whoever serves workers.

use holon_engine::{EffectId, RunEffect};
use holon_flow::capability::NodeError;
use holon_flow::definition::duration;
use holon_model::{Millis, Value};

/// Characters of a pool's name at most.
const LONGEST_POOL: usize = 64;
/// Characters of a task's name at most.
const LONGEST_NAME: usize = 200;
/// How long one attempt may take unless the node says otherwise, and at most.
const USUAL_TIMEOUT: Millis = Millis(3_600_000);
const LONGEST_TIMEOUT: Millis = Millis(30 * 24 * 3_600_000);
/// How long a claim lasts without a heartbeat unless the node says otherwise, and the bounds of that.
const USUAL_HEARTBEAT: Millis = Millis(30_000);
const SHORTEST_HEARTBEAT: Millis = Millis(1_000);
const LONGEST_HEARTBEAT: Millis = Millis(3_600_000);

/// One attempt at an effect, for a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct HandOut {
    /// The effect.
    pub id: EffectId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The node's structural path.
    pub path: String,
    /// Who may take it.
    pub pool: String,
    /// What is to be done, as flow and worker call it.
    pub name: String,
    /// With what.
    pub input: Value,
    /// How long the attempt may take, from now.
    pub timeout: Millis,
    /// How long a claim lasts without a heartbeat.
    pub heartbeat: Millis,
}

/// Whether pools can have this name.
#[must_use]
pub fn is_pool(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (1..=LONGEST_POOL).contains(&text.len()) && text.chars().all(fits)
}

impl HandOut {
    /// What a worker is told of this effect.
    ///
    /// # Errors
    /// When config, as it was evaluated, cannot be handed out.
    pub fn of(effect: &RunEffect) -> Result<Self, NodeError> {
        let bad = |why: String| NodeError::new("bad_config", why);
        let text = |field: &str| effect.config.get(field).and_then(Value::as_str).map(str::trim).unwrap_or_default();
        let pool = text("pool");
        if !is_pool(pool) {
            return Err(bad(format!(
                "a pool is named by 1 to {LONGEST_POOL} letters, digits, `.`, `_` and `-`, not by `{}`",
                pool.chars().take(LONGEST_POOL).collect::<String>()
            )));
        }
        let name = text("name");
        if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(bad(format!("a task for workers has a name of 1 to {LONGEST_NAME} characters on one line")));
        }
        let span = |field: &str, usual: Millis, shortest: Millis, longest: Millis| {
            let Some(given) = effect.config.get(field).filter(|given| !given.is_null()) else { return Ok(usual) };
            let read = duration::parse(given).map_err(|why| bad(format!("`{field}`: {why}")))?;
            let within = shortest <= read && read <= longest;
            within.then_some(read).ok_or_else(|| {
                bad(format!("`{field}` is {} to {}", duration::format(shortest), duration::format(longest)))
            })
        };
        Ok(Self {
            id: effect.id,
            attempt: effect.attempt,
            path: effect.path.clone(),
            pool: pool.to_owned(),
            name: name.to_owned(),
            input: effect.config.get("input").filter(|input| !input.is_null()).unwrap_or(&effect.input).clone(),
            timeout: span("timeout", USUAL_TIMEOUT, Millis(1_000), LONGEST_TIMEOUT)?,
            heartbeat: span("heartbeat", USUAL_HEARTBEAT, SHORTEST_HEARTBEAT, LONGEST_HEARTBEAT)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holon_flow::capability::EffectClass;
    use holon_model::json;

    fn of(config: &str) -> Result<HandOut, NodeError> {
        HandOut::of(&RunEffect {
            id: EffectId([7; 16]),
            path: "resize".into(),
            kind: "worker.task@1".parse().unwrap(),
            config: json::parse(config.as_bytes()).unwrap(),
            input: Value::from("the input"),
            key: "07".into(),
            class: EffectClass::Idempotent,
            attempt: 2,
            handed_out: true,
            timeout: None,
            cache: None,
        })
    }

    #[test]
    fn what_is_not_said_is_usual_and_the_input_is_what_came_in() {
        let work = of(r#"{"pool": "images", "name": "resize"}"#).unwrap();
        assert_eq!((work.timeout, work.heartbeat, work.attempt), (USUAL_TIMEOUT, USUAL_HEARTBEAT, 2));
        assert_eq!(work.input, Value::from("the input"));
        let work =
            of(r#"{"pool": "images", "name": "resize", "input": 1.50, "timeout": "2m", "heartbeat": 5000}"#).unwrap();
        assert_eq!((work.timeout, work.heartbeat), (Millis(120_000), Millis(5_000)));
        assert_eq!(work.input.to_json(), "1.50");
    }

    #[test]
    fn what_cannot_be_handed_out_says_why() {
        for (config, word) in [
            (r#"{"name": "resize"}"#, "pool"),
            (r#"{"pool": "a b", "name": "resize"}"#, "`a b`"),
            (r#"{"pool": "images"}"#, "name"),
            (r#"{"pool": "images", "name": "x", "timeout": "31d"}"#, "`timeout`"),
            (r#"{"pool": "images", "name": "x", "heartbeat": "soon"}"#, "`heartbeat`"),
        ] {
            let error = of(config).unwrap_err();
            assert!(error.code == "bad_config" && error.message.contains(word), "{config}: {}", error.message);
        }
    }
}
