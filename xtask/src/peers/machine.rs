//! Which kind of processor a record was made on.

use std::fs;

use serde::Serialize;

/// A kind of processor: enough to compare like with like, too little to name a machine.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub family: String,
    pub model: String,
    /// The instruction sets that matter to our kernels.
    pub flags: Vec<&'static str>,
}

impl Machine {
    /// This machine's processor; its fields are empty where the system does not tell.
    pub fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
    }

    fn parse(cpuinfo: &str) -> Self {
        let field = |name: &str| {
            cpuinfo
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.trim() == name)
                .map_or_else(String::new, |(_, value)| value.trim().into())
        };
        let flags = field("flags");
        let has = |flag: &&str| flags.split_whitespace().any(|present| present == *flag);
        Self {
            cpu: field("model name"),
            family: field("cpu family"),
            model: field("model"),
            flags: ["avx2", "fma", "avx512f", "avx512ifma"].into_iter().filter(has).collect(),
        }
    }

    /// A folder's name.
    pub fn slug(&self) -> String {
        let mut parts = vec![self.cpu.as_str()];
        for (label, value) in [("family", &self.family), ("model", &self.model)] {
            if !value.is_empty() {
                parts.extend([label, value]);
            }
        }
        let text = parts.join(" ").to_lowercase();
        let words: Vec<_> =
            text.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        if words.is_empty() { "unknown".into() } else { words.join("-") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor() {
        let cpuinfo = "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Some(R) CPU @ 2.1GHz\n\
                       flags\t\t: fpu avx2 avx512ifma\n\nprocessor\t: 1\nmodel\t\t: 9\n";
        let machine = Machine::parse(cpuinfo);
        assert_eq!(machine.slug(), "some-r-cpu-2-1ghz-family-6-model-207");
        assert_eq!(machine.flags, ["avx2", "avx512ifma"]);
    }

    #[test]
    fn a_system_that_does_not_tell() {
        assert_eq!(Machine::parse("").slug(), "unknown");
    }
}
