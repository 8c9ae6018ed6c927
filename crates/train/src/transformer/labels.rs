//! What a teacher said of texts, kept so that it need not be asked twice.

use std::collections::HashMap;

use candle_core::{Device, Tensor};

use super::batches::Lesson;
use crate::Error;

/// Logits by text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels(HashMap<Vec<u32>, [f32; 2]>);

const NAMES: [&str; 3] = ["lengths", "rows", "logits"];

impl Labels {
    /// Remembers the logits of these texts.
    pub fn learn(&mut self, lessons: &[Lesson], logits: &[[f32; 2]]) {
        self.0.extend(lessons.iter().map(|l| l.rows.clone()).zip(logits.iter().copied()));
    }

    /// Sets the targets of the texts that are known, and returns the places of the others.
    pub fn fill(&self, lessons: &mut [Lesson]) -> Vec<usize> {
        let mut missing = Vec::new();
        for (place, lesson) in lessons.iter_mut().enumerate() {
            match self.0.get(&lesson.rows) {
                Some(&target) => lesson.target = target,
                None => missing.push(place),
            }
        }
        missing
    }

    /// The labels as the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// When the container refuses.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut all: Vec<(&Vec<u32>, &[f32; 2])> = self.0.iter().collect();
        all.sort_unstable_by_key(|&(rows, _)| rows);
        let lengths: Vec<u32> = all.iter().map(|(rows, _)| rows.len() as u32).collect();
        let rows: Vec<u32> = all.iter().flat_map(|(rows, _)| rows.iter().copied()).collect();
        let logits: Vec<f32> = all.iter().flat_map(|(_, l)| l.iter().copied()).collect();
        let cpu = Device::Cpu;
        let tensors = [Tensor::new(lengths, &cpu)?, Tensor::new(rows, &cpu)?, Tensor::new(logits, &cpu)?];
        Ok(safetensors::serialize(NAMES.into_iter().zip(&tensors), None)?)
    }
}

/// Reads the bytes of a safetensors file.
///
/// # Errors
///
/// [`Error::Checkpoint`] when the file holds no labels.
pub fn read(bytes: &[u8]) -> Result<Labels, Error> {
    let mut tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
    let mut tensor =
        |name: &str| tensors.remove(name).ok_or_else(|| Error::Checkpoint { name: name.to_owned() });
    let (lengths, rows, logits) = (tensor("lengths")?, tensor("rows")?, tensor("logits")?);
    let (lengths, rows): (Vec<u32>, Vec<u32>) = (lengths.to_vec1()?, rows.to_vec1()?);
    let logits: Vec<f32> = logits.to_vec1()?;
    let (mut labels, mut rest) = (Labels::default(), rows.as_slice());
    for (length, logits) in lengths.iter().zip(logits.as_chunks::<2>().0) {
        let bad = || Error::Checkpoint { name: "rows".to_owned() };
        let (rows, more) = rest.split_at_checked(*length as usize).ok_or_else(bad)?;
        labels.0.insert(rows.to_vec(), *logits);
        rest = more;
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        let lesson = |rows: &[u32]| Lesson { rows: rows.to_vec(), target: [0.0; 2], positive: true };
        let mut lessons = [lesson(&[1, 5, 2]), lesson(&[1, 2]), lesson(&[1, 9, 9, 2])];
        let mut labels = Labels::default();
        labels.learn(&lessons[..2], &[[0.5, -1.0], [2.0, 3.0]]);
        let again = read(&labels.to_bytes().unwrap()).unwrap();
        assert_eq!(again, labels);
        assert_eq!(again.fill(&mut lessons), [2]);
        assert_eq!(lessons[1].target, [2.0, 3.0]);
        assert!(read(&labels.to_bytes().unwrap()[..40]).is_err());
    }
}
