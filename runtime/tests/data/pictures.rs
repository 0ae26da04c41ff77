//! Folders of pictures: classes from folders, one size, a cache, and errors that name the file.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma, Rgb, RgbImage};
use nasc_runtime::data::{self, DataOptions, ImageShape, read_image};
use tempfile::TempDir;

use crate::support::{assert_message, open, options, whole};

fn grey(path: &Path, size: u32, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_pixel(size, size, Luma([value])).save(path).unwrap();
}

/// Two classes in `train` and `test`, all 6 x 6 and grey.
fn divided() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..4 {
        grey(&folder.path().join(format!("train/cat/{index}.png")), 6, 10 + index);
        grey(&folder.path().join(format!("train/dog/{index}.jpg")), 6, 200);
    }
    grey(&folder.path().join("test/dog/a.png"), 6, 99);
    folder
}

#[test]
fn classes_are_folders() {
    let folder = divided();
    let data = open(folder.path()).unwrap();
    assert_eq!(data.class_names(), ["cat", "dog"]);
    assert_eq!(data.shape(), ImageShape { channels: 1, height: 6, width: 6 });
    assert_eq!(data.train().labels(), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(data.train().image(2).unwrap(), [12; 36]);
    assert_eq!((data.test().labels(), data.test().images()), (&[1][..], &[99; 36][..]));
}

#[test]
fn an_undivided_folder_of_many_sizes_is_divided_and_resized() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0_u32..10 {
        grey(&folder.path().join(format!("a/{index}.png")), 20 + index, 40);
        grey(&folder.path().join(format!("b/{index}.png")), 70, 50);
    }
    let path = folder.path().join("b/colour.png");
    RgbImage::from_fn(80, 40, |x, _| if x < 10 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 250]) })
        .save(&path)
        .unwrap();
    let data = open(folder.path()).unwrap();
    assert_eq!(data.shape(), ImageShape { channels: 3, height: 64, width: 64 });
    assert_eq!((data.train().len(), data.test().len()), (17, 4));
    // the middle of a wide picture, so nothing of its red edge
    let shape = ImageShape { channels: 3, height: 8, width: 8 };
    let image = read_image(&path, shape).unwrap();
    assert_eq!((&image[..64], &image[128..]), (&[0; 64][..], &[250; 64][..]));
}

#[test]
fn pictures_are_decoded_once() {
    let (folder, cache) = (divided(), tempfile::tempdir().unwrap());
    let path = folder.path().to_str().unwrap();
    let decoded = |options: &DataOptions| {
        let mut images = 0;
        let data = data::open(path, options, &mut |event| images = event.done.max(images)).unwrap();
        (images > 0, data)
    };
    let first = decoded(&whole(cache.path()));
    let second = decoded(&whole(cache.path()));
    assert_eq!((first.0, second.0), (true, false));
    assert_eq!(first.1, second.1);
    let small = DataOptions { image_size: Some(3), ..whole(cache.path()) };
    let third = decoded(&small);
    assert!(third.0 && third.1.shape().height == 3);
    grey(&folder.path().join("train/cat/0.png"), 6, 77);
    assert!(decoded(&whole(cache.path())).0, "a changed picture is decoded again");
}

#[test]
fn bad_pictures_and_classes_are_named() {
    let folder = divided();
    let bad = folder.path().join("train/dog/bad.png");
    fs::write(&bad, b"no picture").unwrap();
    assert_message(open(folder.path()), &["bad.png", "cannot be decoded"]);
    let mut cut = fs::read(folder.path().join("train/cat/1.png")).unwrap();
    cut.truncate(cut.len() / 2);
    fs::write(&bad, cut).unwrap();
    assert_message(open(folder.path()), &["bad.png", "cannot be decoded"]);
    fs::remove_file(&bad).unwrap();
    grey(&folder.path().join("test/bird/a.png"), 6, 1);
    assert_message(open(folder.path()), &["bird", "no class"]);
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir(empty.path().join("cat")).unwrap();
    let spec = empty.path().to_str().unwrap();
    assert_message(
        data::open(spec, &options(empty.path()), &mut |_| {}),
        &["no known data-set layout", "one folder of PNG and JPEG files for each class"],
    );
}
