#![allow(clippy::unwrap_used, clippy::print_stdout)]
//! tmp
use arras_nn::Model;
#[test]
fn probe() {
    let bytes =
        std::fs::read(std::env::var("PROBE").unwrap_or("../../models/sst2.safetensors".into())).unwrap();
    let m = Model::from_bytes(&bytes).unwrap();
    let d = m.head().parts().polynomial.domain().1;
    println!(
        "domain {d} limit {} T {} bound hidden {:?}",
        m.encoder().pooling().limit,
        m.head().parts().temperature,
        m.head().hidden_bounds(m.encoder().pooling().limit).iter().fold(0.0f64, |a, &b| a.max(b))
    );
    let words = m.encoder().lexicon().words();
    for n in [1, 2, 5, 20, 100, 500] {
        let (mut mx, mut out, mut bad, mut nm) = (0.0f64, 0, 0, 0.0f64);
        for w in words {
            let t: Vec<String> = (0..n).flat_map(|_| w.split(' ').map(str::to_owned)).take(512).collect();
            let f = m.encoder().features(&t);
            nm = nm.max(f.iter().map(|v| v * v).sum::<f64>().sqrt());
            let v = m.head().values(&f).unwrap();
            let p = m.head().soften(v.logit);
            mx = mx.max(v.logit.abs());
            if v.logit.abs() > d {
                out += 1;
            }
            if !(-0.05..=1.05).contains(&p) {
                bad += 1;
            }
        }
        println!("x{n}: max |logit| {mx:.2}, outside {out}, refused {bad}, norm {nm:.2}");
    }
    let (mut lo, mut hi) = (9.0f64, -9.0f64);
    let mut mono = true;
    let mut last = -9.0;
    for i in 0..=2000 {
        let t = d * (i as f64 / 1000.0 - 1.0);
        let p = m.head().soften(t);
        lo = lo.min(p);
        hi = hi.max(p);
        if t.abs() < 6.0 {
            mono &= p > last;
        }
        last = p;
    }
    println!("polynomial in domain [{lo:.4}, {hi:.4}] monotone in 6: {mono}");
}
