//! Three values of one thing: what I saw, what I made of it, what is there by now. What only one of us changed is taken from that one,
//! member by member and item by item; what both changed is whoever's is the later.

use holon_model::{Map, Value};
use std::sync::Arc;

/// Puts three values together, and notes what that cost.
#[derive(Debug, Default)]
pub(super) struct Merge {
    /// Whether mine takes something back: it gives way then. Else it comes later and stands.
    pub back: bool,
    /// Mine took the place of something that another had set.
    pub replaced: bool,
    /// Something of mine gave way.
    pub lost: bool,
}

impl Merge {
    /// One thing without parts.
    pub fn pick<T: PartialEq>(&mut self, saw: T, mine: T, there: T) -> T {
        if mine == saw || mine == there {
            there
        } else if there == saw {
            mine
        } else {
            self.conflict(mine, there)
        }
    }

    fn conflict<T>(&mut self, mine: T, there: T) -> T {
        if self.back {
            self.lost = true;
            there
        } else {
            self.replaced = true;
            mine
        }
    }

    /// A value with parts, or none.
    pub fn value(&mut self, saw: Option<&Value>, mine: Option<&Value>, there: Option<&Value>) -> Option<Value> {
        if same(mine, saw) || same(mine, there) {
            return there.cloned();
        }
        if same(there, saw) {
            return mine.cloned();
        }
        let empty = Map::new();
        match (saw, mine, there) {
            (Some(Value::List(saw)), Some(Value::List(mine)), Some(Value::List(there))) => {
                Some(Value::list(self.items(saw, mine, there)))
            }
            // Both made a list of nothing.
            (None | Some(Value::Null), Some(Value::List(mine)), Some(Value::List(there))) => {
                Some(Value::list(self.items(&[], mine, there)))
            }
            // A map that one of us removed, or that was none, is taken for an empty one.
            (None | Some(Value::Null), Some(Value::Map(_)), Some(Value::Map(_)))
            | (Some(Value::Map(_)), None | Some(Value::Map(_)), Some(Value::Map(_)))
            | (Some(Value::Map(_)), Some(Value::Map(_)), None) => {
                let maps = [saw, mine, there].map(|value| value.and_then(Value::as_map).unwrap_or(&empty));
                // An expression is one thing: `{"$cel": …}` and `{"$text": …}` make no map of two.
                if maps.iter().any(|map| map.keys().any(|key| key.starts_with('$'))) {
                    return self.conflict(mine.cloned(), there.cloned());
                }
                let merged = self.members(maps);
                (!merged.is_empty() || mine.is_some() && there.is_some()).then(|| Value::from(merged))
            }
            // I changed an item of a list that another removed.
            (Some(Value::List(_)), Some(Value::List(_)), None) => {
                self.lost = true;
                None
            }
            _ => self.conflict(mine.cloned(), there.cloned()),
        }
    }

