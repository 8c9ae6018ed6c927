//! Columns go to the engine and come back; what does not fit, is out of range or was damaged is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::sync::OnceLock;

use arras_approx::degrees::{Goal, Products, fewest_products};
use arras_circuits::slotwise::{AnswerError, DataError, Domain, Function, Job};
use arras_ckks::wire::{Batch, Items, from_bytes, to_bytes};
use arras_ckks::{Level, Params, Purpose, Security, Shape};
use arras_client::{
    ColumnClient, ColumnPlan, ColumnSealer, Error, Keys, Least, Place, Scales, Sealing, Source, Wish,
    modelled,
};
use arras_engine::Engine;
use arras_plan::{Chain, Operation};
use arras_testkit::{rng, units};

/// Numbers to five bits, integers of three.
fn wish(function: Function, domain: Domain) -> Wish {
    Wish { function, domain, alpha: 5.0, max_degree: 15, rows: 64, security: Security::Bits128 }
}

fn numbers(function: Function) -> Wish {
    wish(function, Domain::Numbers { epsilon: 1.0 / 32.0 })
}

fn integers(function: Function) -> Wish {
    wish(function, Domain::Integers { bits: 3 })
}

struct Setup {
    plan: ColumnPlan,
    keys: Keys,
}

fn setup(wish: &Wish) -> Setup {
    let plan = ColumnPlan::for_wish(wish).unwrap();
    let keys = Keys::generate(plan.params(), plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
    Setup { plan, keys }
}

/// A comparison of numbers, made once.
fn compare() -> &'static Setup {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    SETUP.get_or_init(|| setup(&numbers(Function::Compare)))
}

impl Setup {
    fn client(&self) -> ColumnClient<'_> {
        ColumnClient::new(self.plan.slotwise(), self.plan.params(), &self.keys.secret).unwrap()
    }

    /// To the engine as bytes, and back as bytes.
    fn run(&self, sealed: &Batch) -> Batch {
        let params = self.plan.params().rlwe();
        let keys = from_bytes(params, &to_bytes(params, &self.keys.evaluation)).unwrap();
        let engine = Engine::new(self.plan.params(), keys).unwrap();
        let sealed = from_bytes(params, &to_bytes(params, sealed)).unwrap();
        let answer = engine.run_columns(self.plan.slotwise(), sealed, &mut |_, _| true).unwrap();
        from_bytes(params, &to_bytes(params, &answer)).unwrap()
    }

    /// Every row, there and back, against the exact function.
    fn agrees(&self, columns: &[Vec<f64>], gap: f64) {
        let (slotwise, client) = (self.plan.slotwise(), self.client());
        let answer = self.run(&client.seal(columns, &mut rng(2)).unwrap());
        let opened = client.open(&answer).unwrap();
        let unit = 2f64.powi(-(client.precision_bits() as i32));
        for (i, got) in opened.iter().enumerate() {
            let row: Vec<f64> = columns.iter().map(|column| column[i]).collect();
            let exact = slotwise.exact(&row);
            let most = match (slotwise.domain(), slotwise.function()) {
                (Domain::Integers { .. }, _) => 0.0,
                (_, Function::Compare) if row[0] == row[1] || (row[0] - row[1]).abs() >= gap => 0.0,
                (_, Function::Compare) => 0.5,
                _ => slotwise.error() + unit / 2.0,
            };
            assert!((got - exact).abs() <= most, "{:?} of {row:?}: {got}", slotwise.function());
        }
        assert_eq!(opened.len(), columns[0].len());
        assert!(slotwise.error() <= 1.0 / 32.0);
    }
}

/// Pairs that are far, near, equal and exactly at the gap.
fn pairs(gap: f64) -> Vec<Vec<f64>> {
    let a = (0..64).map(|i| f64::from(i % 8) / 7.0);
    let b = (0..64).map(|i| f64::from(i / 8) / 7.0);
    let (mut a, mut b): (Vec<f64>, Vec<f64>) = (a.collect(), b.collect());
    a.extend([0.5 + gap, 0.5, gap, 0.3]);
    b.extend([0.5, 0.5 + gap, 0.0, 0.3]);
    vec![a, b]
}

