//! What is logged of a run says which run it is.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use holon_engine::Outcome;
use holon_runtime::Answer;
use serde_json::Value;
use tracing::{Instrument as _, field};

use crate::support::{React, THREE_STEPS, end};
use crate::worlds::in_memory;

/// All lines of this process.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Logs as a server does that writes JSON.
    pub fn listen() -> &'static Self {
        static LINES: OnceLock<Lines> = OnceLock::new();
        LINES.get_or_init(|| {
            let lines = Self::default();
            let writer = lines.clone();
            let json =
                tracing_subscriber::fmt().json().flatten_event(true).with_current_span(true).with_span_list(false);
            json.with_writer(move || writer.clone()).init();
            lines
        })
    }

    /// All that was logged.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// Those that say this, of spans of this run.
    fn of(&self, run: &str, message: &str) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message && line["span"]["run_id"] == run).count()
    }
}

#[tokio::test]
async fn a_line_about_an_effect_or_about_the_request_that_began_a_run_says_which_run() {
    let lines = Lines::listen();
    let (world, _) = in_memory();
    let flow = world.shelf.publish(THREE_STEPS);
    let runtime = world.runtime().await;
    world.ledger.react(|_| React::Panic);
    let request = world.request(flow);
    let run = request.run;
    let beginning = async {
        runtime.start(request).await.unwrap();
        tracing::info!("answered");
    };
    beginning.instrument(tracing::info_span!("request", run_id = field::Empty)).await;
    assert!(matches!(end(&runtime, run).await, Answer::Ended(Outcome::Failed { .. })));
    assert_eq!(lines.of(&run.to_string(), "answered"), 1);
    assert_eq!(lines.of(&run.to_string(), "an executor panicked"), 1);
}
