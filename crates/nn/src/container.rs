//! The format of all our files: safetensors. The metadata contain, as JSON, everything that is not a tensor, and a checksum
//! of the whole file.
//!
//! Any reader of safetensors can read them. We only read files that we wrote: a file that was cut short or changed in any
//! bit is refused before its contents are used. Only files of parameters may also come from another program.

use crate::{Error, files};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The beginning of every file, after the eight bytes for the length of the header.
const BEGINNING: &[u8] = br#"{"__metadata__":{"dualtape":"{\"checksum\":\""#;

/// The CRC-32 of the file as eight digits; it is computed with zeros in place of the digits.
const NO_CHECKSUM: &[u8; 8] = b"00000000";

const CHECKSUM_AT: usize = 8 + BEGINNING.len();

/// A tensor of numbers.
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Vec<f64>,
}

impl Tensor {
    pub(crate) fn row(name: &str, numbers: &[f64]) -> Self {
        Self { name: name.to_owned(), shape: vec![numbers.len()], numbers: numbers.to_vec() }
    }

    /// Flat parameters as the tensors of a layout, with a prefix before each name.
    pub(crate) fn split(before: &str, layout: &[(String, Vec<usize>)], parameters: &[f64]) -> Vec<Self> {
        let mut rest = parameters;
        let mut tensors = Vec::new();
        for (name, shape) in layout {
            let (own, others) = rest.split_at(shape.iter().product());
            tensors.push(Self {
                name: format!("{before}{name}"),
                shape: shape.clone(),
                numbers: own.to_vec(),
            });
            rest = others;
        }
        tensors
    }
}

/// Replaces the file by a new one of the given kind.
pub(crate) fn write<A: Serialize>(
    path: &Path,
    kind: &str,
    about: &A,
    tensors: &[Tensor],
) -> Result<(), Error> {
    let bytes = to_bytes(kind, about, tensors);
    files::replace(path, &bytes.map_err(|source| Error::Write { path: path.to_owned(), source })?)
}

/// The bytes of such a file.
pub(crate) fn to_bytes<A: Serialize>(kind: &str, about: &A, tensors: &[Tensor]) -> io::Result<Vec<u8>> {
    let about = serde_json::to_string(about)?;
    let zeros = String::from_utf8_lossy(NO_CHECKSUM);
    let metadata = format!(r#"{{"checksum":"{zeros}","kind":"{kind}","about":{about}}}"#);
    let bytes = tensors.iter().map(|tensor| tensor.numbers.iter().flat_map(|x| x.to_le_bytes()).collect());
    let bytes: Vec<Vec<u8>> = bytes.collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F64, tensor.shape.clone(), bytes);
        (tensor.name.as_str(), view.expect("a tensor has as many bytes as its shape says"))
    });
    let metadata = HashMap::from([("dualtape".to_owned(), metadata)]);
    let mut file = serialize(views, Some(metadata)).map_err(io::Error::other)?;
    assert!(file[8..].starts_with(BEGINNING), "metadata come first");
    let sum = checksum(&file);
    file[CHECKSUM_AT..][..8].copy_from_slice(sum.as_bytes());
    Ok(file)
}

/// The CRC-32 of a file, with zeros in place of its digits.
fn checksum(file: &[u8]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&file[..CHECKSUM_AT]);
    hasher.update(NO_CHECKSUM);
    hasher.update(&file[CHECKSUM_AT + 8..]);
    format!("{:08x}", hasher.finalize())
}

/// A file that was read and is complete.
pub(crate) struct Container<A> {
    path: PathBuf,
    bytes: Vec<u8>,
    pub(crate) about: A,
}

/// The contents of the metadata; the checksum comes first, and was checked before.
#[derive(serde::Deserialize)]
struct Metadata {
    kind: String,
    about: serde_json::Value,
}

/// Reads a file of the given kind.
///
/// # Errors
///
/// [`Error::Read`], and [`Error::Checkpoint`] if it is damaged, not ours, or of another kind.
pub(crate) fn read<A: DeserializeOwned>(path: &Path, kind: &str) -> Result<Container<A>, Error> {
    let bytes = read_bytes(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    from_bytes(path, kind, bytes)
}

/// As `read`, from the bytes of the file; errors name the path.
pub(crate) fn from_bytes<A: DeserializeOwned>(
    path: &Path,
    kind: &str,
    bytes: Vec<u8>,
) -> Result<Container<A>, Error> {
    let wrong = |problem: String| Error::Checkpoint { path: path.to_owned(), problem };
    if !begins_like_ours(&bytes) {
        let what = "it does not begin like a file of dualtape; expected a safetensors file with its metadata";
        return Err(wrong(what.to_owned()));
    }
    let (written, computed) = (&bytes[CHECKSUM_AT..][..8], checksum(&bytes));
    if written != computed.as_bytes() {
        let written = String::from_utf8_lossy(written);
        return Err(wrong(format!(
            "its checksum is {computed}, but {written} is written in it: the file was cut short or changed"
        )));
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| wrong(error.to_string()))?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get("dualtape"));
    let metadata: Metadata =
        serde_json::from_str(text.map_or("", String::as_str)).map_err(|error| wrong(error.to_string()))?;
    if metadata.kind != kind {
        return Err(wrong(format!("it holds a {}; expected a {kind}", metadata.kind)));
    }
    let about = serde_json::from_value(metadata.about).map_err(|error| wrong(error.to_string()))?;
    Ok(Container { path: path.to_owned(), bytes, about })
}

