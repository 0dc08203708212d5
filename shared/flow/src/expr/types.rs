//! Names of types as constants, and the nearest name for a hint.

/// `type(x) == int`: the names of CEL's types, as what `type` gives here.
pub(super) fn constant(name: &str) -> Option<&'static str> {
    Some(match name {
        "int" | "uint" => "int",
        "decimal" | "double" => "decimal",
        "bool" => "bool",
        "string" => "string",
        "list" => "list",
        "map" => "map",
        "null_type" => "null",
        "blob" => "blob",
        _ => return None,
    })
}

/// The candidate that differs from `name` by the fewest edits, if that is few.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    const MAX_LENGTH: usize = 64;
    if name.len() > MAX_LENGTH {
        return None;
    }
    let allowed = 1 + name.chars().count() / 4;
    let near = candidates.filter(|candidate| candidate.len() <= MAX_LENGTH).take(1_000);
    near.map(|candidate| (edits(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, letters of either case being equal.
fn edits(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let next = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row.last().copied().unwrap_or_default()
}
