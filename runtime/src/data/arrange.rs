//! From what a layout holds to the three splits of a `Dataset`: validation, then limits.

use super::dataset::{Dataset, DatasetParts, ImageShape, Split, SplitKind};
use super::error::DataError;
use super::options::{DataOptions, SplitLimits, ValidationSource};
use super::stratify::{self, Purpose};

/// What a reader found. `Some` validation only if the layout has one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawParts {
    pub(super) shape: ImageShape,
    pub(super) pixel_max: u8,
    pub(super) class_names: Vec<String>,
    pub(super) train: Split,
    pub(super) validation: Option<Split>,
    pub(super) test: Split,
}

/// Share of the images that becomes test where a data set is not divided.
const TEST_SHARE: f64 = 0.2;

/// The splits with a test split: of its own, else its validation, else a stratified fifth of train.
pub(super) fn with_test(
    train: Split,
    validation: Option<Split>,
    test: Option<Split>,
    seed: u64,
) -> (Split, Option<Split>, Split) {
    match (test, validation) {
        (Some(test), validation) => (train, validation, test),
        (None, Some(validation)) => (train, None, validation),
        (None, None) => {
            let count = (train.len() as f64 * TEST_SHARE).round() as usize;
            let chosen = stratify::choose(train.labels(), count, seed, Purpose::CarveTest);
            (train.filter(&chosen, false), None, train.filter(&chosen, true))
        }
    }
}

/// The checked data set that the options ask for.
pub(super) fn arrange(
    name: &str,
    raw: RawParts,
    options: &DataOptions,
) -> Result<Dataset, DataError> {
    let RawParts { shape, pixel_max, class_names, .. } = raw;
    let (train, validation, test) =
        separate(raw.train, raw.validation, raw.test, options.validation, options.seed)?;
    let SplitLimits { train: most_train, validation: most_validation, test: most_test } =
        options.limits;
    let seed = options.seed;
    Dataset::new(DatasetParts {
        name: name.to_owned(),
        shape,
        pixel_max,
        class_names,
        train: limit(train, most_train, seed, Purpose::LimitTrain),
        validation: limit(validation, most_validation, seed, Purpose::LimitValidation),
        test: limit(test, most_test, seed, Purpose::LimitTest),
    })
}

/// Train, validation and test. Empty splits are found by `Dataset::new`.
fn separate(
    mut train: Split,
    validation: Option<Split>,
    test: Split,
    source: ValidationSource,
    seed: u64,
) -> Result<(Split, Split, Split), DataError> {
    match (source, validation) {
        (ValidationSource::TestSplit, own) => {
            train.append(own.unwrap_or_default());
            Ok((train, test.clone(), test))
        }
        (ValidationSource::Carve { .. }, Some(own)) => Ok((train, own, test)),
        (ValidationSource::Carve { fraction }, None) => {
            let (train, validation) = carve(train, fraction, seed)?;
            Ok((train, validation, test))
        }
    }
}

fn carve(train: Split, fraction: f64, seed: u64) -> Result<(Split, Split), DataError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(DataError::Fraction { fraction });
    }
    let count = (train.len() as f64 * fraction).round() as usize;
    if count == 0 {
        return Err(DataError::EmptySplit { split: SplitKind::Validation });
    }
    let chosen = stratify::choose(train.labels(), count, seed, Purpose::CarveValidation);
    Ok((train.filter(&chosen, false), train.filter(&chosen, true)))
}

fn limit(split: Split, most: Option<usize>, seed: u64, purpose: Purpose) -> Split {
    match most {
        Some(most) if most < split.len() => {
            split.filter(&stratify::choose(split.labels(), most, seed, purpose), true)
        }
        Some(_) | None => split,
    }
}
