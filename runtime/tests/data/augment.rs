//! Augmentation: repeatable, independent of batches, and of the kind that was asked for.

use nasc_runtime::data::{self, Augmentation, Augmenter, Normalization};

const ALL: Augmentation = Augmentation { flip: true, crop: 2, cut_out: 3 };

/// The first `count` digits as a network would get them, varied in batches of `batch`.
fn varied(how: Augmentation, seed: u64, epoch: usize, batch: usize) -> Vec<f32> {
    let digits = data::digits().unwrap();
    let pixels = digits.pixel_scaling(Normalization::Symmetric);
    let mut augmenter = Augmenter::new(how, &pixels, seed);
    let mut images = vec![0.0; 60 * 64];
    for (index, out) in images.chunks_mut(64).enumerate() {
        pixels.write_image(digits.train().image(index).unwrap(), out);
    }
    for (index, images) in images.chunks_mut(batch * 64).enumerate() {
        augmenter.vary(images, epoch, index * batch);
    }
    images
}

#[test]
fn it_depends_on_seed_and_epoch_alone() {
    let whole = varied(ALL, 3, 1, 60);
    assert_eq!(varied(ALL, 3, 1, 7), whole);
    assert_ne!(varied(ALL, 3, 2, 60), whole);
    assert_ne!(varied(ALL, 4, 1, 60), whole);
}

#[test]
fn images_are_mirrored_or_left() {
    let plain = varied(Augmentation::NONE, 1, 0, 60);
    let flipped = varied(Augmentation { flip: true, ..Augmentation::NONE }, 1, 0, 60);
    let mut mirrored = 0;
    for (before, after) in plain.chunks(64).zip(flipped.chunks(64)) {
        let mirror: Vec<f32> = before.chunks(8).flat_map(|row| row.iter().rev().copied()).collect();
        assert!(after == before || after == mirror);
        mirrored += usize::from(after == mirror);
    }
    assert!((15..45).contains(&mirrored), "{mirrored} of 60");
}

#[test]
fn images_are_shifted_and_black_comes_in() {
    let plain = varied(Augmentation::NONE, 1, 0, 60);
    let shifted = varied(Augmentation { crop: 2, ..Augmentation::NONE }, 1, 0, 60);
    let mut moves = std::collections::BTreeSet::new();
    for (before, after) in plain.chunks(64).zip(shifted.chunks(64)) {
        let at = |row: i32, column: i32| {
            let inside = (0..8).contains(&row) && (0..8).contains(&column);
            if inside { before[(row * 8 + column) as usize] } else { -1.0 }
        };
        let all = (-2..=2).flat_map(|down| (-2..=2).map(move |right| (down, right)));
        let fits = |&(down, right): &(i32, i32)| {
            (0..64).all(|index| after[index as usize] == at(index / 8 - down, index % 8 - right))
        };
        moves.insert(all.clone().find(fits).expect("a shift by at most 2"));
    }
    assert!(moves.len() > 12, "{moves:?}");
}

#[test]
fn a_square_is_cut_out_of_every_image() {
    let plain = varied(Augmentation::NONE, 1, 0, 60);
    let cut = varied(Augmentation { cut_out: 4, ..Augmentation::NONE }, 1, 0, 60);
    for (before, after) in plain.chunks(64).zip(cut.chunks(64)) {
        // zeros that digits on this scale (odd multiples of 1/16 apart from 0) may have themselves
        let new = before.iter().zip(after).filter(|(before, after)| before != after);
        assert!(new.clone().all(|(_, &after)| after == 0.0));
        assert!((1..=16).contains(&new.count()));
    }
}
