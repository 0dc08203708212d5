//! `capability.json`: reading what a capability says of itself, and writing kinds for pages.
//!
//! Everything declarative stands in the manifest; code adds only how pure kinds compute ([`Capability::from_manifest`]'s
//! `behaviours`) and how pasted text becomes config ([`Capability::with_import`]).

use super::{
    Behaviour, Bodies, Capability, Catalogue, EffectClass, Import, LocalFn, NodeKind, Ports, PortsFrom, Preview,
    Primitive, PureFn, ReadImport, Resource,
};
use crate::definition::{KindRef, names::is_name};
use holon_model::{Map, SchemaRef, Value, json};
use std::sync::Arc;

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the capability's manifest is not right at `{pointer}`: {message}")]
pub struct ManifestError {
    /// JSON pointer into the manifest.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

const MANIFEST: &[&str] = &["capability", "id", "version", "title", "summary", "permissions", "kinds"];
const KIND: &[&str] = &[
    "kind",
    "title",
    "summary",
    "category",
    "icon",
    "keywords",
    "config",
    "input",
    "output",
    "ports",
    "bodies",
    "effect",
    "resources",
    "cacheable",
    "delivery",
    "preview",
    "sample",
    "line",
    "defaults",
    "behaviour",
    "import",
];

impl Capability {
    /// Reads a manifest. `behaviours` gives what code adds: the function of each pure kind, by `name@version`; all other
    /// kinds say what they are with `behaviour`: `trigger`, `effect` or a primitive's name.
    ///
    /// # Errors
    /// What is wrong with the manifest and where; a behaviour for a kind that is not in it.
    pub fn from_manifest(text: &str, behaviours: &[(&str, PureFn)]) -> Result<Self, ManifestError> {
        let manifest = json::parse(text.as_bytes()).map_err(|error| fault(&error.pointer, &error))?;
        let top = fields(&manifest, "", MANIFEST)?;
        if top.get("capability") != Some(&Value::Int(1)) {
            return Err(fault("/capability", &"it must be 1, the form of this manifest"));
        }
        let list = top.get("kinds").and_then(Value::as_list).unwrap_or_default();
        let mut kinds = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            let at = format!("/kinds/{index}");
            kinds.push(Arc::new(kind(value, &at, &|name| {
                behaviours.iter().find(|(kind, _)| *kind == name).map(|(_, f)| *f)
            })?));
        }
        if let Some((stray, _)) =
            behaviours.iter().find(|(name, _)| !kinds.iter().any(|kind| kind.reference().to_string() == *name))
        {
            return Err(fault("/kinds", &format!("there is code for `{stray}`, which the manifest does not declare")));
        }
        Ok(Self {
            id: text_of(top, "", "id")?,
            version: text_of(top, "", "version")?,
            title: text_of(top, "", "title")?,
            summary: top.get("summary").and_then(Value::as_str).unwrap_or_default().to_owned(),
            permissions: permissions(top)?,
            kinds,
        })
    }

    /// Adds how a pasted text becomes the config of a kind whose manifest declares `import`.
    #[must_use]
    pub fn with_import(mut self, kind: &str, read: ReadImport) -> Self {
        for known in &mut self.kinds {
            if known.reference().to_string() == kind
                && let Some(import) = &mut Arc::make_mut(known).import
            {
                import.read = Some(read);
            }
        }
        self
    }
}

impl Capability {
    /// Adds how preview does a step of a kind on records of its own, instead of answering from samples.
    #[must_use]
    pub fn with_local(mut self, kind: &str, local: LocalFn) -> Self {
        for known in &mut self.kinds {
            if known.reference().to_string() == kind {
                Arc::make_mut(known).local = Some(local);
            }
        }
        self
    }
}

impl Catalogue {
    /// The kinds with everything declarative, for pages: a list.
    pub fn to_value(&self) -> Value {
        Value::list(self.kinds().map(|kind| kind.to_value()))
    }

