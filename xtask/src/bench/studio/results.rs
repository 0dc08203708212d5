//! From what the driver tells, a line for each time, to measures with their bars and what xyflow took beside them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::measure::{Measure, Must, median};

/// Who is measured, as the driver calls it.
const OURS: &str = "holon";
/// xyflow with all nodes in the document, and with those that are seen (`onlyRenderVisibleElements`): the better of them counts.
const THEIRS: &[&str] = &["xyflow-all", "xyflow-visible"];
/// What "scripting and layout" is: style is found for what is laid out.
const WORK: &[&str] = &["scripting", "style", "layout"];
/// Everything that the page's thread does.
const ALL: &[&str] = &["scripting", "style", "layout", "hit", "paint", "other"];

/// All times of one thing on one side, by what was measured of it.
type Times = BTreeMap<String, Vec<f64>>;

/// Everything that was told.
struct Told(BTreeMap<(String, String), Times>);

/// The measures of a driver's lines.
pub fn measures(lines: &str) -> Result<Vec<Measure>> {
    let told = Told::read(lines)?;
    let mut all = Vec::new();
    for (nodes, must, ratio) in [
        (50, Must::Report, Must::Report),
        (200, Must::TimeAtMost(0.6), Must::AtMost(1.0)),
        (1_000, Must::TimeAtMost(1.5), Must::AtMost(1.0)),
        (5_000, Must::Report, Must::Report),
    ] {
        all.extend(told.beside(&format!("open_{nodes}"), &format!("open_{nodes}"), &["s"], "s", must, ratio)?);
    }
    for (gesture, ratio) in [("pan", Must::AtMost(0.5)), ("zoom", Must::AtMost(0.5)), ("pan_far", Must::Report)] {
        let name = format!("{gesture}_1000");
        all.extend(told.beside(gesture, &name, WORK, "ms/frame", Must::Report, ratio)?);
    }
    // Its unit is that of a time: a slow machine may take longer.
    all.extend(told.beside(
        "drag",
        "drag_1000_scripting",
        &["scripting"],
        "ms",
        Must::TimeAtMost(4.0),
        Must::Report,
    )?);
    for gesture in ["pan", "zoom", "pan_far", "drag"] {
        let name = format!("{gesture}_1000_thread");
        all.extend(told.beside(gesture, &name, ALL, "ms/frame", Must::Report, Must::Report)?.into_iter().take(1));
    }
    let key = told.middle("keystroke", OURS, &["ms"])?;
    all.push(Measure::new("studio.keystroke_200", key, "ms", Must::TimeAtMost(100.0)));
    for (name, must) in
        [("dom_all", Must::AtMost(15_000.0)), ("dom_none", Must::AtMost(3_000.0)), ("dom_most", Must::Report)]
    {
        let told = told.beside(name, &format!("{name}_1000"), &["elements"], "elements", must, Must::Report)?;
        all.extend(told.into_iter().take(1));
    }
    Ok(all)
}

impl Told {
    fn read(lines: &str) -> Result<Self> {
        let mut all: BTreeMap<(String, String), Times> = BTreeMap::new();
        for line in lines.lines().filter(|line| line.starts_with('{')) {
            let told: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
            let text = |key: &str| told.get(key).and_then(Value::as_str).map(str::to_owned);
            let of = text("name").zip(text("side")).with_context(|| format!("neither name nor side: {line}"))?;
            let values = told.get("values").and_then(Value::as_object).with_context(|| format!("no values: {line}"))?;
            let times = all.entry(of).or_default();
            for (what, value) in values {
                let value = value.as_f64().with_context(|| format!("not a number: {line}"))?;
                times.entry(what.clone()).or_default().push(value);
            }
        }
        Ok(Self(all))
    }

    /// The middle of all times; of several sorts of work their sum at each time.
    fn middle(&self, name: &str, side: &str, sorts: &[&str]) -> Result<f64> {
        let times =
            self.0.get(&(name.to_owned(), side.to_owned())).with_context(|| format!("nothing of {name} by {side}"))?;
        let mut sums: Vec<f64> = Vec::new();
        for sort in sorts {
            let values = times.get(*sort).with_context(|| format!("{name} by {side} has no {sort}"))?;
            sums.resize(values.len(), 0.0);
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        Ok(median(sums))
    }

    /// Ours with the better of theirs as its peer, and its share of that.
    fn beside(
        &self,
        name: &str,
        called: &str,
        sorts: &[&str],
        unit: &str,
        must: Must,
        share: Must,
    ) -> Result<Vec<Measure>> {
        let ours = self.middle(name, OURS, sorts)?;
        let theirs: Result<Vec<(f64, &str)>> =
            THEIRS.iter().map(|side| Ok((self.middle(name, side, sorts)?, *side))).collect();
        let better = theirs?.into_iter().min_by(|(a, _), (b, _)| a.total_cmp(b));
        let (best, side) = better.context("there is nobody to compare with")?;
        let measured = Measure {
            peer: Some((side.to_owned(), best)),
            ..Measure::new(&format!("studio.{called}"), ours, unit, must)
        };
        let ratio = Measure::new(&format!("studio.{called}_of_xyflow"), ours / best, "", share);
        Ok(vec![measured, ratio])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[(&str, &str, &str)]) -> Told {
        let line = |(name, side, values): &(&str, &str, &str)| {
            format!("{{\"name\":\"{name}\",\"side\":\"{side}\",\"values\":{values}}}\n")
        };
        Told::read(&lines.iter().map(line).collect::<String>()).unwrap()
    }

    #[test]
    fn sorts_of_work_are_summed_in_each_round_before_the_middle_is_taken() {
        let told = told(&[
            ("pan", "holon", r#"{"scripting":1,"style":9,"layout":0}"#),
            ("pan", "holon", r#"{"scripting":5,"style":1,"layout":0}"#),
            ("pan", "holon", r#"{"scripting":2,"style":2,"layout":3}"#),
        ]);
        // The middles of the sorts by themselves would sum to 4.
        assert!((told.middle("pan", OURS, WORK).unwrap() - 7.0).abs() < 1e-9);
    }

    #[test]
    fn we_are_compared_with_the_better_of_the_two() {
        let told = told(&[
            ("open_200", "holon", r#"{"s":3}"#),
            ("open_200", "xyflow-all", r#"{"s":4}"#),
            ("open_200", "xyflow-visible", r#"{"s":2}"#),
        ]);
        let measures = told.beside("open_200", "open_200", &["s"], "s", Must::Report, Must::AtMost(1.0)).unwrap();
        let [ours, share] = measures.as_slice() else { panic!("{measures:?}") };
        assert_eq!(ours.peer, Some(("xyflow-visible".to_owned(), 2.0)));
        assert_eq!((share.name.as_str(), share.value), ("studio.open_200_of_xyflow", 1.5));
        assert_eq!(share.clone().judge(1.0).ok, Some(false));
    }

    #[test]
    fn what_was_not_told_is_an_error_and_no_zero() {
        assert!(told(&[]).beside("pan", "pan", WORK, "", Must::Report, Must::Report).is_err());
        assert!(told(&[("pan", "holon", r#"{"scripting":1}"#)]).middle("pan", OURS, WORK).is_err());
    }
}
