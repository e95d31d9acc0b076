//! Words, found where they begin in a label. A table of the first two letters leads to the few that can be there.

/// Words with a value each.
pub(super) struct Words<V> {
    /// By their first two letters.
    words: Vec<(Box<[u8]>, V)>,
    /// Where the words of each pair of letters begin, and behind the last where they end.
    heads: Vec<u16>,
}

const PAIRS: usize = 1 << 10;

impl<V> Words<V> {
    /// Words shorter than two letters are left out: they would be found everywhere.
    pub(super) fn new(words: impl IntoIterator<Item = (Box<[u8]>, V)>) -> Words<V> {
        let mut words: Vec<_> = words.into_iter().filter(|(word, _)| head(word).is_some()).collect();
        words.sort_by(|(one, _), (other, _)| head(one).cmp(&head(other)).then_with(|| one.cmp(other)));
        let first = |pair| words.partition_point(|(word, _)| head(word) < Some(pair));
        let heads = (0..=PAIRS).map(|pair| u16::try_from(first(pair)).unwrap_or(u16::MAX)).collect();
        Words { words, heads }
    }

    /// Each word that `text` begins with.
    pub(super) fn at<'w>(&'w self, text: &'w [u8]) -> impl Iterator<Item = (&'w [u8], &'w V)> {
        let range = head(text).and_then(|pair| Some((*self.heads.get(pair)?, *self.heads.get(pair + 1)?)));
        let (start, end) = range.unwrap_or((0, 0));
        let near = self.words.get(usize::from(start)..usize::from(end)).unwrap_or_default();
        near.iter().filter(|(word, _)| text.starts_with(word)).map(|(word, value)| (&**word, value))
    }
}

fn head(word: &[u8]) -> Option<usize> {
    let [first, second, ..] = word else { return None };
    Some(usize::from(first & 31) << 5 | usize::from(second & 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_where_it_begins() {
        let words = Words::new(["log", "login", "lo", "x", "zz"].map(|word| (word.as_bytes().into(), word.len())));
        let at = |text: &str| words.at(text.as_bytes()).map(|(_, len)| *len).collect::<Vec<_>>();
        assert_eq!(at("loginpage"), [2, 3, 5]);
        assert_eq!((at("zz"), at("x"), at(""), at("ol")), (vec![2], vec![], vec![], vec![]));
    }
}