    /// A catalogue that describes only: pages draw and check with it. Its pure kinds do not compute: they stand as effects.
    ///
    /// # Errors
    /// When `value` is not what [`Catalogue::to_value`] writes.
    pub fn described(value: &Value) -> Result<Self, ManifestError> {
        let list = value.as_list().ok_or_else(|| fault("", &"a list of kinds is expected"))?;
        let mut kinds = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            kinds
                .push(Arc::new(kind(value, &format!("/{index}"), &|_| Some(|_| Ok(super::Output::One(Value::Null))))?));
        }
        let capability = Capability {
            id: "described".into(),
            version: "0".into(),
            title: "Described".into(),
            summary: String::new(),
            permissions: Vec::new(),
            kinds,
        };
        Ok(Self::new(vec![capability]))
    }
}

impl NodeKind {
    /// Name and version.
    pub fn reference(&self) -> KindRef {
        KindRef { name: self.name.clone(), version: self.version }
    }

    /// Everything declarative, as the manifest writes it.
    pub fn to_value(&self) -> Value {
        let words = |words: &[String]| Value::list(words.iter().map(|word| word.as_str().into()));
        let mut ports = vec![
            ("inputs", words(&self.ports.inputs)),
            ("outputs", words(&self.ports.outputs)),
            ("error", self.ports.error.into()),
        ];
        if let Some(from) = &self.ports.outputs_from {
            let from = Value::map([("pointer", Value::from(from.pointer.as_str())), ("key", from.key.as_str().into())]);
            ports.push(("outputs_from", from));
        }
        let bodies = match &self.bodies {
            Bodies::None => Value::Null,
            Bodies::Named => "named".into(),
            Bodies::Fixed(bodies) => Value::list(bodies.iter().map(|(name, optional)| {
                Value::map([("name", Value::from(name.as_str())), ("optional", (*optional).into())])
            })),
        };
        let mut map = vec![
            ("kind", Value::from(self.reference().to_string())),
            ("title", self.title.as_str().into()),
            ("summary", self.summary.as_str().into()),
            ("category", self.category.as_str().into()),
            ("icon", self.icon.as_str().into()),
            ("keywords", words(&self.keywords)),
            ("config", self.config.as_value().clone()),
            ("input", self.input.as_value().clone()),
            ("output", self.output.as_value().clone()),
            ("ports", Value::map(ports)),
            ("bodies", bodies),
            ("effect", self.effect.as_str().into()),
            ("resources", Value::list(self.resources.iter().map(|resource| resource.as_str().into()))),
            ("preview", self.preview.as_str().into()),
            ("sample", self.sample.clone()),
            ("line", self.line.as_str().into()),
            ("defaults", self.defaults.clone()),
            ("behaviour", self.behaviour.as_str().into()),
        ];
        if self.cacheable {
            map.push(("cacheable", true.into()));
        }
        if self.delivery {
            map.push(("delivery", true.into()));
        }
        if let Some(import) = &self.import {
            let import =
                [("title", Value::from(import.title.as_str())), ("placeholder", import.placeholder.as_str().into())];
            map.push(("import", Value::map(import)));
        }
        Value::map(map)
    }
}

