//! Times one multiplication, level by level.
use arras_ckks::*;
use std::time::Instant;
struct Cpu(u64);
fn cpu() -> u64 { std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse().unwrap() }
impl Cpu { fn now() -> Self { std::thread::yield_now(); Cpu(cpu()) } fn elapsed(&self) -> std::time::Duration { std::thread::yield_now(); std::time::Duration::from_nanos(cpu() - self.0) } }
fn main() {
    let name = std::env::args().nth(1).unwrap_or("n16-l28".into());
    let levels: Vec<u8> = std::env::args().nth(2).map(|s| s.split(',').map(|x| x.parse().unwrap()).collect()).unwrap_or(vec![28, 15, 2]);
    let threads: usize = std::env::args().nth(3).map(|s| s.parse().unwrap()).unwrap_or(1);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let spec = presets::find(&name).unwrap().spec().unwrap();
    let t = Instant::now();
    let params = Params::new(&spec).unwrap();
    println!("params {:?} rows {} special {} digit {} dnum {} logqp {:.1} kernels {}", t.elapsed(), params.basis(params.highest()).main, spec.special.len(), spec.digit, params.digits(), params.log2_q() + params.log2_p(), params.ring().kernels().name);
    let mut rng = arras_testkit::rng(1);
    let secret = SecretKey::new(params.rlwe(), &mut rng);
    let t = Instant::now();
    let request = KeyRequest::new().with(Purpose::Relinearise, params.highest()).with(Purpose::Rotate(1), params.highest());
    let keys = KeySet::generate(params.rlwe(), &secret, &request, &mut rng, |_| true).unwrap().unwrap();
    println!("keys {:?}", t.elapsed());
    let eval = Evaluator::new(&params, keys).unwrap();
    let x = arras_testkit::units(params.max_slots(), &mut rng);
    for level in levels {
        let level = Level(level);
        let a = params.encrypt(&params.encode_at(&x, params.max_slots(), level).unwrap(), &secret, &mut rng).unwrap().expand(&params);
        let mut best = [f64::MAX; 6];
        for _ in 0..8 {
            let t = Cpu::now(); let y = eval.mul(&a, &a).unwrap(); best[0] = best[0].min(t.elapsed().as_secs_f64()); drop(y);
            let t = Cpu::now(); let y = eval.rotate(&a, 1).unwrap(); best[1] = best[1].min(t.elapsed().as_secs_f64()); drop(y);
            let t = Cpu::now(); let y = eval.mul_lazy(&a, &a).unwrap(); best[2] = best[2].min(t.elapsed().as_secs_f64());
            let t = Cpu::now(); let z = eval.relinearise(&y).unwrap(); best[3] = best[3].min(t.elapsed().as_secs_f64());
            let t = Cpu::now(); let _ = eval.rescale(&z).unwrap(); best[4] = best[4].min(t.elapsed().as_secs_f64());
            let t = Cpu::now(); let _ = eval.add(&a, &a).unwrap(); best[5] = best[5].min(t.elapsed().as_secs_f64());
        }
        let y = eval.mul(&a, &a).unwrap();
        let got = params.decrypt(&y, &secret).unwrap().secret_reals();
        let err = got.iter().zip(&x).map(|(g, x)| (g - x * x).abs()).fold(0.0, f64::max);
        println!("level {level} ms: mul {:.2} rot {:.2} tensor {:.2} relin {:.2} rescale {:.2} add {:.2}  error 2^{:.1}", best[0]*1e3, best[1]*1e3, best[2]*1e3, best[3]*1e3, best[4]*1e3, best[5]*1e3, err.log2());
    }
    println!("{:?}", params.ring().pool().usage());
}
