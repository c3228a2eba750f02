//! What came out: samples, their medians, ratios within a round, and the goals they are held against.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rig::Way;

/// Several measurements of one thing.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The value below which this share of them lies.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((share * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub fn least(&self) -> f64 {
        self.quantile(0.0)
    }

    pub fn most(&self) -> f64 {
        self.quantile(1.0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<f64>> for Samples {
    fn from(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(goal) => value >= goal,
            Self::AtMost(goal) => value <= goal,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(goal) => format!("≥ {goal}"),
            Self::AtMost(goal) => format!("≤ {goal}"),
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Figure {
    /// The group it stands in, such as `throughput`.
    pub group: &'static str,
    pub name: String,
    /// Of the values of the ways, or of the value where there are none: `s`, `ms`, `KiB`.
    pub unit: &'static str,
    /// What was measured on each way.
    pub ways: BTreeMap<Way, Samples>,
    /// The ratio (no unit), or the figure itself where nothing is compared.
    pub value: Samples,
    /// Whether `value` is a ratio to direct ssh.
    pub is_ratio: bool,
    pub goal: Option<Goal>,
}

impl Figure {
    /// A figure that stands by itself.
    pub fn alone(group: &'static str, name: &str, unit: &'static str, value: Samples, goal: Option<Goal>) -> Self {
        Self { group, name: name.to_owned(), unit, ways: BTreeMap::new(), value, is_ratio: false, goal }
    }

    pub fn is_met(&self) -> bool {
        self.goal.is_none_or(|goal| goal.is_met(self.value.median()))
    }

    pub fn json(&self) -> Value {
        let samples = |s: &Samples| json!({"median": s.median(), "min": s.least(), "max": s.most(), "samples": s.0});
        let ways: serde_json::Map<_, _> =
            self.ways.iter().map(|(way, s)| (way.host().to_owned(), samples(s))).collect();
        json!({
            "group": self.group, "name": self.name, "unit": self.unit, "ways": ways, "value": samples(&self.value),
            "is_ratio": self.is_ratio, "goal": self.goal.map(Goal::text), "met": self.goal.map(|_| self.is_met()),
        })
    }

    /// A row in Markdown: name, direct, `ssh -J`, Curfew, the figure, its spread, its goal.
    pub fn row(&self) -> String {
        let way = |way| self.ways.get(&way).map_or_else(|| "–".to_owned(), |s| amount(s.median(), self.unit));
        let unit = if self.is_ratio { "×" } else { self.unit };
        let goal = self
            .goal
            .map_or_else(String::new, |goal| format!("{}{}", goal.text(), if self.is_met() { " ✓" } else { " ✗" }));
        format!(
            "| {} | {} | {} | {} | **{}** ({} – {}) | {goal} |",
            self.name,
            way(Way::Direct),
            way(Way::Jump),
            way(Way::Curfew),
            amount(self.value.median(), unit),
            number(self.value.least()),
            number(self.value.most()),
        )
    }
}

fn amount(value: f64, unit: &str) -> String {
    match unit {
        "×" => format!("{} ×", number(value)),
        _ => format!("{} {unit}", number(value)),
    }
}

/// Three digits that count.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// How the ratio of a comparison is made.
#[derive(Debug, Clone, Copy)]
pub enum Ratio {
    /// The first way's time over Curfew's time: as much throughput, ≥ 1 is faster.
    Throughput,
    /// Curfew's time over the first way's time: as much waiting, ≤ 1 is faster.
    Time,
}

/// Runs something on each way in turn, a warm-up and then `rounds` times, and compares within each round.
///
/// # Errors
/// The first run that failed; then there is no figure.
pub fn compare(
    (group, name, ratio, goal): (&'static str, &str, Ratio, Option<Goal>),
    rounds: usize,
    ways: &[Way],
    mut seconds: impl FnMut(Way) -> Result<f64, String>,
) -> Result<Figure, String> {
    let (mut by_way, mut value) = (BTreeMap::<Way, Samples>::new(), Samples::default());
    for round in 0..=rounds {
        let mut took = BTreeMap::new();
        // Each way is first, second and last equally often.
        for turn in 0..ways.len() {
            let way = ways[(turn + round) % ways.len()];
            took.insert(way, seconds(way).map_err(|why| format!("{name}, {way}: {why}"))?);
        }
        if round == 0 {
            continue;
        }
        if let (Some(base), Some(curfew)) = (ways.first().and_then(|way| took.get(way)), took.get(&Way::Curfew)) {
            value.push(match ratio {
                Ratio::Throughput => base / curfew,
                Ratio::Time => curfew / base,
            });
        }
        for (way, seconds) in took {
            by_way.entry(way).or_default().push(seconds);
        }
    }
    let short = by_way.values().all(|samples| samples.median() < 0.5);
    if short {
        by_way.values_mut().for_each(|samples| samples.0.iter_mut().for_each(|s| *s *= 1000.0));
    }
    Ok(Figure {
        group,
        name: name.to_owned(),
        unit: if short { "ms" } else { "s" },
        ways: by_way,
        value,
        is_ratio: true,
        goal,
    })
}
