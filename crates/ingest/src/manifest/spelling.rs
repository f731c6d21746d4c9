//! Which known word was probably meant?

/// Longer words are not compared: no field is, and the cost grows with the square.
const LENGTH_MAX: usize = 64;

/// The known word that is nearest, if it is near enough that a slip may have made the difference.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LENGTH_MAX {
        return None;
    }
    let allowed = 1 + word.chars().count() / 4;
    known
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete or replace, or neighbours to swap; upper and lower case are one.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (a, b) = (letters(a), letters(b));
    // Rows of the table of distances between the first letters of both words.
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &of_a) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, &of_b) in b.iter().enumerate() {
            let changed = row[j] + usize::from(of_a != of_b);
            let mut best = changed.min(row[j + 1] + 1).min(next[j] + 1);
            let is_swap = i > 0 && j > 0 && of_a == b[j - 1] && a[i - 1] == of_b;
            if is_swap {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_behind_a_slip() {
        let known = ["port", "ports", "type", "clusterIP", "clusterIPs", "externalTrafficPolicy"];
        let cases = [
            ("externalTraficPolicy", Some("externalTrafficPolicy")),
            ("externaltrafficpolicy", Some("externalTrafficPolicy")),
            ("clusterIps", Some("clusterIPs")),
            ("prot", Some("port")),
            ("port", Some("port")),
            ("tpye", Some("type")),
            ("selector", None),
            ("", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), known.into_iter()), None);
    }
}
