//! Measures, as `cargo xtask bench` reads them.

/// The value below which a share of all lie.
pub fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share) as usize;
    values.get(place).or(values.last()).copied().unwrap_or(f64::NAN)
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    at(values, 0.5)
}

/// One line of JSON; `must`: the bar, and whether it is held.
pub fn print(name: &str, value: f64, unit: &str, must: Option<(&str, bool)>) {
    let value = (value * 1_000.0).round() / 1_000.0;
    let must = must.map_or_else(String::new, |(must, ok)| format!(r#","must":"{must}","ok":{ok}"#));
    println!(r#"{{"name":"{name}","value":{value},"unit":"{unit}"{must}}}"#);
}
