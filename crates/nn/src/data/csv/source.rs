//! Turns the bytes of a file into text: decompressed, decoded, and limited in length.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Opens a file, from its beginning each time.
pub(crate) type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read>>;

/// How much of a file is examined before it is read, to detect its format.
pub(crate) const SAMPLE: usize = 1 << 18;

/// The largest length of a record.
const LONGEST: u64 = 1 << 26;

/// Text whose beginning was already read.
pub(crate) struct Text {
    /// The first bytes, which are read again from `reader`.
    pub(crate) sample: Vec<u8>,
    pub(crate) reader: Box<dyn Read>,
    pub(crate) encoding: &'static Encoding,
    pub(crate) is_packed: bool,
    /// The number of bytes since the last record; set it to 0 after each record.
    pub(crate) record_bytes: Rc<Cell<u64>>,
    /// How many quotation marks there were so far.
    pub(crate) quotation_marks: Rc<Cell<u64>>,
}

/// A message if a file cannot be text.
fn problem(sample: &[u8]) -> Option<&'static str> {
    let zero = sample.iter().position(|&byte| byte == 0)?;
    // Every other byte of Latin text in UTF-16 is zero.
    let zeros = sample.iter().filter(|&&byte| byte == 0).count();
    Some(match zeros * 3 > sample.len() {
        true if zero % 2 == 1 => {
            "it looks like UTF-16 (little-endian) without a byte-order mark; expected the encoding to be specified"
        }
        true if zero == 0 && sample.get(1) != Some(&0) => {
            "it looks like UTF-16 (big-endian) without a byte-order mark; expected the encoding to be specified"
        }
        _ => "it contains zero bytes, so it is not text; expected comma-separated text",
    })
}

/// Opens text in the encoding of its byte-order mark, in the given encoding, or in UTF-8.
pub(crate) fn open(open: Open<'_>, encoding: Option<&'static Encoding>) -> io::Result<Text> {
    let (packed, rest) = beginning(open()?)?;
    let is_packed = packed.starts_with(&[0x1f, 0x8b]);
    let bytes = io::Cursor::new(packed).chain(rest);
    let unpacked: Box<dyn Read> =
        if is_packed { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
    let (marked, rest) = beginning(unpacked)?;
    let from_mark = [UTF_8, UTF_16LE, UTF_16BE].into_iter().find(|encoding| {
        let mark: &[u8] = match encoding.name() {
            "UTF-8" => b"\xEF\xBB\xBF",
            "UTF-16LE" => b"\xFF\xFE",
            _ => b"\xFE\xFF",
        };
        marked.starts_with(mark)
    });
    let encoding = from_mark.or(encoding);
    if encoding.is_none_or(|encoding| encoding == UTF_8)
        && let Some(problem) = problem(&marked)
    {
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let mut decoder = DecodeReaderBytesBuilder::new();
    // UTF-8 is passed on unchanged, so that a wrong byte is an error and is not replaced.
    decoder
        .encoding(encoding.filter(|&encoding| encoding != UTF_8))
        .strip_bom(true)
        .utf8_passthru(true)
        .bom_override(true);
    let decoded = decoder.build(io::Cursor::new(marked).chain(rest));
    let (sample, rest) = beginning(Box::new(decoded))?;
    let (record_bytes, quotation_marks) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let whole = io::Cursor::new(sample.clone()).chain(rest);
    let reader = Box::new(Counted {
        inner: Box::new(whole),
        record_bytes: Rc::clone(&record_bytes),
        quotation_marks: Rc::clone(&quotation_marks),
    });
    Ok(Text { sample, reader, encoding: encoding.unwrap_or(UTF_8), is_packed, record_bytes, quotation_marks })
}

/// The first bytes, and a reader for the others.
fn beginning(mut reader: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut bytes = Vec::new();
    reader.by_ref().take(SAMPLE as u64).read_to_end(&mut bytes)?;
    Ok((bytes, reader))
}

/// The encoding assumed for text that is not UTF-8 and has no byte-order mark: the one of Western European programs.
pub(crate) const OTHERWISE: &Encoding = WINDOWS_1252;

/// A reader that counts quotation marks, and fails if a record is too long and would fill the memory.
struct Counted {
    inner: Box<dyn Read>,
    record_bytes: Rc<Cell<u64>>,
    quotation_marks: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.record_bytes.set(self.record_bytes.get() + count as u64);
        let marks = buffer[..count].iter().filter(|&&byte| byte == b'"').count();
        self.quotation_marks.set(self.quotation_marks.get() + marks as u64);
        if self.record_bytes.get() > LONGEST {
            let problem = format!(
                "a line has more than {} MiB; expected shorter ones (is a quotation mark not closed?)",
                LONGEST >> 20
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(count)
    }
}
