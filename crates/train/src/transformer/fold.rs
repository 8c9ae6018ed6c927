//! From a trained [`Student`] to a model that Arras evaluates.

use std::collections::BTreeMap;

use arras_approx::{Fit, Target};
use arras_nn::Table;
use arras_nn::head::Linear;
use arras_nn::transformer::{About, Classifier, Embedding, Layer, Parts, Transformer, Vocabulary};
use candle_core::Tensor;

use super::student::{EPSILON, Student};
use crate::Error;

/// The end of the logistic polynomial's domain before ranges are measured.
const REACH: f64 = 8.0;

/// The model of a student, with the temperature 1 and without ranges. Numbers of the table are rounded to eight bits.
///
/// # Errors
///
/// When the weights do not make a valid model.
pub fn fold(student: &Student, vocabulary: &Vocabulary, labels: [String; 2]) -> Result<Transformer, Error> {
    let shape = student.shape();
    let wide = |name: &str| {
        Ok::<_, Error>(values(student.weight(name)?)?.into_iter().map(f64::from).collect::<Vec<_>>())
    };
    let linear = |name: &str| {
        let columns = student.weight(&format!("{name}.weight"))?.dim(1)?;
        Ok::<_, Error>(Linear::new(
            columns,
            wide(&format!("{name}.weight"))?,
            wide(&format!("{name}.bias"))?,
        )?)
    };
    let embedding = Embedding {
        table: Table::quantise(shape.width, &values(student.weight("table")?)?)?,
        positions: wide("positions")?,
        gain: wide("norm.weight")?,
        bias: wide("norm.bias")?,
        epsilon: f64::from(EPSILON),
    };
    let root = ((shape.width / shape.heads) as f64).sqrt();
    let layer = |at: usize| {
        let linear = |name: &str| linear(&format!("{at}.{name}"));
        let wide = |name: &str| wide(&format!("{at}.{name}"));
        Ok::<_, Error>(Layer {
            query: interleaved(&linear("query")?, shape.heads, 1.0 / root)?,
            key: interleaved(&linear("key")?, shape.heads, 1.0)?,
            value: interleaved(&linear("value")?, shape.heads, 1.0)?,
            shift: wide("shift")?,
            mix: interleaved_columns(&linear("mix")?, shape.heads)?,
            around_attention: wide("around_attention")?,
            up: linear("up")?,
            down: linear("down")?,
            around_hidden: wide("around_hidden")?,
        })
    };
    let layers: Result<_, Error> = (0..shape.layers).map(layer).collect();
    let polynomial = Fit::new(-REACH, REACH, 15)?.target(Target::Sigmoid)?;
    let about = About { labels, ranges: None, figures: BTreeMap::new(), sentinel: 1 };
    Ok(Transformer::new(Parts {
        shape,
        vocabulary: vocabulary.clone(),
        embedding,
        layers: layers?,
        classifier: Classifier { output: linear("output")?, temperature: 1.0, polynomial },
        about,
    })?)
}

fn values(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// For each place e * heads + h, the place h * (width / heads) + e of the same feature where heads stand side by side.
fn places(width: usize, heads: usize) -> Vec<usize> {
    let each = width / heads;
    (0..width).map(|at| (at % heads) * each + at / heads).collect()
}

/// The rows of a layer in the order in which heads take turns, times `factor`.
fn interleaved(layer: &Linear, heads: usize, factor: f64) -> Result<Linear, Error> {
    let (rows, bias): (Vec<&[f64]>, Vec<f64>) = layer.iter().unzip();
    let order = places(layer.rows(), heads);
    let weights = order.iter().filter_map(|&at| rows.get(at)).flat_map(|row| row.iter().map(|w| w * factor));
    let bias = order.iter().filter_map(|&at| bias.get(at)).map(|b| b * factor);
    Ok(Linear::new(layer.columns(), weights.collect(), bias.collect())?)
}

/// The columns of a layer in the order in which heads take turns.
fn interleaved_columns(layer: &Linear, heads: usize) -> Result<Linear, Error> {
    let order = places(layer.columns(), heads);
    let weights =
        layer.iter().flat_map(|(row, _)| order.iter().filter_map(|&at| row.get(at).copied())).collect();
    Ok(Linear::new(layer.columns(), weights, layer.iter().map(|(_, b)| b).collect())?)
}

#[cfg(test)]
mod tests {
    use arras_nn::transformer::Shape;

    use super::*;
    use crate::rng::Rng;
    use crate::transformer::Care;
    use crate::transformer::{Lesson, Part};

    #[test]
    fn the_folded_model_says_what_the_student_says() {
        let shape = Shape { layers: 2, width: 12, heads: 3, hidden: 20, lanes: 9 };
        let pieces = "[UNK] [CLS] [SEP] a film good bad !";
        let vocabulary = Vocabulary::new(pieces.split(' ').map(str::to_owned).collect()).unwrap();
        let mut rng = Rng::new(3, 3);
        let table = (0..8 * shape.width).map(|_| rng.symmetric(1.0)).collect();
        let student = Student::new(shape, table, 0, Care::default(), 5).unwrap();
        let model = fold(&student, &vocabulary, ["0".to_owned(), "1".to_owned()]).unwrap();
        for text in ["good", "a good film !", "a bad bad film ! !"] {
            let rows = vocabulary.read(text, shape.lanes).unwrap().rows;
            let lesson = Lesson { rows, target: [0.0; 2], positive: true };
            let logits = student.logits(&Part::of(vec![&lesson])).unwrap();
            let logits: Vec<Vec<f32>> = logits.to_vec2().unwrap();
            let logit = model.values(&model.embed(text, false).unwrap().values).unwrap().logit;
            // What is left is the rounding of the table to eight bits.
            assert!((logit - f64::from(logits[0][1] - logits[0][0])).abs() < 0.02 * (1.0 + logit.abs()));
        }
    }
}
