//! Numbers of the canvas: points, rectangles, the size of a card, curves of edges, zoom.

use serde::{Deserialize, Serialize};

/// A place on the canvas, in pixels at zoom 1. Whole, so that a definition holds no floating point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Down.
    pub y: i32,
}

impl Point {
    /// A point.
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// The sum, at most what fits.
    #[must_use]
    pub fn plus(self, by: Self) -> Self {
        Self { x: self.x.saturating_add(by.x), y: self.y.saturating_add(by.y) }
    }

    /// The nearest point of the grid.
    #[must_use]
    pub fn snapped(self) -> Self {
        let snap = |value: i32| (value.saturating_add(GRID / 2)).div_euclid(GRID).saturating_mul(GRID);
        Self { x: snap(self.x), y: snap(self.y) }
    }
}

/// A rectangle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left.
    pub x: i32,
    /// Top.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

impl Rect {
    /// The rectangle between two corners.
    pub fn between(a: Point, b: Point) -> Self {
        Self { x: a.x.min(b.x), y: a.y.min(b.y), w: (a.x - b.x).abs(), h: (a.y - b.y).abs() }
    }

    /// Whether the point is in it.
    pub fn contains(&self, point: Point) -> bool {
        (self.x..=self.x + self.w).contains(&point.x) && (self.y..=self.y + self.h).contains(&point.y)
    }

    /// Whether the two share a point.
    pub fn touches(&self, other: &Self) -> bool {
        self.x <= other.x + other.w
            && other.x <= self.x + self.w
            && self.y <= other.y + other.h
            && other.y <= self.y + self.h
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self { x, y, w: (self.x + self.w).max(other.x + other.w) - x, h: (self.y + self.h).max(other.y + other.h) - y }
    }
}

/// Step of the grid that nodes snap to.
pub const GRID: i32 = 8;
/// Width of a card.
pub const WIDTH: i32 = 224;
/// Height of a card's head: icon, title, line.
pub const HEAD: i32 = 56;
/// Height of a row: a labelled port, a body of a scope.
pub const ROW: i32 = 24;
/// Height of the line at the bottom that shows data.
pub const FOOT: i32 = 24;

/// Where the ports of a side stand: one in the middle of the head, several on rows below it.
pub fn port_y(index: usize, count: usize) -> i32 {
    if count <= 1 { HEAD / 2 } else { HEAD + ROW * i32::try_from(index).unwrap_or(0) + ROW / 2 }
}

/// Height of a card without its foot: rows for labelled ports, then a row for each body.
pub fn card_height(inputs: usize, outputs: usize, bodies: usize) -> i32 {
    let ports = inputs.max(outputs);
    let rows = if ports > 1 { ports } else { 0 } + bodies;
    HEAD + ROW * i32::try_from(rows).unwrap_or(0) + if rows > 0 { 8 } else { 0 }
}

/// A cubic curve between two ports: leaves to the right, arrives from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    /// Start.
    pub from: Point,
    /// First handle.
    pub out: Point,
    /// Second handle.
    pub into: Point,
    /// End.
    pub to: Point,
}

impl Curve {
    /// The curve between two ports.
    pub fn between(from: Point, to: Point) -> Self {
        let gap = to.x - from.x;
        // Going back, handles grow with the distance so that the curve leaves the cards visibly.
        let reach = if gap >= 0 { (gap / 2).clamp(24, 160) } else { (32 - gap / 3).min(240) };
        Self { from, out: Point::new(from.x + reach, from.y), into: Point::new(to.x - reach, to.y), to }
    }

    /// As SVG path data.
    pub fn path(&self) -> String {
        let Self { from, out, into, to } = self;
        format!("M{} {}C{} {} {} {} {} {}", from.x, from.y, out.x, out.y, into.x, into.y, to.x, to.y)
    }

