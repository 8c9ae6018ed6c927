//! What a refresh counts, told before it runs.

use arras_rlwe::Level;

use super::map::Steps;
use super::modone::exponential;
use super::spec::BootSpec;
use crate::error::Error;
use crate::eval::{Counts, Op};
use crate::params::Params;

impl BootSpec {
    /// How often one round of a refresh does each operation, by the level of its operands, for a vector at the level where
    /// refreshes take their input. Cost: the plan of one polynomial.
    ///
    /// # Errors
    /// As [`BootSpec::request`].
    pub fn counts(&self, params: &Params, slots: usize) -> Result<Counts, Error> {
        self.check(params, slots)?;
        let mut bill = Bill::default();
        let sparse = slots < params.max_slots();
        for (steps, level) in self.coefficient_steps(slots).iter().zip((1..=self.to_coefficients).rev()) {
            bill.matrix(steps, level);
            bill.add(Op::Rescale, level, 1);
        }
        let summit = u32::from(params.summit().0);
        let trace = u64::from((params.max_slots() / slots).trailing_zeros());
        bill.add(Op::Rotate, 0, 1);
        bill.add(Op::Rotate, summit, 1 + trace);
        for (steps, level) in self.slot_steps(slots).iter().zip((0..=summit).rev()) {
            bill.matrix(steps, level);
            bill.add(Op::Rescale, level, 1);
        }
        // Real and imaginary parts are taken before the last division; those of a dense vector are two.
        let (parts, reduction) = (if sparse { 1 } else { 2 }, u32::from(self.top_of_reduction().0));
        bill.add(Op::Rotate, reduction + 1, 1);
        bill.add(Op::Rescale, reduction + 1, parts - 1);
        self.reduction(&mut bill, reduction, parts)?;
        bill.add(Op::Rotate, self.depth, 1);
        if sparse {
            bill.add(Op::PlainProduct, self.depth, 1);
            bill.add(Op::Rescale, self.depth, 1);
            bill.add(Op::Rotate, self.depth - 1, 1);
        }
        Ok(bill.0)
    }

    /// The reductions modulo 1 of so many vectors, each with the relinearisation that ends it.
    fn reduction(&self, bill: &mut Bill, top: u32, vectors: u64) -> Result<(), Error> {
        let tally = exponential(self)?.plan().tally();
        let squarings = top - tally.len() as u32;
        for (level, tally) in (0..=top).rev().zip(&tally) {
            let counts = [
                (Op::Product, tally.products),
                (Op::Relinearise, tally.relinearisations),
                (Op::Rescale, tally.rescales),
                (Op::ScalarProduct, tally.scalar_products),
            ];
            counts.into_iter().for_each(|(op, count)| bill.add(op, level, vectors * u64::from(count)));
        }
        // The squarings, that of the series, and its last product.
        let end = squarings - self.doublings - 1;
        for level in (end..=squarings).rev() {
            bill.add(Op::Product, level, vectors);
            bill.add(Op::Relinearise, level, vectors);
            bill.add(Op::Rescale, level, vectors);
        }
        bill.add(Op::ScalarProduct, end + 1, vectors);
        bill.add(Op::ScalarProduct, end, 2 * vectors);
        Ok(())
    }
}

/// A sum of operations.
#[derive(Default)]
struct Bill(Counts);

impl Bill {
    fn add(&mut self, op: Op, level: u32, count: u64) {
        if count > 0 {
            *self.0.entry((op, Level(level as u8))).or_insert(0) += count;
        }
    }

    /// A matrix before its division.
    fn matrix(&mut self, steps: &Steps, level: u32) {
        let turned = steps.babies.iter().filter(|&&by| by != 0).count();
        self.add(Op::HoistedRotate, level, turned as u64);
        self.add(Op::Rotate, level, steps.giants as u64 - 1);
        self.add(Op::PlainProduct, level, steps.diagonals());
    }
}
