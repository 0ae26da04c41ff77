//! Exact nearest-centroid queries: a k-d tree for up to six dimensions, a scan above.
//! A tree needs its dimensions at compile time, so there is one variant for each.

use super::centroids::{Centroids, squared_distance};
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use std::num::NonZero;

/// How many of the tree's answers are compared again, so that equally near centroids are told
/// apart by index and not by the layout of the tree.
const CONTENDERS: NonZero<usize> = NonZero::new(8).unwrap();

/// Finds the cell of a point.
///
/// The k-d tree is for at most six axes: at a hundred centroids it visits most of its leaves in
/// more dimensions than that, and the scan is as fast.
#[derive(Debug)]
pub(super) enum NearestCentroid {
    D1(ImmutableKdTree<f64, 1>),
    D2(ImmutableKdTree<f64, 2>),
    D3(ImmutableKdTree<f64, 3>),
    D4(ImmutableKdTree<f64, 4>),
    D5(ImmutableKdTree<f64, 5>),
    D6(ImmutableKdTree<f64, 6>),
    Scan,
}

fn tree<const K: usize>(centroids: &Centroids) -> Option<ImmutableKdTree<f64, K>> {
    let points: Option<Vec<[f64; K]>> =
        centroids.points().iter().map(|point| point.as_slice().try_into().ok()).collect();
    ImmutableKdTree::new_from_slice(&points?).ok()
}

fn contenders<const K: usize>(tree: &ImmutableKdTree<f64, K>, query: &[f64]) -> Vec<usize> {
    let Ok(query) = <&[f64; K]>::try_from(query) else { return Vec::new() };
    let found = tree.query(query).nearest_n::<SquaredEuclidean<f64>>(CONTENDERS).execute();
    found.iter().map(|hit| hit.item as usize).collect()
}

impl NearestCentroid {
    pub(super) fn new(centroids: &Centroids) -> Self {
        let built = match centroids.dimensions() {
            1 => tree(centroids).map(Self::D1),
            2 => tree(centroids).map(Self::D2),
            3 => tree(centroids).map(Self::D3),
            4 => tree(centroids).map(Self::D4),
            5 => tree(centroids).map(Self::D5),
            6 => tree(centroids).map(Self::D6),
            _ => None,
        };
        built.unwrap_or(Self::Scan)
    }

    /// The cell of the nearest centroid; of equally near ones the lowest.
    pub(super) fn cell(&self, centroids: &Centroids, query: &[f64]) -> usize {
        let contenders = match self {
            Self::D1(tree) => contenders(tree, query),
            Self::D2(tree) => contenders(tree, query),
            Self::D3(tree) => contenders(tree, query),
            Self::D4(tree) => contenders(tree, query),
            Self::D5(tree) => contenders(tree, query),
            Self::D6(tree) => contenders(tree, query),
            Self::Scan => Vec::new(),
        };
        let distance = |cell: &usize| {
            let point = centroids.points().get(*cell);
            point.map_or(f64::INFINITY, |point| squared_distance(point, query))
        };
        let best = contenders
            .into_iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)).then_with(|| a.cmp(b)));
        best.unwrap_or_else(|| centroids.nearest_by_scan(query))
    }
}
