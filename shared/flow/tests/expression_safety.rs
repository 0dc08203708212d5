//! No source and no data can panic, run past its budget or exhaust the stack; errors point into the source.

use holon_flow::expr::{self, CompiledConfig, ExprError, MapScope, Meter, Program, Template};
use holon_model::{Value, json};
use proptest::prelude::*;

fn scope() -> MapScope {
    let names = br#"{"input": {"a": 1, "b": [1, 2.5, "x", null, true, {"c": -3}], "s": "h\u00e9llo", "m": {"k": 0.1}}, "item": 7, "index": 0, "x": [[1], {}], "nodes": {"n": {"v": 2}}}"#;
    MapScope(json::parse(names).unwrap())
}

const FUEL: u64 = 5_000;
const BYTES: u64 = 200_000;

/// Compiles and evaluates; what comes out is within its budget and what fails points into the source.
fn check(source: &str, result: Result<Program, ExprError>) -> Result<(), TestCaseError> {
    let located = |error: &ExprError| {
        let length = source.chars().count() as u32;
        prop_assert!(error.span().is_none_or(|(start, end)| start <= end && end <= length), "{source:?}: {error:?}");
        prop_assert!(!error.code().is_empty() && !error.to_string().is_empty());
        prop_assert!(error.span().is_none() || error.line_column(source).is_some());
        Ok(())
    };
    match result {
        Err(error) => {
            prop_assert_eq!(error.code(), "syntax");
            located(&error)
        }
        Ok(program) => {
            let scope = scope();
            let mut meter = Meter::new(FUEL, BYTES);
            let first = program.eval(&scope, &mut meter);
            let mut again = Meter::new(FUEL, BYTES);
            let second = program.eval(&scope, &mut again);
            prop_assert_eq!(&first, &second, "evaluation is a function of its names");
            prop_assert_eq!(meter, again, "and so is what it costs");
            match first {
                // Names from outside are free; what is made is not.
                Ok(value) => prop_assert!(
                    value.weight() <= BYTES + 16 * FUEL + scope.0.weight(),
                    "{source:?} made {}",
                    value.weight()
                ),
                Err(error) => located(&error)?,
            }
            Ok(())
        }
    }
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (any::<i32>(), 0u32..99).prop_map(|(a, b)| format!("{a}.{b}")),
        prop::sample::select(vec![
            "input",
            "input.a",
            "input.b",
            "input.s",
            "input.m",
            "input.b[5].c",
            "item",
            "index",
            "x",
            "nodes.n.v",
            "nodes",
            "true",
            "false",
            "null",
            "'text'",
            "''",
            "[]",
            "{}",
            "0",
            "1",
            "1e27",
            "0.1",
            "9223372036854775807",
            "'2024-02-29T12:00:00Z'",
            "'%d %s'",
            "'é'",
            "input.?z",
        ])
        .prop_map(str::to_owned),
    ]
}

fn function_names() -> Vec<(&'static str, bool)> {
    expr::functions().map(|function| (function.name, function.is_macro())).collect()
}

