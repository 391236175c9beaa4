//! Files that are replaced completely or not at all.

use crate::Error;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// Writes a file beside the old one, syncs it, and renames it to the old name. So a reader, even after a full disk or a
/// crash, finds the old file or the new one, never a part. A link is followed; a device or a pipe is written to.
///
/// # Errors
///
/// [`Error::Write`] if this fails; the old file then stays unchanged.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("numbers.txt");
/// dualtape_nn::files::replace(&path, b"1 2 3").unwrap();
/// assert_eq!(std::fs::read(&path)?, b"1 2 3");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), Error> {
    let path = path.as_ref();
    let written = write_and_rename(path, bytes, Readers::All);
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// As [`replace`], for a file that only its owner may read, on systems that have owners.
///
/// # Errors
///
/// As [`replace`].
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("key.txt");
/// dualtape_nn::files::replace_secret(&path, b"0123").unwrap();
/// assert_eq!(std::fs::read(&path)?, b"0123");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn replace_secret(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), Error> {
    let path = path.as_ref();
    let written = write_and_rename(path, bytes, Readers::Owner);
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    /// Everyone whom the umask allows.
    All,
    Owner,
}

fn write_and_rename(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    // The target of a link is replaced, not the link; a device or a pipe is written to directly.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no folder {}", folder.display()),
        ));
    }
    // The error of tempfile would name the temporary file, which means nothing to the user.
    let made = match readers {
        Readers::All => temporary_in(folder),
        // Only its owner may read a temporary file.
        Readers::Owner => named().tempfile_in(folder),
    };
    let mut file = made.map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// How the names of temporary files begin and end, so that the files of a killed run can be recognised.
const TEMPORARY: [&str; 2] = [".dualtape-", ".tmp"];

fn named() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY[0]).suffix(TEMPORARY[1]);
    builder
}

/// Makes a file readable to everyone whom the umask allows.
#[cfg(unix)]
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    named().permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    named().tempfile_in(folder)
}

/// Syncs the folder: only then is the rename itself on disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems cannot open folders as files.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A lock on a folder: only one run writes there, until this is dropped or its process ends in any way.
///
/// ```
/// use dualtape_nn::{Error, files::FolderLock};
/// let folder = tempfile::tempdir()?;
/// let lock = FolderLock::acquire(folder.path()).unwrap();
/// assert!(matches!(FolderLock::acquire(folder.path()), Err(Error::InUse { .. })));
/// drop(lock);
/// assert!(FolderLock::acquire(folder.path()).is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FolderLock {
    /// The file is locked while it is open. It is never removed, because a run could then remove the file of another run.
    _file: File,
}

impl FolderLock {
    /// The name of the file that is locked.
    ///
    /// ```
    /// use dualtape_nn::files::FolderLock;
    /// let folder = tempfile::tempdir().unwrap();
    /// let lock = FolderLock::acquire(folder.path())?;
    /// assert!(folder.path().join(FolderLock::NAME).exists());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub const NAME: &str = ".lock";

    /// Locks the folder, which must exist, and removes the temporary files of a killed run.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another run holds the lock, [`Error::Write`] if the lock cannot be made.
    ///
    /// ```
    /// use dualtape_nn::{Error, files::FolderLock};
    /// let folder = tempfile::tempdir().unwrap();
    /// let lock = FolderLock::acquire(folder.path())?;
    /// assert!(matches!(FolderLock::acquire(folder.path()), Err(Error::InUse { .. })));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn acquire(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let path = folder.join(Self::NAME);
        let unwritable = |source| Error::Write { path: path.clone(), source };
        let options = File::options().write(true).create(true).truncate(false).open(&path);
        let file = options.map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {
                remove_temporaries(folder).map_err(unwritable)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }
}

fn remove_temporaries(folder: &Path) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY[0]) && name.ends_with(TEMPORARY[1]) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
