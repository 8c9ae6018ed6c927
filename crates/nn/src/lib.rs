//! Neural networks over hidden vectors: layers, packing, models from safetensors.
