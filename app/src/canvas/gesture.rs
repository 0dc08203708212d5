//! What pointers do: pan, pinch, select, drag, draw edges. One delegated listener, whatever the number of cards.

use std::collections::BTreeMap;

use holon_flow::definition::Key;
use holon_studio::{
    Point, Rect,
    geometry::{Curve, GRID, Viewport},
    hit,
};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::{CanvasEvent, Scene, Selection};

/// Pixels that a pointer may move and still click.
const SLOP: f64 = 4.0;

#[derive(Debug, Clone, Default)]
enum Doing {
    #[default]
    Nothing,
    Pan {
        x: f64,
        y: f64,
        from: Viewport,
    },
    Marquee {
        from: Point,
        before: Selection,
    },
    Drag {
        x: f64,
        y: f64,
        key: Key,
        additive: bool,
        moved: bool,
    },
    Draw {
        x: f64,
        y: f64,
        from: String,
        start: Point,
        moved: bool,
    },
}

/// The pointer's state on one canvas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gesture {
    scene: Scene,
    root: NodeRef<html::Div>,
    on: Option<Callback<CanvasEvent>>,
    doing: StoredValue<Doing>,
    fingers: StoredValue<BTreeMap<i32, (f64, f64)>>,
    /// Whether the space bar is held: then dragging pans, whatever is under the pointer.
    pub(super) space: RwSignal<bool>,
    /// Whether a key was pressed or released here since the pointer was: only then is the focus shown. The page itself puts the focus
    /// here when it opens, which browsers count as if a key had.
    pub(super) ring: RwSignal<bool>,
    /// Whether the canvas was reached without the pointer: then Tab leads on from it.
    pub(super) keyed: RwSignal<bool>,
    /// The rectangle being drawn.
    pub(super) marquee: RwSignal<Option<Rect>>,
    /// The curve being drawn.
    pub(super) rubber: RwSignal<Option<Curve>>,
    /// The in-port it would reach.
    pub(super) aim: RwSignal<Option<String>>,
}

impl Gesture {
    pub(super) fn new(scene: Scene, root: NodeRef<html::Div>, on: Option<Callback<CanvasEvent>>) -> Self {
        Self {
            scene,
            root,
            on,
            doing: StoredValue::new(Doing::Nothing),
            fingers: StoredValue::new(BTreeMap::new()),
            space: RwSignal::new(false),
            ring: RwSignal::new(false),
            keyed: RwSignal::new(true),
            marquee: RwSignal::new(None),
            rubber: RwSignal::new(None),
            aim: RwSignal::new(None),
        }
    }

    /// The pointer relative to the canvas.
    fn place(self, event: &ev::MouseEvent) -> (f64, f64) {
        let rect = self.root.get_untracked().map(|root| root.get_bounding_client_rect());
        let (left, top) = rect.map_or((0.0, 0.0), |rect| (rect.left(), rect.top()));
        (f64::from(event.client_x()) - left, f64::from(event.client_y()) - top)
    }

    fn point(self, event: &ev::MouseEvent) -> Point {
        let (x, y) = self.place(event);
        self.scene.viewport.get_untracked().to_canvas(x, y)
    }

