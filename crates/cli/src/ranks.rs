//! The processes that share a training: how they join, receive files, and end together.
//!
//! Rank 0 leads: only rank 0 reads options and checkpoints, writes files, and shows progress. The others receive what
//! they need from it.

use crate::failure::Failure;
use dualtape_nn::parallel::{AllReduce, Local};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// The processes, and how they read files.
pub(crate) struct Ranks {
    engine: Box<dyn AllReduce>,
    /// Whether each process reads a part of a file, rather than rank 0 all of it.
    sharded: bool,
}

impl Ranks {
    /// A single process.
    pub(crate) fn alone() -> Self {
        Self { engine: Box::new(Local), sharded: false }
    }

    /// All processes that were started together.
    #[cfg(feature = "mpi")]
    pub(crate) fn join(sharded: bool) -> Result<Self, Failure> {
        let all = dualtape_nn::parallel::Mpi::start()?;
        JOINED.set(Some(all.clone()));
        Ok(Self { engine: Box::new(all), sharded })
    }

    #[cfg(not(feature = "mpi"))]
    pub(crate) fn join(_: bool) -> Result<Self, Failure> {
        Err(Failure::Usage(
            "--distributed needs MPI, and this program was built without it; expected one built by \
             'cargo install --path crates/cli --features mpi'"
                .to_owned(),
        ))
    }

    pub(crate) fn leads(&self) -> bool {
        self.engine.rank() == 0
    }

    /// The result of a question that only rank 0 answers, on all processes.
    pub(crate) fn ask_first(&mut self, answer: impl FnOnce() -> bool) -> Result<bool, Failure> {
        let mut bytes = if self.leads() { vec![u8::from(answer())] } else { Vec::new() };
        self.engine.broadcast(&mut bytes)?;
        Ok(bytes == [1])
    }

    pub(crate) fn size(&self) -> usize {
        self.engine.size()
    }

    /// The engine for a training.
    pub(crate) fn into_engine(self) -> Box<dyn AllReduce> {
        self.engine
    }

    /// The text that rank 0 sends; the text of the others is ignored.
    pub(crate) fn hear(&mut self, said: &str) -> Result<String, Failure> {
        let mut bytes = said.as_bytes().to_vec();
        self.engine.broadcast(&mut bytes)?;
        String::from_utf8(bytes)
            .map_err(|error| Failure::Failed(format!("rank 0 sent something that is not text: {error}")))
    }

