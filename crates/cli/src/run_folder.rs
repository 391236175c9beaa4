//! The folder of a run: which files it holds, their names, and who may write them. It never holds files of two runs,
//! and files that were not written by a run are never overwritten unless the user asks for it.

use crate::failure::Failure;
use crate::output::quoted;
use dualtape_nn::Error;
use dualtape_nn::files::FolderLock;
use std::io;
use std::path::{Path, PathBuf};

/// The default parent folder of runs.
const RUNS: &str = "runs";

/// The pictures a run may have, without their extensions.
pub(crate) const PICTURES: [&str; 8] =
    ["loss", "gradients", "rate", "norms", "confusion", "boundary", "predictions", "importance"];

/// What to do if the folder already contains something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Before {
    /// Refuse it.
    Refuse,
    /// Resume it, if it is a run.
    Resume,
    /// Replace it.
    Overwrite,
}

/// A folder that only this process writes to.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    _lock: FolderLock,
}

impl RunFolder {
    /// Creates the folder if necessary, and locks it.
    pub(crate) fn take(path: PathBuf) -> Result<Self, Failure> {
        let made = std::fs::create_dir_all(&path);
        made.map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(Self { _lock: FolderLock::acquire(&path)?, path })
    }

    /// Takes the first free folder for these data. Another run may be starting at the same moment.
    pub(crate) fn take_free(data: &str) -> Result<Self, Failure> {
        const MOST_TRIES: usize = 100;
        for _ in 0..MOST_TRIES {
            let path = default_for(data, Before::Refuse);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(|source| Error::Write { path: path.clone(), source })?;
            }
            // The process that creates the folder owns it.
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

    /// Removes a file of an earlier run that this run does not write.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), Failure> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::write(path, error)),
            _ => Ok(()),
        }
    }

    /// Removes the files of an earlier run, its checkpoint last: until then, that run can be resumed.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        let mut files = results(&self.path);
        files.push(options(&self.path));
        files.push(self.checkpoint());
        files.iter().try_for_each(|file| self.remove(file))
    }
}

/// The default folder of a run: `runs/` and the name of the data set, or of the file without its extension. If that
/// exists, a number is added for a new run; resuming and overwriting take the last one that exists.
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

/// Refuses a folder that holds a run, or files that no run wrote, unless `before` is to resume or to overwrite.
/// `reads` are the files that the command reads; they are never overwritten.
pub(crate) fn check(folder: &Path, before: Before, reads: &[&Path]) -> Result<(), Failure> {
    let named = quoted(&folder.display().to_string());
    let mut files = results(folder);
    files.extend([options(folder), checkpoint(folder)]);
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for file in &files {
        if reads.iter().any(|read| same(read, file)) {
            let file = file.display();
            return Err(Failure::Usage(format!(
                "{file} would be both read and written; expected another --output"
            )));
        }
    }
    if before != Before::Refuse {
        return Ok(());
    }
    if checkpoint(folder).exists() {
        return Err(Failure::Usage(format!(
            "{named} holds a run; expected --resume to continue it, --overwrite to replace it, or another --output"
        )));
    }
    match files.iter().find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => {
            let file = file.display();
            Err(Failure::Usage(format!(
                "{file} exists and does not belong to a run; expected --overwrite to replace it, or another --output"
            )))
        }
    }
}

/// All files that a run writes, except the HTML report, which is written on request.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let page = page(folder);
    results(folder)
        .into_iter()
        .filter(|file| *file != page)
        .chain([options(folder), checkpoint(folder)])
        .collect()
}

/// All files that may be written when a run ends.
fn results(folder: &Path) -> Vec<PathBuf> {
    let pictures =
        PICTURES.iter().flat_map(|name| ["png", "svg"].map(|kind| folder.join(name).with_extension(kind)));
    [report(folder), page(folder), model(folder), metrics(folder)].into_iter().chain(pictures).collect()
}

/// The checkpoint: everything needed to resume the run.
pub(crate) fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("checkpoint.safetensors")
}

/// The trained model.
pub(crate) fn model(folder: &Path) -> PathBuf {
    folder.join("model.safetensors")
}

/// The metrics, with a line for each epoch.
pub(crate) fn metrics(folder: &Path) -> PathBuf {
    folder.join("metrics.csv")
}

/// All options, to read and to use again.
pub(crate) fn options(folder: &Path) -> PathBuf {
    folder.join("options.toml")
}

/// The report as an HTML page, written on request.
pub(crate) fn page(folder: &Path) -> PathBuf {
    folder.join("report.html")
}

/// The report. It is written last: where it exists, all other files belong to the same finished run.
pub(crate) fn report(folder: &Path) -> PathBuf {
    folder.join("report.json")
}
