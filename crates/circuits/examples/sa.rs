use arras_circuits::softargmax::*; use arras_circuits::*;
fn main(){ for k in [2,3,5,10,20] { for r in [1.0,2.0,4.0,8.0]{ let t=std::time::Instant::now(); match ManyClasses::new(k,r,1e-3){Ok(m)=>{ println!("{k} {r} depth {} {:?} err {:.2e} {:?}", m.depth(), m.polynomials().map(|p|p.degree()).collect::<Vec<_>>(), m.index_error(), t.elapsed());} Err(e)=>println!("{k} {r} {e}")}}}}
