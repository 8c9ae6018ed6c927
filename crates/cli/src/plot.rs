//! Charts as SVG: lines, dots and bars over two axes.

use std::fmt::Write as _;

/// A chart; what lies outside its axes is drawn at their ends.
pub struct Chart {
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

/// What an axis shows.
pub struct Axis {
    pub name: String,
    pub low: f64,
    pub high: f64,
}

/// Numbers of one kind.
pub struct Series {
    pub name: String,
    pub colour: &'static str,
    pub mark: Mark,
    pub points: Vec<(f64, f64)>,
}

/// How numbers are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Line,
    /// A line with a dot at every point.
    Dots,
    /// Bars on the floor, those of several series beside each other.
    Bars,
}

/// Colours that tell series apart.
pub const COLOURS: [&str; 3] = ["#1f5fa8", "#c8582b", "#bbbbbb"];

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const EDGE: f64 = 56.0;

/// Between the lines of a legend.
const LINE: f64 = 15.0;

/// About so many marks are on an axis.
const TICKS: f64 = 5.0;

/// The most points of a curve.
pub const POINTS: usize = 400;

impl Chart {
    /// The chart as an SVG element. Names are escaped.
    pub fn draw(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
        );
        let bars = self.series.iter().filter(|series| series.mark == Mark::Bars).count();
        let mut bar = 0;
        for series in &self.series {
            svg += &match series.mark {
                Mark::Line => self.line(series),
                Mark::Dots => self.line(series) + &self.dots(series),
                Mark::Bars => {
                    bar += 1;
                    self.bars(series, bar - 1, bars)
                }
            };
        }
        svg + &self.frame() + &self.legend() + "</svg>\n"
    }

    fn across(&self, x: f64) -> f64 {
        EDGE + (WIDTH - 2.0 * EDGE) * self.x.share(x)
    }

    fn down(&self, y: f64) -> f64 {
        let floor = HEIGHT - EDGE;
        floor - (floor - self.top()) * self.y.share(y)
    }

    /// Where the vertical axis ends, below the legend.
    fn top(&self) -> f64 {
        EDGE.max(LINE * (self.series.len() as f64 + 1.0))
    }

    fn line(&self, series: &Series) -> String {
        let place = |&(x, y): &(f64, f64)| format!("{:.1},{:.1}", self.across(x), self.down(y));
        let points = series.points.iter().map(place).collect::<Vec<_>>().join(" ");
        format!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n",
            series.colour
        )
    }

    fn dots(&self, series: &Series) -> String {
        let dot = |&(x, y): &(f64, f64)| {
            let (x, y) = (self.across(x), self.down(y));
            format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{}\"/>\n", series.colour)
        };
        series.points.iter().map(dot).collect()
    }

    fn bars(&self, series: &Series, at: usize, of: usize) -> String {
        let room = (WIDTH - 2.0 * EDGE) / series.points.len().max(1) as f64;
        let width = 0.8 * room / of as f64;
        let bar = |&(x, y): &(f64, f64)| {
            let left = self.across(x) - 0.4 * room + width * at as f64;
            let (top, floor) = (self.down(y), HEIGHT - EDGE);
            format!(
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\"/>\n",
                floor - top,
                series.colour
            )
        };
        series.points.iter().map(bar).collect()
    }

    /// Both axes with their marks and names.
    fn frame(&self) -> String {
        let (right, floor, top) = (WIDTH - EDGE, HEIGHT - EDGE, self.top());
        let mut svg = format!("<path d=\"M{EDGE} {top}V{floor}H{right}\" fill=\"none\" stroke=\"black\"/>\n");
        for x in self.x.ticks() {
            svg += &text(self.across(x), floor + 18.0, "middle", &number(x));
        }
        for y in self.y.ticks() {
            svg += &text(EDGE - 6.0, self.down(y) + 4.0, "end", &number(y));
        }
        svg += &text(right, floor + 38.0, "end", &self.x.name);
        svg + &text(EDGE, top - 14.0, "start", &self.y.name)
    }

    /// The names of the series, each in its colour.
    fn legend(&self) -> String {
        let mut svg = String::new();
        for (at, series) in self.series.iter().enumerate() {
            let (x, y) = (WIDTH - EDGE, LINE * (at as f64 + 1.0));
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\" fill=\"{}\">{}</text>",
                series.colour,
                escaped(&series.name)
            );
        }
        svg
    }
}

