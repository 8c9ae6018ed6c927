//! Programs say what the polynomial reading says; files give back what was written.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod toy;

use arras_circuits::{Clear, Op, Tracer};
use arras_nn::program::{Latency, Throughput};
use arras_nn::sentinel::SentinelError;
use arras_nn::{Error, Model};
use toy::Numbers;

const SHAPES: [(usize, usize); 4] = [(3, 5), (7, 7), (15, 4), (63, 63)];

#[test]
fn one_sentence_runs_to_the_polynomial_reading() {
    for (seed, (d, h)) in SHAPES.into_iter().enumerate() {
        let head = toy::head(d, h, seed as u64 + 1);
        let program = Latency::of(&head, seed as u64).unwrap();
        let x = Numbers(77).list(d, 0.5);
        let clear = Clear::new(program.period() * 4).unwrap();
        let input = clear.input(&program.pack(&x).unwrap().repeat(4)).unwrap();
        let result = program.run(&clear, &input).unwrap();
        let want = head.soften(head.values(&x).unwrap().logit);
        assert!((program.unpack(&result).unwrap() - want).abs() < 1e-9, "{d} x {h}");
        assert_eq!(program.depth().unwrap(), 7);
    }
}

#[test]
fn a_batch_runs_to_the_polynomial_reading_of_every_sentence() {
    for (seed, (d, h)) in SHAPES.into_iter().enumerate() {
        let head = toy::head(d, h, seed as u64 + 1);
        let program = Throughput::of(&head, seed as u64).unwrap();
        let mut numbers = Numbers(78);
        let sentences: Vec<Vec<f64>> = (0..5).map(|_| numbers.list(d, 0.5)).collect();
        let clear = Clear::new(8).unwrap();
        let xs = program.pack_batch(&sentences, 8).unwrap();
        let inputs: Vec<_> = xs.iter().map(|x| clear.input(x).unwrap()).collect();
        let result = program.run(&clear, &inputs).unwrap();
        let read = program.unpack_batch(&result, 5).unwrap();
        for (p, x) in read.iter().zip(&sentences) {
            assert!((p - head.soften(head.values(x).unwrap().logit)).abs() < 1e-9);
        }
        assert_eq!(program.depth().unwrap(), 7);
    }
}

#[test]
fn a_batch_needs_no_rotation_and_a_sentence_few() {
    let head = toy::head(63, 63, 1);
    let batch = Throughput::of(&head, 1).unwrap().trace().unwrap();
    assert!(batch.rotations.is_empty() && batch.count(Op::Product) >= 63);
    let one = Latency::of(&head, 1).unwrap();
    let trace = one.trace(1 << 13).unwrap();
    assert!(one.period() == 64 && trace.rotations.len() <= 24, "{:?}", trace.rotations);
    let tight = Tracer::new(64, 7).unwrap();
    assert!(one.run(&tight, &tight.input()).is_ok());
    let short = Tracer::new(64, 6).unwrap();
    assert!(one.run(&short, &short.input()).is_err());
}

#[test]
fn a_damaged_result_is_refused() {
    let head = toy::head(7, 5, 3);
    let program = Latency::of(&head, 9).unwrap();
    let clear = Clear::new(program.period()).unwrap();
    let input = program.pack(&[0.1; 7]).unwrap();
    let good = program.run(&clear, &clear.input(&input).unwrap()).unwrap();
    assert!(program.unpack(&good).is_ok());
    for damage in [2e-3, -0.4, 1e9, f64::NAN, f64::INFINITY] {
        let mut bad = good.clone();
        bad[1] += damage;
        assert!(matches!(program.unpack(&bad), Err(SentinelError::Moved)), "{damage}");
        let mut bad = good.clone();
        bad[0] += damage.abs().max(2.0);
        assert!(matches!(program.unpack(&bad), Err(SentinelError::Range { sentence: 0 })), "{damage}");
    }
    assert!(matches!(program.unpack(&good[..1]), Err(SentinelError::Slots { .. })));
    // Another seed, as with another model: the sentinel is somewhere else.
    assert!(Latency::of(&head, 10).unwrap().unpack(&good).is_err());
}

#[test]
fn packings_refuse_what_does_not_fit() {
    let program = Throughput::of(&toy::head(3, 4, 1), 1).unwrap();
    let row = vec![0.0; 3];
    assert!(matches!(program.pack_batch(&[], 8), Err(Error::Batch { have: 0, most: 7 })));
    assert!(matches!(program.pack_batch(&vec![row.clone(); 8], 8), Err(Error::Batch { have: 8, most: 7 })));
    assert!(matches!(program.pack_batch(&[vec![0.0; 2]], 8), Err(Error::Shape { have: 2, need: 3, .. })));
    assert!(matches!(program.pack_batch(&[row], 1), Err(Error::Size { .. })));
    assert!(matches!(program.unpack_batch(&[0.5; 3], 3), Err(SentinelError::Slots { have: 3, need: 4 })));
    assert!(program.unpack_batch(&[0.5; 3], usize::MAX).is_err());
    let program = Latency::of(&toy::head(3, 4, 1), 1).unwrap();
    assert!(matches!(program.pack(&[0.0; 4]), Err(Error::Shape { have: 4, need: 3, .. })));
}

#[test]
fn a_file_gives_back_the_model() {
    let model = toy::model(6, 5, 4);
    let bytes = model.to_bytes().unwrap();
    assert_eq!(bytes, model.to_bytes().unwrap());
    let read = Model::from_bytes(&bytes).unwrap();
    assert_eq!(read.about(), model.about());
    assert_eq!(read.encoder(), model.encoder());
    assert_eq!(read.to_bytes().unwrap(), bytes);
    let features = model.features("Not a good film!").unwrap();
    assert_eq!(read.features("Not a good film!").unwrap(), features);
    let (a, b) = (model.plain(&features.values).unwrap(), read.plain(&features.values).unwrap());
    assert!((a.probability - b.probability).abs() < 1e-6);
    let p = read.polynomial(&features.values).unwrap();
    assert!((p.probability - b.probability).abs() < 5e-3);
    assert_eq!(read.label(&p), if p.probability >= 0.5 { "good" } else { "bad" });
}

#[test]
fn the_polynomial_follows_the_logistic_function() {
    let head = toy::head(3, 4, 1);
    for i in -80..=80 {
        let t = f64::from(i) / 10.0;
        assert!((head.soften(t) - 1.0 / (1.0 + (-t).exp())).abs() < 5e-3, "{t}");
    }
}