#[test]
fn numbers_of_two_columns() {
    let gap = 1.0 / 32.0;
    compare().agrees(&pairs(gap), gap);
    for function in [Function::Max, Function::Min] {
        setup(&numbers(function)).agrees(&pairs(gap), gap);
    }
}

#[test]
fn numbers_of_one_column() {
    let x: Vec<f64> = (-32..=32).map(|i| f64::from(i) / 32.0).collect();
    for function in [Function::Relu, Function::Abs] {
        setup(&numbers(function)).agrees(std::slice::from_ref(&x), 0.0);
    }
}

#[test]
fn every_pair_of_three_bits_is_exact() {
    let a: Vec<f64> = (0..64).map(|i| f64::from(i % 8)).collect();
    let b: Vec<f64> = (0..64).map(|i| f64::from(i / 8)).collect();
    for function in [Function::Greater, Function::GreaterEqual, Function::Equal, Function::Max, Function::Min]
    {
        let s = setup(&integers(function));
        let client = s.client();
        let opened =
            client.open(&s.run(&client.seal(&[a.clone(), b.clone()], &mut rng(2)).unwrap())).unwrap();
        for (i, got) in opened.iter().enumerate() {
            assert_eq!(*got, s.plan.slotwise().exact(&[a[i], b[i]]), "{function:?} of {} and {}", a[i], b[i]);
        }
    }
}

#[test]
fn anyone_seals_for_the_owner() {
    let s = compare();
    let sealer = ColumnSealer::public(s.plan.slotwise(), s.plan.params(), &s.keys.public).unwrap();
    let sealed = sealer.seal(&[vec![0.9, 0.1], vec![0.2, 0.3]], &mut rng(3)).unwrap();
    assert_eq!(s.client().open(&s.run(&sealed)).unwrap(), [1.0, 0.0]);
}

/// Columns that a careless sealer did not check.
#[test]
fn values_outside_the_domain_are_reported() {
    let s = compare();
    let (params, slots) = (s.plan.params(), s.plan.params().max_slots());
    let level = Level(u8::try_from(s.plan.slotwise().depth()).unwrap());
    let sealed = |value: f64| {
        let mut packed = s.plan.slotwise().pack(&[vec![0.9, 0.1], vec![0.2, 0.3]], slots).unwrap();
        packed[0][1] = value;
        let seal = |v: &Vec<f64>| {
            let plain = params.encode_at(v, slots, level).unwrap();
            params.encrypt(&plain, &s.keys.secret, &mut rng(4)).unwrap()
        };
        let label = Job { function: s.plan.slotwise().digest(), rows: 2 }.to_bytes();
        Batch { label, items: Items::Seeded(packed.iter().map(seal).collect()) }
    };
    assert_eq!(s.client().open(&s.run(&sealed(0.1))).unwrap(), [1.0, 0.0]);
    for far in [1.3001, -0.71] {
        let refused = s.client().open(&s.run(&sealed(far)));
        assert!(matches!(refused, Err(Error::Answer(AnswerError::Outside { row: 2 }))), "{far}: {refused:?}");
    }
    // Further out the value wraps round, and takes every other slot with it.
    for far in [1.9, -1.5, 1e4] {
        let refused = s.client().open(&s.run(&sealed(far)));
        assert!(matches!(refused, Err(Error::Answer(_))), "{far}: {refused:?}");
    }
}

