//! Which runs the list shows, as its address says it: `/runs?status=failed&label=team:ops&within=24h`.

use std::collections::BTreeMap;

use holon_model::wire::runs::{ENDED, GOING, PARKED};
use holon_model::{FlowId, Millis, Timestamp};
use leptos_router::params::ParamsMap;

use super::api::RunsQuery;
use crate::rest::Query;
use crate::ui::format;

/// How far back, as addresses name it.
pub const WITHIN: [(&str, u64); 4] =
    [("1h", 3_600_000), ("24h", 86_400_000), ("7d", 604_800_000), ("30d", 2_592_000_000)];

/// Every status that lists can be asked for, those that may still change first.
pub fn statuses() -> impl Iterator<Item = &'static str> {
    GOING.into_iter().chain([PARKED]).chain(ENDED)
}

/// The filters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// Only of this flow.
    pub flow: Option<FlowId>,
    /// Only in this status.
    pub status: Option<String>,
    /// Only started by this.
    pub trigger: Option<String>,
    /// Only so far back, one of [`WITHIN`].
    pub within: Option<String>,
    /// Only from then on.
    pub since: Option<Timestamp>,
    /// Only before then.
    pub until: Option<Timestamp>,
    /// Only about this.
    pub correlation: Option<String>,
    /// Only with all of these labels.
    pub labels: BTreeMap<String, String>,
}

impl Filters {
    /// From an address. What it says that cannot be is left out.
    pub fn read(query: &ParamsMap) -> Self {
        let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
        let labels = query.get_all("label").unwrap_or_default();
        let label = |text: String| {
            let (key, value) = text.split_once(':').filter(|(key, _)| !key.is_empty())?;
            Some((key.to_owned(), value.to_owned()))
        };
        Self {
            flow: text("flow").and_then(|flow| flow.parse().ok()),
            status: text("status").filter(|status| statuses().any(|known| known == status)),
            trigger: text("trigger"),
            within: text("within").filter(|within| WITHIN.iter().any(|(name, _)| name == within)),
            since: text("since").and_then(|at| format::parse_iso(&at)),
            until: text("until").and_then(|at| format::parse_iso(&at)),
            correlation: text("correlation"),
            labels: labels.into_iter().filter_map(label).collect(),
        }
    }

    /// The address of the list with these filters.
    pub fn address(&self) -> String {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let instant = |at: Option<Timestamp>| at.map(format::iso).unwrap_or_default();
        let address = Query::new("/runs")
            .with("flow", &self.flow.map(|flow| flow.to_string()).unwrap_or_default())
            .with("status", &text(&self.status))
            .with("trigger", &text(&self.trigger))
            .with("within", &text(&self.within))
            .with("since", &instant(self.since))
            .with("until", &instant(self.until))
            .with("correlation", &text(&self.correlation));
        let labels = self.labels.iter();
        labels.fold(address, |address, (key, value)| address.with("label", &format!("{key}:{value}"))).build()
    }

    /// What the server is asked.
    pub fn query(&self, now: Timestamp) -> RunsQuery {
        let within = self.within.as_deref().and_then(|within| WITHIN.iter().find(|(name, _)| *name == within));
        let back = within.map(|(_, millis)| now.minus(Millis(*millis)));
        RunsQuery {
            flow: self.flow,
            status: self.status.clone(),
            trigger: self.trigger.clone(),
            since: self.since.max(back),
            until: self.until,
            correlation: self.correlation.clone(),
            labels: self.labels.clone(),
            ..RunsQuery::default()
        }
    }

    /// Whether anything is left out.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// With what somebody typed: a label where it is written like one, else a correlation.
    #[must_use]
    pub fn marked(mut self, typed: &str) -> Self {
        match typed.trim().split_once(':').filter(|(key, _)| !key.is_empty() && !key.contains(' ')) {
            Some((key, value)) => _ = self.labels.insert(key.trim().to_owned(), value.trim().to_owned()),
            None if typed.trim().is_empty() => {}
            None => self.correlation = Some(typed.trim().to_owned()),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_the_filters_that_made_it() {
        let filters = Filters {
            status: Some("failed".into()),
            trigger: Some("trigger.webhook".into()),
            within: Some("24h".into()),
            since: Some(Timestamp(1_795_248_083_000)),
            correlation: Some("order 7&8".into()),
            ..Filters::default()
        }
        .marked("team:ops")
        .marked("url:https://x");
        let address = filters.address();
        let mut read = ParamsMap::new();
        for pair in address.split_once('?').unwrap().1.split('&') {
            let (name, value) = pair.split_once('=').unwrap();
            let value = value.replace("%3A", ":").replace("%2F", "/").replace("%20", " ").replace("%26", "&");
            read.insert(name.to_owned(), value);
        }
        assert_eq!(Filters::read(&read), filters);
        assert!(address.contains("label=team%3Aops") && address.contains("label=url%3Ahttps%3A%2F%2Fx"), "{address}");
    }

    #[test]
    fn how_far_back_counts_from_now_and_the_later_bound_wins() {
        let now = Timestamp(10_000_000);
        let filters = Filters { within: Some("1h".into()), ..Filters::default() };
        assert_eq!(filters.query(now).since, Some(Timestamp(6_400_000)));
        let later = Filters { since: Some(Timestamp(9_000_000)), ..filters };
        assert_eq!(later.query(now).since, Some(Timestamp(9_000_000)));
    }
}
