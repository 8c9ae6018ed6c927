//! The SoK's applications where data are made up: a complete tree, and its query.

use arras_apps::table::Schema;
use arras_apps::tree::{Forest, Node};

/// The complete tree of a depth with a feature for each split, and two classes in turn.
pub fn complete_tree(depth: u32) -> anyhow::Result<Forest> {
    fn grow(depth: u32, feature: &mut usize, class: &mut u32, into: &mut Vec<Node>) {
        if depth == 0 {
            into.push(Node::Leaf(vec![1 - *class, *class]));
            *class = 1 - *class;
            return;
        }
        into.push(Node::Split(*feature));
        *feature += 1;
        grow(depth - 1, feature, class, into);
        grow(depth - 1, feature, class, into);
    }
    let (mut nodes, mut features) = (Vec::new(), 0);
    grow(depth, &mut features, &mut 0, &mut nodes);
    Ok(Forest::new(features, 2, vec![nodes])?)
}

/// Ends of the intervals of the query.
pub const ENDS: usize = 4;

/// The SoK's query (section 7.6, listing 1) on columns of so many bits, with bounds that leave some rows.
pub fn query(bits: u32) -> anyhow::Result<(String, Schema)> {
    let columns = ["id", "salary", "work_hours", "bonus"];
    let columns: Vec<String> = columns.iter().map(|name| format!("\"{name}\": {bits}")).collect();
    let schema = Schema::from_json(format!("{{\"emp\": {{{}}}}}", columns.join(", ")).as_bytes())?;
    let (product, sum) = ((1_u64 << (2 * bits)) - 1, (2_u64 << bits) - 2);
    let query = format!(
        "SELECT id FROM emp WHERE salary * work_hours BETWEEN {} AND {} AND salary + bonus BETWEEN {} AND {}",
        product / 8,
        product / 2,
        sum / 4,
        sum / 2
    );
    Ok((query, schema))
}