/// Expressions that parse, or nearly: every operator, every function, every macro.
fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(5, 48, 4, |inner| {
        let operators = vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"];
        prop_oneof![
            (inner.clone(), prop::sample::select(operators), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (inner.clone(), "[a-cs]").prop_map(|(a, field)| format!("{a}.{field}")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("!({a})")),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(|pairs| format!(
                "{{{}}}",
                pairs.iter().map(|(k, v)| format!("{k}: {v}")).collect::<Vec<_>>().join(", ")
            )),
            (prop::sample::select(function_names()), prop::collection::vec(inner.clone(), 1..4), any::<bool>())
                .prop_map(|((name, is_macro), args, method)| {
                    match (is_macro, method && !name.contains('.')) {
                        (true, _) => format!(
                            "({}).{name}(v, {})",
                            args[0],
                            args[1..].iter().map(|arg| format!("[v, {arg}]")).collect::<Vec<_>>().join(", ")
                        ),
                        (false, true) => format!("({}).{name}({})", args[0], args[1..].join(", ")),
                        (false, false) => format!("{name}({})", args.join(", ")),
                    }
                }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_at_all_is_an_expression_or_an_error(source in "\\PC{0,60}") {
        check(&source, Program::compile(&source))?;
        check(&source, Program::text(&source))?;
    }

    #[test]
    fn any_run_of_tokens_is_an_expression_or_an_error(tokens in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", "{{", "}}", "{%", "%}", "for", "in", "if", "endfor", "else", "endif", "x", "input", ".", "?", ":", ",", "+", "-", "*",
        "/", "%", "==", "<", "&&", "!", "1", "2.5", "'a'", "map", "has", "all", "size", "\"", "'", "\\", "é", "//", "\n", "nodes", "e9", "0x", "r'", "`",
    ]), 0..24), gap in any::<bool>()) {
        let source = tokens.join(if gap { " " } else { "" });
        check(&source, Program::compile(&source))?;
        check(&source, Program::text(&source))?;
    }

    #[test]
    fn generated_expressions_end_within_their_budget(source in expression()) {
        check(&source, Program::compile(&source))?;
        let text = format!("é {{{{ {source} }}}} {{% for v in {source} %}}{{{{ v }}}}{{% endfor %}}");
        check(&text, Program::text(&text))?;
    }

    #[test]
    fn completion_answers_at_every_place(source in expression(), at in 0u32..80) {
        let found = expr::complete(&source, at, &scope().0);
        prop_assert!(found.iter().all(|item| item.start <= item.end));
        expr::complete_text(&format!("{{{{ {source}"), at, &scope().0);
    }
}

fn syntax_error(source: &str) -> ExprError {
    let error = Program::compile(source).expect_err("it must not compile");
    assert_eq!(error.code(), "syntax");
    error
}

#[test]
fn deep_nesting_is_a_located_error_and_not_the_end_of_the_process() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{'a':", "}"),
        ("!", ""),
        ("-", ""),
        ("- -", ""),
        ("a[", "]"),
        ("size(", ")"),
        ("[1].map(x,", ")"),
        ("true ? ", " : 1"),
        ("has(", ")"),
    ] {
        for depth in [97, 1_000, 20_000] {
            let source = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let error = syntax_error(&source);
            assert!(error.span().is_some(), "{open} {depth}: {error}");
        }
    }
    assert!(syntax_error(&"(".repeat(20_000)).to_string().contains("deeper than 96"));
    for (open, close) in [("{% if true %}", "{% endif %}"), ("{% for x in [1] %}", "{% endfor %}")] {
        let source = format!("{}x{}", open.repeat(5_000), close.repeat(5_000));
        assert!(Template::compile(&source).unwrap_err().to_string().contains("deeper than 96"));
    }
    let nested = format!("{}1{}", "(".repeat(90), ")".repeat(90));
    assert_eq!(Program::compile(&nested).unwrap().eval(&scope(), &mut Meter::new(100, 100)), Ok(Value::Int(1)));
}

