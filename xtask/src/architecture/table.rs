//! The import table, read from the page that people read.
//!
//! A fenced block marked `imports` holds one rule per line; `#` starts a comment.
//!
//! ```text
//! rlwe     -> ring            rlwe may depend on ring
//! engine   ~> client          only engine's tests, benches and examples may also depend on client
//! *        ~> testkit         the same for every crate
//! candle-* <- train           of our crates, only train may depend on a foreign crate of that name
//! tfhe-ntt <~ ring            the same, only in tests, benches and examples
//! ```

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// Where the table is written.
pub const PAGE: &str = "ARCHITECTURE.md";

const FENCE: &str = "```imports";

type Names = BTreeSet<String>;

/// Who may depend on whom.
#[derive(Debug, Default)]
pub struct Table {
    imports: BTreeMap<String, Names>,
    test_imports: BTreeMap<String, Names>,
    foreign: Vec<Foreign>,
}

/// A foreign crate, or a family of them, that few may name.
#[derive(Debug)]
struct Foreign {
    pattern: String,
    users: Names,
    only_tests: bool,
}

impl Table {
    /// Reads the one `imports` block of a page.
    pub fn parse(page: &str) -> Result<Self> {
        let mut table = Self::default();
        let mut blocks = 0;
        let mut inside = false;
        for (index, line) in page.lines().enumerate() {
            let line = line.trim();
            if inside && line.starts_with("```") {
                inside = false;
            } else if inside {
                table.rule(line).with_context(|| format!("{PAGE}, line {}", index + 1))?;
            } else if line == FENCE {
                inside = true;
                blocks += 1;
            }
        }
        ensure!(blocks == 1 && !inside, "{PAGE} must hold one closed block that starts with {FENCE}");
        table.consistent()?;
        Ok(table)
    }

    fn rule(&mut self, line: &str) -> Result<()> {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace().map(String::from);
        let Some(subject) = words.next() else { return Ok(()) };
        let Some(arrow) = words.next() else { bail!("`{subject}` has no arrow") };
        let names: Names = words.collect();
        let repeated = match arrow.as_str() {
            "->" => self.imports.insert(subject.clone(), names).is_some(),
            "~>" => self.test_imports.insert(subject.clone(), names).is_some(),
            "<-" | "<~" => {
                let only_tests = arrow == "<~";
                let repeated = self.foreign.iter().any(|rule| rule.pattern == subject);
                self.foreign.push(Foreign { pattern: subject.clone(), users: names, only_tests });
                repeated
            }
            _ => bail!("`{arrow}` is none of -> ~> <- <~"),
        };
        ensure!(!repeated, "`{subject}` has two lines of one kind");
        Ok(())
    }

    fn consistent(&self) -> Result<()> {
        let known = |name: &String| self.imports.contains_key(name);
        for (subject, names) in self.imports.iter().chain(&self.test_imports) {
            ensure!(known(subject) || subject == "*", "`{subject}` has no line with ->");
            for name in names {
                ensure!(known(name), "`{subject}` may import `{name}`, which has no line with ->");
            }
        }
        for rule in &self.foreign {
            for name in &rule.users {
                ensure!(known(name), "`{}` may be used by `{name}`, which has no line with ->", rule.pattern);
            }
        }
        for name in self.imports.keys() {
            ensure!(!self.below(name).contains(name), "`{name}` may reach itself: imports point down");
        }
        Ok(())
    }

    /// The crates that have a line.
    pub fn crates(&self) -> impl Iterator<Item = &str> {
        self.imports.keys().map(String::as_str)
    }

    /// Everything that a crate reaches through allowed imports, itself excluded unless there is a cycle.
    pub fn below(&self, name: &str) -> Names {
        let mut found = Names::new();
        let mut queue = vec![name];
        while let Some(name) = queue.pop() {
            for next in self.imports.get(name).into_iter().flatten() {
                if found.insert(next.clone()) {
                    queue.push(next);
                }
            }
        }
        found
    }

    /// Whether `from` may depend on our own crate `to`. Tests may also reach whatever lies below.
    pub fn allows(&self, from: &str, to: &str, test: bool) -> bool {
        let listed =
            |rules: &BTreeMap<String, Names>, from: &str| rules.get(from).is_some_and(|to_| to_.contains(to));
        let tests = || {
            listed(&self.test_imports, from)
                || listed(&self.test_imports, "*")
                || self.below(from).contains(to)
        };
        listed(&self.imports, from) || (test && tests())
    }

