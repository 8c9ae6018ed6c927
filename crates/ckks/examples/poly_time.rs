use arras_approx::Polynomial;
use arras_ckks::*;
use arras_rlwe::Purpose;
use arras_testkit::{rng, units};

fn cpu() -> f64 {
    let mut sum = 0.0;
    for t in std::fs::read_dir("/proc/self/task").unwrap() {
        if let Ok(s) = std::fs::read_to_string(t.unwrap().path().join("schedstat")) {
            sum += s.split(' ').next().unwrap().parse::<f64>().unwrap();
        }
    }
    sum * 1e-9
}
fn odd(degree: usize) -> Polynomial {
    let term = |k: usize| if k % 4 == 1 { 1.2 / k as f64 } else { -1.2 / k as f64 };
    let smooth = |k: usize| 1.0 - k as f64 / (degree + 2) as f64;
    Polynomial::unit((0..=degree).map(|k| if k % 2 == 1 { term(k) * smooth(k) } else { 0.0 }).collect())
        .unwrap()
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let degrees: Vec<usize> = args[1].split(',').map(|d| d.parse().unwrap()).collect();
    let reps: usize = args[2].parse().unwrap();
    let polys: Vec<_> = degrees.iter().map(|&d| odd(d)).collect();
    let depth: u32 = polys.iter().map(|p| p.depth()).sum();
    let shape = Shape { log_degree: 16, base_bits: 60, scale_bits: 50, depth, security: Security::Bits128 };
    let mut spec = shape.build().unwrap();
    if let Some(d) = args.get(3) {
        // digit override, special count
        let d: usize = d.parse().unwrap();
        let all: Vec<u64> = spec.base.iter().chain(spec.levels.iter().flatten()).copied().collect();
        let bits =
            all.chunks(d).map(|c| c.iter().map(|&q| (q as f64).log2()).sum::<f64>()).fold(0.0, f64::max);
        let count = (bits / 49.999 - 0.01).ceil();
        let each = (bits / count + 0.05).min(49.999);
        let sp: Vec<u64> = arras_rlwe::ring::primes::near(2f64.powf(each), 1 << 16)
            .filter(|q| !all.contains(q))
            .take(count as usize)
            .collect();
        spec.digit = d;
        spec.special = sp;
    }
    let params = Params::new(&spec)
        .or_else(|e| {
            println!("{e}");
            Params::danger_insecure(&spec)
        })
        .unwrap();
    println!(
        "depth {depth}, rows {}, digit {}, special {}, dnum {}, logQP {:.0}",
        spec.base.len() + spec.levels.len(),
        spec.digit,
        spec.special.len(),
        params.digits(),
        params.log2_q() + params.log2_p()
    );
    let mut r = rng(1);
    let secret = SecretKey::new(params.rlwe(), &mut r);
    let top = params.highest();
    let keys = KeySet::generate(
        params.rlwe(),
        &secret,
        &KeyRequest::new().with(Purpose::Relinearise, top),
        &mut r,
        |_| true,
    )
    .unwrap()
    .unwrap();
    let eval = Evaluator::new(&params, keys).unwrap();
    let x = units(params.max_slots(), &mut r);
    let plain = params.encode_at(&x, params.max_slots(), top).unwrap();
    let ct = params.encrypt(&plain, &secret, &mut r).unwrap().expand(&params);
    let mut best = f64::MAX;
    for _ in 0..reps {
        let t = std::time::Instant::now();
        let c = cpu();
        let mut y = eval.poly(&ct, &polys[0]).unwrap();
        for p in &polys[1..] {
            y = eval.poly(&y, p).unwrap();
        }
        let (w, c) = (t.elapsed().as_secs_f64(), cpu() - c);
        best = best.min(c);
        eprint!("{c:.3}({w:.3}) ");
    }
    eprintln!();
    println!("min cpu {best:.4} s");
    let n: u64 = eval.counts().values().sum();
    let _ = n;
}
