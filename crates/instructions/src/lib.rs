//! Records of instruction counts, and comparison of new counts with them.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

/// How much a count may change, in per cent of the recorded one.
pub const PERCENT: u64 = 3;

/// Counts, and the compiler, library and instruction set they were made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Compiler, C library and instruction set; counts are comparable only if these are the same.
    pub with: String,
    /// The instruction count of each case, by name.
    pub counts: Vec<(String, u64)>,
}

impl Record {
    /// Reads a record: a line about compiler, library and instructions, a line of headings, and a line for each case.
    ///
    /// # Errors
    ///
    /// A message with the number of the line, if the text is not a record.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let with = lines.next().and_then(|line| line.strip_prefix("# "));
        let with =
            with.ok_or("line 1: expected '# ' and the compiler, C library and instruction set")?.to_owned();
        if lines.next() != Some("case,instructions") {
            return Err("line 2: expected the headings 'case,instructions'".to_owned());
        }
        let case = |(index, line): (usize, &str)| {
            let read =
                line.rsplit_once(',').and_then(|(name, count)| Some((name.to_owned(), count.parse().ok()?)));
            read.ok_or_else(|| {
                format!("line {}: '{line}' is not a name and a number, separated by a comma", index + 3)
            })
        };
        Ok(Self { with, counts: lines.enumerate().map(case).collect::<Result<_, _>>()? })
    }

    /// The record as the text of a file.
    pub fn text(&self) -> String {
        let case = |(name, count): &(String, u64)| format!("{name},{count}\n");
        let cases: String = self.counts.iter().map(case).collect();
        format!("# {}\ncase,instructions\n{cases}", self.with)
    }

    fn count(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|(other, _)| other == name).map(|&(_, count)| count)
    }

    /// A message for each case whose new count is not within [`PERCENT`] of this one.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let moved = now.counts.iter().filter_map(|(name, count)| match self.count(name) {
            None => Some(format!("{name}: takes {count} instructions, and is not in the record")),
            Some(before) => difference(name, before, *count),
        });
        let gone = self.counts.iter().filter(|(name, _)| now.count(name).is_none());
        moved
            .chain(gone.map(|(name, _)| format!("{name}: is in the record, and is no longer a case")))
            .collect()
    }
}

/// How a count has changed, if by more than is allowed.
fn difference(name: &str, before: u64, now: u64) -> Option<String> {
    let moved = now.abs_diff(before);
    let (percent, word) = (100.0 * moved as f64 / before as f64, if now > before { "more" } else { "fewer" });
    let line = format!("{name}: takes {now} instructions, {percent:.1} % {word} than the {before} recorded");
    (100 * moved > PERCENT * before).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::Record;

    fn record(counts: &[(&str, u64)]) -> Record {
        let counts = counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
        Record { with: "rustc 1.95.0, glibc 2.36".to_owned(), counts }
    }

    #[test]
    fn a_record_comes_back_from_its_text() {
        let record = record(&[("tape: sum, of many", 1000), ("batch", 7)]);
        assert_eq!(Record::read(&record.text()), Ok(record));
    }

    #[test]
    fn what_is_no_record_is_refused_with_the_line() {
        for (text, line) in [
            ("", "line 1"),
            ("case,instructions\n", "line 1"),
            ("# rustc\ncase;count\n", "line 2"),
            ("# rustc\ncase,instructions\nbatch,12\ntape\n", "line 4: 'tape'"),
            ("# rustc\ncase,instructions\nbatch,many\n", "line 3: 'batch,many'"),
        ] {
            assert!(Record::read(text).is_err_and(|error| error.starts_with(line)), "{text}");
        }
    }

    #[test]
    fn three_per_cent_either_way_pass_and_more_is_named() {
        let before = record(&[("a", 1000), ("b", 1000), ("c", 1000), ("d", 1000), ("e", 5)]);
        let now = record(&[("a", 1030), ("b", 970), ("c", 1100), ("d", 900), ("f", 6)]);
        assert_eq!(
            before.differences(&now),
            [
                "c: takes 1100 instructions, 10.0 % more than the 1000 recorded",
                "d: takes 900 instructions, 10.0 % fewer than the 1000 recorded",
                "f: takes 6 instructions, and is not in the record",
                "e: is in the record, and is no longer a case",
            ]
        );
    }
}