fn kind(value: &Value, at: &str, code: &dyn Fn(&str) -> Option<PureFn>) -> Result<NodeKind, ManifestError> {
    let map = fields(value, at, KIND)?;
    let reference = text_of(map, at, "kind")?;
    let KindRef { name, version } = reference.parse().map_err(|message| fault(&format!("{at}/kind"), &message))?;
    let behaviour = match text_of(map, at, "behaviour")?.as_str() {
        "pure" => {
            Behaviour::Pure(code(&reference).ok_or_else(|| fault(at, &format!("there is no code for `{reference}`")))?)
        }
        "trigger" => Behaviour::Trigger,
        "effect" => Behaviour::Effect,
        other => Behaviour::Primitive(
            Primitive::ALL
                .into_iter()
                .find(|primitive| primitive.as_str() == other)
                .ok_or_else(|| fault(&format!("{at}/behaviour"), &format!("`{other}` is no behaviour")))?,
        ),
    };
    let effect = match map.get("effect") {
        None => EffectClass::Pure,
        Some(_) => choice(map, at, "effect", &EffectClass::ALL, EffectClass::as_str)?,
    };
    let preview = match map.get("preview") {
        None => Preview::Run,
        Some(_) => choice(map, at, "preview", &Preview::ALL, Preview::as_str)?,
    };
    let mut resources = Vec::new();
    for resource in words(map, at, "resources")? {
        let known = Resource::ALL.into_iter().find(|known| known.as_str() == resource);
        resources
            .push(known.ok_or_else(|| fault(&format!("{at}/resources"), &format!("`{resource}` is no resource")))?);
    }
    let flag = |field: &str| match map.get(field) {
        None => Ok(false),
        Some(Value::Bool(set)) => Ok(*set),
        Some(_) => Err(fault(&format!("{at}/{field}"), &"it is true or false")),
    };
    let (cacheable, delivery) = (flag("cacheable")?, flag("delivery")?);
    let plain = matches!(behaviour, Behaviour::Effect) && effect == EffectClass::Idempotent;
    if cacheable && (!plain || resources.contains(&Resource::Worker)) {
        let message = "only an idempotent effect that the server does itself can be answered from what is kept";
        return Err(fault(&format!("{at}/cacheable"), &message));
    }
    if delivery && (!plain || resources.contains(&Resource::Worker)) {
        let message =
            "only an idempotent effect that the server does itself can be done at most once where a node says so";
        return Err(fault(&format!("{at}/delivery"), &message));
    }
    let schema = |field: &str| map.get(field).map_or_else(SchemaRef::any, |value| SchemaRef(value.clone()));
    Ok(NodeKind {
        name,
        version,
        title: text_of(map, at, "title")?,
        summary: text_of(map, at, "summary")?,
        category: text_of(map, at, "category")?,
        icon: text_of(map, at, "icon")?,
        keywords: words(map, at, "keywords")?,
        config: schema("config"),
        input: schema("input"),
        output: schema("output"),
        ports: ports(map, at)?,
        bodies: bodies(map, at)?,
        effect,
        resources,
        cacheable,
        delivery,
        preview,
        sample: map.get("sample").cloned().unwrap_or_default(),
        line: map.get("line").and_then(Value::as_str).unwrap_or_default().to_owned(),
        defaults: map.get("defaults").cloned().unwrap_or_else(|| Map::new().into()),
        behaviour,
        local: None,
        import: match map.get("import") {
            None => None,
            Some(value) => {
                let at = format!("{at}/import");
                let import = fields(value, &at, &["title", "placeholder"])?;
                let (title, placeholder) = (text_of(import, &at, "title")?, text_of(import, &at, "placeholder")?);
                Some(Import { title, placeholder, read: None })
            }
        },
    })
}

/// Each is one action on one resource: whoever reads the manifest sees exactly what is asked for.
fn permissions(top: &Map) -> Result<Vec<String>, ManifestError> {
    let permissions = words(top, "", "permissions")?;
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let named = |text: &String| text.split_once(':').is_some_and(|(resource, action)| word(resource) && word(action));
    match permissions.iter().position(|text| !named(text)) {
        Some(at) => {
            let message = format!("`{}` is no permission, which is `resource:action`", permissions[at]);
            Err(fault(&format!("/permissions/{at}"), &message))
        }
        None => Ok(permissions),
    }
}

fn ports(kind: &Map, at: &str) -> Result<Ports, ManifestError> {
    let at = format!("{at}/ports");
    let Some(value) = kind.get("ports") else {
        return Ok(Ports { inputs: vec!["in".into()], outputs: vec!["out".into()], outputs_from: None, error: false });
    };
    let map = fields(value, &at, &["inputs", "outputs", "outputs_from", "error"])?;
    let list = |field, default: &str| match map.get(field) {
        None => Ok(vec![default.to_owned()]),
        Some(_) => words(map, &at, field),
    };
    let ports = Ports {
        inputs: list("inputs", "in")?,
        outputs: list("outputs", "out")?,
        outputs_from: match map.get("outputs_from") {
            None => None,
            Some(from) => {
                let at = format!("{at}/outputs_from");
                let from = fields(from, &at, &["pointer", "key"])?;
                Some(PortsFrom { pointer: text_of(from, &at, "pointer")?, key: text_of(from, &at, "key")? })
            }
        },
        error: map.get("error").and_then(Value::as_bool).unwrap_or(false),
    };
    match ports.inputs.iter().chain(&ports.outputs).find(|name| !is_name(name)) {
        Some(name) => Err(fault(&at, &format!("`{name}` is not the name of a port"))),
        None => Ok(ports),
    }
}

