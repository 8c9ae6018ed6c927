//! Plans for sorting: two signs, of which the second takes what the first leaves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use arras_apps::sort::Mode;
use arras_apps::{Need, Program, Sort};
use arras_ckks::Security;
use arras_client::TaskPlan;

#[test]
fn each_sign_bears_the_error_of_the_one_before() {
    let sort = Sort::new(Mode::Sort, 8, 8, 1 << 15).unwrap();
    let plan = TaskPlan::for_program(&sort, Security::Bits128).unwrap();
    let [pairs, places] = plan.certificates() else { panic!("two signs") };
    for (need, certificate) in sort.needs().into_iter().zip([pairs, places]) {
        let Need::Step { gap, error } = need else { panic!("sorting takes steps") };
        // The noise of the last stage is counted beside what was asked for.
        let last = certificate.stages().last().unwrap().margin();
        assert!(certificate.epsilon() <= gap && certificate.noisy_error() - last <= error);
    }
    // A rank is the sum of m comparisons, each off by half the error of the sign, divided by m.
    let rank = pairs.noisy_error() / 2.0;
    assert!((rank..1.1 * rank).contains(&places.input_margin()), "{rank} {}", places.input_margin());
    assert!(plan.prepared().bounds().iter().all(|bound| *bound < 0.5));
    // The least depth with inputs that stray so far, in the ring that has it.
    assert_eq!((plan.trace().depth, plan.params().degree()), (20, 1 << 16));
}
