//! One measured number, its bar, and how it is told.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// What a number must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Must {
    /// Nothing: it is only reported.
    Report,
    /// A size or a share, the same on every machine.
    AtMost(f64),
    /// A share, the same on every machine.
    AtLeast(f64),
    /// A time of the reference machine; a slower one may take longer in proportion.
    TimeAtMost(f64),
    /// A rate of the reference machine; a slower one may do less in proportion.
    RateAtLeast(f64),
}

/// One measured number.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// `<benchmark>.<what>`.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Its bar.
    pub must: Must,
    /// What ran beside it, and the same number for that.
    pub peer: Option<(String, f64)>,
}

impl Measure {
    /// A number without a peer.
    pub fn new(name: &str, value: f64, unit: &str, must: Must) -> Self {
        Self { name: name.to_owned(), value, unit: unit.to_owned(), must, peer: None }
    }

    /// From the JSON of another program: `must` is written `<= 3` or `>= 600000`, a plain number meaning "at most", and
    /// is scaled with the machine when the unit is a time or a rate.
    pub fn parse(value: &Value) -> Result<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let name = text("name").context("a measure without a name")?;
        let number = value.get("value").and_then(Value::as_f64).with_context(|| format!("{name} has no value"))?;
        let unit = text("unit").unwrap_or("");
        let plain = value.get("must").and_then(Value::as_f64).map(|bar| format!("<= {bar}"));
        let written = plain.as_deref().or_else(|| text("must"));
        let must = match written.and_then(|must| must.split_once(' ')) {
            None => Must::Report,
            Some((sign, bar)) => {
                let bar: f64 = bar.trim().parse().with_context(|| format!("{name}: must is not a number"))?;
                match (sign, unit) {
                    ("<=", "ms" | "s" | "us") => Must::TimeAtMost(bar),
                    ("<=", _) => Must::AtMost(bar),
                    (_, unit) if unit.ends_with("/s") => Must::RateAtLeast(bar),
                    _ => Must::AtLeast(bar),
                }
            }
        };
        let peer = value
            .get("peer")
            .and_then(|peer| Some((peer.get("name")?.as_str()?.to_owned(), peer.get("value")?.as_f64()?)));
        Ok(Self { name: name.to_owned(), value: number, unit: unit.to_owned(), must, peer })
    }

    /// With its bar fitted to this machine: `slowness` is 1 on the reference, 2 where all takes twice as long.
    pub fn judge(self, slowness: f64) -> Judged {
        // A faster machine does not raise the bar: the promise is the absolute figure.
        let slowness = slowness.max(1.0);
        let (bar, ok) = match self.must {
            Must::Report => (None, None),
            Must::AtMost(bar) => (Some(format!("<= {bar}")), Some(self.value <= bar)),
            Must::AtLeast(bar) => (Some(format!(">= {bar}")), Some(self.value >= bar)),
            Must::TimeAtMost(bar) => (Some(format!("<= {:.3}", bar * slowness)), Some(self.value <= bar * slowness)),
            Must::RateAtLeast(bar) => (Some(format!(">= {:.0}", bar / slowness)), Some(self.value >= bar / slowness)),
        };
        Judged { measure: self, bar, ok }
    }
}

/// A measure and whether it is good enough here.
pub struct Judged {
    measure: Measure,
    bar: Option<String>,
    /// None when there is no bar.
    pub ok: Option<bool>,
}

impl Judged {
    /// For programs.
    pub fn json(&self) -> String {
        let Measure { name, value, unit, peer, .. } = &self.measure;
        let mut object = json!({ "name": name, "value": value, "unit": unit, "must": self.bar, "ok": self.ok });
        if let (Some((peer, its)), Some(fields)) = (peer, object.as_object_mut()) {
            fields.insert("peer".to_owned(), json!(peer));
            fields.insert("ratio".to_owned(), json!(value / its));
        }
        object.to_string()
    }

    /// For people.
    pub fn line(&self) -> String {
        let Measure { name, value, unit, peer, .. } = &self.measure;
        let value = if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        let verdict = match self.ok {
            Some(true) => "ok",
            Some(false) => "SHORT",
            None => "",
        };
        let bar = self.bar.as_deref().unwrap_or("reported");
        let beside = peer.as_ref().map_or(String::new(), |(peer, its)| {
            format!("  ({peer}: {its:.2}, ratio {:.2})", self.measure.value / its)
        });
        format!("{name:<36} {value:>12} {unit:<10} {bar:<16} {verdict:<6}{beside}")
    }
}

/// The middle of several runs: one disturbed run does not count.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{Measure, Must, median};

    #[test]
    fn a_slower_machine_may_take_longer_and_a_size_may_not_grow() {
        let time = Measure::new("a", 5.0, "ms", Must::TimeAtMost(3.0));
        assert_eq!(time.clone().judge(1.0).ok, Some(false));
        assert_eq!(time.judge(2.0).ok, Some(true));
        assert_eq!(Measure::new("a", 5.0, "KB", Must::AtMost(3.0)).judge(2.0).ok, Some(false));
        let fast = Measure::new("a", 2.0, "ms", Must::TimeAtMost(3.0));
        assert_eq!(fast.judge(0.5).ok, Some(true));
    }

    #[test]
    fn lines_of_other_programs_are_understood() {
        let line = serde_json::json!({"name": "x", "value": 2, "unit": "ms", "must": "<= 3"});
        assert_eq!(Measure::parse(&line).unwrap().must, Must::TimeAtMost(3.0));
        let plain = serde_json::json!({"name": "x", "value": 2, "unit": "ms", "must": 5});
        assert_eq!(Measure::parse(&plain).unwrap().must, Must::TimeAtMost(5.0));
        let rate = serde_json::json!({"name": "x", "value": 2, "unit": "nodes/s", "must": ">= 600000"});
        assert_eq!(Measure::parse(&rate).unwrap().must, Must::RateAtLeast(600_000.0));
    }

    #[test]
    fn the_median_ignores_an_outlier() {
        assert!((median(vec![1.0, 900.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
