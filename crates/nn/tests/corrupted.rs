//! Hostile model files: an error, never a panic, never a large allocation.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod toy;

use std::collections::HashMap;

use arras_nn::{Error, Model};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

fn bytes() -> Vec<u8> {
    toy::model(6, 5, 4).to_bytes().unwrap()
}

#[test]
fn every_truncation_is_refused() {
    let whole = bytes();
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert!(Model::from_bytes(&whole[..length]).is_err(), "{length}");
    }
    let longer = [whole, vec![0; 9]].concat();
    assert!(Model::from_bytes(&longer).is_err());
}

#[test]
fn flipped_bits_never_panic() {
    let whole = bytes();
    for at in 0..whole.len() {
        for bit in [0, 3, 6, 7] {
            let mut bad = whole.clone();
            bad[at] ^= 1 << bit;
            if let Ok(model) = Model::from_bytes(&bad) {
                // What still reads is a valid model, and says something finite about any text.
                let features = model.features("not a good film").unwrap();
                assert!(model.plain(&features.values).unwrap().probability.is_finite());
            }
        }
    }
}

#[test]
fn a_header_that_promises_too_much_is_refused() {
    let mut bad = bytes();
    bad[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(Model::from_bytes(&bad), Err(Error::Container { .. })));
    let header = br#"{"table.codes":{"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
    let bad = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    assert!(matches!(Model::from_bytes(&bad), Err(Error::Container { .. })));
}

/// A tensor's type, shape and bytes.
type Stored = (Dtype, Vec<usize>, Vec<u8>);

/// The file after a change to its tensors and its description.
fn changed(change: impl Fn(&mut HashMap<String, Stored>, &mut String)) -> Result<Model, Error> {
    let whole = bytes();
    let file = SafeTensors::deserialize(&whole).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&whole).unwrap();
    let mut card = metadata.metadata().as_ref().unwrap()["arras"].clone();
    let own = |(n, v): (String, TensorView<'_>)| (n, (v.dtype(), v.shape().to_vec(), v.data().to_vec()));
    let mut tensors: HashMap<String, Stored> = file.tensors().into_iter().map(own).collect();
    change(&mut tensors, &mut card);
    let views = tensors.iter().map(|(n, (d, s, b))| (n, TensorView::new(*d, s.clone(), b).unwrap()));
    let metadata = (!card.is_empty()).then(|| HashMap::from([("arras".to_owned(), card)]));
    Model::from_bytes(&safetensors::serialize(views, metadata).unwrap())
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    assert!(changed(|_, _| {}).is_ok());
    let names =
        ["vocabulary", "table.codes", "table.scales", "hidden.weight", "hidden.bias", "activation.slope"];
    for name in names.into_iter().chain(["activation.offset", "output.weight", "output.bias"]) {
        assert!(matches!(changed(|t, _| drop(t.remove(name))), Err(Error::Tensor { name: n }) if n == name));
        let flat = |t: &mut HashMap<String, Stored>| t.get_mut(name).unwrap().1.push(1);
        assert!(matches!(changed(|t, _| flat(t)), Err(Error::Tensor { name: n }) if n == name), "{name}");
        let short = |t: &mut HashMap<String, Stored>| {
            let (dtype, shape, bytes) = t.get_mut(name).unwrap();
            let row: usize = shape[1..].iter().product::<usize>() * if *dtype == Dtype::F32 { 4 } else { 1 };
            shape[0] -= 1;
            bytes.truncate(bytes.len() - row);
        };
        if name != "vocabulary" {
            assert!(matches!(changed(|t, _| short(t)), Err(Error::Shape { .. })), "{name}");
        }
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    for name in
        ["table.scales", "hidden.weight", "hidden.bias", "activation.slope", "output.weight", "output.bias"]
    {
        for value in [f32::NAN, f32::INFINITY, 1e30] {
            let set = |t: &mut HashMap<String, Stored>| {
                t.get_mut(name).unwrap().2[..4].copy_from_slice(&value.to_le_bytes())
            };
            assert!(matches!(changed(|t, _| set(t)), Err(Error::Value { .. })), "{name} {value}");
        }
    }
}

#[test]
fn descriptions_that_lie_are_refused() {
    let with = |from: &'static str, to: &'static str| {
        changed(move |_, card| {
            assert!(card.contains(from), "{from} in {card}");
            *card = card.replace(from, to);
        })
    };
    assert!(matches!(changed(|_, card| card.clear()), Err(Error::NoCard)));
    assert!(matches!(with("\"format\":1", "\"format\":2"), Err(Error::Format { have: 2, need: 1 })));
    assert!(matches!(with("\"format\":1", "\"format\":-1"), Err(Error::Card { .. })));
    assert!(matches!(with("\"parts\":10", "\"parts\":11"), Err(Error::Shape { .. })));
    assert!(matches!(with("\"parts\":10", "\"parts\":18446744073709551615"), Err(Error::Size { .. })));
    assert!(matches!(with("\"temperature\":1.3", "\"temperature\":0.0"), Err(Error::Value { .. })));
    assert!(matches!(with("\"temperature\":1.3", "\"temperature\":1e999"), Err(Error::Card { .. })));
    assert!(matches!(with("\"limit\":2.0", "\"limit\":-2.0"), Err(Error::Value { .. })));
    assert!(matches!(with("\"lo\":-10.0", "\"lo\":-9.0"), Err(Error::Domain { .. })));
    assert!(matches!(with("\"lo\":-10.0", "\"lo\":10.0"), Err(Error::Card { .. })));
    // What is valid but not what was written.
    assert!(matches!(with("\"bad\"", "\"sad\""), Err(Error::Checksum)));
}

#[test]
fn vocabularies_that_are_none_are_refused() {
    let vocabulary = |bytes: &'static [u8]| {
        changed(move |t, _| {
            *t.get_mut("vocabulary").unwrap() = (Dtype::U8, vec![bytes.len()], bytes.to_vec())
        })
    };
    assert!(matches!(vocabulary(b"a\nb\na\nc\nd\ne"), Err(Error::Vocabulary { line: 3 })));
    assert!(matches!(vocabulary(b"a\nb\n\xff\nc\nd\ne"), Err(Error::NotUtf8 { offset: 4 })));
    assert!(matches!(vocabulary(b"a\nb"), Err(Error::Shape { .. })));
    assert!(matches!(vocabulary(b""), Err(Error::Vocabulary { line: 1 })));
}
