//! How seeds are gone through: many at once, a failing one made smaller and printed with the command that repeats it, and the long way
//! towards a million remembered.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::oracle;
use crate::seed::{Less, Plan, Woe};
use crate::world::World;

/// A seed that takes longer than this by the clock on the wall goes round in a circle.
const STUCK: Duration = Duration::from_secs(180);
/// Failing seeds that are told at once.
const MOST_TOLD: usize = 3;

/// What became of a seed.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    pub hash: [u8; 32],
    pub notes: u64,
    pub problems: Vec<(&'static str, String)>,
    pub lines: Vec<String>,
    pub runs: u64,
    pub effects: u64,
}

thread_local! {
    /// Panics of the world that this thread simulates.
    static PANICS: Mutex<Option<Vec<String>>> = const { Mutex::new(None) };
}

/// Tasks that panic end quietly: their panics are kept where a simulation runs, and told everywhere else.
fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let kept = PANICS.with(|panics| {
                let mut panics = panics.lock().unwrap_or_else(PoisonError::into_inner);
                panics.as_mut().map(|panics| panics.push(panic.to_string())).is_some()
            });
            if !kept {
                before(panic);
            }
        }));
    });
}

fn panics(now: Option<Vec<String>>) -> Vec<String> {
    let before =
        PANICS.with(|panics| std::mem::replace(&mut *panics.lock().unwrap_or_else(PoisonError::into_inner), now));
    before.unwrap_or_default()
}

/// Goes through one seed; `told`: its trace is kept in words.
pub fn one(plan: Plan, told: bool) -> Report {
    hear_panics();
    let seed = plan.seed;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime needs nothing but time");
    panics(Some(Vec::new()));
    let mut report = runtime.block_on(async {
        let world = World::new(plan, told);
        world.go().await;
        oracle::check(&world).await;
        Report {
            seed,
            hash: world.trace.hash(),
            notes: world.trace.notes(),
            problems: world.problems.all(),
            lines: world.trace.lines(),
            runs: world.store.runs().len() as u64,
            effects: world.outside.book().calls.len() as u64,
        }
    });
    drop(runtime);
    report.problems.extend(panics(None).into_iter().map(|panic| ("panic", panic)));
    report
}

/// A number from the environment.
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")))
}

impl Less {
    /// As a failure printed it.
    pub fn from_environment() -> Self {
        let only = std::env::var("HOLON_SIM_ONLY").ok().map(|names| {
            let parse = |name: &str| Woe::parse(name.trim()).unwrap_or_else(|| panic!("there is no woe `{name}`"));
            names.split(',').filter(|name| !name.trim().is_empty()).map(parse).collect()
        });
        let small = |name| number(name).and_then(|number| usize::try_from(number).ok());
        Self { only, starts: small("HOLON_SIM_STARTS"), replicas: small("HOLON_SIM_REPLICAS") }
    }
}

/// The command that repeats a seed.
fn command(plan: &Plan) -> String {
    let full = Plan::of(plan.seed);
    let mut text = format!("HOLON_SIM_SEED={}", plan.seed);
    if plan.woes != full.woes {
        let names: Vec<String> = plan.woes.iter().map(|(woe, _)| format!("{woe:?}")).collect();
        let _ = write!(text, " HOLON_SIM_ONLY={}", names.join(","));
    }
    if plan.starts != full.starts {
        let _ = write!(text, " HOLON_SIM_STARTS={}", plan.starts);
    }
    if plan.replicas != full.replicas {
        let _ = write!(text, " HOLON_SIM_REPLICAS={}", plan.replicas);
    }
    text + " cargo test -p holon-runtime --test sim -- --ignored --nocapture one_seed"
}

/// The smallest plan that still goes wrong in one of the same ways.
fn smaller(plan: Plan, kinds: &BTreeSet<&'static str>) -> Plan {
    let wrong = |plan: &Plan| one(plan.clone(), false).problems.iter().any(|(kind, _)| kinds.contains(kind));
    let mut least = plan;
    for (woe, _) in least.woes.clone() {
        let mut less = least.clone();
        less.woes.retain(|(other, _)| *other != woe);
        if wrong(&less) {
            least = less;
        }
    }
    for replicas in 1..least.replicas {
        let less = Plan { replicas, ..least.clone() };
        if wrong(&less) {
            least = less;
            break;
        }
    }
    for starts in 1..least.starts {
        let less = Plan { starts, ..least.clone() };
        if wrong(&less) {
            least = less;
            break;
        }
    }
    least
}

