//! The folder of a run: what is in it, under which names, and who may write. It never holds files of two runs,
//! and nothing in it is written over that no run made.

use crate::failure::Failure;
use crate::output::quoted;
use dualtape_nn::Error;
use dualtape_nn::files::FolderLock;
use std::io;
use std::path::{Path, PathBuf};

/// Where runs go, unless told otherwise.
const RUNS: &str = "runs";

/// The pictures a run may have, without their extensions.
pub(crate) const PICTURES: [&str; 8] =
    ["loss", "gradients", "rate", "norms", "confusion", "boundary", "predictions", "importance"];

/// What is done about what the folder holds already.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Before {
    /// It is refused.
    Refuse,
    /// It is gone on with, if it is a run.
    Resume,
    /// It is replaced.
    Overwrite,
}

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

    /// Takes the first folder for these data that nobody has; another may be starting at the same moment.
    pub(crate) fn take_free(data: &str) -> Result<Self, Failure> {
        const MOST_TRIES: usize = 100;
        for _ in 0..MOST_TRIES {
            let path = default_for(data, Before::Refuse);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(|source| Error::Write { path: path.clone(), source })?;
            }
            // Whoever makes the folder has it.
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Write { path, source }.into()),
                Ok(()) => return Self::take(path),
            }
        }
        Err(Failure::Failed(format!("there is no free folder for {data}; expected --output to name one")))
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

    /// Removes what an earlier run left, its checkpoint last: until then it can be gone on with.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        let mut files = results(&self.path);
        files.push(options(&self.path));
        files.push(self.checkpoint());
        files.iter().try_for_each(|file| self.remove(file))
    }
}

/// Where a run goes that nobody named a folder for: `runs/` and the data set's name, or the file's without its
/// extension; with a number after it if there is one already, which is the one to be resumed.
pub(crate) fn default_for(data: &str, before: Before) -> PathBuf {
    let first = first_default(data);
    let name = first.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
    let numbered = |number: usize| match number {
        1 => first.clone(),
        _ => first.with_file_name(format!("{name}-{number}")),
    };
    let free = (1..).find(|&number| !numbered(number).exists()).unwrap_or(1);
    match before {
        Before::Refuse => numbered(free),
        Before::Resume | Before::Overwrite => numbered(free.saturating_sub(1).max(1)),
    }
}

fn first_default(data: &str) -> PathBuf {
    if data == crate::input::STANDARD_INPUT {
        return Path::new(RUNS).join("stdin");
    }
    let path = Path::new(data);
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let path = if packed { path.with_extension("") } else { path.to_owned() };
    let name = path.file_stem().map_or("data".into(), |stem| stem.to_string_lossy());
    Path::new(RUNS).join(name.as_ref())
}

/// Refuses a folder that holds a run, or files that no run made, unless it is to be gone on with or overwritten.
/// `reads` are the files that the command reads.
pub(crate) fn check(folder: &Path, before: Before, reads: &[&Path]) -> Result<(), Failure> {
    let named = quoted(&folder.display().to_string());
    let mut files = results(folder);
    files.extend([options(folder), checkpoint(folder)]);
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for file in &files {
        if reads.iter().any(|read| same(read, file)) {
            let file = file.display();
            return Err(Failure::Usage(format!(
                "{file} would be read and written; expected another --output"
            )));
        }
    }
    if before != Before::Refuse {
        return Ok(());
    }
    if checkpoint(folder).exists() {
        return Err(Failure::Usage(format!(
            "{named} holds a run; expected --resume to go on with it, --overwrite to replace it, or another --output"
        )));
    }
    match files.iter().find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => {
            let file = file.display();
            Err(Failure::Usage(format!(
                "{file} is there, and belongs to no run; expected --overwrite to replace it, or another --output"
            )))
        }
    }
}

/// All that a run writes, but for the page that somebody may ask for.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let page = page(folder);
    results(folder)
        .into_iter()
        .filter(|file| *file != page)
        .chain([options(folder), checkpoint(folder)])
        .collect()
}

/// All that a run writes when it ends.
fn results(folder: &Path) -> Vec<PathBuf> {
    let pictures =
        PICTURES.iter().flat_map(|name| ["png", "svg"].map(|kind| folder.join(name).with_extension(kind)));
    [report(folder), page(folder), model(folder), metrics(folder)].into_iter().chain(pictures).collect()
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

/// What came of it, as a page, if somebody asked for one.
pub(crate) fn page(folder: &Path) -> PathBuf {
    folder.join("report.html")
}

/// What came of it. It is written last, so that where it is, all the others are of the same end.
pub(crate) fn report(folder: &Path) -> PathBuf {
    folder.join("report.json")
}