/// T_8 of such differences is a multiple of what wraps round, so that guards come back small; the sentinel moves with them.
#[test]
fn whole_columns_that_wrap_round_are_reported() {
    let s = compare();
    let (params, slots) = (s.plan.params(), s.plan.params().max_slots());
    let level = Level(u8::try_from(s.plan.slotwise().depth()).unwrap());
    let lap = (params.log2_q() - f64::from(level.0) * 47.0 - 47.0).exp2();
    assert!((7.9..8.1).contains(&lap), "the chain is narrow: {lap}");
    for laps in 1..4 {
        let far = ((f64::from(laps) * lap).acosh() / 8.0).cosh();
        let rows = slots - 1;
        let mut packed = s.plan.slotwise().pack(&[vec![0.5; rows], vec![0.0; rows]], slots).unwrap();
        packed[0][..rows].fill(far);
        let seal = |v: &Vec<f64>| {
            let plain = params.encode_at(v, slots, level).unwrap();
            params.encrypt(&plain, &s.keys.secret, &mut rng(4)).unwrap()
        };
        let label = Job { function: s.plan.slotwise().digest(), rows: rows as u32 }.to_bytes();
        let sealed = Batch { label, items: Items::Seeded(packed.iter().map(seal).collect()) };
        let refused = s.client().open(&s.run(&sealed));
        assert!(matches!(refused, Err(Error::Answer(AnswerError::Moved))), "{far}: {refused:?}");
    }
}

/// Of a wish that both grant, the chain with fewer limbs is taken; a precision that its scales do not keep takes the other.
#[test]
fn chains_are_as_narrow_as_the_wish_allows() {
    let of = |wish: &Wish| {
        let plan = ColumnPlan::for_wish(wish).unwrap();
        (plan.params().spec().base.len(), plan.slotwise().depth(), plan.params().highest())
    };
    let wish = numbers(Function::Compare);
    let wide = ColumnPlan::with_least_on(&wish, Scales::WIDE, Least::Depth).unwrap();
    assert_eq!(wide.params().spec().base.len(), 2);
    assert_eq!(of(&wish), (1, wide.slotwise().depth(), wide.params().highest()));
    assert_eq!(of(&numbers(Function::Relu)).0, 1);
    let fine = Wish { alpha: 15.0, max_degree: 31, ..numbers(Function::Relu) };
    assert_eq!(of(&fine).0, 2);
}

/// Costs decide: where a level costs as much as anything on it, few levels win; where products do, few products.
#[test]
fn the_least_time_is_by_the_costs_that_are_known() {
    let wish = Wish {
        alpha: 9.0,
        domain: Domain::Numbers { epsilon: (-9.0f64).exp2() },
        max_degree: 63,
        ..numbers(Function::Compare)
    };
    let of = |least: Least<'_>| {
        let plan = ColumnPlan::with_least(&wish, least).unwrap();
        assert!(plan.slotwise().error() <= (-9.0f64).exp2());
        plan
    };
    let shallow = of(Least::Depth);
    assert_eq!((shallow.slotwise().depth(), shallow.composite().degrees()), (12, vec![55, 55]));
    let fast = of(Least::Time(&|_| None));
    let model = |plan: &ColumnPlan| plan.milliseconds(&modelled(plan.params().spec()).unwrap()).unwrap();
    assert!(model(&fast) < 0.95 * model(&shallow), "{} and {}", model(&fast), model(&shallow));
    assert_eq!(ColumnPlan::for_wish(&wish).unwrap().composite().degrees(), fast.composite().degrees());
    // Whatever a level is worth, the longest chain that is known costs least.
    let steep = of(Least::Time(&|spec| {
        let (depth, model) = (spec.levels.len() as u32, modelled(spec).unwrap());
        let share = 10f64.powi(-(depth as i32));
        let costs =
            |operation| (1..=depth).map(|level| share * model.cost(operation, level).unwrap()).collect();
        let costs = Operation::ALL.map(|operation| (operation, costs(operation)));
        (depth <= 14).then(|| Chain::new(depth, 1, 1, 100.0, costs.into()).unwrap())
    }));
    assert_eq!(steep.slotwise().depth(), 14);
}

