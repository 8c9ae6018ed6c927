//! Functions of columns on sealed batches, and every reason to refuse one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arras_circuits::Slotwise;
use arras_circuits::slotwise::{Function, Job};
use arras_ckks::wire::{Batch, Items};
use arras_ckks::{KeyRequest, KeySet, Level, Purpose};
use arras_engine::{Engine, Error, Limits};
use arras_testkit::rng;
use common::{Toy, keys_of, slotwise};

struct Server {
    toy: Toy,
    function: Slotwise,
    engine: Engine,
}

fn server(function: Function) -> Server {
    let function = slotwise(function);
    let toy = Toy::new(9, function.depth());
    let keys = toy.keys(&keys_of(&function.trace().unwrap()));
    let engine = Engine::danger_insecure_new(&toy.params, keys).unwrap();
    Server { toy, function, engine }
}

const A: [f64; 4] = [0.9, 0.1, 0.5, 0.0];
const B: [f64; 4] = [0.2, 0.8, 0.5, 1.0];

impl Server {
    fn seal(&self, level: Level) -> Batch {
        let slots = self.toy.params.max_slots();
        let columns = [A.to_vec(), B.to_vec()];
        let packed = self.function.pack(&columns[..self.function.function().columns()], slots).unwrap();
        let items = packed.iter().map(|v| self.seeded(v, slots, level)).collect();
        let job = Job { function: self.function.digest(), rows: 4 };
        Batch { label: job.to_bytes(), items: Items::Seeded(items) }
    }

    fn seeded(&self, v: &[f64], slots: usize, level: Level) -> arras_ckks::SeededCiphertext {
        let plain = self.toy.params.encode_at(v, slots, level).unwrap();
        self.toy.params.encrypt(&plain, &self.toy.secret, &mut rng(5)).unwrap()
    }

    fn top(&self) -> Batch {
        self.seal(self.toy.params.highest())
    }

    fn run(&self, sealed: Batch) -> Result<Batch, Error> {
        self.engine.run_columns(&self.function, sealed, &mut |_, _| true)
    }

    fn limited(&self, limits: Limits) -> Engine {
        let keys = self.toy.keys(&keys_of(&self.function.trace().unwrap()));
        Engine::danger_insecure_new(&self.toy.params, keys).unwrap().limited(limits)
    }
}

#[test]
fn rows_are_answered_with_their_guard_at_the_lowest_level() {
    for function in [Function::Compare, Function::Max, Function::Min, Function::Relu, Function::Abs] {
        let s = server(function);
        let sealed = s.top();
        let label = sealed.label.clone();
        let answer = s.run(sealed).unwrap();
        assert_eq!(answer.label, label);
        assert_eq!(s.engine.counts(), s.function.trace().unwrap().counts);
        let Items::Whole(items) = &answer.items else { panic!("answers are whole") };
        assert!(items.iter().all(|item| item.level() == Level(0)));
        let [result, guard] = [0, 1].map(|i| s.toy.open(&items[i]));
        let opened = s.function.unpack(&result, &guard, 4, 12).unwrap();
        for (i, got) in opened.into_iter().enumerate() {
            assert!((got - s.function.exact(&[A[i], B[i]])).abs() <= s.function.error() + 1e-3);
        }
    }
}

#[test]
fn progress_ends_at_the_end_and_stops() {
    let s = server(Function::Max);
    let mut heard = Vec::new();
    let mut hear = |done, all| {
        heard.push((done, all));
        true
    };
    s.engine.run_columns(&s.function, s.top(), &mut hear).unwrap();
    assert_eq!(heard.first().unwrap().0, 0);
    assert!(heard.is_sorted_by(|a, b| a.0 < b.0 && a.1 == b.1), "{heard:?}");
    let (done, all) = *heard.last().unwrap();
    assert_eq!(done, all);
    let stopped = s.engine.run_columns(&s.function, s.top(), &mut |done, _| done < 1);
    assert!(matches!(stopped, Err(Error::Stopped)));
}

#[test]
fn labels_of_others_are_refused() {
    let s = server(Function::Compare);
    let other = s.engine.run_columns(&slotwise(Function::Max), s.top(), &mut |_, _| true);
    assert!(matches!(other, Err(Error::ForeignFunction)));
    for label in [&b""[..], b"{}", &[0xff; 40]] {
        let sealed = Batch { label: label.to_vec(), ..s.top() };
        assert!(matches!(s.run(sealed), Err(Error::Program(arras_circuits::Error::Label))));
    }
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let s = server(Function::Compare);
    let top = s.toy.params.highest();
    let below = Level(top.0 - 1);
    let low = s.run(s.seal(below));
    assert!(matches!(low, Err(Error::Level { need, have }) if need == top && have == below));
    let mut short = s.top();
    if let Items::Seeded(items) = &mut short.items {
        items.pop();
    }
    assert!(matches!(s.run(short), Err(Error::Ciphertexts { need: 2, have: 1 })));
    let mut mixed = s.top();
    if let Items::Seeded(items) = &mut mixed.items {
        items[1] = s.seeded(&[0.5], 4, top);
    }
    assert!(matches!(s.run(mixed), Err(Error::Slots { have: 4, .. })));
    let many = Job { function: s.function.digest(), rows: 256 };
    let many = s.run(Batch { label: many.to_bytes(), ..s.top() });
    assert!(matches!(many, Err(Error::Slots { need: 512, have: 256 })));
}

#[test]
fn limits_hold_and_keys_must_be_there() {
    let s = server(Function::Compare);
    let few = s.limited(Limits { rows: 3, ..Limits::default() });
    let many = few.run_columns(&s.function, s.top(), &mut |_, _| true);
    assert!(matches!(many, Err(Error::Rows { have: 4, most: 3 })));
    let tight = s.limited(Limits { bytes: 10_000, ..Limits::default() });
    let heavy = tight.run_columns(&s.function, s.top(), &mut |_, _| true);
    assert!(matches!(heavy, Err(Error::Memory { most: 10_000, .. })));
    // Room for the keys alone is too little.
    let keys = few.keys().bytes() as u64;
    let full = s.limited(Limits { bytes: keys, ..Limits::default() });
    let heavy = full.run_columns(&s.function, s.top(), &mut |_, _| true);
    assert!(matches!(heavy, Err(Error::Memory { need, .. }) if need > keys));
    let bare = Engine::danger_insecure_new(&s.toy.params, KeySet::empty(&s.toy.params)).unwrap();
    let missing = bare.run_columns(&s.function, s.top(), &mut |_, _| true);
    assert!(matches!(missing, Err(Error::MissingKey { by: Purpose::Relinearise })));
    let low = s.toy.keys(&KeyRequest::new().with(Purpose::Relinearise, Level(2)));
    let low = Engine::danger_insecure_new(&s.toy.params, low).unwrap();
    let trimmed = low.run_columns(&s.function, s.top(), &mut |_, _| true);
    assert!(matches!(trimmed, Err(Error::KeyLevel { .. })));
    assert!(bare.counts().is_empty() && low.counts().is_empty());
}