/// Unoptimised code takes the most stack, about 1.1 MB to compile and 0.5 MB to evaluate; threads have two.
#[test]
fn the_deepest_expression_that_compiles_fits_a_thread() {
    let run = || {
        let forms = [
            ("[input.a].map(x, ", ")", 90),
            ("[1].sort_by(x, ", ")", 90),
            ("size(to_json(", "))", 45),
            ("[", "]", 90),
            ("-(", ")", 45),
            ("(index == 0 ? ", " : 1)", 45),
            ("coalesce(", ")", 90),
            ("cel.bind(y, 1, ", ")", 90),
            ("{'a': ", "}", 90),
            ("[1, 2, 3, [", "]].slice(index, 4)", 30),
            ("(true && (index == 1 || ", ") == true)", 30),
            ("merge({'a': 1}, {'b': ", "}, {'c': 2})", 45),
            ("1 + 2 * (3 - ", ")", 30),
            ("input.b[", " - 1]", 40),
        ];
        for (open, close, depth) in forms {
            let source = format!("{}index{}", open.repeat(depth), close.repeat(depth));
            let program = Program::compile(&source).unwrap_or_else(|error| panic!("{open}: {error}"));
            if let Ok(value) = program.eval(&scope(), &mut Meter::new(1_000_000, 10_000_000)) {
                assert!(value.weight() > 0 && !value.to_json().is_empty());
            }
        }
        for (open, close) in [("{% if true %}", "{% endif %}"), ("{% for x in [1] %}", "{% endfor %}")] {
            let source =
                format!("{}{{{{ {}index{} }}}}{}", open.repeat(60), "[".repeat(30), "]".repeat(30), close.repeat(60));
            let text = Program::text(&source).unwrap().eval(&scope(), &mut Meter::new(10_000, 100_000)).unwrap();
            assert_eq!(text, Value::from(format!("{}0{}", "[".repeat(30), "]".repeat(30))));
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn long_chains_of_one_operator_cost_no_depth() {
    let mut meter = Meter::new(100_000, 1_000_000);
    for (operator, term, expected) in [
        (" + ", "index", Value::Int(0)),
        (" && ", "item == 7", Value::Bool(true)),
        (" || ", "item == 8", Value::Bool(false)),
    ] {
        let source = vec![term; 3_000].join(operator);
        assert_eq!(Program::compile(&source).unwrap().eval(&scope(), &mut meter), Ok(expected));
    }
    let fields = format!("input{}", ".a".repeat(20_000));
    assert!(syntax_error(&fields).to_string().contains("deeper"));
    let relations = vec!["1"; 20_000].join("==");
    assert!(syntax_error(&relations).to_string().contains("deeper"));
    let choices = format!("{}0", "index == 1 ? 1 : ".repeat(2_000));
    assert_eq!(Program::compile(&choices).unwrap().eval(&scope(), &mut meter), Ok(Value::Int(0)));
}

#[test]
fn size_is_bounded_by_bytes_and_by_parts() {
    assert!(syntax_error(&" ".repeat(expr::MAX_SOURCE + 1)).to_string().contains("bytes"));
    assert!(syntax_error(&format!("[{}]", "1,".repeat(30_000))).to_string().contains("parts"));
}

/// The source that made another evaluator build 8 MB.
#[test]
fn a_short_source_that_doubles_ends_by_its_budget() {
    let mut source = "'xxxxxxxx'".to_owned();
    for _ in 0..18 {
        source = format!("[{source}].map(a, a + a)[0]");
    }
    let mut meter = Meter::new(100_000, 1_000_000);
    assert_eq!(Program::compile(&source).unwrap().eval(&scope(), &mut meter), Err(ExprError::OutOfFuel));
    let mut source = "[0, 0]".to_owned();
    for _ in 0..30 {
        source = format!("[{source}].map(a, [a, a])[0]");
    }
    let mut meter = Meter::new(1_000_000, 1_000_000);
    assert_eq!(
        Program::compile(&source).unwrap().eval(&scope(), &mut meter),
        Err(ExprError::OutOfFuel),
        "sharing does not hide the size"
    );
}

#[test]
fn a_pattern_cannot_backtrack_or_grow() {
    let evil = "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')";
    assert_eq!(Program::compile(evil).unwrap().eval(&scope(), &mut Meter::new(1_000, 1_000)), Ok(Value::Bool(false)));
    assert!(syntax_error("'a'.matches('((a{1000}){1000}){1000}')").to_string().contains("pattern"));
    assert!(syntax_error(&format!("'a'.matches('{}')", "(".repeat(5_000))).to_string().contains("pattern"));
}

#[test]
fn errors_say_where_in_characters_and_what_to_do() {
    let place = |source: &str| {
        let error = match Program::compile(source) {
            Err(error) => error,
            Ok(program) => program.eval(&scope(), &mut Meter::new(1_000, 10_000)).expect_err("it must fail"),
        };
        let (start, end) = error.span().expect("a place");
        let marked: String = source.chars().skip(start as usize).take((end - start) as usize).collect();
        (error.code(), marked, error.hint().unwrap_or_default().to_owned())
    };
    let (code, marked, hint) = place("'é' + string(input.b[5].d)");
    assert_eq!((code, marked.as_str()), ("no_such_field", "input.b[5].d"));
    assert!(hint.contains('c'), "{hint}");
    assert_eq!(place("1 + inptu.a").2, "did you mean `input`?");
    assert_eq!(place("'ü' + inptu.a").1, "inptu");
    assert_eq!(place("'é'.sise()").2, "did you mean `size`?");
    assert_eq!(place("1 + (2 * 3").2, "close the `(` of character 4");
    assert_eq!(place("[1, 2].map(x, x / 0)").1, "x / 0");
    assert_eq!(place("'a' + trim(5)").1, "5");
    assert_eq!(place("input.a = 1").2, "write `==` to compare");
    assert_eq!(place("1 + 'a' + 2").1, "1 + 'a'");
    let text = "one\ntwo {{ input.nope }}";
    let error = Template::compile(text).unwrap().eval(&scope(), &mut Meter::new(1_000, 10_000)).unwrap_err();
    assert_eq!(error.line_column(text), Some((2, 8)));
    let error = Template::compile("a\n{% if x %}\n").unwrap_err();
    assert_eq!(error.line_column("a\n{% if x %}\n"), Some((2, 1)));
}

#[test]
fn names_from_outside_are_told_with_their_fields() {
    let names = |program: Program| -> Vec<String> {
        program
            .names()
            .iter()
            .map(|name| std::iter::once(&name.root).chain(&name.path).map(|part| &**part).collect::<Vec<_>>().join("."))
            .collect()
    };
    let program = Program::compile(
        "nodes.hook.lines.map(l, l.qty + vars.x).sum() + nodes['other'].a + foo(1).b"
            .replace("foo(1).b", "item")
            .as_str(),
    )
    .unwrap();
    assert_eq!(names(program.clone()), ["nodes.hook.lines", "vars.x", "nodes.other.a", "item"]);
    assert_eq!(program.names()[0].node(), Some("hook"));
    let (start, end) = program.span_of(&program.names()[1]);
    assert_eq!(&program.source()[start as usize..end as usize], "vars.x");
    assert_eq!(
        names(Program::text("{% for x in input.b %}{{ x.c }}{{ y }}{% endfor %}{{ x }}").unwrap()),
        ["input.b", "y", "x"]
    );
    assert_eq!(names(Program::compile("nodes[input.a]").unwrap()), ["nodes", "input.a"]);
    assert_eq!(names(Program::compile("has(nodes.gone)").unwrap()), ["nodes.gone"]);
}

#[test]
fn config_is_dynamic_only_where_it_says_so() {
    let eval = |config: &str| {
        let config = json::parse(config.as_bytes()).unwrap();
        let compiled = CompiledConfig::new(&config, &[]).map_err(|errors| format!("{errors:?}"))?;
        compiled
            .eval(&scope(), &mut Meter::new(1_000, 10_000))
            .map(|value| value.to_json())
            .map_err(|(pointer, error)| format!("{pointer} {}", error.code()))
    };
    let same = |config: &str| assert_eq!(eval(config).unwrap(), config);
    same(r#"{"a":[1,"{{ input.a }}",{"b":null}],"c":1.50}"#);
    assert_eq!(
        eval(r#"{"a": {"$cel": "input.a + 1"}, "b": [{"$text": "n={{ input.a }}"}], "c": 3}"#).unwrap(),
        r#"{"a":2,"b":["n=1"],"c":3}"#
    );
    assert_eq!(eval(r#"{"$cel": "input.b"}"#).unwrap(), r#"[1,2.5,"x",null,true,{"c":-3}]"#);
    assert_eq!(
        eval(r#"{"a": {"$$cel": "1 + 1"}, "b": {"$$$text": 5}}"#).unwrap(),
        r#"{"a":{"$cel":"1 + 1"},"b":{"$$text":5}}"#
    );
    assert_eq!(eval(r#"{"$$cel": {"$cel": "1 + 1"}}"#).unwrap(), r#"{"$cel":2}"#);
    assert_eq!(eval(r#"{"x/y": [{"$cel": "input.zz"}]}"#).unwrap_err(), "/x~1y/0 no_such_field");
    for wrong in [
        r#"{"a": {"$cel": 5}}"#,
        r#"{"a": {"$cel": "1", "b": 2}}"#,
        r#"{"a": {"$cel": "1 +"}}"#,
        r#"{"a": {"$text": "{{"}}"#,
    ] {
        assert!(eval(wrong).unwrap_err().contains("/a"), "{wrong}");
    }
    let two = json::parse(br#"{"a": {"$cel": "1 +"}, "b": {"$text": "{{"}}"#).unwrap();
    assert_eq!(CompiledConfig::new(&two, &[]).unwrap_err().len(), 2, "every error is told");
}

#[test]
fn values_of_each_item_stay_as_written_and_are_programs_apart() {
    let config = json::parse(br#"{"by": {"$cel": "item + 1"}, "fields": {"a": {"$cel": "item * 2"}, "b": "const"}, "plain": 5, "n": {"$cel": "input.a"}}"#).unwrap();
    let each = ["/by", "/fields", "/plain", "/absent"].map(str::to_owned);
    let compiled = CompiledConfig::new(&config, &each).unwrap();
    let mut meter = Meter::new(1_000, 10_000);
    let evaluated = compiled.eval(&scope(), &mut meter).unwrap();
    assert_eq!(evaluated.get("by"), config.get("by"));
    assert_eq!(evaluated.get("fields"), config.get("fields"));
    assert_eq!(evaluated.get("n"), Some(&Value::Int(1)));
    let of = |pointer: &str| {
        compiled.each(pointer).unwrap().eval(&scope(), &mut Meter::new(1_000, 10_000)).unwrap().to_json()
    };
    assert_eq!((of("/by"), of("/fields"), of("/plain")), ("8".into(), r#"{"a":14,"b":"const"}"#.into(), "5".into()));
    assert!(compiled.each("/absent").is_none() && compiled.each("/n").is_none());
    assert!(compiled.is_each("/fields/a") && !compiled.is_each("/n") && !compiled.is_each("/bypass"));
    let pointers: Vec<&str> = compiled.programs().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/by", "/fields/a", "/n"]);
}

#[test]
fn running_out_leaves_nothing_and_is_never_a_value() {
    for source in [
        "range(9999).all(x, true) || true",
        "true || range(9999).all(x, true)",
        "coalesce(range(9999).sum(), 1)",
        "[1].exists(x, range(9999).sum() > 0) || true",
    ] {
        let mut meter = Meter::new(500, 1_000_000);
        let result = Program::compile(source).unwrap().eval(&scope(), &mut meter);
        if source.starts_with("true") {
            assert_eq!(result, Ok(Value::Bool(true)), "a decided side is not continued");
        } else {
            assert_eq!((result, meter.fuel), (Err(ExprError::OutOfFuel), 0), "{source}");
        }
    }
}
