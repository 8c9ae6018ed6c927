//! The plans: their counts, their depths, and their values.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use arras_approx::{Node, Plan, Polynomial, Tally};
use proptest::prelude::*;

/// Products of an odd polynomial of degree 3, 5, ..., 63 in table 1 of Lee, Lee, Kim and No (2022), minimax comparison
/// in RNS-CKKS.
const TABLE: [u32; 31] = [
    2, 3, 5, 5, 6, 7, 8, 8, 8, 9, 9, 10, 10, 11, 12, // 3 to 31
    11, 11, 11, 11, 12, 12, 13, 13, 14, 14, 14, 14, 15, 15, 16, 17, // 33 to 63
];
/// Degrees at which the search needs one product less than the table, at the same depth.
const BETTER: [usize; 3] = [17, 21, 33];

fn depth_of(k: usize) -> u32 {
    (k as f64).log2().ceil() as u32
}

fn dense(degree: usize, start: usize, step: usize) -> Polynomial {
    let mut c = vec![0.0; degree + 1];
    for k in (start..=degree).step_by(step) {
        c[k] = 1.0 / (k as f64 + 1.0);
    }
    Polynomial::unit(c).unwrap()
}

/// Asserts every rule of the module documentation.
fn check(plan: &Plan) {
    let mut have = vec![1];
    for p in &plan.powers {
        assert_eq!(p.left + p.right, p.index);
        assert!(p.left >= p.right && p.right >= 1);
        for operand in [p.left, p.right, p.left - p.right] {
            assert!(operand == 0 || have.contains(&operand), "T_{} is made too early", p.index);
        }
        assert!(depth_of(p.left).max(depth_of(p.right)) < depth_of(p.index));
        assert!(!have.contains(&p.index), "T_{} is made twice", p.index);
        have.push(p.index);
    }
    let splits = check_node(&plan.root, plan.depth, &have);
    assert_eq!(plan.products as usize, plan.powers.len() + splits);
    let tally = plan.tally();
    assert_eq!(tally.len(), plan.depth as usize);
    assert_eq!(tally.iter().map(|t| t.products).sum::<u32>(), plan.products);
}

fn check_node(node: &Node, depth: u32, have: &[usize]) -> usize {
    match node {
        Node::Leaf(terms) => {
            assert!(terms.is_sorted_by_key(|t| t.0));
            for &(k, c) in terms {
                assert!(
                    c != 0.0 && (k == 0 || (have.contains(&k) && depth_of(k) < depth)),
                    "T_{k} at {depth}"
                );
            }
            0
        }
        Node::Split { giant, quotient, remainder } => {
            assert!(have.contains(giant) && depth_of(*giant) < depth, "giant {giant} at {depth}");
            let constant = matches!(&**quotient, Node::Leaf(t) if t.iter().all(|(k, _)| *k == 0));
            assert!(!constant, "a constant quotient belongs in the leaf");
            1 + check_node(quotient, depth - 1, have) + check_node(remainder, depth, have)
        }
    }
}

#[test]
fn odd_plans_need_no_more_products_than_table_1() {
    for (d, most) in (3..=63).step_by(2).zip(TABLE) {
        let plan = dense(d, 1, 2).plan();
        check(&plan);
        assert_eq!(plan.depth, depth_of(d + 1));
        assert_eq!(plan.products, most - u32::from(BETTER.contains(&d)), "degree {d}");
    }
}

#[test]
fn every_degree_has_a_valid_plan() {
    for d in 0..=255 {
        for (start, step) in [(0, 1), (d % 2, 2)] {
            let p = dense(d, start, step);
            let plan = p.plan();
            check(&plan);
            assert_eq!(plan.depth, depth_of(d + 1));
            assert_eq!(p.depth(), plan.depth);
            for t in [-1.0, -0.37, 0.0, 0.61, 1.0] {
                assert!((plan.eval(t) - p.eval(t)).abs() < 1e-10, "degree {d} at {t}");
            }
        }
    }
}

#[test]
fn a_constant_beside_odd_terms_is_free() {
    let odd = dense(27, 1, 2);
    let mut c = odd.coefficients().to_vec();
    c[0] = 0.5;
    let shifted = Polynomial::unit(c).unwrap().plan();
    check(&shifted);
    assert_eq!(shifted.products, odd.plan().products);
}

#[test]
fn the_tally_of_degree_15_is_as_by_hand() {
    // T_2; T_3, T_4; T_8 at depths 1, 2, 3. p = q T_8 + r; q = q' T_4 + r'; q' = q'' T_2 + r''; r = s T_4 + r'''.
    let plan = dense(15, 1, 2).plan();
    let by_hand = [
        Tally { products: 1, relinearisations: 1, rescales: 2, scalar_products: 1 },
        Tally { products: 3, relinearisations: 3, rescales: 3, scalar_products: 1 },
        Tally { products: 2, relinearisations: 2, rescales: 3, scalar_products: 4 },
        Tally { products: 2, relinearisations: 1, rescales: 1, scalar_products: 2 },
    ];
    assert_eq!(plan.tally(), by_hand);
}

#[test]
fn a_sparse_polynomial_makes_only_what_it_uses() {
    let mut c = vec![0.0; 33];
    c[32] = 1.0;
    let plan = Polynomial::unit(c).unwrap().plan();
    check(&plan);
    assert_eq!(plan.powers.iter().map(|p| p.index).collect::<Vec<_>>(), [2, 4, 8, 16, 32]);
    assert_eq!(plan.depth, 6);
}

proptest! {
    #[test]
    fn a_plan_equals_clenshaw(
        c in prop::collection::vec(-1.0..1.0f64, 1..=64),
        parity in 0..3usize,
        t in -1.0..=1.0f64,
    ) {
        let mut c = c;
        if parity < 2 {
            c.iter_mut().skip(parity).step_by(2).for_each(|x| *x = 0.0);
        }
        let p = Polynomial::unit(c).unwrap();
        let plan = p.plan();
        check(&plan);
        let size: f64 = p.coefficients().iter().map(|x| x.abs()).sum::<f64>().max(1.0);
        prop_assert!((plan.eval(t) - p.eval(t)).abs() <= 1e-12 * size);
    }
}
