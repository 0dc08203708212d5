//! What people read on the canvas.

/// Name of the canvas for screen readers.
pub const CANVAS: &str = "Flow canvas";
/// How the canvas is used without a pointer.
pub const CANVAS_HELP: &str =
    "Alt and arrows follow edges, arrows move, Enter opens the settings, / adds a node, ? shows all keys";
/// Fits the flow into view.
pub const FIT: &str = "Show all";
/// Zooms in.
pub const ZOOM_IN: &str = "Zoom in";
/// Zooms out.
pub const ZOOM_OUT: &str = "Zoom out";
/// The root of the breadcrumbs.
pub const FLOW: &str = "Flow";
/// Which of a scope's bodies is shown.
pub fn body_of(node: &str) -> String {
    format!("Another body of {node}")
}
/// Cards that are not in view.
pub fn outside(count: usize) -> String {
    format!("{} outside the view", crate::ui::format::count(count as u64, "node", "nodes"))
}
/// Which item of a loop is shown.
pub const ITEM: &str = "Item";
/// How long the browser computed a node, in milliseconds.
pub fn computed(millis: u64) -> String {
    format!("computed in {}", crate::ui::format::duration(millis))
}
/// As many of the node went on as may: it waits for its turn, or did.
pub fn turn(status: &str) -> &'static str {
    if status == "waiting" { "waiting its turn" } else { "waited its turn" }
}
/// Until when it waits.
pub fn until(when: &str) -> String {
    format!("until {when}")
}
/// Answered by a sample.
pub const SAMPLE: &str = "sample";
/// The kind is not in the catalogue.
pub const UNKNOWN_KIND: &str = "Unknown kind";
/// While the engine is loaded.
pub const LOADING: &str = "Loading the flow …";
/// The kinds did not come.
pub const NO_KINDS: &str = "The nodes are shown without what their kinds say of them";
/// Loads them again.
pub const AGAIN: &str = "Try again";

/// How a step of a saga went, on a card where there is little room.
pub fn leg(state: &str) -> &'static str {
    match state {
        "compensating" => "Undoing",
        "parked" => "Not undone",
        "skipped" => "Left",
        "by_hand" => "By hand",
        "to_undo" => "To undo",
        _ => crate::runs::strings::step(state),
    }
}
