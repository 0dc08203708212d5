//! Schemas and values: what matches, what does not and why, and that nothing runs long.

use super::*;
use holon_model::json;

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap()
}

fn found(schema: &str, instance: &str) -> Vec<Mismatch> {
    let schema = value(schema);
    assert_eq!(well_formed(&schema), Ok(()));
    check(&schema, &value(instance), Options::default(), &mut Meter::new(100_000, 0)).unwrap()
}

fn table(schema: &str, good: &[&str], bad: &[(&str, &str)]) {
    for instance in good {
        assert_eq!(found(schema, instance), [], "{schema} {instance}");
    }
    for (instance, keyword) in bad {
        let found = found(schema, instance);
        assert_eq!(found.first().map(|miss| miss.keyword), Some(*keyword), "{schema} {instance} {found:?}");
    }
}

#[test]
fn types_and_choices() {
    table(r#"{"type":"integer"}"#, &["1", "1.0", "-5"], &[("1.5", "type"), ("\"1\"", "type"), ("null", "type")]);
    table(r#"{"type":["string","null"]}"#, &["\"\"", "null"], &[("0", "type")]);
    table(r#"{"const":1.0}"#, &["1"], &[("2", "const")]);
    table(r#"{"enum":["a",null]}"#, &["\"a\"", "null"], &[("\"b\"", "enum")]);
    table("true", &["1"], &[]);
    table("false", &[], &[("1", "false")]);
}

#[test]
fn numbers_are_exact() {
    table(r#"{"multipleOf":0.01}"#, &["19.90", "0.07", "4.35", "9007199254740993"], &[("0.075", "multipleOf")]);
    table(r#"{"minimum":0.1,"maximum":0.3}"#, &["0.3", "0.1"], &[("0.30000000000000001", "maximum"), ("0", "minimum")]);
    table(
        r#"{"exclusiveMinimum":0,"exclusiveMaximum":9007199254740993}"#,
        &["9007199254740992"],
        &[("0", "exclusiveMinimum"), ("9007199254740993", "exclusiveMaximum")],
    );
}

#[test]
fn texts() {
    table(
        r#"{"minLength":2,"maxLength":3}"#,
        &["\"éé\"", "\"😀😀😀\""],
        &[("\"a\"", "minLength"), ("\"\"", "minLength"), ("\"abcd\"", "maxLength")],
    );
    table(r#"{"pattern":"^a\\d+"}"#, &["\"a1x\""], &[("\"ba1\"", "pattern")]);
    table(r#"{"format":"email"}"#, &["\"a@b.c\"", "1"], &[("\"a\"", "format")]);
}

#[test]
fn lists() {
    table(
        r#"{"items":{"type":"integer"},"minItems":1,"maxItems":2}"#,
        &["[1]", "[1,2]"],
        &[("[]", "minItems"), ("[1,2,3]", "maxItems"), ("[\"a\"]", "type")],
    );
    table(r#"{"uniqueItems":true}"#, &["[1,\"1\",[1]]"], &[("[1,1.0]", "uniqueItems")]);
    table(
        r#"{"prefixItems":[{"type":"string"}],"items":false}"#,
        &["[\"a\"]", "[]"],
        &[("[1]", "type"), ("[\"a\",1]", "false")],
    );
    table(
        r#"{"items":[{"type":"string"}],"additionalItems":{"type":"null"}}"#,
        &["[\"a\",null]"],
        &[("[\"a\",1]", "type")],
    );
    table(
        r#"{"contains":{"const":1},"maxContains":2}"#,
        &["[1,2]", "[1,1]"],
        &[("[2]", "contains"), ("[1,1,1]", "contains")],
    );
}

#[test]
fn maps() {
    let schema = r#"{"required":["a"],"properties":{"a":{"type":"integer"}},"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#;
    table(
        schema,
        &[r#"{"a":1,"x-b":"c"}"#],
        &[("{}", "required"), (r#"{"a":1,"b":2}"#, "additionalProperties"), (r#"{"a":1,"x-b":2}"#, "type")],
    );
    table(
        r#"{"propertyNames":{"maxLength":1},"maxProperties":2,"minProperties":1}"#,
        &[r#"{"a":1}"#],
        &[(r#"{"ab":1}"#, "maxLength"), ("{}", "minProperties")],
    );
    table(r#"{"dependentRequired":{"a":["b"]}}"#, &["{}", r#"{"a":1,"b":1}"#], &[(r#"{"a":1}"#, "dependentRequired")]);
    table(
        r#"{"dependencies":{"a":{"required":["b"]},"c":["d"]}}"#,
        &["{}"],
        &[(r#"{"a":1}"#, "required"), (r#"{"c":1}"#, "dependentRequired")],
    );
}

#[test]
fn combinations() {
    table(r#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, &["1"], &[("0", "minimum"), ("3", "maximum")]);
    table(r#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#, &["\"a\"", "5"], &[("1", "minimum")]);
    table(r#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, &["2", "3"], &[("6", "oneOf"), ("1", "oneOf")]);
    table(r#"{"not":{"type":"null"}}"#, &["1"], &[("null", "not")]);
    let condition = r#"{"if":{"properties":{"k":{"const":"a"}}},"then":{"required":["x"]},"else":{"required":["y"]}}"#;
    table(
        condition,
        &[r#"{"k":"a","x":1}"#, r#"{"k":"b","y":1}"#],
        &[(r#"{"k":"a"}"#, "required"), (r#"{"k":"b"}"#, "required")],
    );
}

#[test]
fn references_lead_through_the_schema_and_may_recurse() {
    let tree = r##"{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}},"required":["v"]}}}"##;
    table(tree, &[r#"{"v":1,"next":{"v":2}}"#], &[(r#"{"v":1,"next":{}}"#, "required")]);
    table(r##"{"$ref":"#n","$defs":{"x":{"$anchor":"n","type":"null"}}}"##, &["null"], &[("1", "type")]);
    table(
        r##"{"properties":{"a/b %":{"type":"null"},"c":{"$ref":"#/properties/a~1b%20%25"}}}"##,
        &[r#"{"c":null}"#],
        &[(r#"{"c":1}"#, "type")],
    );
}

#[test]
fn every_mismatch_is_listed_with_its_place() {
    let schema = r#"{"properties":{"lines":{"items":{"required":["sku"],"properties":{"qty":{"minimum":1}}}}}}"#;
    let found = found(schema, r#"{"lines":[{"sku":"a","qty":0},{"qty":2},{"qty":-1}]}"#);
    let places: Vec<(&str, &str)> = found.iter().map(|miss| (miss.pointer.as_str(), miss.keyword)).collect();
    assert_eq!(
        places,
        [("/lines/0/qty", "minimum"), ("/lines/1", "required"), ("/lines/2", "required"), ("/lines/2/qty", "minimum")]
    );
    assert_eq!(found[0].message, "0 must be at least 1");
    let most = Options { most: 2, ..Options::default() };
    let many = value(&format!("[{}]", vec!["1"; 50].join(",")));
    let listed = check(&value(r#"{"items":{"type":"string"}}"#), &many, most, &mut Meter::new(1_000, 0)).unwrap();
    assert_eq!(listed.len(), 2);
}

#[test]
fn of_alternatives_the_one_that_is_meant_gives_the_reasons() {
    let schema = r#"{"oneOf":[{"const":"none"},{"type":"object","required":["key"]}]}"#;
    assert_eq!(found(schema, "{}")[0].message, "`key` is missing");
    assert_eq!(found(schema, "7")[0].keyword, "oneOf");
    let two = r#"{"oneOf":[{"required":["a"],"properties":{"a":{"type":"null"}}},{"required":["b"],"properties":{"b":{"type":"null"}}}]}"#;
    assert_eq!((found(two, r#"{"b":1}"#)[0].pointer.as_str(), found(two, r#"{"c":1}"#)[0].keyword), ("/b", "oneOf"));
}

#[test]
fn dynamic_parts_match_anything_where_that_is_asked_for() {
    let schema = value(r#"{"properties":{"n":{"type":"integer"}}}"#);
    let config = value(r#"{"n":{"$cel":"input.n"}}"#);
    let dynamic = Options { dynamic: true, ..Options::default() };
    assert_eq!(check(&schema, &config, dynamic, &mut Meter::new(100, 0)), Ok(vec![]));
    assert_eq!(check(&schema, &config, Options::default(), &mut Meter::new(100, 0)).unwrap().len(), 1);
}

#[test]
fn a_schema_that_would_run_long_runs_out_of_budget() {
    // Thirty definitions, each applying the next one twice: a billion steps.
    let definitions: Vec<String> = (0..30)
        .map(|n| {
            format!(r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}}"##, next = n + 1)
        })
        .collect();
    let schema = value(&format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d30":true}}}}"##, definitions.join(",")));
    let failed = check(&schema, &Value::Null, Options::default(), &mut Meter::new(100_000, 0));
    assert_eq!(failed, Err(CheckError::Budget(ExprError::OutOfFuel)));
    let endless = value(r##"{"$ref":"#"}"##);
    assert!(matches!(
        check(&endless, &Value::Null, Options::default(), &mut Meter::new(100_000, 0)),
        Err(CheckError::Schema(_))
    ));
    let long = format!("\"{}\"", "a".repeat(20_000));
    let slow = check(
        &value(r#"{"pattern":"(a|a)*(a|a)*(a|a)*b"}"#),
        &value(&long),
        Options::default(),
        &mut Meter::new(50_000, 0),
    );
    assert_eq!(slow, Err(CheckError::Budget(ExprError::OutOfFuel)));
}

#[test]
fn what_is_not_a_schema_is_refused_at_its_place() {
    for (schema, pointer) in [
        ("7", ""),
        (r#"{"type":"text"}"#, "/type"),
        (r#"{"type":["string","x"]}"#, "/type/1"),
        (r#"{"properties":{"a":7}}"#, "/properties/a"),
        (r#"{"properties":[]}"#, "/properties"),
        (r#"{"items":{"minimum":"1"}}"#, "/items/minimum"),
        (r#"{"minLength":-1}"#, "/minLength"),
        (r#"{"multipleOf":0}"#, "/multipleOf"),
        (r#"{"pattern":"("}"#, "/pattern"),
        (r#"{"pattern":"(?=a)"}"#, "/pattern"),
        (r#"{"patternProperties":{"(":true}}"#, "/patternProperties/("),
        (r#"{"allOf":{}}"#, "/allOf"),
        (r#"{"required":"a"}"#, "/required"),
        (r##"{"$ref":"#/nowhere"}"##, "/$ref"),
        (r#"{"$ref":"https://example.com/schema"}"#, "/$ref"),
        (r#"{"unevaluatedProperties":false}"#, "/unevaluatedProperties"),
    ] {
        assert_eq!(well_formed(&value(schema)).map_err(|fault| fault.pointer), Err(pointer.to_owned()), "{schema}");
    }
}
