//! "Did you mean": the closest of several names by edit distance.

/// The closest candidate, if one is close enough to be meant.
pub(crate) fn closest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (wanted.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let distance = distance(wanted, candidate);
        let abbreviates = wanted.len() >= 3
            && (candidate.starts_with(wanted)
                || wanted.starts_with(candidate) && candidate.len() >= 3);
        let score = if abbreviates { distance.min(limit) } else { distance };
        let better = best.is_none_or(|(least, name)| (score, candidate) < (least, name));
        if score <= limit && candidate != wanted && better {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, name)| name)
}

/// Levenshtein distance, letter case ignored.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut next = vec![i + 1];
        for (above, b) in row.iter().skip(1).zip(&right) {
            let left_cost = next.last().copied().unwrap_or(i + 1);
            let change = diagonal + usize::from(a != *b);
            next.push(change.min(above + 1).min(left_cost + 1));
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
