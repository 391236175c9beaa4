//! Suggestions for mistyped words.

/// How similar words have to be, from 0 to 1: one wrong letter in four.
const SIMILAR: f64 = 0.75;

/// The known word most similar to this one, if one is similar enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|other| (strsim::jaro_winkler(word, other), other));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > SIMILAR).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_mistyped_word_finds_the_right_one() {
        let known = ["digits", "iris", "moons"];
        for (word, expected) in [
            ("didgits", Some("digits")),
            ("irsi", Some("iris")),
            ("moon", Some("moons")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
