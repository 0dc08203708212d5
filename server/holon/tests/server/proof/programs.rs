//! The commands of an operator as programs: what they print, what they return, and what becomes of the server beside them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use holon_platform::db::test_db::TestDb;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::{Folder, end_of};
use crate::kills::{Site, until_ready};
use crate::replicas::{Process, Reply, ask};
use crate::support::{ORIGIN, sign_up};

const SOON: Duration = Duration::from_secs(20);

/// What a program did.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(mut command: Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: status.code(), out: text(stdout), err: text(stderr) }
}

impl Said {
    /// It succeeded, and said this where its words belong: on `out` what was asked for, on `err` how it went.
    #[track_caller]
    fn done(&self, out: &str, err: &str) {
        let Self { code, out: printed, err: told } = self;
        assert_eq!(*code, Some(0), "{printed}\n{told}");
        assert!(printed.contains(out) && told.contains(err), "wanted `{out}` and `{err}`:\n{printed}\n{told}");
    }

    /// It did nothing, and said why.
    #[track_caller]
    fn refused(&self, why: &str) {
        let Self { code, out, err } = self;
        assert_eq!(*code, Some(1), "{out}\n{err}");
        assert!(err.starts_with("holon: ") || err.contains("\nholon: "), "{err}");
        assert!(err.contains(why), "wanted `{why}`:\n{err}");
    }
}

/// Somebody with a flow at a server.
struct Somebody {
    cookie: String,
    flow: String,
}

impl Somebody {
    /// Signs somebody up and publishes a flow that goes on with this node.
    async fn new(port: u16, node: Value) -> Self {
        let made = ask(port, "POST", "/api/v1/sign-up", &[("origin", ORIGIN)], &sign_up("ada")).await.unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        let cookie = made.headers["set-cookie"].split(';').next().unwrap().to_owned();
        let mut ada = Self { cookie, flow: String::new() };
        ada.flow = ada.publishes(port, node).await;
        ada
    }

    async fn publishes(&self, port: u16, node: Value) -> String {
        let nodes = json!({"start": {"kind": "trigger.manual@1"}, "then": node});
        let edges = json!([{"from": "start.out", "to": "then.in"}]);
        let definition = json!({"holon": 1, "name": "flow", "nodes": nodes, "edges": edges});
        let made = self.asks(port, "POST", "/api/v1/flows", &json!({ "definition": definition })).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let flow = format!("/api/v1/flows/{}", made.json()["id"].as_str().unwrap());
        let done = self.asks(port, "POST", &format!("{flow}/publish"), &json!({})).await;
        assert_eq!(done.status, 200, "{}", done.body);
        flow
    }

    async fn asks(&self, port: u16, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [("origin", ORIGIN), ("cookie", self.cookie.as_str())];
        ask(port, method, path, &headers, body).await.expect("the server answers")
    }

    /// Starts a run of a flow; its path.
    async fn starts(&self, port: u16, flow: &str) -> Result<String, Reply> {
        let reply = self.asks(port, "POST", &format!("{flow}/runs"), &json!({"input": {}})).await;
        if reply.status == 201 {
            Ok(format!("/api/v1/runs/{}", reply.json()["id"].as_str().unwrap()))
        } else {
            Err(reply)
        }
    }

    async fn status(&self, port: u16, run: &str) -> String {
        let reply = self.asks(port, "GET", run, &Value::Null).await;
        if reply.status == 200 {
            reply.json()["summary"]["status"].as_str().unwrap().to_owned()
        } else {
            reply.status.to_string()
        }
    }
}

