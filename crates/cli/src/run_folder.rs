//! The folder of a run: what is in it, under which names, and who may write.

use crate::failure::Failure;
use dualtape_nn::Error;
use dualtape_nn::files::FolderLock;
use std::io;
use std::path::{Path, PathBuf};

/// Where runs go, unless told otherwise.
const RUNS: &str = "runs";

/// A folder that this process alone writes.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    _lock: FolderLock,
}

impl RunFolder {
    /// Makes the folder if need be, and takes it.
    pub(crate) fn take(path: PathBuf) -> Result<Self, Failure> {
        let made = std::fs::create_dir_all(&path);
        made.map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(Self { _lock: FolderLock::acquire(&path)?, path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        checkpoint(&self.path)
    }

    /// Removes a file of an earlier run that this one does not have.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), Failure> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::write(path, error)),
            _ => Ok(()),
        }
    }
}

/// `runs/` and the data set's name, or the CSV file's without its extension.
pub(crate) fn default_for(data: &str) -> PathBuf {
    let name = Path::new(data).file_stem().map_or("data".into(), |stem| stem.to_string_lossy());
    Path::new(RUNS).join(name.as_ref())
}

/// All that it takes to go on.
pub(crate) fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("checkpoint.safetensors")
}

/// The result.
pub(crate) fn model(folder: &Path) -> PathBuf {
    folder.join("model.safetensors")
}

/// A line for each epoch.
pub(crate) fn metrics(folder: &Path) -> PathBuf {
    folder.join("metrics.csv")
}

/// The options, all of them, to be read and to be used again.
pub(crate) fn options(folder: &Path) -> PathBuf {
    folder.join("options.toml")
}
