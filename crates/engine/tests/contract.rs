//! The contract between the three readings of a program: the encrypted result is the clear one within a bound, and the
//! trace foretells exactly what the evaluator counts, the levels of the results and the keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_circuits::activation::Quadratic;
use arras_circuits::integers::Bounds;
use arras_circuits::slotwise::Function;
use arras_circuits::softargmax::{ManyClasses, TwoClasses};
use arras_circuits::{
    Abs, Compare, Dense, Exact, Integers, Matrix, Max, Min, Relation, Relu, Sign, Slotwise,
};
use arras_nn::program::{Latency, Throughput};
use arras_testkit::{rng, units};
use common::model::{model, sentences};
use common::{Case, Program, polynomial};

/// In rings of 2^9: all slots, and a packing that repeats.
const PACKINGS: [usize; 2] = [256, 32];
/// A few operations at scales of 45 bits.
const FEW: f64 = 1e-8;
/// A polynomial, or a chain of them.
const DEEP: f64 = 1e-6;

fn holds_for<P: Program>(program: &P, inputs: usize, bound: f64) {
    for slots in PACKINGS {
        let inputs = (0..inputs).map(|i| units(slots, &mut rng(10 + i as u64))).collect();
        Case { program, inputs, slots, log_degree: 9, bound }.holds();
    }
}

// The second input one level lower, and two.
program!(Unequal {}, |_me, ops, x| {
    let (low, lower) = (ops.mul_scalar(&x[1], -0.75)?, ops.mul_scalar(&ops.mul_scalar(&x[1], 1.0)?, 0.5)?);
    vec![
        ops.add(&x[0], &low)?,
        ops.sub(&x[0], &lower)?,
        ops.sub(&lower, &x[0])?,
        ops.mul(&x[0], &low)?,
        ops.mul(&low, &x[0])?,
    ]
});
program!(Equal {}, |_me, ops, x| {
    vec![ops.add(&x[0], &x[1])?, ops.sub(&x[0], &x[1])?, ops.mul(&x[0], &x[1])?, ops.mul(&x[0], &x[0])?]
});

#[test]
fn sums_and_products_at_equal_levels() {
    holds_for(&Equal {}, 2, FEW);
}

#[test]
fn sums_and_products_at_different_levels() {
    holds_for(&Unequal {}, 2, FEW);
}

program!(Plain { v: Vec<f64> }, |me, ops, x| {
    let product = ops.mul_plain(&x[0], &me.v)?;
    vec![ops.add_plain(&x[0], &me.v)?, ops.add_plain(&product, &me.v)?, ops.mul_plain(&product, &me.v)?]
});
program!(Scalar { c: f64 }, |me, ops, x| {
    let product = ops.mul_scalar(&x[0], me.c)?;
    vec![ops.add_scalar(&x[0], me.c)?, ops.mul_scalar(&product, me.c)?, ops.add_scalar(&product, -me.c)?]
});

#[test]
fn public_vectors_repeat() {
    for length in [1, 8, 32] {
        holds_for(&Plain { v: units(length, &mut rng(20)) }, 1, FEW);
    }
}

#[test]
fn public_numbers() {
    for c in [0.0, 1.0, -2.5, 1e-3] {
        holds_for(&Scalar { c }, 1, FEW);
    }
}

program!(Combine { weights: [f64; 3], bias: f64 }, |me, ops, x| {
    let mixed = [x[0].clone(), ops.mul(&x[1], &x[1])?, x[2].clone()];
    vec![ops.combine(x, &me.weights, me.bias)?, ops.combine(&mixed, &me.weights, me.bias)?]
});

#[test]
fn weighted_sums_with_zeros_and_levels() {
    for (weights, bias) in [([0.5, -2.0, 1.0], 0.25), ([0.5, 0.0, 1.0], 0.0), ([0.0; 3], -0.5)] {
        holds_for(&Combine { weights, bias }, 3, FEW);
    }
}

program!(Poly { p: arras_approx::Polynomial }, |me, ops, x| vec![ops.poly(&x[0], &me.p)?]);

#[test]
fn polynomials_on_the_unit_interval() {
    for degree in [0, 1, 2, 3, 4, 5, 7, 8, 11, 15, 16, 27, 31, 47, 63] {
        for parity in 0..3 {
            if degree > 0 || parity == 0 {
                let program = Poly { p: polynomial(degree, parity, -1.0, 1.0) };
                let inputs = vec![units(256, &mut rng(30))];
                Case { program: &program, inputs, slots: 256, log_degree: 9, bound: DEEP }.holds();
            }
        }
    }
}

#[test]
fn polynomials_on_other_intervals() {
    for (degree, lo, hi) in [(0, -2.0, 2.0), (1, 0.0, 1.0), (3, -4.0, 4.0), (7, -1.5, 6.0), (15, -1.0, 1.25)]
    {
        holds_for(&Poly { p: polynomial(degree, 2, lo, hi) }, 1, DEEP);
    }
}

