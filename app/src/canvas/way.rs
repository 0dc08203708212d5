//! The bodies of a saga on its card, once it runs: the path forward from the top down, the path back below it in the order of
//! undoing, and a curve from each step that is undone to what undoes it.

use std::collections::BTreeSet;

use holon_flow::definition::Key;
use holon_studio::{
    geometry::{ROW, WIDTH},
    way::{Leg, Way},
};
use leptos::prelude::*;

use super::strings;
use crate::runs::saga;
use crate::ui::icon;

/// One row of the card.
pub(super) struct Row {
    /// The body.
    pub body: Key,
    /// Nodes in it.
    pub count: usize,
    /// What it did, where it stands on a path, and whether that is the one back.
    pub leg: Option<(Leg, bool)>,
}

/// The rows: forward, back, then bodies that are on neither path (yet).
pub(super) fn rows(bodies: &[(Key, usize)], way: Option<&Way>) -> Vec<Row> {
    let Some(way) = way else {
        return bodies.iter().map(|(body, count)| Row { body: body.clone(), count: *count, leg: None }).collect();
    };
    let legs = way.forward.iter().map(|leg| (leg, false)).chain(way.back.iter().map(|leg| (leg, true)));
    let mut rows: Vec<Row> = legs
        .filter_map(|(leg, back)| {
            let (body, count) = bodies.iter().find(|(body, _)| Some(&**body) == leg.body.as_deref())?;
            Some(Row { body: body.clone(), count: *count, leg: Some((leg.clone(), back)) })
        })
        .collect();
    let known: BTreeSet<Key> = rows.iter().map(|row| row.body.clone()).collect();
    let rest = bodies.iter().filter(|(body, _)| !known.contains(body));
    rows.extend(rest.map(|(body, count)| Row { body: body.clone(), count: *count, leg: None }));
    rows
}

/// What stands in the row of a leg: its place on its path, and how it went in icon and word.
pub(super) fn mark(leg: &Leg) -> AnyView {
    let (class, glyph, word) = saga::look(&leg.state);
    let short = strings::leg(&leg.state);
    view! { <span class=format!("node-leg {class}") title=word>{icon(glyph)}<span>{short}</span></span> }.into_any()
}

/// The paths beside the rows, which begin so far below the top of what holds them.
pub(super) fn paths(rows: &[Row]) -> Option<AnyView> {
    let middle = |index: usize| i32::try_from(index).unwrap_or(0) * ROW + ROW / 2;
    let find = |step: &str, back: bool| {
        rows.iter().position(|row| row.leg.as_ref().is_some_and(|(leg, is)| *is == back && leg.step == step))
    };
    let forward = rows.windows(2).enumerate().filter_map(|(index, pair)| {
        let (from, to) = (pair[0].leg.as_ref()?, pair[1].leg.as_ref()?);
        // Taken where the next step has begun.
        let along = !from.1 && !to.1;
        along.then(|| {
            let class = if to.0.state == "pending" { "way-forward ahead" } else { "way-forward" };
            view! { <path class=class d=format!("M5 {}V{}", middle(index), middle(index + 1))></path> }.into_any()
        })
    });
    let legs = rows.iter().enumerate().filter_map(|(index, row)| Some((index, row.leg.as_ref()?)));
    let back = legs.filter(|(_, (_, back))| *back).filter_map(|(index, (leg, _))| {
        let step = find(&leg.step, false)?;
        // The last step is undone first: its curve lies inside those of the steps before it.
        let out = 20 + 12 * i32::try_from(leg.number).unwrap_or(1);
        let (from, to) = (middle(step), middle(index));
        let (class, _, _) = saga::look(&leg.state);
        let curve = format!("M0 {from}C-{out} {from} -{out} {to} -6 {to}");
        let head = format!("M-7 {}L0 {to}L-7 {}z", to - 4, to + 4);
        let ahead = if leg.state == "to_undo" { " ahead" } else { "" };
        Some(
            view! {
                <g class=format!("way-back {class}{ahead}") data-undoes=leg.step.clone()>
                    <path d=curve></path>
                    <path class="way-head" d=head></path>
                </g>
            }
            .into_any(),
        )
    });
    let all: Vec<AnyView> = forward.chain(back).collect();
    (!all.is_empty()).then(|| {
        view! { <svg class="node-way" width=WIDTH.to_string() height="1" aria-hidden="true">{all}</svg> }.into_any()
    })
}
