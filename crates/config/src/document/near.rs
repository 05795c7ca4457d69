/// The word that somebody meant who wrote `wrong`: the nearest by edits, when it is near enough.
pub(crate) fn nearest<'w>(wrong: &str, words: &[&'w str]) -> Option<&'w str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    // A key of a million letters is nobody's slip.
    let wrong = plain(wrong.get(..64.min(wrong.len()))?);
    words
        .iter()
        .map(|word| (distance(&wrong, &plain(word)), *word))
        .filter(|(distance, word)| *distance <= word.len().div_ceil(3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters have to be put in, taken out, exchanged, or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, a) in from.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, b) in to.iter().enumerate() {
            let mut best =
                (last[column] + usize::from(a != b)).min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *a == to[column - 1] && from[row - 1] == *b {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_word_and_other_words_do_not() {
        let words = ["mode", "pool", "lease_time", "port"];
        for (wrong, meant) in [
            ("pools", Some("pool")),
            ("mdoe", Some("mode")),
            ("lease-time", Some("lease_time")),
            ("Leasetime", Some("lease_time")),
            ("ports", Some("port")),
            ("kernel", None),
            ("", None),
            ("ä", None),
        ] {
            assert_eq!(nearest(wrong, &words), meant, "{wrong}");
        }
    }
}
