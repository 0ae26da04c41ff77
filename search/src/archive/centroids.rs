//! Centroids of a centroidal Voronoi tessellation of [0, 1]^d, from a seed:
//! uniform samples, a k-means++ start (Arthur and Vassilvitskii 2007), then Lloyd's rounds.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// How centroids are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CentroidParams {
    /// Number of centroids, at least 1.
    pub count: usize,
    /// Dimensions, at least 1.
    pub dimensions: usize,
    /// Uniform samples the centroids are fitted to.
    pub samples: usize,
    /// At most this many of Lloyd's rounds; fewer if no sample changes its centroid.
    pub rounds: usize,
}

/// Points of [0, 1]^d, one for each cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Centroids {
    dimensions: usize,
    points: Vec<Vec<f64>>,
}

/// The squared Euclidean distance, summed in the order of the dimensions.
pub(super) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// The nearest of `points` by linear scan; of equally near ones the first.
fn nearest<P: AsRef<[f64]>>(points: &[P], query: &[f64]) -> (usize, f64) {
    let distances = points.iter().map(|point| squared_distance(point.as_ref(), query));
    distances.enumerate().fold((0, f64::INFINITY), |best, (index, distance)| {
        if distance < best.1 { (index, distance) } else { best }
    })
}

impl Centroids {
    /// Fits centroids to uniform samples; the same generator state gives the same centroids.
    #[must_use]
    pub fn generate(params: CentroidParams, rng: &mut ChaCha8Rng) -> Self {
        let draw =
            |rng: &mut ChaCha8Rng| (0..params.dimensions).map(|_| rng.random::<f64>()).collect();
        let samples: Vec<Vec<f64>> =
            (0..params.samples.max(params.count)).map(|_| draw(rng)).collect();
        let mut points = plus_plus_start(&samples, params.count, rng);
        let mut owners = vec![usize::MAX; samples.len()];
        for _ in 0..params.rounds {
            if !assign(&samples, &points, &mut owners) {
                break;
            }
            move_to_means(&samples, &owners, &mut points);
        }
        Self { dimensions: params.dimensions, points }
    }

    /// Takes stored points back; `None` unless there is one at least and all have one length.
    #[must_use]
    pub fn from_points(points: Vec<Vec<f64>>) -> Option<Self> {
        let dimensions = points.first()?.len();
        let sound = dimensions > 0
            && points.iter().all(|p| p.len() == dimensions && p.iter().all(|x| x.is_finite()));
        sound.then_some(Self { dimensions, points })
    }

    /// Dimensions of the descriptor space.
    #[must_use]
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The points, by cell.
    #[must_use]
    pub fn points(&self) -> &[Vec<f64>] {
        &self.points
    }

    /// The cell of the nearest centroid by linear scan; of equally near ones the lowest.
    #[must_use]
    pub fn nearest_by_scan(&self, query: &[f64]) -> usize {
        nearest(&self.points, query).0
    }
}

/// k-means++: each next point is a sample, drawn with weight proportional to its squared
/// distance from the points chosen before.
fn plus_plus_start(samples: &[Vec<f64>], count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let first = rng.random_range(0..samples.len().max(1));
    let mut points: Vec<Vec<f64>> = samples.get(first).cloned().into_iter().collect();
    let mut weights = vec![f64::INFINITY; samples.len()];
    while points.len() < count {
        let Some(last) = points.last() else { break };
        for (weight, sample) in weights.iter_mut().zip(samples) {
            *weight = weight.min(squared_distance(sample, last));
        }
        let target = rng.random::<f64>() * weights.iter().sum::<f64>();
        let mut passed = 0.0;
        let chosen = weights.iter().position(|weight| {
            passed += weight;
            passed > target
        });
        // No weight is left where all samples coincide with a point.
        let chosen = chosen.unwrap_or(samples.len() - 1);
        points.extend(samples.get(chosen).cloned());
    }
    points
}

/// Gives each sample to its nearest point; whether any changed hands.
fn assign(samples: &[Vec<f64>], points: &[Vec<f64>], owners: &mut [usize]) -> bool {
    let mut changed = false;
    for (sample, owner) in samples.iter().zip(owners) {
        let now = nearest(points, sample).0;
        changed |= now != *owner;
        *owner = now;
    }
    changed
}

/// Moves each point to the mean of its samples; a point without samples stays.
fn move_to_means(samples: &[Vec<f64>], owners: &[usize], points: &mut [Vec<f64>]) {
    let mut sums: Vec<(Vec<f64>, f64)> = points.iter().map(|p| (vec![0.0; p.len()], 0.0)).collect();
    for (sample, &owner) in samples.iter().zip(owners) {
        if let Some((sum, count)) = sums.get_mut(owner) {
            sum.iter_mut().zip(sample).for_each(|(total, x)| *total += x);
            *count += 1.0;
        }
    }
    for (point, (sum, count)) in points.iter_mut().zip(sums) {
        if count > 0.0 {
            *point = sum.into_iter().map(|total| total / count).collect();
        }
    }
}
