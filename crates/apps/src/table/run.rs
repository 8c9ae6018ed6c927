//! The computation on hidden vectors, block by block.

use arras_circuits::{Compare, Error as Misuse, Points, Rotate, Sign};

use super::plan::{Fold, Layout, Node, Plan, Target};

/// A plan with what its operations run on.
pub(super) struct Run<'a, B: Rotate> {
    pub plan: &'a Plan,
    pub ops: &'a B,
    pub signs: &'a [Sign],
    pub inputs: &'a [B::Ct],
}

/// The vectors of a target so far: for rows a vector for each block, else a sum for each of its nodes.
type Gathered<Ct> = Vec<Option<Ct>>;

fn missing(need: usize, have: usize) -> Misuse {
    Misuse::WrongLength { need, have }
}

impl<B: Rotate + Points> Run<'_, B>
where
    B::Error: From<Misuse>,
{
    /// The outputs: of each target in order, and of rows each block.
    pub fn outputs(&self) -> Result<Vec<B::Ct>, B::Error> {
        let layout = self.plan.layout;
        let need = self.plan.sources.len() * layout.blocks;
        if self.inputs.len() != need {
            return Err(missing(need, self.inputs.len()).into());
        }
        let mut gathered: Vec<Gathered<B::Ct>> = self.plan.targets.iter().map(|_| Vec::new()).collect();
        for block in 0..layout.blocks {
            self.block(block, &mut gathered)?;
        }
        let mut outputs = Vec::new();
        for (target, vectors) in self.plan.targets.iter().zip(gathered) {
            let vectors: Vec<B::Ct> = vectors.into_iter().flatten().collect();
            match target.fold {
                Fold::Rows => outputs.extend(vectors),
                Fold::Total { .. } => outputs.push(self.total(target, vectors)?),
                Fold::Lanes { sign } => outputs.push(self.lanes(target, sign, vectors)?),
            }
        }
        Ok(outputs)
    }

    /// All vectors of a block, each for as long as it is needed.
    fn block(&self, block: usize, gathered: &mut [Gathered<B::Ct>]) -> Result<(), B::Error> {
        let last = last_uses(&self.plan.nodes);
        let mut values: Vec<Option<B::Ct>> = Vec::with_capacity(self.plan.nodes.len());
        for (at, node) in self.plan.nodes.iter().enumerate() {
            let value = self.node(node, at, block, &values)?;
            for (target, vectors) in self.plan.targets.iter().zip(gathered.iter_mut()) {
                for place in target.nodes.iter().enumerate().filter(|(_, node)| **node == at).map(|(i, _)| i)
                {
                    self.gather(target, place, block, &value, vectors)?;
                }
            }
            values.push(Some(value));
            for (value, last) in values.iter_mut().zip(&last) {
                if *last <= at {
                    *value = None;
                }
            }
        }
        Ok(())
    }

    fn gather(
        &self,
        target: &Target,
        place: usize,
        block: usize,
        value: &B::Ct,
        vectors: &mut Gathered<B::Ct>,
    ) -> Result<(), B::Error> {
        let layout = self.plan.layout;
        let value = match target.fold {
            Fold::Total { masked: true } if layout.filled(block) < layout.lane => {
                self.ops.mul_plain(value, &filled(layout, block))?
            }
            Fold::Rows | Fold::Total { .. } | Fold::Lanes { .. } => value.clone(),
        };
        let place = if target.fold == Fold::Rows { block } else { place };
        if vectors.len() <= place {
            vectors.resize_with(place + 1, || None);
        }
        let Some(slot) = vectors.get_mut(place) else { return Ok(()) };
        *slot = Some(match slot.take() {
            None => value,
            Some(sum) => self.ops.add(&sum, &value)?,
        });
        Ok(())
    }

    fn node(
        &self,
        node: &Node,
        at: usize,
        block: usize,
        values: &[Option<B::Ct>],
    ) -> Result<B::Ct, B::Error> {
        let value = |node: usize| -> Result<&B::Ct, B::Error> {
            values.get(node).and_then(Option::as_ref).ok_or_else(|| missing(node + 1, values.len()).into())
        };
        let size = self.plan.bounds.get(at).map_or(f64::INFINITY, |bound| bound.size);
        match node {
            Node::Sum(products) => self.sum(products, block),
            Node::Step { of, plain, beyond, sign } => self.step(value(*of)?, plain, *beyond, *sign, block),
            Node::Front { of, lane } => {
                let by = i64::try_from(lane * self.plan.layout.lane).unwrap_or(0);
                self.ops.rotate(value(*of)?, by)
            }
            Node::Bits { plus, minus } => {
                let mut sum: Option<B::Ct> = None;
                for bit in plus {
                    sum = Some(match sum {
                        None => value(*bit)?.clone(),
                        Some(sum) => self.ops.add(&sum, value(*bit)?)?,
                    });
                }
                let mut sum = sum.ok_or_else(|| missing(1, 0))?;
                for bit in minus {
                    sum = self.ops.sub(&sum, value(*bit)?)?;
                }
                self.ops.known(&sum, size)
            }
            Node::And(a, b) => self.ops.mul(value(*a)?, value(*b)?),
            Node::Or(a, b) => {
                let (a, b) = (value(*a)?, value(*b)?);
                let both = self.ops.mul(a, b)?;
                self.ops.known(&self.ops.sub(&self.ops.add(a, b)?, &both)?, size)
            }
        }
    }

    fn sum(&self, products: &[Vec<usize>], block: usize) -> Result<B::Ct, B::Error> {
        let mut sum: Option<B::Ct> = None;
        for product in products {
            let input = |source: &usize| -> Result<B::Ct, B::Error> {
                let at = source * self.plan.layout.blocks + block;
                self.inputs.get(at).cloned().ok_or_else(|| missing(at + 1, self.inputs.len()).into())
            };
            let factors = product.iter().map(input).collect::<Result<_, _>>()?;
            let product = self.product(factors)?;
            sum = Some(match sum {
                None => product,
                Some(sum) => self.ops.add(&sum, &product)?,
            });
        }
        sum.ok_or_else(|| missing(1, 0).into())
    }

    /// Pairs of pairs.
    fn product(&self, mut factors: Vec<B::Ct>) -> Result<B::Ct, B::Error> {
        while factors.len() > 1 {
            let pair = |pair: &[B::Ct]| match pair {
                [a, b] => self.ops.mul(a, b).map(Some),
                rest => Ok(rest.first().cloned()),
            };
            let pairs: Vec<Option<B::Ct>> = factors.chunks(2).map(pair).collect::<Result<_, _>>()?;
            factors = pairs.into_iter().flatten().collect();
        }
        factors.pop().ok_or_else(|| missing(1, 0).into())
    }

    fn step(
        &self,
        sum: &B::Ct,
        plain: &[f64],
        beyond: Option<f64>,
        sign: usize,
        block: usize,
    ) -> Result<B::Ct, B::Error> {
        let layout = self.plan.layout;
        let x = match (plain, beyond) {
            ([number], None) => self.ops.add_scalar(sum, *number)?,
            _ => {
                let number = |slot: usize| {
                    let lane = (slot / layout.lane) % plain.len().max(1);
                    let inside = plain.get(lane).copied().unwrap_or_default();
                    let is_inside = slot % layout.lane < layout.filled(block);
                    beyond.filter(|_| !is_inside).unwrap_or(inside)
                };
                self.ops.add_plain(sum, &(0..layout.slots).map(number).collect::<Vec<_>>())?
            }
        };
        Compare::new(self.sign(sign)?)?.of_difference(self.ops, &self.ops.known(&x, 1.0)?)
    }

    fn sign(&self, sign: usize) -> Result<&Sign, B::Error> {
        self.signs.get(sign).ok_or_else(|| missing(sign + 1, self.signs.len()).into())
    }

    /// The sum over a lane, in its first slot; in its other slots that of as many in a row.
    fn over_lane(&self, vector: &B::Ct) -> Result<B::Ct, B::Error> {
        self.over(vector, 1, self.plan.layout.lane)
    }

    /// The sum of so many slots, each so far from the next.
    fn over(&self, vector: &B::Ct, stride: usize, count: usize) -> Result<B::Ct, B::Error> {
        let (mut sum, mut by) = (vector.clone(), 1);
        while by < count {
            let step = i64::try_from(stride * by).unwrap_or(0);
            sum = self.ops.add(&sum, &self.ops.rotate(&sum, step)?)?;
            by *= 2;
        }
        Ok(sum)
    }

    /// Sums are large while they are made, so that noise is small beside them, and at most 1 when they are opened.
    fn total(&self, target: &Target, vectors: Vec<B::Ct>) -> Result<B::Ct, B::Error> {
        let [vector] = vectors.as_slice() else { return Err(missing(1, vectors.len()).into()) };
        self.ops.mul_scalar(&self.over_lane(vector)?, target.most_units().recip())
    }

    fn lanes(&self, target: &Target, sign: usize, vectors: Vec<B::Ct>) -> Result<B::Ct, B::Error> {
        let (layout, sign) = (self.plan.layout, self.sign(sign)?);
        let unit = target.most_units().recip();
        let any = sign.mapped(0.5 * unit, 0.5 * unit)?;
        let per = (layout.room() as f64).recip();
        let mut lanes: Option<B::Ct> = None;
        for vector in &vectors {
            let count = self.ops.mul_scalar(&self.over_lane(vector)?, per)?;
            let x = self.ops.known(&self.ops.add_scalar(&count, -0.5 * per)?, 1.0)?;
            let reached = self.ops.compose(&self.ops.point(&x)?, &any)?;
            lanes = Some(match lanes {
                None => reached,
                Some(sum) => self.ops.add(&sum, &reached)?,
            });
        }
        let lanes = lanes.ok_or_else(|| missing(1, 0))?;
        self.over(&lanes, layout.lane, layout.lanes())
    }
}

