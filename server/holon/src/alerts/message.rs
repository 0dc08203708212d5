//! What a firing says: in a sentence for people, as JSON for programs.

use holon_model::wire::alerts::AlertWhat;
use holon_model::{Map, Timestamp, Value, json};
use holon_platform::clock::to_db;
use time::format_description::well_known::Rfc3339;

use super::store::{self, Due};

/// Things that a firing names; the rest is only counted.
const NAMED: usize = 10;
/// Characters of an error that are repeated.
const LONGEST: usize = 200;
/// Characters of the subject of mail.
const LONGEST_SUBJECT: usize = 150;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// In a few words.
    pub words: String,
    /// For programs.
    pub value: Value,
}

impl Item {
    /// Of these words, and these members besides.
    pub fn new<'a>(words: &str, members: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let words: String = words.chars().take(LONGEST).collect();
        let value = Value::map([("summary", Value::from(words.as_str()))].into_iter().chain(members));
        Self { words, value }
    }
}

/// The last of what was held and what was found, as it is stored.
pub fn merged(held: &str, found: &[Item]) -> String {
    let before = json::parse(held.as_bytes()).ok();
    let before = before.as_ref().and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    let all: Vec<Value> = before.into_iter().chain(found.iter().map(|item| item.value.clone())).collect();
    let first = all.len().saturating_sub(NAMED);
    Value::list(all[first..].iter().cloned()).to_json()
}

/// The sentence.
pub fn summary(name: &str, what: AlertWhat, count: u32, items: &str) -> String {
    let one = count == 1;
    let said = match what {
        AlertWhat::RunFailed if one => "a run failed".to_owned(),
        AlertWhat::RunFailed => format!("{count} runs failed"),
        AlertWhat::RunParked if one => "a run cannot go on by itself".to_owned(),
        AlertWhat::RunParked => format!("{count} runs cannot go on by themselves"),
        AlertWhat::ErrorRate => "too many runs fail".to_owned(),
        AlertWhat::QueueAge => "work waits too long".to_owned(),
        AlertWhat::ScheduleMissed if one => "a schedule did not fire as it should".to_owned(),
        AlertWhat::ScheduleMissed => format!("{count} firings of schedules went wrong"),
        AlertWhat::ApprovalWaiting if one => "a task waits for an answer".to_owned(),
        AlertWhat::ApprovalWaiting => format!("{count} tasks wait for an answer"),
        AlertWhat::PollFailing if one => "a poll has been failing".to_owned(),
        AlertWhat::PollFailing => format!("{count} polls have been failing"),
    };
    let items = json::parse(items.as_bytes()).ok();
    let last = items.as_ref().and_then(Value::as_list).and_then(<[Value]>::last);
    let last = last.and_then(|item| item.get("summary")).and_then(Value::as_str);
    match last {
        Some(last) => format!("{name}: {said}: {last}"),
        None => format!("{name}: {said}"),
    }
}

/// What receivers get.
pub fn body(due: &Due, base: &str) -> Value {
    let rule = Value::map([
        ("id", Value::from(due.rule.to_string())),
        ("name", Value::from(due.name.as_str())),
        ("what", Value::from(store::what_text(due.what))),
    ]);
    let found = json::parse(due.items.as_bytes()).unwrap_or_default();
    let items: Vec<Value> = found.as_list().unwrap_or_default().iter().map(|item| placed(item, base)).collect();
    // Of one thing that was found its page, of several that of alerts.
    let one = items.first().filter(|_| items.len() == 1).and_then(|item| item.get("url")).cloned();
    Value::map([
        ("id", Value::from(due.id.to_string())),
        ("type", Value::from(if due.cause == "test" { "alert.test" } else { "alert.fired" })),
        ("at", Value::from(instant(due.fired_at))),
        ("alert", rule),
        ("summary", Value::from(due.summary.as_str())),
        ("count", Value::from(i64::from(due.count))),
        ("items", Value::list(items)),
        ("url", one.unwrap_or_else(|| Value::from(format!("{base}/settings/alerts")))),
    ])
}

/// An item with the address of its page, where it has one.
fn placed(item: &Value, base: &str) -> Value {
    match (item, place(item)) {
        (Value::Map(map), Some(place)) => {
            let mut map = Map::clone(map);
            map.insert("url".into(), Value::from(format!("{base}{place}")));
            Value::from(map)
        }
        _ => item.clone(),
    }
}