#[test]
fn a_real_step_is_paid_for() {
    let plan = &compare().plan;
    let chain = modelled(plan.params().spec()).unwrap();
    let (degrees, depth) = (plan.composite().degrees(), plan.slotwise().depth());
    let [without, with] =
        [None, Some(0)].map(|real_after| chain.composition(&degrees, depth, real_after).unwrap());
    assert_eq!(plan.milliseconds(&chain).unwrap(), without);
    let level = depth - degrees[0].next_power_of_two().trailing_zeros();
    assert!((with - without - chain.cost(Operation::Rotate, level).unwrap()).abs() < 1e-9);
}

#[test]
fn answers_of_others_are_refused() {
    let s = compare();
    let client = s.client();
    let sealed = || client.seal(&[vec![0.9], vec![0.2]], &mut rng(5)).unwrap();
    assert!(matches!(client.open(&sealed()), Err(Error::NotRun)));
    let answer = s.run(&sealed());
    let other = Job { function: [7; 32], rows: 1 }.to_bytes();
    let items = |answer: Batch| answer.items;
    let foreign = Batch { label: other, items: items(s.run(&sealed())) };
    assert!(matches!(client.open(&foreign), Err(Error::ForeignFunction)));
    let Items::Whole(mut whole) = answer.items else { panic!("an engine answers whole ciphertexts") };
    whole.pop();
    let short = Batch { label: answer.label, items: Items::Whole(whole) };
    assert!(matches!(client.open(&short), Err(Error::Items { have: 1, need: 2 })));
    // Answers under another key are noise.
    let keys =
        Keys::generate(s.plan.params(), s.plan.request(), Source::Random, &mut rng(9), |_| true).unwrap();
    let stranger = ColumnClient::new(s.plan.slotwise(), s.plan.params(), &keys.secret).unwrap();
    assert!(matches!(stranger.open(&s.run(&sealed())), Err(Error::Answer(AnswerError::Moved))));
}

#[test]
fn values_that_do_not_fit_are_refused_before_anything_is_sealed() {
    let client = compare().client();
    let refused = client.seal(&[vec![0.5, f64::NAN], vec![0.5, 0.5]], &mut rng(6)).unwrap_err();
    assert!(matches!(refused, Error::Data(DataError::Number { row: 2, column: 1, .. })), "{refused}");
    let slots = compare().plan.params().max_slots();
    let many = client.seal(&[vec![0.5; slots], vec![0.5; slots]], &mut rng(6)).unwrap_err();
    assert!(matches!(many, Error::Data(DataError::Rows { .. })), "{many}");
}

#[test]
fn plans_keep_their_promises_and_say_when_they_cannot() {
    for function in Function::ALL {
        let real = ColumnPlan::for_wish(&numbers(function)).is_ok();
        let whole = ColumnPlan::for_wish(&integers(function)).is_ok();
        let extremum = matches!(function, Function::Max | Function::Min);
        assert!(real != whole || extremum, "{function:?}");
    }
    let plan = &compare().plan;
    assert_eq!(plan.params().highest(), Level(u8::try_from(plan.slotwise().depth()).unwrap()));
    assert!(plan.composite().noisy_error() >= plan.composite().certified_error());
    // A composition of given degrees, which need not be good.
    let short = ColumnPlan::with_degrees(&numbers(Function::Compare), &[3, 7]).unwrap();
    assert_eq!(short.composite().degrees(), [3, 7]);
    for alpha in [0.5, f64::NAN, 60.0] {
        assert!(ColumnPlan::for_wish(&Wish { alpha, ..numbers(Function::Compare) }).is_err());
    }
    let deep = Wish { alpha: 50.0, domain: Domain::Numbers { epsilon: 1e-15 }, ..numbers(Function::Compare) };
    assert!(ColumnPlan::for_wish(&deep).is_err());
    let rows = Wish { rows: 1 << 20, ..numbers(Function::Compare) };
    assert!(matches!(ColumnPlan::for_wish(&rows), Err(Error::Data(DataError::Rows { .. }))));
}

