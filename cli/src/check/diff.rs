//! The difference of two texts, line by line, in the form that `patch` reads.

/// Lines around a change that are shown.
const CONTEXT: usize = 3;

/// Most pairs of lines that are compared; beyond, all lines between the ends count as changed.
const LARGEST_TABLE: usize = 4_000_000;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Kept,
    Removed,
    Added,
}

/// A unified diff of two versions of a file; empty if they are equal.
pub(crate) fn unified(name: &str, before: &str, after: &str) -> String {
    let lines = changes(before, after);
    let changed: Vec<usize> =
        (0..lines.len()).filter(|&at| lines.get(at).is_some_and(|l| l.0 != Change::Kept)).collect();
    let mut text = String::new();
    let mut position = 0;
    while let Some(&first) = changed.get(position) {
        let mut last = first;
        while let Some(&next) = changed.get(position).filter(|&&next| next <= last + 2 * CONTEXT) {
            last = next;
            position += 1;
        }
        if text.is_empty() {
            text = format!("--- {name}\n+++ {name}\n");
        }
        hunk(
            &lines,
            first.saturating_sub(CONTEXT),
            (last + CONTEXT + 1).min(lines.len()),
            &mut text,
        );
    }
    text
}

/// The lines of `after` that are new or changed, with their numbers from 1.
pub(crate) fn new_lines(before: &str, after: &str) -> Vec<(usize, String)> {
    let mut number = 0;
    let mut found = Vec::new();
    for (change, line) in changes(before, after) {
        number += usize::from(change != Change::Removed);
        if change == Change::Added {
            found.push((number, line.trim().to_owned()));
        }
    }
    found
}

fn hunk(lines: &[(Change, &str)], from: usize, to: usize, text: &mut String) {
    let count = |part: &[(Change, &str)], left_out: Change| {
        part.iter().filter(|(change, _)| *change != left_out).count()
    };
    let (before, part) = lines.split_at(from);
    let part = part.get(..to.saturating_sub(from)).unwrap_or(part);
    text.push_str(&format!(
        "@@ -{},{} +{},{} @@\n",
        count(before, Change::Added) + 1,
        count(part, Change::Added),
        count(before, Change::Removed) + 1,
        count(part, Change::Removed),
    ));
    for (change, line) in part {
        text.push(match change {
            Change::Kept => ' ',
            Change::Removed => '-',
            Change::Added => '+',
        });
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// All lines of both texts: what they share at both ends is found first.
fn changes<'a>(before: &'a str, after: &'a str) -> Vec<(Change, &'a str)> {
    let left: Vec<&str> = before.split_inclusive('\n').collect();
    let right: Vec<&str> = after.split_inclusive('\n').collect();
    let same = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let rest = left.len().min(right.len()) - same;
    let pairs = left.iter().rev().zip(right.iter().rev()).take(rest);
    let tail = pairs.take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&'a str]| -> Vec<&'a str> {
        lines.get(same..lines.len() - tail).unwrap_or_default().to_vec()
    };
    let kept = |lines: &[&'a str]| -> Vec<(Change, &'a str)> {
        lines.iter().map(|&line| (Change::Kept, line)).collect()
    };
    let head = kept(left.get(..same).unwrap_or_default());
    let foot = kept(left.get(left.len() - tail..).unwrap_or_default());
    [head, between(&middle(&left), &middle(&right)), foot].concat()
}

/// By the longest common subsequence; removed lines stand before added ones.
fn between<'a>(left: &[&'a str], right: &[&'a str]) -> Vec<(Change, &'a str)> {
    let whole = |change| move |&line: &&'a str| (change, line);
    let table = if left.len().saturating_mul(right.len()) > LARGEST_TABLE {
        Vec::new()
    } else {
        common(left, right)
    };
    let at = |i: usize, j: usize| table.get(i * (right.len() + 1) + j).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while let (Some(&a), Some(&b)) = (left.get(i), right.get(j)) {
        if a == b {
            found.push((Change::Kept, a));
            (i, j) = (i + 1, j + 1);
        } else if at(i + 1, j) >= at(i, j + 1) {
            found.push((Change::Removed, a));
            i += 1;
        } else {
            found.push((Change::Added, b));
            j += 1;
        }
    }
    found.extend(left.get(i..).unwrap_or_default().iter().map(whole(Change::Removed)));
    found.extend(right.get(j..).unwrap_or_default().iter().map(whole(Change::Added)));
    found
}

/// Lengths of the longest common subsequences of all suffixes, row by row.
fn common(left: &[&str], right: &[&str]) -> Vec<u32> {
    let width = right.len() + 1;
    let mut table = vec![0u32; (left.len() + 1) * width];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            let at = |i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
            let longest = if left.get(i) == right.get(j) {
                at(i + 1, j + 1) + 1
            } else {
                at(i + 1, j).max(at(i, j + 1))
            };
            if let Some(cell) = table.get_mut(i * width + j) {
                *cell = longest;
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{new_lines, unified};

    #[test]
    fn a_changed_line_is_shown_with_three_lines_around() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace("5\n", "five\n");
        assert_eq!(
            unified("net.py", before, &after),
            "--- net.py\n+++ net.py\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
        assert_eq!(new_lines(before, &after), [(5, "five".to_owned())]);
    }

    #[test]
    fn an_added_line_and_a_missing_newline() {
        assert_eq!(
            unified("a", "x\ny", "x\nz\ny"),
            "--- a\n+++ a\n@@ -1,2 +1,3 @@\n x\n+z\n y\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("a", "same\n", "same\n"), "");
    }

    #[test]
    fn distant_changes_are_two_hunks() {
        let before: String = (0..30).map(|n| format!("{n}\n")).collect();
        let after = before.replacen("2\n", "two\n", 1).replace("25\n", "");
        let text = unified("a", &before, &after);
        assert_eq!(text.matches("@@ -").count(), 2);
        assert!(text.contains("@@ -23,7 +23,6 @@"), "{text}");
    }
}