fn bodies(kind: &Map, at: &str) -> Result<Bodies, ManifestError> {
    let at = format!("{at}/bodies");
    match kind.get("bodies") {
        None | Some(Value::Null) => Ok(Bodies::None),
        Some(Value::Str(text)) if &**text == "named" => Ok(Bodies::Named),
        Some(Value::List(items)) => {
            let mut bodies = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let at = format!("{at}/{index}");
                let body = fields(item, &at, &["name", "optional"])?;
                bodies.push((
                    text_of(body, &at, "name")?,
                    body.get("optional").and_then(Value::as_bool).unwrap_or(false),
                ));
            }
            Ok(Bodies::Fixed(bodies))
        }
        Some(_) => Err(fault(&at, &"bodies are `\"named\"` or a list of `{name, optional}`")),
    }
}

fn fault(pointer: &str, message: &dyn std::fmt::Display) -> ManifestError {
    ManifestError { pointer: pointer.to_owned(), message: message.to_string() }
}

fn fields<'v>(value: &'v Value, at: &str, known: &[&str]) -> Result<&'v Map, ManifestError> {
    let map = value.as_map().ok_or_else(|| fault(at, &"a map is expected"))?;
    match map.keys().find(|field| !known.contains(&&***field)) {
        Some(field) => Err(fault(&format!("{at}/{field}"), &"there is no such field")),
        None => Ok(map),
    }
}

fn text_of(map: &Map, at: &str, field: &str) -> Result<String, ManifestError> {
    let text = map.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| fault(&format!("{at}/{field}"), &"a text is expected"))
}

fn words(map: &Map, at: &str, field: &str) -> Result<Vec<String>, ManifestError> {
    let Some(value) = map.get(field) else { return Ok(Vec::new()) };
    let words = value.as_list().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    words.ok_or_else(|| fault(&format!("{at}/{field}"), &"a list of texts is expected"))
}