impl Axis {
    pub fn new(name: &str, low: f64, high: f64) -> Self {
        Self { name: name.to_owned(), low, high }
    }

    fn share(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// Round numbers from one end to the other.
    fn ticks(&self) -> Vec<f64> {
        let wide = (self.high - self.low) / TICKS;
        if !(wide.is_normal() && wide > 0.0) {
            return vec![self.low];
        }
        let unit = 10f64.powf(wide.log10().floor());
        let step = [1.0, 2.0, 5.0].map(|times| times * unit).into_iter().find(|&step| step >= wide * 0.999);
        let step = step.unwrap_or(10.0 * unit);
        let (first, last) =
            ((self.low / step).ceil() as i64, (self.high / step * (1.0 + 1e-9)).floor() as i64);
        (first..=last).map(|at| at as f64 * step).collect()
    }
}

/// Means over equal runs of points, of which there are at most [`POINTS`].
pub fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mean = |run: &[(f64, f64)]| {
        let n = run.len().max(1) as f64;
        (run.iter().map(|p| p.0).sum::<f64>() / n, run.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(points.len().div_ceil(POINTS).max(1)).map(mean).collect()
}

/// The largest second number, or `least` if that is more.
pub fn top(points: &[(f64, f64)], least: f64) -> f64 {
    points.iter().map(|p| p.1).fold(least, f64::max)
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"{anchor}\">{}</text>\n", escaped(words))
}

/// A number with three digits or so.
fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        size if size < 1e-2 => format!("{x:.1e}"),
        size if size < 100.0 => {
            let digits = format!("{x:.2}");
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{x:.0}"),
    }
}

/// Text that stands for itself in HTML and SVG, in attributes too.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_stays_on_the_paper() {
        let points: Vec<(f64, f64)> = (1..=1000).map(|i| (f64::from(i), 3.0 / f64::from(i) - 1.0)).collect();
        let thin = thinned(&points);
        assert_eq!(thin.len(), 334);
        let wild = vec![(-5.0, f64::NAN), (2000.0, f64::INFINITY)];
        let series = [(Mark::Line, thin), (Mark::Dots, wild.clone()), (Mark::Bars, wild)];
        let series = series.map(|(mark, points)| Series {
            name: "<loss> & \"rate\"".to_owned(),
            colour: COLOURS[0],
            mark,
            points,
        });
        let chart = Chart {
            x: Axis::new("step", 0.0, 1000.0),
            y: Axis::new("loss", 0.0, 1.0),
            series: series.into(),
        };
        let svg = chart.draw();
        assert!(
            svg.contains("&lt;loss&gt; &amp; &quot;rate&quot;")
                && !svg.contains("NaN")
                && !svg.contains("inf")
        );
        let lists = svg.split("points=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let numbers: Vec<f64> =
            lists.flat_map(|list| list.split([' ', ','])).map(|n| n.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 2 * (334 + 2));
        for place in numbers.chunks(2) {
            assert!((EDGE..=WIDTH - EDGE).contains(&place[0]) && (EDGE..=HEIGHT - EDGE).contains(&place[1]));
        }
    }

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high| Axis::new("", low, high).ticks().into_iter().map(number).collect::<Vec<_>>();
        assert_eq!(ticks(0.5, 1.0), ["0.5", "0.6", "0.7", "0.8", "0.9", "1"]);
        assert_eq!(ticks(0.0, 13765.0), ["0", "5000", "10000"]);
        assert_eq!(ticks(0.5, 5.5), ["1", "2", "3", "4", "5"]);
        assert_eq!(ticks(0.0, 2.6e-5), ["0", "1.0e-5", "2.0e-5"]);
        assert_eq!(ticks(3.0, 3.0), ["3"]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let chart = Chart { x: Axis::new("x", 0.0, 0.0), y: Axis::new("y", 0.0, 0.0), series: Vec::new() };
        assert!(chart.draw().starts_with("<svg"));
    }
}
