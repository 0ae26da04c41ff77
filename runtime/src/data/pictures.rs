//! Folders of pictures: one folder for each class, perhaps below `train`, `val` and `test`. All are
//! brought to one size once; `cache` keeps what was decoded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::arrange::{RawParts, with_test};
use super::cache;
use super::dataset::{ImageShape, Split};
use super::decode::{self, DecodeLimits};
use super::error::DataError;
use super::options::{DataOptions, ProgressSink};

/// What makes a reader recognise the layout, for messages.
pub(super) const DESCRIPTION: &str = "one folder of PNG and JPEG files for each class";

/// Names of the folders of each split.
const SPLITS: [&[&str]; 3] =
    [&["train", "training"], &["val", "valid", "validation", "dev"], &["test", "testing"]];
/// Side of the pictures if they are of several sizes and none is asked for.
const USUAL_SIDE: usize = 64;
/// Pictures of one size are kept as they are up to this side.
const LARGEST_SIDE: usize = 256;

/// The pictures of a split, by class.
type Classes = BTreeMap<String, Vec<PathBuf>>;

/// The pictures of a folder.
#[derive(Debug)]
pub(super) struct PictureFolder {
    splits: [Classes; 3],
}

/// The pictures in `folder`, if it is laid out so.
pub(super) fn find(folder: &Path) -> Option<PictureFolder> {
    let mut splits = SPLITS.map(|names| {
        let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_dir());
        found.map(|path| classes(&path)).unwrap_or_default()
    });
    if splits[0].is_empty() {
        splits = [classes(folder), Classes::new(), Classes::new()];
    }
    (splits[0].len() > 1).then_some(PictureFolder { splits })
}

/// Folders that hold pictures, with them in order of their names.
fn classes(folder: &Path) -> Classes {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let classes = folders.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        let pictures = pictures(&path);
        (!name.starts_with('.') && !pictures.is_empty()).then_some((name, pictures))
    });
    classes.collect()
}

fn pictures(folder: &Path) -> Vec<PathBuf> {
    let is_picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ["png", "jpg", "jpeg"].contains(&ending.to_ascii_lowercase().as_str()) && path.is_file()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_picture).collect();
    found.sort();
    found
}

/// Reads and resizes the pictures, or loads what was decoded before.
pub(super) fn read(
    folder: &PictureFolder,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<RawParts, DataError> {
    let sources: Vec<PathBuf> = folder.all().map(|(path, _)| path.clone()).collect();
    let classes = folder.all().map(|(_, class)| class).collect::<Vec<&str>>().join("/");
    let key = format!("{classes} {:?} {}", options.image_size, options.seed);
    let place = cache::place_of_pictures(&options.cache_dir, &sources, &key)?;
    if let Some(parts) = cache::load(&place) {
        return Ok(parts);
    }
    let parts = decode_folder(folder, options, progress)?;
    cache::store(&place, &parts);
    Ok(parts)
}

fn decode_folder(
    folder: &PictureFolder,
    options: &DataOptions,
    progress: ProgressSink<'_>,
) -> Result<RawParts, DataError> {
    let shape = folder.shape(options.image_size)?;
    let class_names: Vec<String> = folder.splits[0].keys().cloned().collect();
    let limits = DecodeLimits { threads: options.decode_threads, memory: options.memory_limit };
    let mut splits = Vec::new();
    for classes in &folder.splits {
        let mut paths = Vec::new();
        let mut labels = Vec::new();
        for (name, pictures) in classes {
            let label =
                class_names.binary_search(name).map_err(|_| unknown_class(pictures, name))?;
            labels.extend(std::iter::repeat_n(label as u32, pictures.len()));
            paths.extend(pictures.iter().cloned());
        }
        let images = decode::decode_files(&paths, shape, limits, progress)?;
        splits.push(Split::new(images, labels));
    }
    let present = |split: Option<Split>| split.filter(|split| !split.is_empty());
    let (test, validation) = (present(splits.pop()), present(splits.pop()));
    let train = splits.pop().unwrap_or_default();
    let (train, validation, test) = with_test(train, validation, test, options.seed);
    Ok(RawParts { shape, pixel_max: u8::MAX, class_names, train, validation, test })
}

fn unknown_class(pictures: &[PathBuf], name: &str) -> DataError {
    let file =
        pictures.first().and_then(|path| path.parent()).map(|path| path.display().to_string());
    let cause = format!("there is no class `{name}` among the training pictures");
    DataError::Arrays { file: file.unwrap_or_default(), cause }
}

impl PictureFolder {
    /// Every picture with its class.
    fn all(&self) -> impl Iterator<Item = (&PathBuf, &str)> {
        let classes = self.splits.iter().flatten();
        classes.flat_map(|(name, paths)| paths.iter().map(move |path| (path, name.as_str())))
    }

    /// Three channels if a picture has colour; the size that was asked for, or that of all pictures if
    /// they agree, or 64 x 64.
    fn shape(&self, size: Option<usize>) -> Result<ImageShape, DataError> {
        let mut shapes = Vec::new();
        for (path, _) in self.all() {
            shapes.push(decode::probe_file(path)?);
        }
        let channels = shapes.iter().map(|shape| shape.channels).max().unwrap_or(1);
        let first = shapes.first().copied();
        let first = first.unwrap_or(ImageShape { channels, height: USUAL_SIDE, width: USUAL_SIDE });
        let (height, width) = (first.height, first.width);
        let same = shapes.iter().all(|shape| (shape.height, shape.width) == (height, width));
        let small = height.max(width) <= LARGEST_SIDE;
        let (height, width) = match size {
            Some(side) => (side, side),
            None if same && small => (height, width),
            None => (USUAL_SIDE, USUAL_SIDE),
        };
        Ok(ImageShape { channels, height, width })
    }
}
