//! A student that starts as its teacher is near it, comes nearer, and is the model that it is folded to.
#![cfg(feature = "transformer")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use arras_nn::transformer::Pretrained;
use arras_train::transformer::{
    Care, Guide, Help, Learner, Lesson, Part, Schedule, Student, Teacher, convert::convert, fold::fold,
};

/// A tiny encoder, with a random classifier.
fn encoder() -> Pretrained {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/vectors/pretrained-bert");
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let tokenizer = read("tokenizer.json");
    let blind = Pretrained::read(&read("config.json"), &tokenizer, &read("model.safetensors")).unwrap();
    let (model, config) = Teacher::new(&blind, 3).unwrap().to_files(blind.lanes()).unwrap();
    Pretrained::read(config.as_bytes(), &tokenizer, &model).unwrap()
}

/// Texts of random pieces.
fn lessons(pieces: usize, count: usize, mut seed: u64) -> Vec<Lesson> {
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    let mut text = || (0..3 + below(8)).map(|_| below(pieces) as u32).collect();
    (0..count).map(|at| Lesson { rows: text(), target: [0.0; 2], positive: at % 2 == 0 }).collect()
}

fn mean(student: &Student, guide: &Guide, lessons: &[Lesson]) -> f32 {
    let states = student.standing(lessons, guide).unwrap().states;
    states.iter().sum::<f32>() / states.len() as f32
}

#[test]
fn a_copy_of_the_teacher_is_near_it_and_comes_nearer() {
    let encoder = encoder();
    let pieces = encoder.vocabulary().pieces().len();
    let (learn, test) = (lessons(pieces, 800, 1), lessons(pieces, 200, 2));
    let (student, guide) = convert(&encoder, &learn, encoder.lanes(), Care::guided(), 1).unwrap();
    let table = encoder.words().to_vec();
    let random = Student::new(student.shape(), table, 1, Care::guided(), 1).unwrap();
    let (near, far) = (mean(&student, &guide, &test), mean(&random, &guide, &test));
    assert!(near < 0.2 * far, "{near} {far}");

    let schedule = Schedule { epochs: 2, batch: 32, rate: 3e-3, ..Schedule::default() };
    let go_on = &mut |_: &_, _: &_| ControlFlow::Continue(());
    let loss = |part: &_| student.loss(part, Help::Guide(&guide));
    Learner::default().run(student.weights(), &learn, &schedule, &loss, go_on).unwrap();
    let nearer = mean(&student, &guide, &test);
    assert!(nearer < 0.9 * near, "{nearer} {near}");
    assert!(!student.weights().contains_key("table"));

    let model = fold(&student, encoder.vocabulary(), ["0".to_owned(), "1".to_owned()]).unwrap();
    for lesson in &test[..20] {
        let logits = student.logits(&Part::of(vec![lesson])).unwrap().to_vec2::<f32>().unwrap();
        let logit = model.values(&model.parts().embedding.apply(&lesson.rows)).unwrap().logit;
        // What is left is the rounding of the table to eight bits.
        assert!((logit - f64::from(logits[0][1] - logits[0][0])).abs() < 0.03 * (1.0 + logit.abs()));
    }
    let strays = || student.strays(&test, 3.0, 2, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(strays().len() < test.len());
    let bias = &student.weights()["output.bias"];
    bias.set(&(bias.as_tensor() * f64::NAN).unwrap()).unwrap();
    assert_eq!(strays(), (0..test.len()).collect::<Vec<_>>());
}