/// Scales so small that imaginary parts, grown by the slopes next to the gap, would move the result too far.
#[test]
fn values_are_made_real_where_noise_asks_for_it() {
    let planned = |scale_bits: u32| {
        let (alpha, security) = (13.0f64, Security::Bits128);
        let shape = Shape { log_degree: 11, base_bits: 50, scale_bits, depth: 18, security };
        let params = Params::danger_insecure(&shape.danger_toy(2).unwrap()).unwrap();
        let domain = Domain::Numbers { epsilon: (-alpha).exp2() };
        let wish = Wish { alpha, domain, max_degree: 31, ..numbers(Function::Compare) };
        let place = Place { params: &params, sealing: Sealing::Secret };
        let choose = |goal: &Goal| fewest_products(goal, shape.depth, Products::planned());
        ColumnPlan::over(&wish, place, 1.0, &choose).unwrap()
    };
    assert_eq!(planned(36).slotwise().real_after(), None);
    let plan = planned(34);
    assert_eq!((plan.slotwise().real_after(), plan.composite().stages().len()), (Some(3), 5));
    assert!(plan.request().iter().any(|(purpose, level)| purpose == Purpose::Conjugate && level == Level(5)));
    let keys = Keys::generate(plan.params(), plan.request(), Source::Random, &mut rng(1), |_| true).unwrap();
    let client = ColumnClient::new(plan.slotwise(), plan.params(), &keys.secret).unwrap();
    let gap = f64::from(-13.0f32).exp2();
    let a: Vec<f64> = units(500, &mut rng(11)).iter().map(|x| gap + x.abs() * (1.0 - gap)).collect();
    let b: Vec<f64> = a.iter().map(|a| a - gap).collect();
    let engine = Engine::danger_insecure_new(plan.params(), keys.evaluation).unwrap();
    let sealed = client.seal(&[a, b], &mut rng(12)).unwrap();
    let answer = engine.run_columns(plan.slotwise(), sealed, &mut |_, _| true).unwrap();
    assert_eq!(engine.counts(), plan.slotwise().trace().unwrap().counts);
    assert_eq!(client.open(&answer).unwrap(), [1.0; 500]);
}

/// Eight bits at N = 2^16 with every slot in use: random pairs, and pairs at exactly the gap.
#[test]
#[ignore = "full size: the suite keeps to smaller rings"]
fn comparison_to_eight_bits_at_full_size() {
    let gap = 1.0 / 256.0;
    let rows = (1 << 15) - 1;
    let domain = Domain::Numbers { epsilon: gap };
    let wish = Wish { alpha: 8.0, max_degree: 31, rows, domain, ..numbers(Function::Compare) };
    let s = setup(&wish);
    assert_eq!(s.plan.params().degree(), 1 << 16);
    let random: Vec<f64> = units(2 * rows, &mut rng(7)).iter().map(|x| x.abs()).collect();
    let (mut a, mut b) = (random[..rows].to_vec(), random[rows..].to_vec());
    for (i, (a, b)) in a.iter_mut().zip(&mut b).enumerate() {
        if i % 4 == 0 {
            // At the gap, on either side.
            (*a, *b) = if i % 8 == 0 {
                (*b * (1.0 - gap) + gap, *b * (1.0 - gap))
            } else {
                (*b * (1.0 - gap), *b * (1.0 - gap) + gap)
            };
        } else if (*a - *b).abs() < gap {
            (*a, *b) = (1.0, 0.0);
        }
    }
    let client = s.client();
    let opened = client.open(&s.run(&client.seal(&[a.clone(), b.clone()], &mut rng(8)).unwrap())).unwrap();
    let wrong =
        opened.iter().zip(a.iter().zip(&b)).filter(|(got, (a, b))| **got != f64::from(u8::from(a > b)));
    assert_eq!(wrong.count(), 0);
}
