//! The models that come with Arras, by name.

use std::ffi::OsStr;
use std::path::Path;

/// What is used where no model is named.
pub const DEFAULT: &str = "sst2-small";

/// Names and files.
const MODELS: [(&str, &[u8]); 2] = [
    (DEFAULT, include_bytes!("../../../models/sst2-small.safetensors")),
    ("sst2-words", include_bytes!("../../../models/sst2-words.safetensors")),
];

/// The file of a name.
pub fn bytes(name: &Path) -> Option<&'static [u8]> {
    MODELS.into_iter().find(|(known, _)| name.as_os_str() == OsStr::new(known)).map(|(_, bytes)| bytes)
}

/// Whether this looks like a name and not like a path: no folder, no extension.
pub fn is_name(path: &Path) -> bool {
    path.file_name() == Some(path.as_os_str()) && path.extension().is_none()
}

/// All names, as a sentence says them.
pub fn names() -> String {
    MODELS.map(|(name, _)| name).join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        assert!(is_name(Path::new("sst2-large")) && bytes(Path::new("./sst2-small")).is_none());
        for path in ["./sst2-large", "a/b", "model.safetensors", "/", ".."] {
            assert!(!is_name(Path::new(path)), "{path}");
        }
        assert!(MODELS.iter().all(|(name, file)| is_name(Path::new(name)) && !file.is_empty()));
    }
}
