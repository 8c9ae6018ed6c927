//! Plans of deep programs: refreshed, or of large scales.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use arras_apps::graph::Paths;
use arras_apps::prepared::Prepared;
use arras_apps::workload::{Kind, Workload};
use arras_apps::{Need, Program as _};
use arras_circuits::Op;
use arras_ckks::Security;
use arras_ckks::boot::presets;
use arras_client::{TaskPlan, modelled};
use arras_plan::{Costs, Growth};

fn plan(paths: &Paths) -> TaskPlan<Paths> {
    TaskPlan::for_program(paths, Security::Bits128).unwrap()
}

#[test]
fn deep_programs_are_refreshed_where_no_chain_is_cheaper() {
    for (nodes, predecessors) in [(5, true), (16, true), (9, false)] {
        let paths = Paths::new(nodes, 8, predecessors).unwrap();
        let plan = plan(&paths);
        let (prepared, params) = (plan.prepared(), plan.params());
        let refresh = prepared.refresh().unwrap();
        let preset = presets::find(&refresh.preset).unwrap();
        assert!(params.is_secure(), "{}", refresh.preset);
        // One for each round but the first.
        assert_eq!(refresh.schedule.refreshes(), nodes - 1);
        assert_eq!(plan.trace().count(Op::Refresh), nodes as u64 - 1);
        assert_eq!(refresh.start, u32::from(params.highest().0));
        assert!(prepared.bounds().iter().all(|bound| *bound < 0.1), "{:?}", prepared.bounds());
        // Every key of a refresh is asked for.
        let request = plan.request().iter().collect::<Vec<_>>();
        for (purpose, level) in preset.spec.request(params, preset.packing(paths.slots())).unwrap().iter() {
            assert!(request.iter().any(|(have, at)| *have == purpose && *at >= level), "{purpose:?}");
        }
        assert_eq!(Prepared::<Paths>::from_bytes(&prepared.to_bytes()).unwrap(), *prepared);
    }
}

#[test]
fn short_programs_are_not() {
    for nodes in [2, 3] {
        let plan = plan(&Paths::reach(nodes).unwrap());
        assert!(plan.prepared().refresh().is_none() && plan.params().degree() <= 1 << 16);
    }
}

#[test]
fn wide_integers_take_a_larger_scale() {
    let workload = Workload::new(Kind::W3, 16, 1 << 10).unwrap();
    let plan = TaskPlan::for_program(&workload, Security::Bits128).unwrap();
    assert!(plan.params().is_secure() && plan.prepared().bounds().iter().all(|bound| *bound < 0.5));
}

/// In the ring a vector of two slots is itself over and over, and a sign acts on every copy with its noise, so that there must be
/// room for that of all slots of the ring however few are used.
#[test]
fn the_noise_of_every_copy_fits_the_gap() {
    let workload = Workload::new(Kind::W3, 12, 2).unwrap();
    let Need::Step { gap, .. } = workload.needs()[0] else { panic!("a comparison") };
    let plan = TaskPlan::for_program(&workload, Security::Bits128).unwrap();
    let (params, slots) = (plan.params(), plan.params().max_slots());
    let top = params.highest();
    // The two factors of the product, and what its rescale adds.
    let factor = params.public_noise(slots, top);
    let product = params.product_noise((1.0, factor), (1.0, factor), slots, top);
    let events = usize::try_from(plan.trace().counts.values().sum::<u64>()).unwrap();
    assert!(product.bound(slots * events) < 0.5 * gap, "{} of {gap}", product.bound(slots * events));
}

/// Plans of graphs whose signs would make too much of imaginary parts, if these were not cut off within them.
#[test]
fn graphs_of_any_size_are_planned() {
    [7, 9, 13].into_iter().for_each(is_planned);
}

#[test]
#[ignore = "minutes of planning"]
fn graphs_of_all_sizes_are_planned() {
    (2..=33).chain([48, 64, 65, 96, 128]).for_each(is_planned);
}

fn is_planned(nodes: usize) {
    let plan = plan(&Paths::new(nodes, 8, true).unwrap());
    let bounds = plan.prepared().bounds();
    assert!(plan.params().is_secure() && bounds.iter().all(|bound| *bound < 0.1), "{nodes}: {bounds:?}");
    let refreshes = plan.prepared().refresh().map_or(0, |refresh| refresh.schedule.refreshes());
    let chain = modelled(plan.params().spec()).unwrap();
    let way = plan.candidate(&chain, Costs::Modelled, Growth::Whole(nodes)).unwrap();
    // A round with its refresh takes some seconds, more where all slots are refreshed.
    assert_eq!(way.refreshes, refreshes as u64);
    let round = way.seconds / nodes as f64;
    assert!((1.0..12.0).contains(&round), "{nodes} nodes: {round} s a round");
}