    pub(super) fn down(self, event: &ev::PointerEvent) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        if target.closest(".node-row, .canvas-tools").ok().flatten().is_some() {
            return;
        }
        let (x, y) = self.place(event);
        self.fingers.update_value(|fingers| _ = fingers.insert(event.pointer_id(), (x, y)));
        if let Some(root) = self.root.get_untracked() {
            let _ = root.set_pointer_capture(event.pointer_id());
            let _ = root.focus();
        }
        self.keyed.set(false);
        self.ring.set(false);
        let find = |name: &str| {
            let found = target.closest(&format!("[data-{name}]")).ok().flatten();
            found.and_then(|found| found.get_attribute(&format!("data-{name}")))
        };
        let scene = self.scene;
        let pan = Doing::Pan { x, y, from: scene.viewport.get_untracked() };
        let more = event.shift_key() || event.ctrl_key() || event.meta_key();
        let fingers = self.fingers.with_value(BTreeMap::len);
        let doing = if event.button() == 1 || self.space.get_untracked() || fingers > 1 {
            event.prevent_default();
            pan
        } else if event.button() != 0 {
            Doing::Nothing
        } else if let Some(from) = find("out").filter(|_| scene.editable) {
            event.prevent_default();
            Doing::Draw { x, y, start: self.start(&from), from, moved: false }
        } else if let Some(key) = find("node") {
            let key = Key::from(key.as_str());
            let selected = scene.selection.with_untracked(|selection| selection.nodes.contains(&key));
            if !selected && !more {
                scene.selection.set(Selection::node(&key));
            } else if !selected {
                scene.selection.update(|selection| {
                    selection.edge = None;
                    selection.nodes.insert(key.clone());
                });
            }
            Doing::Drag { x, y, key, additive: more && selected, moved: false }
        } else if let Some(edge) = find("edge") {
            scene.selection.set(Selection { edge: Some(edge), ..Selection::default() });
            pan
        } else if event.shift_key() {
            Doing::Marquee { from: self.point(event), before: scene.selection.get_untracked() }
        } else {
            pan
        };
        self.doing.set_value(doing);
    }

    /// Where an out-port stands.
    fn start(self, port: &str) -> Point {
        let Some((key, name)) = port.split_once('.') else { return Point::default() };
        self.scene.graph.with_untracked(|view| view.nodes.get(key).map(|node| node.output(name)).unwrap_or_default())
    }

    pub(super) fn moved(self, event: &ev::PointerEvent) {
        let (x, y) = self.place(event);
        if self.pinch(event.pointer_id(), x, y) {
            return;
        }
        let scene = self.scene;
        let far = |from_x: f64, from_y: f64| (x - from_x).abs() > SLOP || (y - from_y).abs() > SLOP;
        let mut doing = self.doing.get_value();
        match &mut doing {
            Doing::Nothing => return,
            Doing::Pan { x: from_x, y: from_y, from } => {
                scene.viewport.set(Viewport { x: from.x + x - *from_x, y: from.y + y - *from_y, zoom: from.zoom });
            }
            Doing::Marquee { from, before } => {
                let rect = Rect::between(*from, self.point(event));
                self.marquee.set(Some(rect));
                let mut nodes = scene.graph.with_untracked(|view| hit::nodes_in(view, &rect));
                nodes.extend(before.nodes.iter().cloned());
                scene.selection.set(Selection { nodes, edge: None });
            }
            Doing::Drag { x: from_x, y: from_y, moved, .. } => {
                *moved |= far(*from_x, *from_y);
                if *moved && scene.editable {
                    let zoom = scene.viewport.with_untracked(|viewport| viewport.zoom);
                    let step = |distance: f64| (distance / zoom / f64::from(GRID)).round() as i32 * GRID;
                    let by = Point::new(step(x - *from_x), step(y - *from_y));
                    if by != scene.drag.get_untracked() {
                        scene.drag.set(by);
                    }
                }
            }
            Doing::Draw { x: from_x, y: from_y, start, from, moved } => {
                *moved |= far(*from_x, *from_y);
                let point = self.point(event);
                let own = from.split('.').next().unwrap_or_default();
                let aim = scene.graph.with_untracked(|view| hit::input_at(view, point));
                let aim = aim.filter(|port| port.split('.').next() != Some(own));
                let end = aim.as_deref().and_then(|port| self.end(port)).unwrap_or(point);
                self.rubber.set(moved.then(|| Curve::between(*start, end)));
                if aim != self.aim.get_untracked() {
                    self.aim.set(aim);
                }
            }
        }
        self.doing.set_value(doing);
    }

    fn end(self, port: &str) -> Option<Point> {
        let (key, name) = port.split_once('.')?;
        self.scene.graph.with_untracked(|view| view.nodes.get(key).map(|node| node.input(name)))
    }

    /// Two fingers zoom and pan.
    fn pinch(self, finger: i32, x: f64, y: f64) -> bool {
        let before = self.fingers.get_value();
        if before.len() != 2 || !before.contains_key(&finger) {
            return false;
        }
        let mut after = before.clone();
        after.insert(finger, (x, y));
        let spread = |fingers: &BTreeMap<i32, (f64, f64)>| {
            let mut points = fingers.values();
            let ((ax, ay), (bx, by)) = (*points.next().unwrap_or(&(0.0, 0.0)), *points.next().unwrap_or(&(0.0, 0.0)));
            ((ax - bx).hypot(ay - by).max(1.0), (ax + bx) / 2.0, (ay + by) / 2.0)
        };
        let ((was, was_x, was_y), (is, is_x, is_y)) = (spread(&before), spread(&after));
        let zoomed = self.scene.viewport.get_untracked().zoomed(is / was, was_x, was_y);
        self.scene.viewport.set(Viewport { x: zoomed.x + is_x - was_x, y: zoomed.y + is_y - was_y, ..zoomed });
        self.fingers.set_value(after);
        self.doing.set_value(Doing::Nothing);
        true
    }

    pub(super) fn up(self, event: &ev::PointerEvent) {
        self.fingers.update_value(|fingers| _ = fingers.remove(&event.pointer_id()));
        let scene = self.scene;
        let tell = |event: CanvasEvent| {
            if let Some(on) = self.on {
                on.run(event);
            }
        };
        match self.doing.try_update_value(std::mem::take).unwrap_or_default() {
            Doing::Drag { moved: true, .. } => {
                let by = scene.drag.get_untracked();
                if by != Point::default() {
                    // The new places and the end of dragging in one go: nothing jumps.
                    tell(CanvasEvent::Moved(by));
                    scene.drag.set(Point::default());
                }
            }
            Doing::Drag { key, additive: true, .. } => {
                scene.selection.update(|selection| _ = selection.nodes.remove(&key))
            }
            Doing::Drag { key, .. } if scene.selection.with_untracked(|selection| selection.nodes.len() > 1) => {
                if !event.shift_key() && !event.ctrl_key() && !event.meta_key() {
                    scene.selection.set(Selection::node(&key));
                }
            }
            Doing::Draw { from, moved: false, .. } => tell(CanvasEvent::Picked(from)),
            Doing::Draw { from, .. } => match self.aim.get_untracked() {
                Some(to) => tell(CanvasEvent::Connect { from, to }),
                None => tell(CanvasEvent::Dropped { from, at: self.point(event) }),
            },
            Doing::Pan { x, y, from } => {
                let (now_x, now_y) = self.place(event);
                let still = (now_x - x).abs() <= SLOP && (now_y - y).abs() <= SLOP;
                let on_edge = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                let on_edge = on_edge.is_some_and(|target| target.closest("[data-edge]").ok().flatten().is_some());
                let chosen_edge = scene.selection.with_untracked(|selection| selection.edge.is_some());
                if still
                    && event.button() == 0
                    && !on_edge
                    && from == scene.viewport.get_untracked()
                    && !self.hit_edge(event, chosen_edge)
                {
                    scene.selection.set(Selection::default());
                }
            }
            Doing::Marquee { .. } | Doing::Drag { .. } | Doing::Nothing => {}
        }
        self.cancel();
    }

    /// Capturing the pointer makes the canvas the target of its release: look where it was.
    fn hit_edge(self, event: &ev::PointerEvent, chosen: bool) -> bool {
        const REACH: f64 = 8.0;
        let point = self.point(event);
        chosen && self.scene.graph.with_untracked(|view| hit::edge_at(view, point, REACH)).is_some()
    }

    /// Ends whatever is going on without doing it.
    pub(super) fn cancel(self) {
        self.doing.set_value(Doing::Nothing);
        for_none(self.marquee);
        for_none(self.rubber);
        for_none(self.aim);
        if self.scene.drag.get_untracked() != Point::default() {
            self.scene.drag.set(Point::default());
        }
    }

    pub(super) fn wheel(self, event: &ev::WheelEvent) {
        event.prevent_default();
        let (x, y) = self.place(event);
        let lines = if event.delta_mode() == 1 { 16.0 } else { 1.0 };
        let (dx, dy) = (event.delta_x() * lines, event.delta_y() * lines);
        let before = self.scene.viewport.get_untracked();
        let next = if event.ctrl_key() || event.meta_key() {
            before.zoomed((-dy * 0.0022).exp(), x, y)
        } else if event.shift_key() && dx == 0.0 {
            Viewport { x: before.x - dy, ..before }
        } else {
            Viewport { x: before.x - dx, y: before.y - dy, ..before }
        };
        self.scene.viewport.set(next);
    }

    pub(super) fn double(self, event: &ev::MouseEvent) {
        let Some(on) = self.on else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let point = self.point(event);
        let node = self.scene.graph.with_untracked(|view| hit::node_at(view, point).cloned());
        let tool = target.is_some_and(|target| target.closest("button").ok().flatten().is_some());
        match node {
            _ if tool => {}
            Some(key) => on.run(CanvasEvent::Open(key)),
            None => on.run(CanvasEvent::Add(point)),
        }
    }

    pub(super) fn fell(self, event: &ev::DragEvent) {
        let data = event.data_transfer().and_then(|transfer| transfer.get_data("application/x-holon-kind").ok());
        if let (Some(on), Some(data)) = (self.on, data.filter(|data| !data.is_empty())) {
            event.prevent_default();
            on.run(CanvasEvent::Fell { data, at: self.point(event) });
        }
    }
}

fn for_none<T: Send + Sync + 'static>(signal: RwSignal<Option<T>>) {
    if signal.with_untracked(Option::is_some) {
        signal.set(None);
    }
}
