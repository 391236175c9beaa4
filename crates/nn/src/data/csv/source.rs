//! Turns the bytes of a file into text: decompressed, decoded, and limited in length.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;
use std::cell::{Cell, RefCell};
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
    /// The quotation marks so far; set the separator before reading.
    pub(crate) quotations: Rc<RefCell<Quotations>>,
}

/// Follows the cells of a text, to find one whose quotation mark is not closed: it begins with a mark, takes several lines,
/// and has an odd number of marks. Marks inside other cells, as in `12" pipe`, are ordinary characters.
#[derive(Debug)]
pub(crate) struct Quotations {
    separator: u8,
    place: Place,
    /// The number of marks in a cell that began with one; otherwise 0.
    marks: u64,
    /// Whether a line ended between the marks of the cell.
    has_lines: bool,
    /// How many bytes were read.
    bytes: u64,
    /// Where the first cell ended that was not closed.
    first_open: Option<u64>,
}

/// Where a byte stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// At the beginning of a cell.
    Start,
    /// In a cell, not between marks.
    Plain,
    /// Between marks.
    Quoted,
    /// After a mark that ends a quotation, unless another one follows.
    Closed,
}

impl Quotations {
    fn new() -> Self {
        Self { separator: b',', place: Place::Start, marks: 0, has_lines: false, bytes: 0, first_open: None }
    }

    pub(crate) fn set_separator(&mut self, separator: u8) {
        self.separator = separator;
    }

    /// Whether a mark is not closed in the text before this byte, or, with `None`, in the whole text.
    pub(crate) fn is_open_before(&self, end: Option<u64>) -> bool {
        match end {
            Some(end) => self.first_open.is_some_and(|open| open < end),
            None => self.first_open.is_some() || self.is_open(),
        }
    }

    fn is_open(&self) -> bool {
        self.has_lines && self.marks % 2 == 1
    }

    fn read(&mut self, bytes: &[u8]) {
        let ends_cell = |byte: u8| byte == self.separator || byte == b'\n' || byte == b'\r';
        if self.marks == 0 && !bytes.contains(&b'"') {
            // Most text has no marks; only its end says where the next byte stands.
            if let Some(&last) = bytes.last() {
                self.place = if ends_cell(last) { Place::Start } else { Place::Plain };
            }
            self.bytes += bytes.len() as u64;
            return;
        }
        for &byte in bytes {
            let is_mark = byte == b'"';
            self.marks += u64::from(is_mark && (self.marks > 0 || self.place == Place::Start));
            self.place = match self.place {
                Place::Start | Place::Closed if is_mark => Place::Quoted,
                Place::Quoted if is_mark => Place::Closed,
                Place::Quoted => {
                    self.has_lines |= byte == b'\n' || byte == b'\r';
                    Place::Quoted
                }
                _ if byte == self.separator || byte == b'\n' || byte == b'\r' => {
                    if self.is_open() {
                        self.first_open.get_or_insert(self.bytes);
                    }
                    (self.marks, self.has_lines) = (0, false);
                    Place::Start
                }
                _ => Place::Plain,
            };
            self.bytes += 1;
        }
    }
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
    let record_bytes = Rc::new(Cell::new(0));
    let quotations = Rc::new(RefCell::new(Quotations::new()));
    let whole = io::Cursor::new(sample.clone()).chain(rest);
    let reader = Box::new(Counted {
        inner: Box::new(whole),
        record_bytes: Rc::clone(&record_bytes),
        quotations: Rc::clone(&quotations),
    });
    Ok(Text { sample, reader, encoding: encoding.unwrap_or(UTF_8), is_packed, record_bytes, quotations })
}

/// The first bytes, and a reader for the others.
fn beginning(mut reader: Box<dyn Read>) -> io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut bytes = Vec::new();
    reader.by_ref().take(SAMPLE as u64).read_to_end(&mut bytes)?;
    Ok((bytes, reader))
}

/// The encoding assumed for text that is not UTF-8 and has no byte-order mark: the one of Western European programs.
pub(crate) const OTHERWISE: &Encoding = WINDOWS_1252;

/// A reader that follows quotation marks, and fails if a record is too long and would fill the memory.
struct Counted {
    inner: Box<dyn Read>,
    record_bytes: Rc<Cell<u64>>,
    quotations: Rc<RefCell<Quotations>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.record_bytes.set(self.record_bytes.get() + count as u64);
        self.quotations.borrow_mut().read(&buffer[..count]);
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