    /// The point at `t` of 0 to 1.
    pub fn at(&self, t: f64) -> (f64, f64) {
        let u = 1.0 - t;
        let mix = |a: i32, b: i32, c: i32, d: i32| {
            u * u * u * f64::from(a)
                + 3.0 * u * u * t * f64::from(b)
                + 3.0 * u * t * t * f64::from(c)
                + t * t * t * f64::from(d)
        };
        (mix(self.from.x, self.out.x, self.into.x, self.to.x), mix(self.from.y, self.out.y, self.into.y, self.to.y))
    }

    /// The middle, where a label stands.
    pub fn middle(&self) -> Point {
        let (x, y) = self.at(0.5);
        Point::new(x.round() as i32, y.round() as i32)
    }

    /// Distance from a point, by samples.
    pub fn distance(&self, point: Point) -> f64 {
        const SAMPLES: u32 = 32;
        let squares = (0..=SAMPLES).map(|step| {
            let (x, y) = self.at(f64::from(step) / f64::from(SAMPLES));
            (x - f64::from(point.x)).powi(2) + (y - f64::from(point.y)).powi(2)
        });
        squares.fold(f64::INFINITY, f64::min).sqrt()
    }
}

/// What part of the canvas is seen: `screen = canvas * zoom + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewport {
    /// Offset to the right, in screen pixels.
    pub x: f64,
    /// Offset down.
    pub y: f64,
    /// Zoom.
    pub zoom: f64,
}

impl Default for Viewport {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, zoom: 1.0 }
    }
}

/// Smallest and largest zoom.
pub const ZOOM: (f64, f64) = (0.1, 2.5);
/// From this zoom on cards show what a node is, what it is called and how it went: it is written larger the farther away they are,
/// as far as a card has room for it. Farther away there are names alone.
pub const READ: f64 = 0.4;

impl Viewport {
    /// The canvas point under a screen point (relative to the canvas element).
    pub fn to_canvas(&self, x: f64, y: f64) -> Point {
        Point::new(((x - self.x) / self.zoom).round() as i32, ((y - self.y) / self.zoom).round() as i32)
    }

    /// The screen point of a canvas point.
    pub fn to_screen(&self, point: Point) -> (f64, f64) {
        (f64::from(point.x) * self.zoom + self.x, f64::from(point.y) * self.zoom + self.y)
    }

    /// Zooms by `factor`, the screen point staying where it is.
    #[must_use]
    pub fn zoomed(&self, factor: f64, x: f64, y: f64) -> Self {
        let zoom = (self.zoom * factor).clamp(ZOOM.0, ZOOM.1);
        let ratio = zoom / self.zoom;
        Self { x: x - (x - self.x) * ratio, y: y - (y - self.y) * ratio, zoom }
    }

    /// Shows all of `bounds` in an element of this size, at most at zoom 1, with a margin.
    pub fn fit(bounds: Rect, width: f64, height: f64) -> Self {
        const MARGIN: f64 = 32.0;
        let (w, h) = (f64::from(bounds.w.max(1)), f64::from(bounds.h.max(1)));
        let zoom = ((width - 2.0 * MARGIN) / w).min((height - 2.0 * MARGIN) / h).clamp(ZOOM.0, 1.0);
        let x = (width - w * zoom) / 2.0 - f64::from(bounds.x) * zoom;
        let y = (height - h * zoom) / 2.0 - f64::from(bounds.y) * zoom;
        Self { x, y, zoom }
    }

    /// Shows a graph that is opened: all of it where its cards can still be read ([`READ`]), else its beginning at a size at
    /// which they can.
    pub fn open(bounds: Rect, width: f64, height: f64) -> Self {
        const BEGINNING: f64 = 0.6;
        const MARGIN: f64 = 32.0;
        let whole = Self::fit(bounds, width, height);
        if whole.zoom >= READ {
            return whole;
        }
        let tall = f64::from(bounds.h) * BEGINNING;
        let y = if tall > height - 2.0 * MARGIN { MARGIN } else { (height - tall) / 2.0 };
        Self { x: MARGIN - f64::from(bounds.x) * BEGINNING, y: y - f64::from(bounds.y) * BEGINNING, zoom: BEGINNING }
    }