fn choice<T: Copy>(
    map: &Map,
    at: &str,
    field: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, ManifestError> {
    let text = text_of(map, at, field)?;
    let found = all.iter().copied().find(|choice| name(*choice) == text);
    found.ok_or_else(|| fault(&format!("{at}/{field}"), &format!("`{text}` is not one of the choices")))
}

macro_rules! names {
    ($($type:ident { $($variant:ident = $name:literal),* $(,)? })*) => {$(
        impl $type {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// As manifests write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    )*};
}

names! {
    EffectClass {
        Pure = "pure", Idempotent = "idempotent", AtMostOnce = "at_most_once", Transactional = "transactional", Outbox = "outbox",
    }
    Preview { Run = "run", Sample = "sample", AskServer = "ask_server" }
    Resource { Network = "network", Secret = "secret", Storage = "storage", Gpu = "gpu", Agent = "agent", Worker = "worker" }
    Primitive {
        When = "when", Switch = "switch", Map = "map", Try = "try", Parallel = "parallel", Race = "race", Loop = "loop",
        Saga = "saga", Flow = "flow", Batch = "batch", Wait = "wait", Signal = "signal", Approval = "approval", Respond = "respond",
        Fail = "fail", Continue = "continue",
    }
}

impl Behaviour {
    /// As manifests write it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Pure(_) => "pure",
            Self::Effect => "effect",
            Self::Primitive(primitive) => primitive.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Imported, Output};

    const MANIFEST: &str = r#"{"capability":1,"id":"demo","version":"1.0.0","title":"Demo",
        "permissions":["state:read"],"kinds":[
        {"kind":"demo.echo@1","title":"Echo","summary":"Gives back.","category":"Data","icon":"box",
         "behaviour":"pure","ports":{"error":true},"import":{"title":"Paste","placeholder":"x"}},
        {"kind":"demo.split@1","title":"Split","summary":"Splits.","category":"Flow control","icon":"split",
         "behaviour":"switch","ports":{"outputs":["default"],"outputs_from":{"pointer":"/cases","key":"port"}}},
        {"kind":"demo.all@1","title":"All","summary":"All.","category":"Flow control","icon":"box",
         "behaviour":"try","bodies":[{"name":"body"},{"name":"catch","optional":true}],"effect":"idempotent","preview":"sample",
         "resources":["network"]}]}"#;

    fn read(text: &str) -> Result<Capability, ManifestError> {
        Capability::from_manifest(text, &[("demo.echo@1", |call| Ok(Output::One(call.input.clone())))])
    }

    #[test]
    fn a_manifest_reads_and_its_kinds_write_back() {
        let capability = read(MANIFEST)
            .unwrap()
            .with_import("demo.echo@1", |text| Some(Ok(Imported { config: text.into(), left_out: Vec::new() })));
        assert_eq!(capability.permissions, ["state:read"]);
        let kinds = &capability.kinds;
        assert!(kinds[0].import.as_ref().unwrap().read.is_some());
        let config = json::parse(br#"{"cases":[{"port":"a"},{"port":"b"}]}"#).unwrap();
        assert_eq!(kinds[1].outputs(&config), ["a", "b", "default"]);
        assert_eq!(kinds[2].bodies, Bodies::Fixed(vec![("body".into(), false), ("catch".into(), true)]));

        let catalogue = Catalogue::new(vec![capability]);
        let described = Catalogue::described(&catalogue.to_value()).unwrap();
        assert_eq!(described.to_value(), catalogue.to_value());
    }

    #[test]
    fn a_wrong_manifest_says_where() {
        for (from, to, pointer) in [
            (r#""capability":1"#, r#""capability":2"#, "/capability"),
            (r#""title":"Demo""#, r#""titel":"Demo""#, "/titel"),
            (r#""title":"Demo""#, r#""title":"Demo","panels":[]"#, "/panels"),
            (r#"["state:read"]"#, r#"["state:read","state:*"]"#, "/permissions/1"),
            (r#""behaviour":"switch""#, r#""behaviour":"swatch""#, "/kinds/1/behaviour"),
            (r#""effect":"idempotent""#, r#""effect":"often""#, "/kinds/2/effect"),
            (r#"["network"]"#, r#"["moon"]"#, "/kinds/2/resources"),
            ("demo.echo@1", "demo.echo", "/kinds/0/kind"),
            ("demo.echo@1", "demo.other@1", "/kinds/0"),
        ] {
            assert_eq!(read(&MANIFEST.replacen(from, to, 1)).unwrap_err().pointer, pointer, "{to}");
        }
    }

    /// A manifest with an effect of this class.
    fn of_class(effect: &str) -> String {
        let kind = format!(
            r#"{{"kind":"a.b@1","title":"B","summary":"B.","category":"Test","icon":"x","effect":"{effect}","behaviour":"effect"}}"#
        );
        format!(r#"{{"capability":1,"id":"a","version":"1.0.0","title":"A","kinds":[{kind}]}}"#)
    }

    #[test]
    fn a_promise_that_no_server_keeps_is_refused() {
        for kept in EffectClass::ALL {
            assert!(Capability::from_manifest(&of_class(kept.as_str()), &[]).is_ok(), "{kept:?}");
        }
        let fault = Capability::from_manifest(&of_class("twice"), &[]).unwrap_err();
        assert_eq!(fault.pointer, "/kinds/0/effect", "{fault}");
    }

    #[test]
    fn what_may_be_done_once_only_has_no_retry() {
        let definition = json::parse(
            br#"{"holon":1,"name":"f","nodes":{"n":{"kind":"a.b@1","policies":{"retry":{"attempts":2},"timeout":"1s"}}},"edges":[]}"#,
        );
        let definition = crate::Definition::from_value(&definition.unwrap()).unwrap();
        let found = |effect: &str| {
            let catalogue = Catalogue::new(vec![Capability::from_manifest(&of_class(effect), &[]).unwrap()]);
            let mut found = crate::validate::validate(&definition, &catalogue);
            found.retain(|diagnostic| diagnostic.code == "misplaced_policy");
            found.into_iter().map(|diagnostic| diagnostic.pointer).collect::<Vec<_>>()
        };
        assert_eq!(found("at_most_once"), ["/nodes/n/policies/retry"]);
        assert!(found("idempotent").is_empty());
    }
}
