//! The edges that the manifests draw, held against the table.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata};

use super::table::Table;

/// A crate of the workspace and everything that its manifest names.
#[derive(Debug)]
pub struct Member {
    /// The folder's name: `ring` for the package `arras-ring`.
    pub name: String,
    /// Every dependency, optional and target-specific ones included.
    pub edges: Vec<Edge>,
}

/// One dependency.
#[derive(Debug)]
pub struct Edge {
    /// The short name of one of ours, or the package name of a foreign crate.
    pub to: String,
    /// Whether it is a crate of this workspace.
    pub ours: bool,
    /// Whether only tests, benches and examples see it.
    pub test: bool,
}

impl Member {
    /// The members of the workspace.
    pub fn all(metadata: &Metadata) -> Vec<Self> {
        let packages = metadata.workspace_packages();
        let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        let edge = |dependency: &cargo_metadata::Dependency| Edge {
            to: short(&dependency.name),
            ours: ours.contains(dependency.name.as_str()),
            test: dependency.kind == DependencyKind::Development,
        };
        packages
            .iter()
            .map(|package| Self {
                name: short(&package.name),
                edges: package.dependencies.iter().map(edge).collect(),
            })
            .collect()
    }
}

fn short(package: &str) -> String {
    package.strip_prefix("arras-").unwrap_or(package).into()
}

/// Every edge that the table does not allow, and every difference between its crates and the workspace's.
pub fn faults(table: &Table, members: &[Member]) -> Vec<String> {
    let mut faults = Vec::new();
    let listed: BTreeSet<&str> = table.crates().collect();
    let present: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    faults.extend(
        listed
            .difference(&present)
            .map(|name| format!("the table has a line for `{name}`, which is no crate")),
    );

    for Member { name, edges } in members {
        if !listed.contains(name.as_str()) {
            faults.push(format!("the crate `{name}` has no line in the table"));
            continue;
        }
        for Edge { to, ours, test } in edges {
            let allowed = if *ours { table.allows(name, to, *test) } else { table.admits(name, to, *test) };
            if !allowed {
                let kind = if *test { "dev-dependency" } else { "dependency" };
                faults.push(format!("`{name}` may not have the {kind} `{to}`"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "```imports\nring ->\nckks -> ring\nkit ->\n* ~> kit\ntokio <-\n```\n";

    fn member(name: &str, edges: &[(&str, bool, bool)]) -> Member {
        let edges = edges.iter().map(|&(to, ours, test)| Edge { to: to.into(), ours, test }).collect();
        Member { name: name.into(), edges }
    }

    fn check(members: &[Member]) -> Vec<String> {
        faults(&Table::parse(PAGE).unwrap(), members)
    }

    #[test]
    fn a_workspace_that_obeys() {
        let members = [
            member("ring", &[("thiserror", false, false), ("kit", true, true)]),
            member("ckks", &[("ring", true, false)]),
            member("kit", &[]),
        ];
        assert!(check(&members).is_empty());
    }

    #[test]
    fn a_workspace_that_does_not() {
        let members = [
            member("ring", &[("ckks", true, false), ("kit", true, false), ("tokio", false, true)]),
            member("extra", &[]),
            member("ckks", &[]),
        ];
        assert_eq!(
            check(&members),
            [
                "the table has a line for `kit`, which is no crate",
                "`ring` may not have the dependency `ckks`",
                "`ring` may not have the dependency `kit`",
                "`ring` may not have the dev-dependency `tokio`",
                "the crate `extra` has no line in the table",
            ]
        );
    }

    #[test]
    fn packages_go_by_their_folders() {
        assert_eq!(short("arras-ring"), "ring");
        assert_eq!(short("xtask"), "xtask");
    }
}
