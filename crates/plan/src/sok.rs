//! What others have published: the figures of the systematisation of general computation under homomorphic encryption.
//!
//! Source: Xue, Xin, Zhang, Zheng et al., "SoK: Can Fully Homomorphic Encryption Support General AI Computation? A
//! Functional and Cost Analysis". The numbers are read off its plots, to about one percent (`data/sok-figures.csv`).

use crate::error::Error;

const PUBLISHED: &str = include_str!("../data/sok-figures.csv");

const COLUMNS: &str = "figure,work,bits,size,method,seconds,amortised";

/// A workload or an application of the SoK, and what the size of one is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// A*B > C; values.
    W1,
    /// (A > B)*C; values.
    W2,
    /// (A*B > C)*D; values.
    W3,
    /// All shortest paths by Floyd and Warshall; nodes.
    Paths,
    /// A complete decision tree; depth.
    Tree,
    /// Sorting; elements.
    Sort,
    /// The query of a product and a sum, each between bounds; rows.
    Sql,
}

impl Work {
    /// Every one, in the order of the paper.
    pub const ALL: [Self; 7] = [Self::W1, Self::W2, Self::W3, Self::Paths, Self::Tree, Self::Sort, Self::Sql];

    /// Its name in commands and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W3 => "w3",
            Self::Paths => "paths",
            Self::Tree => "tree",
            Self::Sort => "sort",
            Self::Sql => "sql",
        }
    }
}

/// A method that the SoK measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Bit-wise TFHE (TFHE-rs).
    Tfhe,
    /// Switching between word-wise and bit-wise schemes (OpenPEGASUS).
    Scheme,
    /// Switching between encodings of one word-wise scheme (HEBridge).
    Encoding,
}

impl Method {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Tfhe, Self::Scheme, Self::Encoding];

    /// Its name in commands and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tfhe => "tfhe",
            Self::Scheme => "scheme",
            Self::Encoding => "encoding",
        }
    }
}

/// One run that was published.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The figure of the paper: `2`, `8b`.
    pub figure: String,
    /// What was run.
    pub work: Work,
    /// Bits of the integers.
    pub bits: u32,
    /// Its size, in what the work is counted in.
    pub size: usize,
    /// How.
    pub method: Method,
    /// Seconds of one run on one core.
    pub seconds: f64,
    /// Seconds a value where a run fills all slots: for workloads alone.
    pub amortised: Option<f64>,
}

/// Ciphertexts, peak memory and communication of W1 on a hundred values of 8 bits, in megabytes (the SoK's Table 4).
pub const STORAGE: [(Method, [f64; 3]); 3] = [
    (Method::Tfhe, [4.8, 23.3, 9.6]),
    (Method::Scheme, [14.2, 58.6, 28.4]),
    (Method::Encoding, [47.6, 94.3, 95.2]),
];

/// All figures, in the order of the paper's works.
///
/// # Errors
/// None for the table that is built in; a test reads it.
pub fn published() -> Result<Vec<Figure>, Error> {
    parse(PUBLISHED)
}

/// The figures of one run by every method, the fastest first.
#[must_use]
pub fn of(figures: &[Figure], work: Work, bits: u32, size: usize) -> Vec<&Figure> {
    let same = |figure: &&Figure| (figure.work, figure.bits, figure.size) == (work, bits, size);
    let mut found: Vec<&Figure> = figures.iter().filter(same).collect();
    found.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    found
}

/// Reads a table: remarks from `#` on, the names of the columns, a run on each line.
fn parse(text: &str) -> Result<Vec<Figure>, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
    let mut lines = lines.map(|(index, line)| (index + 1, line));
    match lines.next() {
        Some((_, COLUMNS)) => {}
        other => return Err(Error::Figure { line: other.map_or(1, |(line, _)| line) }),
    }
    lines.map(|(line, cells)| figure(cells).ok_or(Error::Figure { line })).collect()
}

