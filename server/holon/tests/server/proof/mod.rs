//! What a server, its Postgres and its operator do to it while it is under load: `load` is what is sent and what must come of it,
//! `kill_points` ends the process where it hurts, `misfortunes` takes its Postgres away and stops it for a while, `deploys` puts an older build
//! beside a newer one, and `programs` are the commands of an operator.

mod deploys;
mod kill_points;
mod load;
mod misfortunes;
mod programs;

use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How long a process has to end by itself.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Waits for the end of a process that ends by itself.
async fn end_of(child: &mut Child) -> Option<ExitStatus> {
    let ended = async {
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(ENDS_WITHIN, ended).await.ok()
}

/// Waits until an order more is acknowledged; how long that took since a moment.
async fn acknowledges(load: &load::Load, since: Instant) -> Option<Duration> {
    timeout(ENDS_WITHIN, load.more(1)).await.ok().map(|()| since.elapsed())
}

/// A folder of a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("holon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays in the temporary folder is of no worth.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What was measured, for people.
#[expect(clippy::print_stderr, reason = "what was measured is for people to read")]
fn tell(text: &str) {
    eprintln!("{text}");
}
