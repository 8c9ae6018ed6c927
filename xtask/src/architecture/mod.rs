//! `cargo xtask architecture`: the repository obeys the table in ARCHITECTURE.md and the rules that a machine can check.

mod edges;
mod source;
mod table;
mod tree;

use std::fs;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use edges::Member;
use table::Table;

/// Prints every fault, and fails when there is one.
pub fn check() -> Result<()> {
    // No dependency is resolved: the manifests say who names whom, whatever the features and the target.
    let metadata = MetadataCommand::new().no_deps().exec().context("cannot read the workspace")?;
    let root = metadata.workspace_root.as_std_path();
    let page =
        fs::read_to_string(root.join(table::PAGE)).with_context(|| format!("cannot read {}", table::PAGE))?;

    let table = Table::parse(&page)?;
    let members = Member::all(&metadata);
    let mut faults = edges::faults(&table, &members);
    let tree = tree::survey(root)?;
    faults.extend(tree.faults);

    for warning in &tree.warnings {
        println!("warning: {warning}");
    }
    for fault in &faults {
        println!("fault: {fault}");
    }
    let edges: usize = members.iter().map(|member| member.edges.len()).sum();
    println!("{} crates, {edges} edges, {} source files, {} faults", members.len(), tree.files, faults.len());
    if !faults.is_empty() {
        bail!("the repository breaks its architecture; {} says what is allowed", table::PAGE);
    }
    Ok(())
}
