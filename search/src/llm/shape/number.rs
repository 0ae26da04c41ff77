//! Which numbers may stand at a place, and whether some digits can still become one of them.
//! Deliberately not here: why a number is allowed (see `network`).

/// The numbers that are allowed at one place. Integers are written without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Numbers {
    /// `low..=high`, with `low >= 1`.
    Range {
        low: u64,
        high: u64,
        /// What is written where nobody has a wish; within the range.
        preferred: u64,
    },
    /// One of these, the preferred one first.
    Set(Vec<u64>),
    /// What follows `0.`: one or two digits, not all of them zero.
    Fraction,
}

impl Numbers {
    /// Whether `digits` (perhaps none) begin an allowed number.
    pub(super) fn begins(&self, digits: &str) -> bool {
        match self {
            Numbers::Range { .. } => digits.is_empty() || self.shortest(digits).is_some(),
            Numbers::Set(values) => values.iter().any(|value| extends(*value, digits)),
            Numbers::Fraction => digits.len() <= 2 && digits != "00",
        }
    }

    /// The number that `digits` are, if it is allowed; 0 for a fraction, whose value is not needed.
    pub(super) fn value(&self, digits: &str) -> Option<u64> {
        if let Numbers::Fraction = self {
            let nonzero = digits.bytes().any(|digit| digit != b'0');
            return (nonzero && digits.len() <= 2).then_some(0);
        }
        if digits.starts_with('0') && digits.len() > 1 {
            return None;
        }
        let value = digits.parse().ok()?;
        match self {
            Numbers::Range { low, high, .. } => (*low..=*high).contains(&value).then_some(value),
            Numbers::Set(values) => values.contains(&value).then_some(value),
            Numbers::Fraction => None,
        }
    }

    /// The digits to write after `digits` so that an allowed number stands there.
    pub(super) fn finish(&self, digits: &str) -> Option<String> {
        if self.value(digits).is_some() {
            return Some(String::new());
        }
        let whole = match self {
            Numbers::Range { preferred, .. } if digits.is_empty() => preferred.to_string(),
            Numbers::Range { .. } => self.shortest(digits)?.to_string(),
            Numbers::Set(values) => {
                values.iter().find(|value| extends(**value, digits))?.to_string()
            }
            Numbers::Fraction if digits.is_empty() => "2".to_owned(),
            Numbers::Fraction => format!("{digits}1"),
        };
        whole.strip_prefix(digits).map(str::to_owned)
    }

    /// The smallest number of a range whose decimal form begins with `digits`.
    fn shortest(&self, digits: &str) -> Option<u64> {
        let Numbers::Range { low, high, .. } = self else { return None };
        if digits.starts_with('0') {
            return None;
        }
        let mut first: u64 = digits.parse().ok()?;
        let mut count = 1u64;
        while first <= *high {
            let candidate = first.max(*low);
            if candidate - first < count && candidate <= *high {
                return Some(candidate);
            }
            first = first.checked_mul(10)?;
            count = count.checked_mul(10)?;
        }
        None
    }
}

/// Whether the decimal form of `value` begins with `digits`.
fn extends(value: u64, digits: &str) -> bool {
    value.to_string().starts_with(digits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Numbers;

    #[test]
    fn a_prefix_is_taken_exactly_when_some_number_of_the_range_extends_it() {
        for (low, high) in [(1, 9), (10, 1024), (47, 47), (100, 512), (5, 60)] {
            let numbers = Numbers::Range { low, high, preferred: low };
            for digits in (0..=1100u64).map(|n| n.to_string()) {
                let expected = (low..=high).any(|value| value.to_string().starts_with(&digits));
                assert_eq!(numbers.begins(&digits), expected, "{digits} in {low}..={high}");
                if expected {
                    let whole = format!("{digits}{}", numbers.finish(&digits).unwrap());
                    assert!(numbers.value(&whole).is_some(), "{whole} in {low}..={high}");
                }
            }
        }
    }

    #[test]
    fn a_fraction_is_never_zero() {
        let fraction = Numbers::Fraction;
        assert!(fraction.begins("0") && fraction.value("0").is_none());
        assert!(!fraction.begins("00") && fraction.value("05").is_some());
        assert_eq!(fraction.finish("0").unwrap(), "1");
        assert!(fraction.value("").is_none());
    }
}
