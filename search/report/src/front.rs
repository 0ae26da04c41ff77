//! The Pareto front: candidates that no other beats in fitness and in all of some costs.

use nasc_search::measures::Descriptor;
use nasc_search::store::OverviewRow;

/// The front over fitness, which is maximised, and costs, which are minimised; the fittest first. Of
/// candidates that are equal in everything the earliest is taken; one without a figure is left out.
#[must_use]
pub fn front<'a>(rows: &'a [OverviewRow], costs: &[Descriptor]) -> Vec<&'a OverviewRow> {
    let mut known: Vec<(&OverviewRow, f64, Vec<f64>)> =
        rows.iter().filter_map(|row| figures(row, costs)).collect();
    known.sort_by(|one, other| {
        let by_costs = one.2.iter().zip(&other.2).map(|(a, b)| a.total_cmp(b));
        let by_costs = by_costs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then);
        other.1.total_cmp(&one.1).then(by_costs).then(one.0.candidate.cmp(&other.0.candidate))
    });
    let mut front: Vec<(&OverviewRow, Vec<f64>)> = Vec::new();
    for (row, _, costs) in known {
        // all before it are at least as fit
        let is_beaten = |other: &(&OverviewRow, Vec<f64>)| {
            other.1.iter().zip(&costs).all(|(theirs, own)| theirs <= own)
        };
        if !front.iter().any(is_beaten) {
            front.push((row, costs));
        }
    }
    front.into_iter().map(|(row, _)| row).collect()
}

fn figures<'a>(
    row: &'a OverviewRow,
    costs: &[Descriptor],
) -> Option<(&'a OverviewRow, f64, Vec<f64>)> {
    let known = row.cost.as_ref()?;
    let costs: Vec<f64> = costs.iter().map(|cost| cost.value(known)).collect();
    costs.iter().all(|cost| cost.is_finite()).then_some((row, row.fitness?, costs))
}

#[cfg(test)]
mod tests {
    use super::front;
    use nasc_search::measures::{CostFigures, Descriptor};
    use nasc_search::state::CandidateId;
    use nasc_search::store::OverviewRow;

    fn row(candidate: u64, fitness: Option<f64>, params: u64, macs: u64) -> OverviewRow {
        OverviewRow {
            candidate: CandidateId(candidate),
            generation: 0,
            operator: "mutation".to_owned(),
            parents: Vec::new(),
            instruction: None,
            temperature: 0.0,
            verdict: None,
            cost: Some(CostFigures {
                params,
                macs,
                depth: 1,
                width: 1,
                width_to_depth: 1.0,
                peak_activation_bytes: 1,
                latency_seconds: None,
            }),
            fitness,
            loss: None,
            cell: None,
            add_status: None,
            test_accuracy: None,
            fingerprint: None,
            repeats: None,
            llm_seconds: None,
            train_seconds: None,
        }
    }

    #[test]
    fn the_front_holds_what_nothing_beats() {
        let rows = [
            row(0, Some(0.9), 100, 10),
            row(1, Some(0.9), 100, 10),
            row(2, Some(0.8), 50, 20),
            row(3, Some(0.7), 60, 5),
            row(4, Some(0.95), 900, 900),
            row(5, None, 1, 1),
        ];
        let numbers = |costs: &[Descriptor]| {
            front(&rows, costs).iter().map(|row| row.candidate.0).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&[Descriptor::Params]), [4, 0, 2]);
        assert_eq!(numbers(&[Descriptor::Params, Descriptor::Macs]), [4, 0, 2, 3]);
        assert_eq!(numbers(&[Descriptor::Depth]), [4]);
        assert!(numbers(&[Descriptor::Latency]).is_empty());
    }
}
