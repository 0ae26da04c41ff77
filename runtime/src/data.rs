//! Image-classification data sets: reading, splitting, normalising and batching.
//!
//! Pixels stay unsigned bytes until a batch is written, so that a data set costs one byte a pixel.
//! Not here: anything that knows a tensor library.

mod archive;
mod arrange;
mod augment;
mod batch;
mod cache;
mod cifar;
mod dataset;
mod decode;
mod digits;
mod download;
mod error;
mod files;
mod guard;
mod hash;
mod idx;
mod normalize;
mod numpy;
mod open;
mod options;
mod parquet;
mod pickle;
mod picture;
mod pictures;
mod stratify;
mod task;

pub use augment::{Augmentation, Augmenter};
pub use batch::{Batches, LastBatch};
pub use dataset::{Dataset, DatasetParts, ImageShape, Split, SplitKind};
pub use digits::digits;
pub use error::DataError;
pub use normalize::{ChannelStatistics, Normalization, PixelScaling};
pub use open::{NAMES, open};
pub use options::{
    DataOptions, DataProgress, DataStage, RemoteArchive, SplitLimits, ValidationSource,
};
pub use pickle::PickleError;
pub use picture::read_image;
pub use task::ImageTask;
