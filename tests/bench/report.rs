//! The table, the JSON file and the plot.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::figures::{Figure, Goal, Ratio, compare, number};
use super::rig::Way;
use super::sizing;

/// Gathers figures, and says each as soon as it is there.
pub struct Report {
    rounds: usize,
    /// Only what has one of these words in its group or name; all where there is none.
    only: Vec<String>,
    figures: Vec<Figure>,
    failures: Vec<String>,
}

impl Report {
    pub fn new(rounds: usize, only: Vec<String>) -> Self {
        println!("| figure | direct | ssh -J | Curfew | value (spread) | goal |\n|---|---|---|---|---|---|");
        Self { rounds, only, figures: Vec::new(), failures: Vec::new() }
    }

    pub fn rounds(&self) -> usize {
        self.rounds
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }

    pub fn add(&mut self, figure: Figure) {
        println!("{}", figure.row());
        self.figures.push(figure);
    }

    /// Compares the ways, unless it is not wanted.
    pub fn compare(
        &mut self,
        what: (&'static str, &str, Ratio, Option<Goal>),
        ways: &[Way],
        seconds: impl FnMut(Way) -> Result<f64, String>,
    ) {
        if self.wants(what.0) || self.wants(what.1) {
            match compare(what, self.rounds, ways, seconds) {
                Ok(figure) => self.add(figure),
                Err(why) => self.fail(why),
            }
        }
    }

    /// Measures something that is not compared, unless it is not wanted.
    pub fn figure(&mut self, group: &str, measure: impl FnOnce() -> Result<Vec<Figure>, String>) {
        if self.wants(group) {
            match measure() {
                Ok(figures) => figures.into_iter().for_each(|figure| self.add(figure)),
                Err(why) => self.fail(format!("{group}: {why}")),
            }
        }
    }

    /// A run that failed gives no figure.
    fn fail(&mut self, why: String) {
        println!("| no figure: {why} | | | | | |");
        self.failures.push(why);
    }

    /// Writes `bench.md`, `bench.json` and `bench.svg`, and says whether every run succeeded.
    pub fn write(&self, folder: &Path, machine: &str) -> bool {
        fs::create_dir_all(folder).expect("make a folder");
        let mut table = format!("{machine}\n\nMedians of {} rounds, and their spread.\n\n", self.rounds);
        table.push_str("| figure | direct | `ssh -J` | Curfew | value (spread) | goal |\n|---|---|---|---|---|---|\n");
        for figure in &self.figures {
            let _ = writeln!(table, "{}", figure.row());
        }
        let _ = writeln!(table, "\n{}", sizing::table(&self.figures, &[1000, 5000]));
        let figures: Vec<_> = self.figures.iter().map(Figure::json).collect();
        let json = json!({
            "machine": machine, "rounds": self.rounds, "figures": figures, "failures": self.failures,
        });
        fs::write(folder.join("bench.md"), table).expect("write the table");
        fs::write(folder.join("bench.json"), format!("{json:#}\n")).expect("write the figures");
        fs::write(folder.join("bench.svg"), self.plot()).expect("write the plot");
        println!("\n{machine}\nThe table, the figures and the plot are in {}", folder.display());
        for why in &self.failures {
            println!("failed: {why}");
        }
        self.failures.is_empty()
    }

    /// How fast each way is as a bar, direct ssh being 1; longer is faster.
    fn plot(&self) -> String {
        let (left, width, row, top) = (420.0, 240.0, 30.0, 52.0);
        let rows: Vec<&Figure> =
            self.figures.iter().filter(|figure| figure.is_ratio && figure.ways.contains_key(&Way::Direct)).collect();
        let longest = 2.5;
        let height = top + row * rows.len() as f64 + 12.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height}\" font-family=\"sans-serif\" \
             font-size=\"12\"><rect width=\"720\" height=\"{height}\" fill=\"#fff\"/>\
             <text x=\"12\" y=\"22\" font-size=\"15\" fill=\"#222\">Speed, direct ssh = 1 (longer is faster)</text>\n"
        );
        let legend = [(Way::Curfew, "#1f6feb"), (Way::Jump, "#b8b8b8")];
        for (n, (way, colour)) in legend.iter().enumerate() {
            let x = left + 110.0 * n as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"32\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"41\" fill=\"#222\">{way}</text>",
                x + 15.0
            );
        }
        for (n, figure) in rows.iter().enumerate() {
            let y = top + row * n as f64;
            let _ = writeln!(svg, "<text x=\"12\" y=\"{}\" fill=\"#222\">{}</text>", y + 16.0, figure.name);
            let direct = figure.ways.get(&Way::Direct).map_or(f64::NAN, |s| s.median());
            for (bar, (way, colour)) in legend.iter().enumerate() {
                let Some(samples) = figure.ways.get(way) else { continue };
                let speed = direct / samples.median();
                let at = y + 4.0 + 11.0 * bar as f64;
                let long = (speed / longest).min(1.0) * width;
                let _ = writeln!(
                    svg,
                    "<rect x=\"{left}\" y=\"{at}\" width=\"{long:.1}\" height=\"10\" fill=\"{colour}\"/>\
                     <text x=\"{:.1}\" y=\"{}\" fill=\"#555\" font-size=\"10\">{}</text>",
                    left + long + 4.0,
                    at + 9.0,
                    number(speed)
                );
            }
        }
        let one = left + width / longest;
        let _ = writeln!(
            svg,
            "<line x1=\"{one}\" y1=\"{top}\" x2=\"{one}\" y2=\"{}\" stroke=\"#222\" stroke-dasharray=\"3 3\"/></svg>",
            height - 8.0
        );
        svg
    }
}
