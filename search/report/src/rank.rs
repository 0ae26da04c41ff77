//! Rank correlations: whether one figure orders things as another does.

use std::cmp::Ordering;

/// Spearman's rho and Kendall's tau-b of paired figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Spearman's rho: the linear correlation of ranks, ties sharing their mean rank.
    pub spearman: f64,
    /// Kendall's tau-b: pairs in the same order less those in the other, corrected for ties.
    pub kendall: f64,
}

/// The correlations of pairs; `None` for fewer than three, or if one of the figures is the same for all.
#[must_use]
pub fn correlation(pairs: &[(f64, f64)]) -> Option<Correlation> {
    if pairs.len() < 3 {
        return None;
    }
    let [first, second] = [|pair: &(f64, f64)| pair.0, |pair: &(f64, f64)| pair.1]
        .map(|figure| ranks(&pairs.iter().map(figure).collect::<Vec<f64>>()));
    Some(Correlation { spearman: linear(&first, &second)?, kendall: kendall(pairs)? })
}

/// Ranks from 1; equal figures share the mean of theirs.
fn ranks(figures: &[f64]) -> Vec<f64> {
    let rank = |figure: &f64| {
        let below = figures.iter().filter(|other| other.total_cmp(figure).is_lt()).count();
        let equal = figures.iter().filter(|other| other.total_cmp(figure).is_eq()).count();
        below as f64 + (equal as f64 + 1.0) / 2.0
    };
    figures.iter().map(rank).collect()
}

fn linear(first: &[f64], second: &[f64]) -> Option<f64> {
    let mean = |figures: &[f64]| figures.iter().sum::<f64>() / figures.len() as f64;
    let (a, b) = (mean(first), mean(second));
    let products = first.iter().zip(second).map(|(x, y)| (x - a) * (y - b)).sum::<f64>();
    let squares = |figures: &[f64], mean: f64| {
        figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum::<f64>()
    };
    let scale = (squares(first, a) * squares(second, b)).sqrt();
    (scale > 0.0).then_some(products / scale)
}

fn kendall(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mut agreeing, mut opposed, mut first_differs, mut second_differs) = (0.0, 0.0, 0.0, 0.0);
    for (place, one) in pairs.iter().enumerate() {
        for other in pairs.iter().skip(place + 1) {
            let (first, second) = (one.0.total_cmp(&other.0), one.1.total_cmp(&other.1));
            first_differs += f64::from(u8::from(first != Ordering::Equal));
            second_differs += f64::from(u8::from(second != Ordering::Equal));
            match (first, second) {
                (Ordering::Equal, _) | (_, Ordering::Equal) => {}
                (first, second) if first == second => agreeing += 1.0,
                _ => opposed += 1.0,
            }
        }
    }
    let scale = f64::sqrt(first_differs * second_differs);
    (scale > 0.0).then_some((agreeing - opposed) / scale)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::correlation;

    #[test]
    fn orders_agree_oppose_or_say_nothing() {
        let same: Vec<(f64, f64)> = (0..6_u8).map(|x| (f64::from(x), f64::from(x * x))).collect();
        let found = correlation(&same).unwrap();
        assert!((found.spearman - 1.0).abs() < 1e-12 && (found.kendall - 1.0).abs() < 1e-12);
        let opposed: Vec<(f64, f64)> = same.iter().map(|&(x, y)| (x, -y)).collect();
        assert!((correlation(&opposed).unwrap().kendall + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[(1.0, 2.0), (1.0, 3.0), (1.0, 4.0)]), None);
        assert_eq!(correlation(&[(1.0, 2.0)]), None);
    }

    /// Worked out by hand: of six pairs four agree, one opposes, one is tied in the second figure.
    #[test]
    fn ties_share_ranks() {
        let found = correlation(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 3.0)]).unwrap();
        assert!((found.kendall - 3.0 / (6.0_f64 * 5.0).sqrt()).abs() < 1e-12, "{found:?}");
        assert!((found.spearman - 3.0 / (5.0_f64 * 4.5).sqrt()).abs() < 1e-12, "{found:?}");
    }
}