program!(Lower {}, |_me, ops, x| {
    let low = ops.lower(&x[0], 3)?;
    vec![ops.lower(&low, 0)?, ops.lower(&low, 1)?, ops.add(&x[0], &low)?]
});

#[test]
fn lowering() {
    holds_for(&Lower {}, 1, FEW);
}

program!(Turns {}, |_me, ops, x| {
    let lower = ops.mul_scalar(&x[0], 0.5)?;
    let slots = i64::try_from(ops.slots()).unwrap_or(1);
    vec![
        ops.rotate(&x[0], 1)?,
        ops.rotate(&lower, 5)?,
        ops.rotate(&lower, -3)?,
        ops.rotate(&x[0], slots)?,
        ops.rotate(&x[0], slots + 2)?,
    ]
});

#[test]
fn rotations() {
    holds_for(&Turns {}, 1, FEW);
}

program!(Linear { m: Matrix }, |me, ops, x| {
    let y = ops.linear(&x[0], &me.m)?;
    vec![ops.linear(&y, &me.m)?, y]
});
program!(Apply { m: Dense }, |me, ops, x| vec![me.m.apply(ops, &x[0])?]);

/// Entries that keep values near 1.
fn entries(rows: usize, columns: usize) -> Vec<f64> {
    units(rows * columns, &mut rng(40)).iter().map(|x| x / (columns as f64).sqrt()).collect()
}

/// A vector of this many values and this period, as the input.
fn packed<P: Program>(program: &P, period: usize) {
    for slots in PACKINGS {
        let inputs = vec![units(period, &mut rng(41))];
        Case { program, inputs, slots, log_degree: 9, bound: FEW }.holds();
    }
}

#[test]
fn square_matrices_and_sparse_ones() {
    packed(&Linear { m: Matrix::dense(16, 16, &entries(16, 16), 16).unwrap() }, 16);
    packed(&Linear { m: Matrix::dense(5, 11, &entries(5, 11), 32).unwrap() }, 32);
    let diagonals = [(0, vec![0.5; 8]), (3, units(8, &mut rng(42))), (7, units(8, &mut rng(43)))];
    packed(&Linear { m: Matrix::diagonals(8, diagonals.into()).unwrap() }, 8);
    packed(&Linear { m: Matrix::diagonals(8, [(5, vec![1.0; 8])].into()).unwrap() }, 8);
    packed(&Linear { m: Matrix::dense(4, 4, &[0.0; 16], 4).unwrap() }, 4);
}

program!(Several { ms: Vec<Matrix> }, |me, ops, x| {
    ops.linear_all(&x[0], &me.ms.iter().collect::<Vec<_>>())?
});

#[test]
fn several_maps_share_their_baby_steps() {
    let dense = |seed| Matrix::dense(16, 16, &units(256, &mut rng(seed)), 16).unwrap();
    let sparse = Matrix::diagonals(16, [(5, units(16, &mut rng(46))), (14, vec![0.5; 16])].into()).unwrap();
    packed(&Several { ms: vec![dense(44), sparse, dense(45)] }, 16);
}

#[test]
fn dense_layers_both_ways() {
    packed(&Apply { m: Dense::plain(6, 32, &entries(6, 32), 32).unwrap() }, 32);
    packed(&Apply { m: Dense::extended(6, 32, &entries(6, 32), 32).unwrap() }, 32);
    packed(&Apply { m: Dense::extended(1, 32, &entries(1, 32), 32).unwrap() }, 32);
    packed(&Apply { m: Dense::new(3, 16, &entries(3, 16), 16).unwrap() }, 16);
}

program!(Activation { f: Quadratic }, |me, ops, x| vec![me.f.apply(ops, &x[0])?]);

#[test]
fn activations() {
    holds_for(&Activation { f: Quadratic::uniform(0.5, -0.25) }, 1, FEW);
    let (b, c) = (units(16, &mut rng(50)), units(16, &mut rng(51)));
    holds_for(&Activation { f: Quadratic { b, c } }, 1, FEW);
}

program!(Two { f: TwoClasses }, |me, ops, x| {
    vec![me.f.apply(ops, &ops.mul_scalar(&x[0], 5.0 * me.f.scale())?)?]
});

#[test]
fn soft_argmax_of_two_classes() {
    holds_for(&Two { f: TwoClasses::new(5.0, 1.0, 15).unwrap() }, 1, DEEP);
}

program!(Many { f: ManyClasses }, |me, ops, x| {
    let choice = me.f.apply(ops, x)?;
    let index = me.f.index(ops, x)?;
    choice.probabilities.into_iter().chain([choice.index, index]).collect()
});

#[test]
fn soft_argmax_of_three_and_five_classes() {
    for classes in [3, 5] {
        let f = ManyClasses::new(classes, 2.0, 0.05).unwrap();
        holds_for(&Many { f }, classes, 1e-5);
    }
}

program!(Real {}, |_me, ops, x| vec![ops.twice_real(&x[0])?, ops.twice_real(&ops.mul(&x[0], &x[1])?)?]);