    fn members(&mut self, [saw, mine, there]: [&Map; 3]) -> Map {
        let mut merged = Map::new();
        for key in keys(saw, mine).chain(there.keys().filter(|key| !saw.contains_key(*key) && !mine.contains_key(*key)))
        {
            if let Some(value) = self.value(saw.get(key), mine.get(key), there.get(key)) {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }

    /// Each side is taken for one stretch of the list that is another by now; stretches apart from each other both count.
    fn items(&mut self, saw: &[Value], mine: &[Value], there: &[Value]) -> Vec<Value> {
        if saw.len() == mine.len() && saw.len() == there.len() {
            let item = |at: usize| self.value(saw.get(at), mine.get(at), there.get(at));
            return (0..saw.len()).filter_map(item).collect();
        }
        let (m, t) = (Stretch::of(saw, mine), Stretch::of(saw, there));
        if t.end <= m.start {
            return [&there[..t.now], &saw[t.end..m.start], &mine[m.start..]].concat();
        }
        if m.end <= t.start {
            return [&mine[..m.now], &saw[m.end..t.start], &there[t.start..]].concat();
        }
        let changed = |stretch: &Stretch, other: &[Value]| -> Vec<usize> {
            (stretch.start..stretch.end).filter(|at| !saw[*at].is_same(&other[*at])).collect()
        };
        if saw.len() == there.len() {
            // Their items are others in place; mine is longer or shorter.
            let mut out = mine.to_vec();
            for at in changed(&t, there) {
                match m.moved(at) {
                    Some(to) => out[to] = there[at].clone(),
                    None if self.back => return self.conflict(mine.to_vec(), there.to_vec()),
                    None => self.replaced = true,
                }
            }
            return out;
        }
        if saw.len() == mine.len() {
            let mut out = there.to_vec();
            for at in changed(&m, mine) {
                match t.moved(at) {
                    Some(to) => out[to] = mine[at].clone(),
                    None => self.lost = true,
                }
            }
            return out;
        }
        self.conflict(mine.to_vec(), there.to_vec())
    }
}

/// The shortest stretch of a list outside of which another list is the same: `start..end` there became `start..now`.
struct Stretch {
    start: usize,
    end: usize,
    now: usize,
}

impl Stretch {
    fn of(before: &[Value], now: &[Value]) -> Self {
        let alike = |(a, b): &(&Value, &Value)| a.is_same(b);
        let start = before.iter().zip(now).take_while(alike).count();
        let most = before.len().min(now.len()) - start;
        let tail = before.iter().rev().zip(now.iter().rev()).take(most).take_while(alike).count();
        Self { start, end: before.len() - tail, now: now.len() - tail }
    }

    /// Where an item outside of the stretch is now.
    fn moved(&self, at: usize) -> Option<usize> {
        if at < self.start { Some(at) } else { (at >= self.end).then(|| at - self.end + self.now) }
    }
}

/// The keys of two maps, each once.
fn keys<'a>(a: &'a Map, b: &'a Map) -> impl Iterator<Item = &'a Arc<str>> {
    a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)))
}

/// Whether nothing tells the two apart.
pub(super) fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is_same(b),
        (None, None) => true,
        _ => false,
    }
}

