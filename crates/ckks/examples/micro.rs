//! Times the parts of a multiplication.
use arras_ckks::*;
use arras_ring::{Basis, Poly, Eval, Coeff};
fn cpu() -> u64 { std::thread::yield_now(); std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse().unwrap() }
fn best(name: &str, per: f64, mut f: impl FnMut()) { let mut b = u64::MAX; for _ in 0..12 { let t = cpu(); f(); b = b.min(cpu() - t); } println!("{name}: {:.2} us each, {:.2} ms", b as f64 / per / 1e3, b as f64 / 1e6); }
fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    let spec = presets::find("n16-l28").unwrap().spec().unwrap();
    let params = Params::new(&spec).unwrap();
    let ring = params.ring();
    let full = ring.full();
    let k = ring.kernels();
    let mut p: Poly<Eval> = ring.uniform(&arras_ring::Seed([1; 32]), 0, full);
    let q: Poly<Eval> = ring.uniform(&arras_ring::Seed([2; 32]), 0, full);
    let mut out: Poly<Eval> = ring.blank(full);
    let mut out2: Poly<Eval> = ring.blank(full);
    best("ntt one row warm", 1.0, || (k.ntt)(p.row_mut(3), ring.table(full, 3)));
    best("intt one row warm", 1.0, || (k.intt)(p.row_mut(3), ring.table(full, 3), ring.table(full, 3).inverse_degree()));
    best("ntt 35 primes", 35.0, || for i in 0..35 { (k.ntt)(p.row_mut(i), ring.table(full, i)) });
    best("intt 35 primes", 35.0, || for i in 0..35 { (k.intt)(p.row_mut(i), ring.table(full, i), ring.table(full, i).inverse_degree()) });
    best("ntt 5 primes 7 rows each", 35.0, || for i in 0..35 { (k.ntt)(p.row_mut(i), ring.table(full, i / 7)) });
    let w: Vec<u64> = (1..6).collect();
    let rows: Vec<&[u64]> = (0..5).map(|i| q.row(i)).collect();
    best("combine 5 rows, 30 targets, whole", 30.0, || for i in 5..35 { (k.combine)(out.row_mut(i), &rows, &w, 1, ring.modulus(full, i)) });
    best("combine 5 rows, blocks of 512 hot", 128.0, || for _ in 0..128 { (k.combine)(&mut out.row_mut(3)[..512], &rows.iter().map(|r| &r[..512]).collect::<Vec<_>>(), &w, 1, ring.modulus(full, 3)) });
    let xs: Vec<&[u64]> = (0..6).map(|i| q.row(i)).collect();
    let k0: Vec<&[u64]> = (6..12).map(|i| q.row(i)).collect();
    let k1: Vec<&[u64]> = (12..18).map(|i| q.row(i)).collect();
    best("dot 6 same keys", 35.0, || for i in 0..35 { (k.dot)(out.row_mut(i), out2.row_mut(i), &xs, &k0, &k1, ring.modulus(full, i)) });
    let a: Poly<Eval> = ring.copy(&q, Basis { main: 30, special: 5 });
    best("divide 35 -> 29", 29.0, || { let _ = ring.divide(&a, Basis::main(29)); });
    best("copy", 35.0, || { let _ = ring.copy(&a, full); });
    let _: Option<Poly<Coeff>> = None;
}