#[test]
fn real_parts() {
    holds_for(&Real {}, 2, FEW);
}

program!(Signs { sign: Sign, compare: Compare }, |me, ops, x| {
    vec![
        me.sign.apply(ops, &x[0])?,
        me.compare.of_difference(ops, &x[0])?,
        me.compare.apply(ops, &x[0], &x[1])?,
    ]
});
program!(Ramps { max: Max, min: Min, relu: Relu, abs: Abs }, |me, ops, x| {
    vec![
        me.max.apply(ops, &x[0], &x[1])?,
        me.min.apply(ops, &x[0], &x[1])?,
        me.relu.apply(ops, &x[0])?,
        me.abs.apply(ops, &x[0])?,
    ]
});
program!(Relations { circuits: Vec<Exact> }, |me, ops, x| {
    me.circuits.iter().map(|circuit| circuit.apply(ops, &x[0], &x[1])).collect::<Result<_, _>>()?
});
program!(Columns { of: Slotwise }, |me, ops, x| me.of.run(ops, x)?.into());

/// Two columns in [0, 1]: their differences are in the domain of a sign.
fn columns() -> Vec<Vec<f64>> {
    (0..2).map(|i| units(256, &mut rng(70 + i)).iter().map(|x| x.abs()).collect()).collect()
}

#[test]
fn signs_and_ramps() {
    signs_and_ramps_of(common::sign());
}

#[test]
fn signs_made_real_on_the_way() {
    signs_and_ramps_of(common::sign().with_real_after(0).unwrap());
}

fn signs_and_ramps_of(sign: Sign) {
    let compare = Compare::new(&sign).unwrap();
    let signs = Signs { sign: sign.clone(), compare };
    Case { program: &signs, inputs: columns(), slots: 256, log_degree: 9, bound: DEEP }.holds();
    let ramps = Ramps {
        max: Max::new(&sign).unwrap(),
        min: Min::new(&sign).unwrap(),
        relu: Relu::new(&sign).unwrap(),
        abs: Abs::new(&sign),
    };
    Case { program: &ramps, inputs: columns(), slots: 256, log_degree: 9, bound: DEEP }.holds();
}

#[test]
fn integers_are_exact_after_rounding() {
    let (integers, sign) = (Integers::new(3).unwrap(), common::sign());
    let relations =
        [Relation::Greater, Relation::GreaterEqual, Relation::Equal, Relation::Max, Relation::Min];
    let bounds = Bounds { error: 1e-3, noise: DEEP };
    let circuits = relations.map(|relation| Exact::new(integers, relation, &sign, bounds).unwrap()).to_vec();
    let hide = |i: u32| integers.hide(i % 8);
    let inputs = vec![(0..256).map(hide).collect(), (0..256).map(|i| hide(i / 8)).collect()];
    let program = Relations { circuits };
    Case { program: &program, inputs, slots: 256, log_degree: 9, bound: DEEP }.holds();
}

#[test]
fn functions_of_columns() {
    for function in [Function::Compare, Function::Max, Function::Min] {
        let program = Columns { of: common::slotwise(function) };
        Case { program: &program, inputs: columns(), slots: 256, log_degree: 9, bound: DEEP }.holds();
    }
    for function in [Function::Relu, Function::Abs] {
        let program = Columns { of: common::slotwise(function) };
        Case {
            program: &program,
            inputs: vec![units(256, &mut rng(72))],
            slots: 256,
            log_degree: 9,
            bound: DEEP,
        }
        .holds();
    }
}

program!(OneByOne { p: Latency }, |me, ops, x| vec![me.p.run(ops, &x[0])?]);
program!(Together { p: Throughput }, |me, ops, x| vec![me.p.run(ops, x)?]);

#[test]
fn models_on_one_sentence() {
    for (features, neurons) in [(12, 15), (20, 9)] {
        let program = OneByOne { p: Latency::new(&model(features, neurons)).unwrap() };
        let inputs = vec![program.p.pack(&sentences(1, features)[0]).unwrap()];
        for slots in [program.p.period(), 256] {
            Case { program: &program, inputs: inputs.clone(), slots, log_degree: 9, bound: DEEP }.holds();
        }
    }
}

#[test]
fn models_on_many_sentences() {
    let program = Together { p: Throughput::new(&model(10, 6)).unwrap() };
    for slots in PACKINGS {
        let inputs = program.p.pack_batch(&sentences(slots / 2, 10), slots).unwrap();
        Case { program: &program, inputs, slots, log_degree: 9, bound: DEEP }.holds();
    }
}

#[test]
#[ignore = "full size: the suite keeps to toy rings"]
fn soft_argmax_at_full_size() {
    let program = Two { f: TwoClasses::new(6.0, 2.0, 15).unwrap() };
    let toy = common::preset("n14-l7");
    let slots = toy.params.max_slots();
    let case = Case {
        program: &program,
        inputs: vec![units(slots, &mut rng(60))],
        slots,
        log_degree: 14,
        bound: 1e-4,
    };
    case.agrees(&toy, &case.trace());
}