/// The deepest pointer at which `before` must be set to make `after` of it, and to what; nothing: it is removed.
pub(super) fn narrow(before: &Value, after: &Value) -> (String, Option<Value>) {
    let (mut before, mut after, mut pointer) = (before, after, String::new());
    loop {
        let (token, from, to) = match (before, after) {
            (Value::Map(a), Value::Map(b)) if !a.keys().chain(b.keys()).any(|key| key.starts_with('$')) => {
                let mut differ = keys(a, b).filter(|key| !same(a.get(*key), b.get(*key)));
                let (Some(key), None) = (differ.next(), differ.next()) else { break };
                (holon_flow::definition::pointer::escape(key).into_owned(), a.get(key), b.get(key))
            }
            (Value::List(a), Value::List(b)) if b.len() == a.len() || b.len() == a.len() + 1 => {
                let mut differ = (0..b.len()).filter(|at| !same(a.get(*at), b.get(*at)));
                let (Some(at), None) = (differ.next(), differ.next()) else { break };
                (at.to_string(), a.get(at), b.get(at))
            }
            _ => break,
        };
        pointer.push('/');
        pointer.push_str(&token);
        match (from, to) {
            (Some(from), Some(to)) => (before, after) = (from, to),
            (_, to) => return (pointer, to.cloned()),
        }
    }
    (pointer, Some(after.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Value {
        holon_model::json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_one_changed_is_that_ones_and_what_both_changed_is_the_laters() {
        // What was seen, mine, what is there, together; whether mine replaced something, whether something of mine was lost.
        let cases = [
            (r#"{"a":1,"b":1}"#, r#"{"a":2,"b":1}"#, r#"{"a":1,"b":3}"#, r#"{"a":2,"b":3}"#, false, false),
            (r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#, r#"{"a":2}"#, true, false),
            (r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":2,"b":1}"#, r#"{"a":2,"b":1}"#, false, false),
            (r#"{"a":{"b":1,"c":1}}"#, r#"{"a":{"b":2,"c":1}}"#, "{}", r#"{"a":{"b":2}}"#, true, false),
            (r#"{"a":{"b":1}}"#, "{}", r#"{"a":{"b":1,"c":1}}"#, r#"{"a":{"c":1}}"#, false, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[1,3]}"#, "{}", "{}", false, true),
            (r#"{"a":1}"#, "{}", r#"{"a":2}"#, "{}", true, false),
            ("{}", r#"{"a":{"x":1}}"#, r#"{"a":{"y":1}}"#, r#"{"a":{"x":1,"y":1}}"#, false, false),
            (r#"{"$cel":"1"}"#, r#"{"$cel":"2"}"#, r#"{"$text":"3"}"#, r#"{"$cel":"2"}"#, true, false),
            // Items move with what another puts before them or takes away.
            ("[1,2,3]", "[1,2,9]", "[2,3]", "[2,9]", false, false),
            ("[1,2,3]", "[1,2,9]", "[0,1,2,3]", "[0,1,2,9]", false, false),
            ("[1,2,3]", "[1,3]", "[1,2,3,4]", "[1,3,4]", false, false),
            ("[1,2,3]", "[1,2,3,4]", "[1,2,3,5]", "[1,2,3,5,4]", false, false),
            ("null", "[1]", "[2]", "[2,1]", false, false),
            ("[1,2,3,4]", "[1,3,4]", "[9,2,3,8]", "[9,3,8]", false, false),
            ("[1,2,3,4]", "[9,2,8,4]", "[1,2,4]", "[9,2,4]", false, true),
            ("[1,2,3]", "[1,3]", "[1,7,3]", "[1,3]", true, false),
            ("[1,2,3]", "[1]", "[1,2,5,6]", "[1]", true, false),
            // 1 and 1.0 are written differently, and that is a change.
            ("[1,2]", "[1,2.0]", "[1,2,3]", "[1,2.0,3]", false, false),
        ];
        for (saw, mine, there, expected, replaced, lost) in cases {
            let mut merge = Merge::default();
            let out = merge.value(Some(&parse(saw)), Some(&parse(mine)), Some(&parse(there))).unwrap();
            assert_eq!(
                (&*out.to_json(), merge.replaced, merge.lost),
                (expected, replaced, lost),
                "{saw} {mine} {there}"
            );
        }
    }

    #[test]
    fn what_takes_back_gives_way_to_what_another_set_since() {
        let cases = [
            (r#"{"a":2,"b":2}"#, r#"{"a":1,"b":1}"#, r#"{"a":2,"b":3}"#, r#"{"a":1,"b":3}"#, true),
            ("[1,2,3]", "[1,3]", "[1,7,3]", "[1,7,3]", true),
            ("[1,2,3]", "[1,3]", "[1,2,3,4]", "[1,3,4]", false),
            (r#"{"a":{"b":{"c":1}}}"#, "{}", r#"{"a":{"b":{"c":1,"d":2}}}"#, r#"{"a":{"b":{"d":2}}}"#, false),
        ];
        for (saw, mine, there, expected, lost) in cases {
            let mut merge = Merge { back: true, ..Merge::default() };
            let out = merge.value(Some(&parse(saw)), Some(&parse(mine)), Some(&parse(there))).unwrap();
            assert_eq!((&*out.to_json(), merge.replaced, merge.lost), (expected, false, lost), "{saw} {mine} {there}");
        }
    }

    #[test]
    fn the_smallest_place_that_differs_is_found() {
        let cases = [
            (r#"{"a":{"b":[1,2]}}"#, r#"{"a":{"b":[1,3]}}"#, "/a/b/1", Some("3")),
            (r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, "/a/1", Some("2")),
            (r#"{"a/b":1,"c":1}"#, r#"{"c":1}"#, "/a~1b", None),
            (r#"{"a":[1,2,3]}"#, r#"{"a":[2,3]}"#, "/a", Some("[2,3]")),
            (r#"{"a":1,"b":1}"#, r#"{"a":2,"b":2}"#, "", Some(r#"{"a":2,"b":2}"#)),
            (r#"{"a":{"$cel":"1"}}"#, r#"{"a":{"$cel":"2"}}"#, "/a", Some(r#"{"$cel":"2"}"#)),
        ];
        for (before, after, pointer, value) in cases {
            let (at, new) = narrow(&parse(before), &parse(after));
            assert_eq!((&*at, new.as_ref()), (pointer, value.map(parse).as_ref()), "{before} {after}");
            let mut copy = parse(before);
            crate::apply::put(&mut copy, &at, new.as_ref()).unwrap();
            assert_eq!(copy, parse(after));
        }
    }
}