fn figure(line: &str) -> Option<Figure> {
    let cells: Vec<&str> = line.split(',').collect();
    let [figure, work, bits, size, method, seconds, amortised] = cells.try_into().ok()?;
    let time = |cell: &str| cell.parse().ok().filter(|seconds: &f64| *seconds > 0.0 && seconds.is_finite());
    Some(Figure {
        figure: figure.to_owned(),
        work: Work::ALL.into_iter().find(|known| known.name() == work)?,
        bits: bits.parse().ok()?,
        size: size.parse().ok()?,
        method: Method::ALL.into_iter().find(|known| known.name() == method)?,
        seconds: time(seconds)?,
        amortised: if amortised.is_empty() { None } else { Some(time(amortised)?) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's own words: 15.5 s (6.3), 25 and 627 s (Figure 4), 59.9 s (7.5), 115 and 1626 s (7.6), to two percent.
    #[test]
    fn the_figures_are_those_that_the_text_quotes() {
        let figures = published().unwrap();
        let quoted = [
            (Work::W1, 8, 1, Method::Encoding, 15.5),
            (Work::W1, 12, 1, Method::Encoding, 23.0),
            (Work::W1, 16, 1, Method::Encoding, 46.9),
            (Work::Paths, 8, 16, Method::Tfhe, 14.69),
            (Work::Paths, 8, 128, Method::Tfhe, 5432.0),
            (Work::Paths, 8, 128, Method::Encoding, 632.0),
            (Work::Sort, 8, 8, Method::Tfhe, 59.9),
            (Work::Sort, 8, 8, Method::Encoding, 645.0),
            (Work::Sql, 8, 512, Method::Encoding, 115.0),
            (Work::Sql, 8, 512, Method::Scheme, 1626.0),
        ];
        for (work, bits, size, method, seconds) in quoted {
            let runs = of(&figures, work, bits, size);
            let run = runs.iter().find(|figure| figure.method == method).unwrap();
            assert!((run.seconds / seconds - 1.0).abs() < 0.02, "{run:?} is quoted as {seconds} s");
        }
    }

    #[test]
    fn every_run_has_the_three_methods_once_and_the_fastest_first() {
        let figures = published().unwrap();
        for figure in &figures {
            let runs = of(&figures, figure.work, figure.bits, figure.size);
            let mut methods: Vec<Method> = runs.iter().map(|figure| figure.method).collect();
            methods.sort_unstable();
            assert_eq!(methods, Method::ALL, "{figure:?}");
            assert!(runs.is_sorted_by(|a, b| a.seconds <= b.seconds));
            let slots = [Work::W1, Work::W2, Work::W3].contains(&figure.work);
            assert_eq!(figure.amortised.is_some(), slots, "{figure:?}");
        }
        let fastest = |work, bits, size| of(&figures, work, bits, size)[0].method;
        assert_eq!(fastest(Work::W1, 8, 1), Method::Encoding);
        assert_eq!(fastest(Work::Sort, 8, 64), Method::Tfhe);
        assert!(of(&figures, Work::Sort, 9, 8).is_empty());
    }

    #[test]
    fn what_is_no_table_is_refused_by_its_line() {
        let table = |line: &str| parse(&format!("# a remark\n{COLUMNS}\n{line}\n"));
        assert_eq!(table("2,w1,8,1,tfhe,393.4,390.5").unwrap().len(), 1);
        for line in [
            "2,w9,8,1,tfhe,1,",
            "2,w1,8,1,bgv,1,",
            "2,w1,8,1,tfhe,-1,",
            "2,w1,8,1,tfhe,inf,",
            "2,w1,8,1,tfhe,1",
            "2,w1,8,1,tfhe,1,x",
        ] {
            assert_eq!(table(line).unwrap_err(), Error::Figure { line: 3 }, "{line}");
        }
        assert_eq!(parse("").unwrap_err(), Error::Figure { line: 1 });
    }
}
