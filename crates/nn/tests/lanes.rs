//! A transformer as a program: in plain numbers it is the transformer.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[allow(dead_code, reason = "of the small models, only the numbers are used here")]
mod toy;

use arras_circuits::{Clear, Op};
use arras_nn::Error;
use arras_nn::program::{Lanes, Stage};
use arras_nn::sentinel::SentinelError;
use arras_nn::transformer::{Shape, Transformer, reach};
use toy::transformer::{TEXTS, transformer};

const SHAPE: Shape = Shape { layers: 2, width: 8, heads: 2, hidden: 12, lanes: 12 };

/// Both parts of the result of a text.
fn clear(program: &Lanes, text: &str) -> [Vec<f64>; 2] {
    let input = program.pack(&program.model().embed(text, false).unwrap()).unwrap();
    program.run(&Clear::new(program.slots()).unwrap(), &input).unwrap()
}

/// Checks every text against the model in plain numbers.
fn is_the_transformer(program: &Lanes) {
    let model = program.model();
    for text in TEXTS {
        let embedded = model.embed(text, false).unwrap();
        let want = model.polynomial(&embedded.values).unwrap().probability;
        let logit = model.values(&embedded.values).unwrap().logit;
        let [values, logits] = clear(program, text);
        let end = model.parts().classifier.polynomial.domain().1;
        assert!(logits.iter().all(|have| (have - logit / end).abs() < 1e-9), "{:?} {text}", model.shape());
        assert!((program.unpack([&values, &logits]).unwrap() - want.clamp(0.0, 1.0)).abs() < 1e-9);
    }
}

#[test]
fn the_program_is_the_transformer() {
    let shapes = [
        SHAPE,
        Shape { layers: 1, ..SHAPE },
        // Heads and widths that are no powers of two, one head, as many heads as features.
        Shape { layers: 3, width: 12, heads: 3, hidden: 7, lanes: 16 },
        Shape { width: 6, heads: 1, ..SHAPE },
        Shape { width: 4, heads: 4, hidden: 20, ..SHAPE },
    ];
    for (seed, shape) in (11..).zip(shapes) {
        is_the_transformer(&Lanes::new(transformer(shape, seed)).unwrap());
    }
}

