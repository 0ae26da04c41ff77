//! Properties of the archives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use crate::archive::*;
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

fn unit_axes(dimensions: usize) -> Vec<Axis> {
    let axis = |i| Axis::new(format!("axis {i}"), 0.0, 1.0, Scale::Linear).unwrap();
    (0..dimensions).map(axis).collect()
}

fn centroids(dimensions: usize, seed: u64) -> Centroids {
    let params = CentroidParams { count: 40, dimensions, samples: 400, rounds: 20 };
    Centroids::generate(params, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn elite(solution: u32, value: f64, measures: &[f64]) -> Elite<u32> {
    Elite {
        solution,
        objective: Objective::new(value, 0.0).unwrap(),
        measures: Measures::new(measures.to_vec()).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_cell_is_the_nearest_centroid_by_scan(
        dimensions in 1usize..=8,
        seed in 0u64..4,
        point in prop::collection::vec(0.0f64..=1.0, 8),
    ) {
        let centroids = centroids(dimensions, seed);
        let point = &point[..dimensions];
        let nearest = centroids.nearest_by_scan(point);
        let archive: CvtArchive<u32> = CvtArchive::new(unit_axes(dimensions), centroids).unwrap();
        prop_assert_eq!(archive.cell_of(&Measures::new(point.to_vec()).unwrap()), nearest);
    }

    #[test]
    fn an_elite_never_gets_worse_and_only_a_strictly_fitter_one_takes_its_cell(
        offers in prop::collection::vec((0u32..6, 0.0f64..=1.0, 0.0f64..=1.0), 1..200),
    ) {
        let mut archive = CvtArchive::new(unit_axes(2), centroids(2, 1)).unwrap();
        for (index, &(value, x, y)) in offers.iter().enumerate() {
            let value = f64::from(value);
            let newcomer = elite(index as u32, value, &[x, y]);
            let cell = archive.cell_of(&newcomer.measures);
            let before = archive.elite(cell).cloned();
            let added = archive.add(newcomer);
            prop_assert_eq!(added.cell, cell);
            let now = archive.elite(cell).unwrap();
            match before {
                None => prop_assert_eq!(added.status, AddStatus::New),
                Some(before) if value > before.objective.value() => {
                    prop_assert_eq!(added.status, AddStatus::ImproveExisting);
                    prop_assert_eq!(now.solution, index as u32);
                }
                Some(before) => {
                    prop_assert_eq!(added.status, AddStatus::NotAdded);
                    prop_assert_eq!(now, &before);
                }
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_centroids_and_they_settle() {
    assert_eq!(centroids(2, 3), centroids(2, 3));
    assert_ne!(centroids(2, 3), centroids(2, 4));
    assert!(centroids(3, 1).points().iter().flatten().all(|x| (0.0..=1.0).contains(x)));
}

#[test]
fn lloyds_rounds_spread_the_centroids_evenly() {
    // Of 4 cells on a line the centroids settle near 1/8, 3/8, 5/8 and 7/8.
    let params = CentroidParams { count: 4, dimensions: 1, samples: 4000, rounds: 200 };
    let found = Centroids::generate(params, &mut ChaCha8Rng::seed_from_u64(1));
    let mut points: Vec<f64> = found.points().iter().map(|point| point[0]).collect();
    points.sort_by(f64::total_cmp);
    for (point, expected) in points.iter().zip([0.125, 0.375, 0.625, 0.875]) {
        assert!((point - expected).abs() < 0.03, "{points:?}");
    }
}

#[test]
fn equally_near_centroids_are_told_apart_by_index() {
    let points = vec![vec![0.75, 0.5], vec![0.25, 0.5], vec![0.5, 0.25], vec![0.5, 0.75]];
    let archive: CvtArchive<u32> =
        CvtArchive::new(unit_axes(2), Centroids::from_points(points).unwrap()).unwrap();
    assert_eq!(archive.cell_of(&Measures::new(vec![0.5, 0.5]).unwrap()), 0);
    assert_eq!(archive.cell_of(&Measures::new(vec![0.25, 0.25]).unwrap()), 1);
}

#[test]
fn the_share_of_clipped_offers_is_counted() {
    let mut archive = CvtArchive::new(unit_axes(2), centroids(2, 1)).unwrap();
    assert_eq!(archive.clipped_share(), 0.0);
    archive.add(elite(0, 0.0, &[0.5, 1.0]));
    archive.add(elite(1, 0.0, &[-3.0, 7.0]));
    archive.add(elite(2, 0.0, &[0.5, 1.5]));
    archive.add(elite(3, 0.0, &[0.0, 0.5]));
    assert_eq!(archive.clipped_share(), 0.5);
}

#[test]
fn stats_are_those_of_the_elites() {
    let mut archive = CvtArchive::new(unit_axes(1), centroids(1, 1)).unwrap();
    assert_eq!(archive.stats().obj_max, None);
    archive.add(elite(0, 0.5, &[0.0]));
    archive.add(elite(1, 0.25, &[1.0]));
    archive.add(elite(2, 0.125, &[1.0]));
    let stats = archive.stats();
    assert_eq!((stats.num_elites, stats.coverage, stats.qd_score), (2, 0.05, 0.75));
    assert_eq!((stats.obj_max, stats.obj_mean), (Some(0.5), Some(0.375)));
    assert_eq!(stats.norm_qd_score, 0.75 / 40.0);
}

#[test]
fn neighbours_are_the_nearest_elites() {
    let mut archive = CvtArchive::new(unit_axes(1), centroids(1, 1)).unwrap();
    let cells: Vec<usize> =
        [0.1, 0.5, 0.6, 0.95].iter().map(|&x| archive.add(elite(0, 0.0, &[x])).cell).collect();
    assert_eq!(archive.neighbours(cells[1], 2), [cells[2], cells[0]]);
    assert_eq!(archive.neighbours(cells[3], 9), [cells[2], cells[1], cells[0]]);
}
