//! The Voronoi cells of points in the unit square, each as a polygon, for maps of archives with two axes.

use nasc_search::archive::Centroids;

/// A place in the unit square.
pub type Place = [f64; 2];

/// The cell of each centroid, clipped to the unit square; empty unless there are two axes.
///
/// Each polygon begins as the square and loses what lies nearer to another centroid. The nearest ones
/// come first, so that most cuts are made early and the far ones only look.
#[must_use]
pub fn cells(centroids: &Centroids) -> Vec<Vec<Place>> {
    if centroids.dimensions() != 2 {
        return Vec::new();
    }
    let points: Vec<Place> = centroids.points().iter().filter_map(|point| place(point)).collect();
    points.iter().map(|&centre| cell(centre, &points)).collect()
}

fn place(point: &[f64]) -> Option<Place> {
    match point {
        [x, y] => Some([*x, *y]),
        _ => None,
    }
}

fn cell(centre: Place, points: &[Place]) -> Vec<Place> {
    let mut polygon = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]];
    let mut others: Vec<(f64, Place)> = points
        .iter()
        .filter(|&&other| other != centre)
        .map(|&other| (squared_distance(centre, other), other))
        .collect();
    others.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (distance, other) in others {
        let reach = polygon.iter().map(|&corner| squared_distance(centre, corner));
        // no corner is nearer to a centroid more than twice as far away as itself
        if distance > 4.0 * reach.fold(0.0, f64::max) {
            break;
        }
        polygon = nearer(&polygon, centre, other);
    }
    polygon
}

fn squared_distance(a: Place, b: Place) -> f64 {
    let [dx, dy] = [a[0] - b[0], a[1] - b[1]];
    dx * dx + dy * dy
}

/// The part of a polygon that is nearer to `centre` than to `other`.
fn nearer(polygon: &[Place], centre: Place, other: Place) -> Vec<Place> {
    let side = |at: Place| squared_distance(at, other) - squared_distance(at, centre);
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    let ends = polygon.iter().skip(1).chain(polygon.first());
    for (&from, &to) in polygon.iter().zip(ends) {
        let (begin, end) = (side(from), side(to));
        if begin >= 0.0 {
            kept.push(from);
        }
        if (begin >= 0.0) != (end >= 0.0) {
            let share = begin / (begin - end);
            kept.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::cells;
    use nasc_search::archive::Centroids;

    fn area(polygon: &[[f64; 2]]) -> f64 {
        let next = polygon.iter().cycle().skip(1);
        polygon.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() / 2.0
    }

    #[test]
    fn cells_fill_the_square_and_hold_what_is_nearest() {
        let points: Vec<Vec<f64>> = (0..40_u32)
            .map(|i| vec![f64::from(i * 37 % 101) / 101.0, f64::from(i * 59 % 97) / 97.0])
            .collect();
        let centroids = Centroids::from_points(points).unwrap();
        let cells = cells(&centroids);
        let total: f64 = cells.iter().map(|cell| area(cell)).sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        for (number, cell) in cells.iter().enumerate() {
            let count = cell.len() as f64;
            let middle = cell.iter().fold([0.0, 0.0], |sum, corner| {
                [sum[0] + corner[0] / count, sum[1] + corner[1] / count]
            });
            assert_eq!(centroids.nearest_by_scan(&middle), number);
        }
    }

    #[test]
    fn one_centroid_has_the_whole_square() {
        let centroids = Centroids::from_points(vec![vec![0.2, 0.9]]).unwrap();
        assert_eq!(cells(&centroids), [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]);
        let line = Centroids::from_points(vec![vec![0.5]]).unwrap();
        assert!(cells(&line).is_empty());
    }
}
