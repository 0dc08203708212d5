//! The engine in a Web Worker: one function that takes a message and gives an answer, both JSON text.
//!
//! What can be asked stands in [`holon_studio::worker`]. The worker keeps the last preview, on whose data expressions are tried,
//! what the next one need not find out again, and the replay and the back-test that a page goes through.

mod backtest;
mod data;
mod expressions;
mod import;
mod preview;
mod replay;
mod timing;

use holon_model::json;
use holon_studio::worker::{Answer, Ask, CheckReply, KindsReply, Message};
use holon_studio::{KindInfo, worker};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// Answers one message. The answer begins with `{"id":` and the number, so that a page knows whose it is without reading on.
#[wasm_bindgen]
pub fn handle(message: &str) -> String {
    match serde_json::from_str::<Message>(message) {
        Ok(Message { id, ask }) => answer(id, ask),
        Err(error) => write::<()>(0, Err(format!("this is no message: {error}"))),
    }
}

fn answer(id: u32, ask: Ask) -> String {
    match ask {
        Ask::Kinds => write(id, Ok(kinds())),
        Ask::Check { definition } => write(id, Ok(check(&definition))),
        Ask::Preview { definition, trigger } => write(id, Ok(preview::preview(&definition, trigger.as_deref()))),
        Ask::Replay { definition } => write(id, replay::begin(&definition)),
        Ask::Feed { replay, rows } => write(id, replay::feed(replay, &rows)),
        Ask::Seek { replay, at, shown } => write(id, replay::seek(replay, at, shown)),
        Ask::Told { replay, at, path } => write(id, replay::told(replay, at, &path)),
        Ask::Backtest { draft } => write(id, backtest::begin(&draft)),
        Ask::Version { backtest, version, definition } => write(id, backtest::version(backtest, version, &definition)),
        Ask::Compare { backtest, run } => write(id, backtest::compare(backtest, &run)),
        Ask::Complete { at, iterations, key, each, source, cursor, text } => {
            let place = data::Place { at, iterations, key, each };
            write(id, Ok(expressions::complete(&place, &source, cursor, text)))
        }
        Ask::Eval { at, iterations, key, each, source, text } => {
            let place = data::Place { at, iterations, key, each };
            write(id, Ok(expressions::eval(&place, &source, text)))
        }
        Ask::Import { kind, text } => write(id, import::import(&kind, &text)),
    }
}

fn write<T: Serialize>(id: u32, result: Result<T, String>) -> String {
    let (ok, error) = match result {
        Ok(ok) => (Some(ok), None),
        Err(error) => (None, Some(error)),
    };
    serde_json::to_string(&Answer { id, ok, error }).unwrap_or_else(|error| {
        let mut out = format!("{{\"id\":{id},\"error\":");
        json::write_string(&error.to_string(), &mut out);
        out.push('}');
        out
    })
}

fn kinds() -> KindsReply {
    KindsReply { kinds: holon_catalogue::catalogue().kinds().map(|kind| KindInfo::from(&**kind)).collect() }
}

fn check(definition: &holon_model::Value) -> CheckReply {
    match holon_flow::Definition::from_value(definition) {
        Ok(definition) => worker::CheckReply {
            hash: hex(&definition.hash()),
            diagnostics: holon_flow::validate::validate(&definition, &holon_catalogue::catalogue()),
        },
        Err(diagnostics) => CheckReply { hash: String::new(), diagnostics },
    }
}

pub(crate) use holon_model::canon::hex;