    /// Gives all processes the bytes of a stream that rank 0 reads, such as a file or standard input. `None` if this
    /// process is alone and can read it itself.
    pub(crate) fn share(&mut self, read: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<Option<Shared>> {
        if self.size() == 1 {
            return Ok(None);
        }
        // The last byte says whether the others are bytes of the file or of an error message.
        let mut bytes = Vec::new();
        if self.leads() {
            bytes = match read() {
                Ok(mut read) => {
                    read.push(1);
                    read
                }
                Err(error) => {
                    let mut message = error.to_string().into_bytes();
                    message.push(0);
                    message
                }
            };
        }
        self.engine.broadcast(&mut bytes).map_err(io::Error::other)?;
        match bytes.pop() {
            Some(1) => Ok(Some(Shared(bytes.into()))),
            _ => Err(io::Error::other(String::from_utf8_lossy(&bytes).into_owned())),
        }
    }

    /// Like [`share`](Self::share), for a file; with `--sharded`, each process reads a part of it.
    pub(crate) fn share_file(&mut self, path: &Path) -> io::Result<Option<Shared>> {
        if !self.sharded || self.size() == 1 {
            return self.share(|| std::fs::read(path));
        }
        let (rank, size) = (self.engine.rank(), self.size());
        let own = read_part(path, rank, size);
        // All processes fail if one of them cannot read the file, even if only that one has an error to report.
        let length = own.as_ref().map_or(-1.0, |part| part.len() as f64);
        let mut lengths = vec![0.0; size];
        self.engine.gather(&[length], &vec![1; size], &mut lengths).map_err(io::Error::other)?;
        if let Some(rank) = lengths.iter().position(|&length| length < 0.0) {
            let problem = own.err().map_or("it cannot be read there".to_owned(), |error| error.to_string());
            return Err(io::Error::other(format!("process {rank}: {problem}")));
        }
        let words = |bytes: f64| (bytes as usize).div_ceil(size_of::<f64>());
        let counts: Vec<usize> = lengths.iter().map(|&length| words(length)).collect();
        let mut all = vec![0.0; counts.iter().sum()];
        self.engine.gather(&to_words(&own?), &counts, &mut all).map_err(io::Error::other)?;
        let (mut rest, mut bytes) = (&all[..], Vec::new());
        for (&count, &length) in counts.iter().zip(&lengths) {
            let (part, after) = rest.split_at(count);
            rest = after;
            let end = bytes.len() + length as usize;
            bytes.extend(part.iter().flat_map(|word| word.to_le_bytes()));
            bytes.truncate(end);
        }
        Ok(Some(Shared(bytes.into())))
    }
}

/// A part of the bytes of a file.
fn read_part(path: &Path, rank: usize, size: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = u128::from(file.metadata()?.len());
    let at = |rank: usize| (length * rank as u128 / size as u128) as u64;
    file.seek(SeekFrom::Start(at(rank)))?;
    let mut part = Vec::new();
    file.take(at(rank + 1) - at(rank)).read_to_end(&mut part)?;
    Ok(part)
}

/// Bytes packed into numbers, which the processes exchange unchanged.
fn to_words(bytes: &[u8]) -> Vec<f64> {
    let word = |bytes: &[u8]| {
        let mut word = [0; size_of::<f64>()];
        word[..bytes.len()].copy_from_slice(bytes);
        f64::from_le_bytes(word)
    };
    bytes.chunks(size_of::<f64>()).map(word).collect()
}

/// A file in memory, which can be read any number of times.
#[derive(Clone)]
pub(crate) struct Shared(Arc<[u8]>);

impl Shared {
    pub(crate) fn open(&self) -> Box<dyn Read> {
        Box::new(Cursor::new(self.clone()))
    }
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(feature = "mpi")]
thread_local! {
    /// MPI, from the time the processes join until they end.
    static JOINED: std::cell::Cell<Option<dualtape_nn::parallel::Mpi>> = const { std::cell::Cell::new(None) };
}

/// The rank of this process; 0 if it is alone.
#[cfg(feature = "mpi")]
fn rank() -> usize {
    let joined = JOINED.take();
    let rank = joined.as_ref().map_or(0, AllReduce::rank);
    JOINED.set(joined);
    rank
}

#[cfg(not(feature = "mpi"))]
fn rank() -> usize {
    0
}

/// Whether this process prints for all.
pub(crate) fn leads() -> bool {
    rank() == 0
}

/// Called before a process prints an error. Usually all find the same error, and rank 0 prints it. Returns the beginning of
/// the message.
#[cfg(feature = "mpi")]
pub(crate) fn let_the_first_speak() -> String {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
    let rank = rank();
    if rank == 0 {
        return String::new();
    }
    std::thread::sleep(PATIENCE);
    format!("process {rank}: ")
}

#[cfg(not(feature = "mpi"))]
pub(crate) fn let_the_first_speak() -> String {
    String::new()
}

/// Ends this process's part. With a code, all processes end with it, since the others would otherwise wait for this one.
#[cfg(feature = "mpi")]
pub(crate) fn end(code: Option<u8>) {
    if let (Some(all), Some(code)) = (JOINED.take(), code)
        && all.size() > 1
    {
        all.abort(i32::from(code));
    }
}

#[cfg(not(feature = "mpi"))]
pub(crate) fn end(_: Option<u8>) {}

/// A guard that ends all processes if this one panics while the guard is alive.
pub(crate) struct EndWithPanic;

impl Drop for EndWithPanic {
    fn drop(&mut self) {
        const CODE: u8 = 101;
        if std::thread::panicking() {
            end(Some(CODE));
        }
    }
}
