//! The tests marked `#[ignore]`: full-size parameters, many seeds.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

/// Which slow tests to run.
#[derive(Args)]
pub struct Options {
    /// Only this package; all of them when absent.
    #[arg(short, long)]
    package: Option<String>,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// The arguments given to cargo.
fn arguments(options: &Options) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["test".into(), "--release".into()];
    match &options.package {
        Some(package) => arguments.extend(["--package".into(), package.into()]),
        None => arguments.push("--workspace".into()),
    }
    // Documentation tests marked `ignore` are not meant to run at all.
    arguments.extend(["--tests", "--"].map(OsString::from));
    arguments.extend(options.filter.as_ref().map(OsString::from));
    arguments.push("--ignored".into());
    arguments
}

/// Runs the ignored tests in release, and fails when one of them does.
pub fn test(options: &Options) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments(options)).status().context("cannot start cargo")?;
    ensure!(status.success(), "the slow tests failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_or_one_package() {
        let all = arguments(&Options { package: None, filter: None });
        assert_eq!(all, ["test", "--release", "--workspace", "--tests", "--", "--ignored"]);
        let one = arguments(&Options { package: Some("arras-ring".into()), filter: Some("ntt".into()) });
        assert_eq!(
            one,
            ["test", "--release", "--package", "arras-ring", "--tests", "--", "ntt", "--ignored"]
        );
    }
}
