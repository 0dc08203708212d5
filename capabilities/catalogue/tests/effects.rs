//! What steps promise stands in `docs/effects.md`, for every kind that does something outside.

use holon_catalogue::catalogue;
use holon_flow::capability::EffectClass;

#[test]
fn every_kind_that_does_something_stands_in_the_table_of_promises_beside_its_protocol() {
    let table = include_str!("../../../docs/effects.md");
    let row = |class: EffectClass| {
        let head = format!("| `{}` |", class.as_str());
        table.lines().find(|line| line.starts_with(&head)).unwrap_or_else(|| panic!("{head} has no row"))
    };
    for class in EffectClass::ALL.into_iter().filter(|class| *class != EffectClass::Pure) {
        let kinds = catalogue();
        let named: Vec<_> = row(class).split('`').filter(|word| word.contains('@')).map(str::to_owned).collect();
        let mut there: Vec<_> =
            kinds.kinds().filter(|kind| kind.effect == class).map(|kind| kind.reference().to_string()).collect();
        there.sort();
        let mut sorted = named.clone();
        sorted.sort();
        assert_eq!(sorted, there, "{}", class.as_str());
    }
}