/// 1 in the slots of a block that hold rows, else 0.
fn filled(layout: Layout, block: usize) -> Vec<f64> {
    let is_row = |slot: usize| {
        let front = layout.repeated || slot < layout.lane;
        f64::from(u8::from(front && slot % layout.lane < layout.filled(block)))
    };
    (0..layout.slots).map(is_row).collect()
}

/// How many nodes are alive at once at most, and what targets gather of them.
pub(super) fn held(plan: &Plan) -> usize {
    let last = last_uses(&plan.nodes);
    let mut ends = vec![0; last.len()];
    last.iter().for_each(|end| ends[*end] += 1);
    let (mut alive, mut most) = (0, 0);
    for ends in ends {
        alive += 1;
        most = most.max(alive);
        alive -= ends;
    }
    most + plan.targets.iter().map(|target| target.nodes.len()).sum::<usize>()
}

/// The last node that takes each node; itself if there is none.
fn last_uses(nodes: &[Node]) -> Vec<usize> {
    let mut last: Vec<usize> = (0..nodes.len()).collect();
    for (at, node) in nodes.iter().enumerate() {
        let mut used = |node: &usize| {
            if let Some(last) = last.get_mut(*node) {
                *last = at;
            }
        };
        match node {
            Node::Sum(_) => {}
            Node::Step { of, .. } | Node::Front { of, .. } => used(of),
            Node::Bits { plus, minus } => plus.iter().chain(minus).for_each(used),
            Node::And(a, b) | Node::Or(a, b) => [a, b].into_iter().for_each(used),
        }
    }
    last
}
