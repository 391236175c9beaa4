//! Files that are replaced whole or not at all.

use crate::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file beside the old one, syncs it, and renames it onto the old one: a reader, a full disk or a
/// crash meets the old file or the new one, never a part.
///
/// # Errors
///
/// [`Error::Write`] if that fails; the old file is then untouched.
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
    write_and_rename(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn write_and_rename(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = temporary_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Readable to all whom the umask allows; temporary files are otherwise private.
#[cfg(unix)]
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(folder)
}

/// The rename itself is on disk only once the folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems do not open folders as files.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
