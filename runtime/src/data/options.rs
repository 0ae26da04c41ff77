//! What a caller decides about opening a data set, and what it is told while it waits.

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where the validation split comes from if the data set has none of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValidationSource {
    /// A stratified, seeded part of the train split, rounded to whole images; test stays untouched.
    Carve {
        /// Share of the train images, between 0 and 1.
        fraction: f64,
    },
    /// Validation is a copy of test and train is everything else, so that the figures chosen by are
    /// also the figures reported, as in the LLMatic paper. Scores are then optimistic.
    TestSplit,
}

/// Upper limits on the number of images of each split; `None` keeps all. The choice is stratified
/// and seeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitLimits {
    /// Images to train on.
    pub train: Option<usize>,
    /// Images to validate on.
    pub validation: Option<usize>,
    /// Images to test on.
    pub test: Option<usize>,
}

impl SplitLimits {
    /// Every image.
    pub fn unlimited() -> Self {
        SplitLimits { train: None, validation: None, test: None }
    }
}

/// An archive on a server, and the hash its publisher states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteArchive {
    /// Address, http or https.
    pub url: String,
    /// Name in the cache directory.
    pub file_name: String,
    /// Published MD5, 32 hexadecimal digits. It guards against damage, not against malice.
    pub md5: String,
}

impl RemoteArchive {
    /// The binary version of CIFAR-10, address and hash from its page,
    /// <https://www.cs.toronto.edu/~kriz/cifar.html>.
    pub fn cifar10() -> Self {
        RemoteArchive {
            url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz".to_owned(),
            file_name: "cifar-10-binary.tar.gz".to_owned(),
            md5: "c32a1d4ab5d03f1284b67883e8d87530".to_owned(),
        }
    }

    /// The binary version of CIFAR-100, from the same page.
    pub fn cifar100() -> Self {
        RemoteArchive {
            url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz".to_owned(),
            file_name: "cifar-100-binary.tar.gz".to_owned(),
            md5: "03b5dce01913d631647c71ecec9e9cb8".to_owned(),
        }
    }
}

/// How to open a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct DataOptions {
    /// Folder for downloads and decoded images; made when needed.
    pub cache_dir: PathBuf,
    /// Where `cifar10` is fetched from.
    pub cifar10: RemoteArchive,
    /// Where `cifar100` is fetched from.
    pub cifar100: RemoteArchive,
    /// Where the validation split comes from.
    pub validation: ValidationSource,
    /// Upper limits on the splits, applied after validation is separated.
    pub limits: SplitLimits,
    /// Seed of carving and limiting.
    pub seed: u64,
    /// Threads that decode PNG and JPEG.
    pub decode_threads: NonZeroUsize,
    /// Side that pictures in folders are brought to; `None` keeps them if they are small and of one
    /// size, and else takes 64.
    pub image_size: Option<usize>,
    /// Most bytes that the files of a data set may take in memory, encoded or decoded.
    pub memory_limit: u64,
}

impl DataOptions {
    /// All images, a tenth of train carved for validation, seed 0, at most 16 GiB.
    pub fn standard(cache_dir: PathBuf, decode_threads: NonZeroUsize) -> Self {
        DataOptions {
            cache_dir,
            cifar10: RemoteArchive::cifar10(),
            cifar100: RemoteArchive::cifar100(),
            validation: ValidationSource::Carve { fraction: 0.1 },
            limits: SplitLimits::unlimited(),
            seed: 0,
            decode_threads,
            image_size: None,
            memory_limit: 16 << 30,
        }
    }

    /// As [`DataOptions::standard`], but with the test split for validation, as the paper does.
    pub fn paper(cache_dir: PathBuf, decode_threads: NonZeroUsize) -> Self {
        let validation = ValidationSource::TestSplit;
        DataOptions { validation, ..DataOptions::standard(cache_dir, decode_threads) }
    }
}

/// What is being waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataStage {
    /// Fetching an archive; counted in bytes.
    Download,
    /// Unpacking an archive; counted in bytes of the archive.
    Unpack,
    /// Decoding images; counted in images.
    Decode,
}

/// One step of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataProgress {
    /// What is being waited for.
    pub stage: DataStage,
    /// Units done.
    pub done: u64,
    /// Units in all, if known.
    pub total: Option<u64>,
}

/// Receives progress.
pub(super) type ProgressSink<'a> = &'a mut dyn FnMut(DataProgress);