fn words(report: &Report, plan: &Plan) -> String {
    let mut text = format!("seed {}: {} things do not hold\n", report.seed, report.problems.len());
    for (kind, words) in report.problems.iter().take(12) {
        let _ = writeln!(text, "  {kind}: {words}");
    }
    let _ = writeln!(text, "  repeat it with its trace: {}", command(plan));
    text
}

/// Tells one seed in full.
///
/// # Panics
/// When something does not hold.
#[expect(clippy::print_stdout, reason = "a trace is read by a person")]
pub fn tell(seed: u64, less: &Less) {
    let plan = Plan::of(seed).less(less);
    println!("{plan:?}");
    let report = one(plan.clone(), true);
    report.lines.iter().for_each(|line| println!("{line}"));
    println!("{} runs, {} effects, {} notes", report.runs, report.effects, report.notes);
    assert!(report.problems.is_empty(), "{}", words(&report, &plan));
}

/// Which seeds.
pub struct Seeds {
    pub from: u64,
    pub count: u64,
    /// How many are gone through at once.
    pub threads: u64,
}

/// As many threads as there are processors.
pub fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    pub seeds: u64,
    pub runs: u64,
    pub effects: u64,
}

/// What one thread is at.
type At = Mutex<Option<(u64, Instant)>>;

/// Goes through seeds.
///
/// # Panics
/// When something does not hold in any of them: it is told small, with the command that repeats it.
#[expect(clippy::print_stdout, reason = "how long it took is read by a person")]
pub fn seeds(seeds: Seeds) -> Done {
    let workers = seeds.threads.max(1);
    let (next, all) = (AtomicU64::new(seeds.from), AtomicU64::new(0));
    let (runs, effects) = (AtomicU64::new(0), AtomicU64::new(0));
    let (failed, over) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let end = seeds.from.saturating_add(seeds.count);
    let at: Vec<At> = (0..workers).map(|_| At::default()).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for at in &at {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    let enough = failed.lock().unwrap_or_else(PoisonError::into_inner).len() >= MOST_TOLD;
                    if seed >= end || enough {
                        break;
                    }
                    *at.lock().unwrap_or_else(PoisonError::into_inner) = Some((seed, Instant::now()));
                    let report = one(Plan::of(seed), false);
                    all.fetch_add(1, Relaxed);
                    runs.fetch_add(report.runs, Relaxed);
                    effects.fetch_add(report.effects, Relaxed);
                    if !report.problems.is_empty() {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(seed);
                    }
                }
                *at.lock().unwrap_or_else(PoisonError::into_inner) = None;
                over.fetch_add(1, Relaxed);
            });
        }
        while over.load(Relaxed) < workers {
            std::thread::park_timeout(Duration::from_millis(50));
            at.iter().for_each(watch);
        }
    });
    let done = Done { seeds: all.into_inner(), runs: runs.into_inner(), effects: effects.into_inner() };
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failed.is_empty() {
        let told: Vec<String> = failed.into_iter().map(small).collect();
        panic!("\n{}", told.join("\n"));
    }
    println!("from seed {}: {done:?} in {:.1} s", seeds.from, began.elapsed().as_secs_f64());
    done
}

/// A failing seed, made smaller, in words.
fn small(seed: u64) -> String {
    let report = one(Plan::of(seed), false);
    let kinds = report.problems.iter().map(|(kind, _)| *kind).collect();
    let plan = smaller(Plan::of(seed), &kinds);
    words(&one(plan.clone(), false), &plan)
}

/// A thread that computes for ever cannot be ended: the process is.
#[expect(clippy::print_stderr, reason = "the process ends here")]
fn watch(at: &At) {
    let Some((seed, since)) = *at.lock().unwrap_or_else(PoisonError::into_inner) else { return };
    if since.elapsed() > STUCK {
        eprintln!("seed {seed} does not end; repeat it: {}", command(&Plan::of(seed)));
        std::process::abort();
    }
}

/// How far the long way was gone without a gap: the first seed that was not gone through.
pub struct Kept(Option<PathBuf>);

impl Kept {
    pub fn open() -> Self {
        Self(std::env::var_os("HOLON_SIM_STATE").map(PathBuf::from))
    }

    pub fn read(&self) -> u64 {
        let text = self.0.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// The seeds from `from` up to `next` were gone through. Never less than before: seeds may be gone through again; and seeds beyond a gap
    /// do not count.
    pub fn write(&self, from: u64, next: u64) {
        let Some(path) = &self.0 else { return };
        let before = self.read().max(crate::SEEDS);
        let now = if from <= before { next.max(before) } else { before };
        // Another one takes its place whole: whoever is killed here leaves the one before.
        let new = path.with_extension("new");
        std::fs::write(&new, format!("{now}\n")).expect("how far it is can be kept");
        std::fs::rename(&new, path).expect("how far it is can be kept");
    }
}