fn waits() -> Value {
    json!({"kind": "flow.wait@1", "config": {"for": "1h"}})
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_is_no_command_is_refused_with_help_and_what_is_asked_for_is_printed() {
    let folder = Folder::new("programs-words");
    let holon = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holon"));
        command.args(arguments).env_clear().env("HOLON_DATA_DIR", &folder.0);
        run(command)
    };
    holon(&["version"]).done(concat!("holon ", env!("CARGO_PKG_VERSION")), "");
    holon(&["config"]).done("HOLON_DATA_DIR", "");
    for command in [
        "holon backup FILE",
        "holon restore FILE",
        "holon check-backup FILE",
        "holon pause",
        "holon drain",
        "holon resume",
    ] {
        holon(&["help"]).done(command, "");
    }
    for (arguments, why) in [
        (&["nonsense"][..], "`nonsense` is not a command"),
        (&["backup"], "which file?"),
        (&["restore", "a", "b"], "`b` is a second one"),
        (&["restore", "a", "--force"], "`--force` means nothing here"),
        (&["drain", "--wait", "long"], "--wait needs a number of seconds"),
        (&["pause"], "there is no root key"),
        (&["backup", "a.backup"], "there is no root key"),
        (&["check-backup", "a.backup"], "a.backup"),
    ] {
        holon(arguments).refused(why);
    }
    let left: Vec<_> = std::fs::read_dir(&folder.0).unwrap().collect();
    assert!(left.is_empty(), "nothing was made: {left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_its_own_postgres_is_backed_up_drained_and_restored_by_commands() {
    let mut site = Site::new("programs").await;
    site.start_with(&[]);
    until_ready(site.port).await;
    let port = site.port;
    let ada = Somebody::new(port, waits()).await;
    let waiting = ada.starts(port, &ada.flow).await.unwrap_or_else(|reply| panic!("{}", reply.body));
    let holon = |arguments: &[&str]| run(site.command(arguments));

    // Beside the server that runs.
    let file = site.dir.join("all.backup");
    holon(&["backup", text(&file)]).done("", "The file is not sealed");
    let first = std::fs::read(&file).unwrap();
    holon(&["backup", text(&file)]).refused("exists already");
    assert_eq!(std::fs::read(&file).unwrap(), first, "it was left as it is");
    holon(&["backup", text(&file), "--replace"]).done("", "in the file");
    holon(&["check-backup", text(&file)]).done("", "is whole");
    let cut = site.dir.join("cut.backup");
    std::fs::write(&cut, &first[..first.len() - 7]).unwrap();
    holon(&["check-backup", text(&cut)]).refused("cannot be used");
    holon(&["restore", text(&file)]).refused("in use by another holon process");
    holon(&["restore", text(&file), "--replace"]).refused("in use by another holon process");
    assert_eq!(ada.status(port, &waiting).await, "waiting");

    // Let nothing begin; what is under way is waited for.
    holon(&["pause", "--reason", "a new disk"]).done("no run begins any more", "");
    let refused = timeout(SOON, async {
        loop {
            match ada.starts(port, &ada.flow).await {
                Err(reply) => break reply,
                Ok(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    });
    let refused = refused.await.expect("no run begins any more");
    assert!(refused.status == 503 && refused.body.contains("a new disk"), "{} {}", refused.status, refused.body);
    holon(&["resume"]).done("Runs begin again", "");
    holon(&["resume"]).done("Nothing was paused.", "");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let slow = ada.publishes(port, json!({"kind": "http.request@1", "config": {"method": "GET", "url": url}})).await;
    let slow = timeout(SOON, async {
        loop {
            match ada.starts(port, &slow).await {
                Ok(run) => break run,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    });
    let slow = slow.await.expect("runs begin again");
    holon(&["drain", "--wait", "2"]).refused("not everything has ended within 2 s");
    let cancelled = ada.asks(port, "POST", &format!("{slow}/cancel"), &json!({})).await;
    assert!((200..300).contains(&cancelled.status), "{}", cancelled.body);
    holon(&["drain", "--wait", "20"]).done("0 running", "");
    holon(&["resume"]).done("Runs begin again", "");

    // Without the server.
    site.stop();
    let holon = |arguments: &[&str]| run(site.command(arguments));
    holon(&["restore", text(&file)]).refused("the database is not empty");
    holon(&["restore", text(&cut), "--replace"]).refused("Nothing was changed");
    holon(&["restore", text(&file), "--replace"]).done("", "restored: ");
    let elsewhere = site.dir.join("elsewhere");
    let mut command = site.command(&["restore", text(&file)]);
    run({
        command.env("HOLON_DATA_DIR", &elsewhere);
        command
    })
    .refused("does not hold its root key");
    site.start_with(&[]);
    until_ready(port).await;
    assert_eq!(ada.status(port, &waiting).await, "waiting");
    assert_eq!(ada.status(port, &slow).await, "404", "it began after the backup");
    site.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_beside_a_server_that_runs_is_refused_or_shuts_it_out() {
    let (db, folder) = (TestDb::new().await, Folder::new("programs-fence"));
    let mut server = Process::start(&db, &folder.0, "server").await;
    let ada = Somebody::new(server.port, waits()).await;
    let waiting = ada.starts(server.port, &ada.flow).await.unwrap_or_else(|reply| panic!("{}", reply.body));
    let holon = |arguments: &[&str]| run(Process::program(&db, &folder.0, "operator", arguments));
    let file = folder.0.join("all.backup");
    holon(&["backup", text(&file)]).done("", "in the file");
    let later = ada.starts(server.port, &ada.flow).await.unwrap_or_else(|reply| panic!("{}", reply.body));

    holon(&["restore", text(&file)]).refused("is running on this database, and nothing was changed");
    assert_eq!(ada.status(server.port, &later).await, "waiting", "nothing was changed");
    holon(&["restore", text(&file), "--replace"]).done("", "restored: ");
    let ended = end_of(&mut server.child).await.expect("the server is shut out and ends");
    assert_eq!(ended.code(), Some(1), "{}", server.said());
    let why = ["restored from a backup", "another process has taken over"];
    assert!(why.iter().any(|why| server.said().contains(why)), "{}", server.said());

    let again = Process::start(&db, &folder.0, "again").await;
    assert_eq!(ada.status(again.port, &waiting).await, "waiting");
    assert_eq!(ada.status(again.port, &later).await, "404", "it began after the backup");
}