#[test]
fn features_that_do_not_fit_are_split_into_two_blocks() {
    let wide = Shape { layers: 3, width: 12, heads: 4, hidden: 20, lanes: 12 };
    for (seed, shape) in (31..).zip([wide, Shape { width: 6, heads: 2, ..wide }, Shape { layers: 1, ..wide }])
    {
        let whole = Lanes::new(transformer(shape, seed)).unwrap();
        let split = Lanes::within(transformer(shape, seed), whole.slots() / 2).unwrap();
        assert_eq!(2 * split.slots(), whole.slots());
        is_the_transformer(&split);
        // Features between layers are in [-1, 1], where they can be refreshed: one point for both blocks.
        let ops = Clear::new(split.slots()).unwrap();
        let input = split.pack(&split.model().embed(TEXTS[2], false).unwrap()).unwrap();
        split.run(&ops, &input).unwrap();
        let points = ops.ranges().into_iter().filter(|seen| seen.op == "point");
        assert!(points.into_iter().all(|seen| seen.lo > -1.0 && seen.hi < 1.0));
        let trace = split.trace().unwrap();
        // The input, and a point behind every layer but the last.
        assert_eq!(trace.points.nodes.len(), shape.layers);
        assert_eq!(trace.depth, whole.depth().unwrap());
    }
    // Three heads cannot be halved, and features that fill a half leave no slot for the number of tokens.
    for shape in [Shape { width: 12, heads: 3, ..wide }, Shape { width: 16, ..wide }] {
        let whole = Lanes::new(transformer(shape, 1)).unwrap();
        assert_eq!(Lanes::within(transformer(shape, 1), 16).unwrap().slots(), whole.slots());
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let program = Lanes::new(transformer(SHAPE, 4)).unwrap();
    let [values, logits] = clear(&program, TEXTS[1]);
    let moved = |values: &[f64], logits: &[f64]| {
        matches!(program.unpack([values, logits]), Err(SentinelError::Moved))
    };
    let (mut other, mut nothing) = (values.clone(), logits.clone());
    other[7] += 0.01;
    nothing[0] = f64::NAN;
    assert!(moved(&other, &logits) && moved(&values, &nothing) && moved(&logits, &values));
    let out = vec![1.001; logits.len()];
    assert!(matches!(program.unpack([&values, &out]), Err(SentinelError::Range { sentence: 0 })));
    assert!(matches!(program.unpack([&[], &out]), Err(SentinelError::Slots { .. })));
}

#[test]
fn what_training_never_saw_is_refused() {
    let model = transformer(SHAPE, 4);
    let program = Lanes::new(model.clone()).unwrap();
    let polynomial = &model.parts().classifier.polynomial;
    let certified = reach(model.ranges().unwrap().logit) / polynomial.domain().1;
    assert!(certified < 0.9);
    let answer = |logit: f64| {
        let (values, logits) = (polynomial.on_unit().0.eval(logit), logit);
        program.unpack([&vec![values; program.slots()], &vec![logits; program.slots()]])
    };
    for side in [-1.0, 1.0] {
        assert!(answer(side * certified).is_ok());
        let refused = answer(side * (certified + 0.002));
        assert!(matches!(refused, Err(SentinelError::Uncertified)), "{refused:?}");
    }
    let mut parts = model.into_parts();
    parts.about.ranges = None;
    assert!(matches!(Lanes::new(Transformer::new(parts).unwrap()), Err(Error::NoRanges)));
}

#[test]
fn every_stage_is_shown_as_the_transformer_has_it() {
    let model = transformer(Shape { layers: 3, width: 12, heads: 2, ..SHAPE }, 4);
    let whole = Lanes::new(model.clone()).unwrap();
    every_stage_is_shown(&whole);
    every_stage_is_shown(&Lanes::within(model, whole.slots() / 2).unwrap());
}

fn every_stage_is_shown(program: &Lanes) {
    let model = program.model();
    let (text, clear) = (model.embed(TEXTS[2], false).unwrap(), Clear::new(program.slots()).unwrap());
    let mut stages = Vec::new();
    let show = |stage, shown: &[Vec<f64>]| {
        let (found, exact) =
            (program.inside(stage, shown, text.tokens), program.exact(stage, &text).unwrap());
        assert!(!exact.is_empty() && found.len().is_multiple_of(exact.len()), "{stage:?}");
        assert!(found.iter().zip(exact.iter().cycle()).all(|(x, y)| (x - y).abs() < 1e-9), "{stage:?}");
        stages.push(stage);
        Ok(())
    };
    program.run_shown(&clear, &program.pack(&text).unwrap(), show).unwrap();
    assert_eq!(stages, [Stage::Input, Stage::Layer(0), Stage::Layer(1), Stage::Logit, Stage::Probability]);
}

#[test]
fn every_layer_takes_seven_levels_and_keys_are_few() {
    let program = |layers| Lanes::new(transformer(Shape { layers, ..SHAPE }, 4)).unwrap();
    let depths = [1, 2, 3].map(|layers| program(layers).depth().unwrap());
    let polynomial = transformer(SHAPE, 4).parts().classifier.polynomial.on_unit().0.depth();
    assert_eq!(depths, [8 + polynomial, 15 + polynomial, 22 + polynomial]);
    let trace = program(2).trace().unwrap();
    // 16 lanes of 16 slots for 8 features and their repetition, in 2 heads; offsets in groups of 4. Feature steps and folds by 1, 2,
    // 3 (babies), 4 (giants); repetition by -8; lanes by 1, 2 (babies), 4, -4 (groups), 8 (sums over lanes).
    let keys: Vec<usize> = trace.rotations.keys().copied().collect();
    assert_eq!(keys, [1, 2, 3, 4, 16, 32, 64, 128, 192, 248]);
    assert_eq!(trace.count(Op::Refresh), 0);
}
