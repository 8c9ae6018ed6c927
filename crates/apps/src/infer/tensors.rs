//! Networks in safetensors, as PyTorch names the layers of a `Sequential`.
//!
//! `<n>.weight`, of a row for each neuron, and `<n>.bias`, for increasing n; `ranges`, a row of two for each feature; 32 or 64 bits.
//! Metadata: `format` is `arras-network`, and `classes` a JSON list.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::infer::network::{FORMAT, File, Layer, Network, NetworkError};

impl Network {
    /// The network in the bytes of a safetensors file.
    ///
    /// # Errors
    /// Bytes or tensors that hold none, or a network that [`Network::new`] refuses.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, NetworkError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let tensors = SafeTensors::deserialize(bytes)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("format").map(String::as_str) != Some(FORMAT) {
            return Err(NetworkError::Format);
        }
        let classes = serde_json::from_str(metadata.get("classes").map_or("[]", String::as_str))?;
        let mut layers: BTreeMap<u32, Layer> = BTreeMap::new();
        let mut ranges = Vec::new();
        for (name, view) in tensors.iter() {
            let unknown = || NetworkError::Tensor { name: name.to_owned() };
            let rows = rows(&view).ok_or_else(unknown)?;
            let pair = |row: Vec<f64>| if let [low, high] = row[..] { Some((low, high)) } else { None };
            if name == "ranges" {
                ranges = rows.into_iter().map(pair).collect::<Option<_>>().ok_or_else(unknown)?;
                continue;
            }
            let (layer, part) = name.split_once('.').ok_or_else(unknown)?;
            let layer = layers.entry(layer.parse().map_err(|_| unknown())?).or_default();
            match part {
                "weight" => layer.weights = rows,
                "bias" => layer.bias = rows.into_iter().flatten().collect(),
                _ => return Err(unknown()),
            }
        }
        Self::new(File { format: FORMAT.to_owned(), ranges, classes, layers: layers.into_values().collect() })
    }
}

/// The rows of a matrix, or of a column.
fn rows(view: &TensorView<'_>) -> Option<Vec<Vec<f64>>> {
    let columns = match *view.shape() {
        [_] => 1,
        [_, columns] if columns > 0 => columns,
        _ => return None,
    };
    let single = |b: &[u8]| b.try_into().map(f32::from_le_bytes).map(f64::from).ok();
    let double = |b: &[u8]| b.try_into().map(f64::from_le_bytes).ok();
    let values: Option<Vec<f64>> = if view.dtype() == Dtype::F32 {
        view.data().chunks_exact(4).map(single).collect()
    } else if view.dtype() == Dtype::F64 {
        view.data().chunks_exact(8).map(double).collect()
    } else {
        None
    };
    Some(values?.chunks(columns).map(<[f64]>::to_vec).collect())
}