/// Reads a file of the given kind, or a safetensors file that another program wrote, which has no checksum. Either may
/// contain at most this number of numbers.
///
/// # Errors
///
/// [`Error::Read`], and [`Error::Checkpoint`] if the file is too long for this number of numbers, damaged, or one of ours of
/// another kind.
pub(crate) fn read_ours_or_foreign(
    path: &Path,
    kind: &str,
    most_numbers: usize,
) -> Result<Container<()>, Error> {
    let wrong = |problem: String| Error::Checkpoint { path: path.to_owned(), problem };
    let most = most_numbers.saturating_mul(size_of::<f64>()).saturating_add(LONGEST_HEADER) as u64;
    let bytes = read_at_most(path, most).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > most {
        return Err(wrong(format!(
            "it is too long; expected at most {most} bytes for {most_numbers} numbers"
        )));
    }
    if begins_like_ours(&bytes) {
        return from_bytes(path, kind, bytes);
    }
    // One of our files whose beginning was changed must not be taken for a file without a checksum.
    if OUR_MARKS.iter().any(|mark| header(&bytes).windows(mark.len()).any(|part| part == *mark)) {
        return Err(wrong(
            "its beginning was changed; expected the beginning of a file of dualtape".to_owned(),
        ));
    }
    if let Err(error) = SafeTensors::read_metadata(&bytes) {
        return Err(wrong(format!("it is not a whole safetensors file: {error}")));
    }
    Ok(Container { path: path.to_owned(), bytes, about: () })
}

/// The two texts that the header of each of our files contains.
const OUR_MARKS: [&[u8]; 2] = [br#""dualtape":"#, br#"\"kind\":\""#];

/// The header of a safetensors file, or the part of it that exists.
fn header(bytes: &[u8]) -> &[u8] {
    let Some((length, rest)) = bytes.split_first_chunk() else { return &[] };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    &rest[..length.min(rest.len())]
}

/// The largest header that safetensors allows, with the eight bytes of its length.
const LONGEST_HEADER: usize = 100_000_008;

/// The bytes of a file; if it is longer than `most`, only a few more than that.
fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len().min(most.saturating_add(1));
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn begins_like_ours(bytes: &[u8]) -> bool {
    bytes.len() >= CHECKSUM_AT + 8 && bytes[8..].starts_with(BEGINNING)
}

/// All bytes of a file that begins like ours. For any other file, only the beginning, so that nothing of its size is
/// allocated.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(CHECKSUM_AT as u64 + 8).read_to_end(&mut bytes)?;
    if !begins_like_ours(&bytes) {
        return Ok(bytes);
    }
    let rest = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(bytes.len());
    bytes.try_reserve_exact(rest)?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl<A> Container<A> {
    /// An error about this file.
    pub(crate) fn wrong(&self, problem: String) -> Error {
        Error::Checkpoint { path: self.path.clone(), problem }
    }

    /// All tensors, as views of the file.
    pub(crate) fn tensors(&self) -> Result<SafeTensors<'_>, Error> {
        SafeTensors::deserialize(&self.bytes).map_err(|error| self.wrong(error.to_string()))
    }

    /// The numbers of a tensor of any length.
    pub(crate) fn row(&self, name: &str) -> Result<Vec<f64>, Error> {
        let tensors = self.tensors()?;
        let tensor = tensors.tensor(name).map_err(|error| self.wrong(error.to_string()))?;
        if tensor.dtype() != Dtype::F64 {
            return Err(self.wrong(format!("'{name}' is {:?}; expected F64", tensor.dtype())));
        }
        let (numbers, _) = tensor.data().as_chunks();
        Ok(numbers.iter().map(|&number| f64::from_le_bytes(number)).collect())
    }

    /// The numbers of a row of the given length.
    pub(crate) fn row_of(&self, name: &str, expected: usize) -> Result<Vec<f64>, Error> {
        let row = self.row(name)?;
        if row.len() == expected {
            return Ok(row);
        }
        Err(self.wrong(format!("'{name}' has {} numbers; expected {expected}", row.len())))
    }

    /// Whether there is a tensor with this name.
    pub(crate) fn has(&self, name: &str) -> Result<bool, Error> {
        Ok(self.tensors()?.tensor(name).is_ok())
    }

    /// The tensors of a layout as flat parameters.
    pub(crate) fn join(&self, before: &str, layout: &[(String, Vec<usize>)]) -> Result<Vec<f64>, Error> {
        let tensors = self.tensors()?;
        let mut parameters = Vec::new();
        for (name, shape) in layout {
            let name = format!("{before}{name}");
            let tensor = tensors.tensor(&name).map_err(|error| self.wrong(error.to_string()))?;
            if tensor.dtype() != Dtype::F64 || tensor.shape() != shape {
                let (dtype, given) = (tensor.dtype(), tensor.shape());
                return Err(self.wrong(format!("'{name}' is {dtype:?} {given:?}; expected F64 {shape:?}")));
            }
            parameters.extend(self.row(&name)?);
        }
        Ok(parameters)
    }
}