/// The page of what was found.
fn place(item: &Value) -> Option<String> {
    let member = |name: &str| item.get(name).and_then(Value::as_str);
    match member("waiting") {
        Some("runs") => {
            let of = member("flow").map(|flow| format!("&flow={flow}")).unwrap_or_default();
            return Some(format!("/runs?status=queued{of}"));
        }
        Some("worker_tasks") => return Some("/workers".to_owned()),
        Some("events") => return Some("/events".to_owned()),
        Some("steps") => return Some("/runs?status=running".to_owned()),
        _ => {}
    }
    match (member("run"), member("task")) {
        (Some(run), Some(task)) => Some(format!("/tasks/{run}/{task}")),
        (Some(run), None) => Some(format!("/runs/{run}")),
        (None, _) => {
            let poll = member("poll").map(|poll| format!("/polls/{poll}"));
            poll.or_else(|| member("schedule").map(|schedule| format!("/schedules/{schedule}")))
        }
    }
}

/// What mail has as its subject: the sentence in one line, and not endless.
pub fn subject(summary: &str) -> String {
    let line: String = summary.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_SUBJECT).collect();
    format!("[Holon] {line}")
}

/// What mail says.
pub fn text(due: &Due, base: &str) -> String {
    let items = json::parse(due.items.as_bytes()).ok();
    let items = items.as_ref().and_then(Value::as_list).unwrap_or_default();
    let mut text = format!("{}\n", due.summary);
    if !items.is_empty() {
        text += "\n";
    }
    for item in items {
        let member = |name: &str| item.get(name).and_then(Value::as_str);
        text += &format!("- {}\n", member("summary").unwrap_or_default());
        if let Some(place) = place(item) {
            text += &format!("  {base}{place}\n");
        }
    }
    let more = usize::try_from(due.count).unwrap_or_default().saturating_sub(items.len());
    if more > 0 && due.cause != "test" {
        text += &format!("- and {more} more\n");
    }
    text + &format!("\n{} · {base}/settings/alerts\n", instant(due.fired_at))
}

/// How long something has waited, in its two largest units.
pub fn span(millis: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = millis / 1000;
    let at = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(units.len() - 1);
    let (unit, name) = units[at];
    let rest = units.get(at + 1).map(|(next, name)| (seconds % unit / next, name)).filter(|(count, _)| *count > 0);
    let rest = rest.map(|(count, name)| format!(" {count} {name}")).unwrap_or_default();
    format!("{} {name}{rest}", seconds / unit)
}

/// RFC 3339.
pub fn instant(at: Timestamp) -> String {
    to_db(at).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_many_are_named_and_the_others_counted() {
        let found: Vec<Item> = (0..8).map(|n| Item::new(&format!("run {n}"), [])).collect();
        let held = merged("[]", &found);
        let all = merged(&held, &found);
        let parsed = json::parse(all.as_bytes()).unwrap();
        assert_eq!(parsed.as_list().unwrap().len(), NAMED);
        assert_eq!(summary("Night", AlertWhat::RunFailed, 16, &all), "Night: 16 runs failed: run 7");
        assert_eq!(summary("Night", AlertWhat::RunFailed, 1, "[]"), "Night: a run failed");
    }

    #[test]
    fn what_was_found_leads_to_its_page() {
        let of = |members: &[(&'static str, &str)]| {
            placed(&Value::map(members.iter().map(|(name, text)| (*name, Value::from(*text)))), "https://h")
                .get("url")
                .and_then(|url| url.as_str().map(str::to_owned))
        };
        let led = |to: &str| Some(format!("https://h{to}"));
        assert_eq!(of(&[("run", "run_1"), ("flow", "flow_1")]), led("/runs/run_1"));
        assert_eq!(of(&[("run", "run_1"), ("task", "7")]), led("/tasks/run_1/7"));
        assert_eq!(of(&[("poll", "poll_1"), ("flow", "flow_1")]), led("/polls/poll_1"));
        assert_eq!(of(&[("schedule", "schedule_1")]), led("/schedules/schedule_1"));
        assert_eq!(of(&[("waiting", "runs"), ("flow", "flow_1")]), led("/runs?status=queued&flow=flow_1"));
        assert_eq!(of(&[("waiting", "worker_tasks"), ("flow", "flow_1")]), led("/workers"));
        assert_eq!(of(&[("waiting", "events")]), led("/events"));
        assert_eq!(of(&[("waiting", "schedule_firings"), ("schedule", "schedule_1")]), led("/schedules/schedule_1"));
        assert_eq!(of(&[("milliseconds", "5")]), None);
    }

    #[test]
    fn how_long_something_waited_is_said_in_its_two_largest_units() {
        let minute = 60_000;
        let said = [400, 59_999, 90_000, 60 * minute, 61 * minute, 24 * 60 * minute, 51 * 60 * minute].map(span);
        assert_eq!(said, ["0 s", "59 s", "1 min 30 s", "1 h", "1 h 1 min", "1 d", "2 d 3 h"]);
    }

    #[test]
    fn a_subject_is_one_line_whatever_an_error_says() {
        assert_eq!(subject("Night: a\r\nBcc: eve@example.com"), "[Holon] Night: a  Bcc: eve@example.com");
        assert_eq!(subject(&"x".repeat(1000)).len(), LONGEST_SUBJECT + 8);
    }
}