    /// Whether `from` may depend on the foreign crate `to`: every rule whose pattern fits must agree.
    pub fn admits(&self, from: &str, to: &str, test: bool) -> bool {
        self.foreign
            .iter()
            .filter(|rule| rule.fits(to))
            .all(|rule| rule.users.contains(from) && (test || !rule.only_tests))
    }
}

impl Foreign {
    fn fits(&self, name: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.pattern,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rules: &str) -> Result<Table> {
        Table::parse(&format!("# A page\n\n{FENCE}\n{rules}\n```\n\nMore prose -> not a rule.\n"))
    }

    fn complaint(rules: &str) -> String {
        format!("{:#}", table(rules).expect_err("a bad table was accepted"))
    }

    const GOOD: &str = "ring ->\nrlwe -> ring\nckks -> rlwe  # and no more\nkit ->\nshow ->\n\
                        * ~> kit\nring ~> show\ncandle-* <- rlwe\ntfhe-ntt <~ ring\ntokio <-";

    #[test]
    fn a_good_table() {
        let table = table(GOOD).unwrap();
        assert_eq!(table.crates().collect::<Vec<_>>(), ["ckks", "kit", "ring", "rlwe", "show"]);
        assert_eq!(table.below("ckks").into_iter().collect::<Vec<_>>(), ["ring", "rlwe"]);
    }

    #[test]
    fn imports_are_what_is_written() {
        let table = table(GOOD).unwrap();
        assert!(table.allows("rlwe", "ring", false));
        assert!(!table.allows("ring", "rlwe", false), "upwards");
        assert!(!table.allows("ckks", "ring", false), "two steps down, not written");
        assert!(!table.allows("ring", "show", false), "only tests");
        assert!(!table.allows("ring", "kit", false), "only tests");
    }

    #[test]
    fn tests_reach_down_and_where_they_are_let() {
        let table = table(GOOD).unwrap();
        assert!(table.allows("ckks", "ring", true));
        assert!(table.allows("ring", "show", true));
        assert!(table.allows("show", "kit", true));
        assert!(!table.allows("ring", "ckks", true), "upwards");
        assert!(!table.allows("show", "ring", true), "sideways, not written");
    }

    #[test]
    fn foreign_crates() {
        let table = table(GOOD).unwrap();
        assert!(table.admits("rlwe", "candle-core", false));
        assert!(!table.admits("ring", "candle-core", false));
        assert!(!table.admits("ring", "candle-core", true));
        assert!(table.admits("ring", "tfhe-ntt", true));
        assert!(!table.admits("ring", "tfhe-ntt", false));
        assert!(!table.admits("rlwe", "tokio", true));
        assert!(table.admits("ring", "serde", false), "no rule speaks of it");
    }

    #[test]
    fn bad_tables() {
        assert!(complaint("ring").contains("no arrow"));
        assert!(complaint("ring => rlwe").contains("none of"));
        assert!(complaint("ring ->\nring ->").contains("two lines"));
        assert!(complaint("ckks -> ring").contains("no line"));
        assert!(complaint("ring ->\nring ~> show").contains("no line"));
        assert!(complaint("ring ->\nkit ~> ring").contains("no line"));
        assert!(complaint("ring ->\ntokio <- server").contains("no line"));
        assert!(complaint("ring -> rlwe\nrlwe -> ring").contains("reach itself"));
        assert!(complaint("ring ->\nckks").contains("line 5"), "says where");
    }

    #[test]
    fn one_block_and_closed() {
        assert!(Table::parse("no block").is_err());
        assert!(Table::parse(&format!("{FENCE}\nring ->\n")).is_err());
        assert!(Table::parse(&format!("{FENCE}\nring ->\n```\n{FENCE}\nrlwe ->\n```\n")).is_err());
    }

    /// The idea that the real table must keep: programs and schemes meet only in the roles.
    #[test]
    fn the_two_towers_stay_apart() {
        let table = Table::parse(include_str!("../../../ARCHITECTURE.md")).unwrap();
        for program in ["approx", "circuits", "nn", "train"] {
            for scheme in ["ring", "rlwe", "ckks", "switch"] {
                assert!(!table.below(program).contains(scheme), "{program} reaches {scheme}");
                assert!(!table.below(scheme).contains("circuits"), "{scheme} reaches circuits");
                assert!(!table.allows(program, scheme, true), "tests of {program} reach {scheme}");
            }
        }
        assert!(!table.below("engine").contains("client"));
        assert!(!table.admits("ring", "tfhe", true) && table.admits("switch", "tfhe", false));
    }
}