    /// The part of the canvas that is seen in an element of this size.
    pub fn seen(&self, width: f64, height: f64) -> Rect {
        Rect::between(self.to_canvas(0.0, 0.0), self.to_canvas(width, height))
    }

    /// Moves as little as needed so that `rect` is seen.
    #[must_use]
    pub fn reveal(&self, rect: Rect, width: f64, height: f64) -> Self {
        const MARGIN: f64 = 32.0;
        let nearest = |offset: f64, low: i32, size: i32, room: f64| {
            let start = f64::from(low) * self.zoom + offset;
            let end = start + f64::from(size) * self.zoom;
            if start < MARGIN || end - start > room - 2.0 * MARGIN {
                offset + MARGIN - start
            } else if end > room - MARGIN {
                offset - (end - room + MARGIN)
            } else {
                offset
            }
        };
        Self { x: nearest(self.x, rect.x, rect.w, width), y: nearest(self.y, rect.y, rect.h, height), zoom: self.zoom }
    }

    /// As a CSS transform.
    pub fn css(&self) -> String {
        format!("translate({:.2}px,{:.2}px) scale({:.4})", self.x, self.y, self.zoom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let before = Viewport { x: 13.0, y: -40.0, zoom: 0.8 };
        let after = before.zoomed(1.25, 300.0, 200.0);
        assert_eq!(before.to_canvas(300.0, 200.0), after.to_canvas(300.0, 200.0));
        assert!((after.zoom - 1.0).abs() < 1e-9);
        assert!(before.zoomed(1000.0, 0.0, 0.0).zoom <= ZOOM.1);
    }

    #[test]
    fn fitting_shows_the_whole_and_never_magnifies() {
        let view = Viewport::fit(Rect { x: -500, y: 100, w: 4000, h: 300 }, 1000.0, 600.0);
        for corner in [Point::new(-500, 100), Point::new(3500, 400)] {
            let (x, y) = view.to_screen(corner);
            assert!((0.0..=1000.0).contains(&x) && (0.0..=600.0).contains(&y), "{x} {y}");
        }
        assert!((Viewport::fit(Rect { x: 0, y: 0, w: 10, h: 10 }, 1000.0, 600.0).zoom - 1.0).abs() < 1e-9);
    }

    #[test]
    fn opening_shows_the_whole_while_cards_can_be_read_else_the_beginning() {
        // Cards in a row, on the canvas of a window of 1440 pixels.
        let row = |cards: i32| Rect { x: 40, y: 0, w: cards * 296 - 72, h: 160 };
        let view = Viewport::open(row(6), 772.0, 520.0);
        let (left, right) = (view.to_screen(Point::new(40, 0)).0, view.to_screen(Point::new(40 + row(6).w, 0)).0);
        assert!(left >= 0.0 && right <= 772.0 && view.zoom >= READ, "{view:?}");
        for cards in [8, 40] {
            let view = Viewport::open(row(cards), 772.0, 520.0);
            let (left, top) = view.to_screen(Point::new(40, 0));
            assert!((0.0..=48.0).contains(&left) && top > 0.0 && view.zoom > READ, "{view:?}");
        }
        assert_eq!(Viewport { x: 10.0, y: 20.0, zoom: 0.5 }.seen(100.0, 50.0), Rect { x: -20, y: -40, w: 200, h: 100 });
    }

    #[test]
    fn revealing_a_visible_rectangle_moves_nothing() {
        let view = Viewport::default();
        assert_eq!(view.reveal(Rect { x: 100, y: 100, w: 200, h: 80 }, 800.0, 600.0), view);
        let moved = view.reveal(Rect { x: 900, y: 100, w: 200, h: 80 }, 800.0, 600.0);
        assert!(moved.to_screen(Point::new(1100, 0)).0 <= 800.0);
    }

    #[test]
    fn a_point_snaps_to_the_nearest_grid_point_on_both_sides_of_zero() {
        assert_eq!(Point::new(-5, 5).snapped(), Point::new(-8, 8));
        assert_eq!(Point::new(-3, 3).snapped(), Point::new(0, 0));
    }
}
