//! Everything that can go wrong between a data-set name and a batch, each with what to do about it.

use std::io;
use std::path::PathBuf;

use super::dataset::{ImageShape, SplitKind};
use super::pickle::PickleError;

/// Why a data set could not be opened, checked or batched. Each message ends with a remedy.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Neither a known data-set name nor an existing path.
    #[error(
        "no data at `{spec}`: give an existing folder or .tar.gz archive, or one of the names {names}"
    )]
    NotFound {
        /// What was asked for.
        spec: String,
        /// The names that are always understood.
        names: String,
    },
    /// The path exists, but nothing in it is a known layout.
    #[error(
        "`{}` holds no known data-set layout; looked for {looked_for}: point to the folder or archive that holds one of these", path.display()
    )]
    NotRecognized {
        /// The path that was searched.
        path: PathBuf,
        /// The files that would have been recognised.
        looked_for: String,
    },
    /// Part of a layout is present, a file of it is not.
    #[error(
        "`{file}` is missing beside the other files of {layout}: restore it, or unpack the archive again"
    )]
    MissingFile {
        /// The absent file.
        file: String,
        /// The layout that needs it.
        layout: &'static str,
    },
    /// The operating system refused to read or write.
    #[error(
        "cannot {action} `{file}`: {source}; check the path, its permissions and the free space"
    )]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or folder.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// A compressed archive that does not unpack to its end.
    #[error(
        "`{file}` cannot be unpacked: {source}; it is truncated or damaged, delete it and fetch it again"
    )]
    Archive {
        /// The archive.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// A file has fewer or more bytes than its layout or its siblings say.
    #[error(
        "`{file}` has {found} bytes, expected {expected}: the file is truncated or damaged, fetch it again"
    )]
    Length {
        /// The file.
        file: String,
        /// Bytes that should be there, in words where several lengths are right.
        expected: String,
        /// Bytes that are there.
        found: u64,
    },
    /// The first bytes are not those of the format.
    #[error("`{file}` does not start like {expected}: it is another format, or damaged")]
    Magic {
        /// The file.
        file: String,
        /// The format that was expected.
        expected: &'static str,
    },
    /// A label has no class.
    #[error(
        "`{file}`, image {index}: label {label} is outside 0..{classes}: correct the labels or the list of classes"
    )]
    LabelOutOfRange {
        /// The file, or the split's name.
        file: String,
        /// Which image, counted from 0.
        index: usize,
        /// Its label.
        label: i64,
        /// Number of classes.
        classes: usize,
    },
    /// An image differs in size or channels from the first.
    #[error(
        "`{file}`, image {index} is {found}, but the images before it are {expected}: make all images the same size"
    )]
    ImageShape {
        /// The file.
        file: String,
        /// Which image, counted from 0.
        index: usize,
        /// Shape of the first image.
        expected: ImageShape,
        /// Shape of this image.
        found: ImageShape,
    },
    /// Weights of one task and data of another.
    #[error(
        "the data set {name} has {found}, but the weights are for {expected}: give the data that they were trained on"
    )]
    OtherTask {
        /// The data set.
        name: String,
        /// What it has.
        found: String,
        /// What the weights are for.
        expected: String,
    },
    /// A split has no image.
    #[error(
        "the {split} split is empty: give more images, or another validation fraction or limit"
    )]
    EmptySplit {
        /// The split.
        split: SplitKind,
    },
    /// Pixels and labels of a split do not belong together.
    #[error(
        "the {split} split has {found} pixel bytes for {labels} labels, expected {expected}: images and labels must match one to one"
    )]
    PixelCount {
        /// The split.
        split: SplitKind,
        /// Number of labels.
        labels: usize,
        /// Labels times bytes per image.
        expected: usize,
        /// Bytes present.
        found: usize,
    },
    /// A pixel is brighter than the data set's white.
    #[error(
        "the {split} split has a pixel of {pixel}, above the maximum {pixel_max}: the data are damaged or of another scale"
    )]
    PixelRange {
        /// The split.
        split: SplitKind,
        /// The pixel's value.
        pixel: u8,
        /// Largest value allowed.
        pixel_max: u8,
    },
    /// A channel count, height, width, class count or white value of 0 or beyond reason.
    #[error(
        "a data set of {shape} images, {classes} classes and white {pixel_max} is not usable: every size must be at least 1"
    )]
    Sizes {
        /// Shape of an image.
        shape: ImageShape,
        /// Number of classes.
        classes: usize,
        /// Value of white.
        pixel_max: u8,
    },
    /// The file's hash is not the published one.
    #[error(
        "checksum of `{file}` is {found}, expected {expected}: the file is damaged or not the official one, fetch it again"
    )]
    Checksum {
        /// The file or address.
        file: String,
        /// Published hash, hexadecimal.
        expected: String,
        /// Hash of what arrived, hexadecimal.
        found: String,
    },
    /// The server could not be reached, refused, or went away.
    #[error(
        "download of {url} failed: {cause}; check the connection, or fetch it by other means and place it at `{}`", place.display()
    )]
    Network {
        /// The address.
        url: String,
        /// What the network said.
        cause: String,
        /// Where a copy fetched by hand belongs.
        place: PathBuf,
    },
    /// A pickle that is damaged or asks for more than data.
    #[error("`{file}`: {source}")]
    Pickle {
        /// The file.
        file: String,
        /// What was found in it.
        source: PickleError,
    },
    /// The Parquet library cannot read the file.
    #[error("`{file}` is not readable as Parquet: {source}; fetch the file again")]
    Parquet {
        /// The file.
        file: String,
        /// The cause.
        source: ::parquet::errors::ParquetError,
    },
    /// No column of the needed kind.
    #[error("`{file}` has no {wanted}; its columns are {columns}: rename one, or convert the file")]
    Column {
        /// The file.
        file: String,
        /// The column that is needed.
        wanted: &'static str,
        /// The columns that exist.
        columns: String,
    },
    /// Columns of different lengths or with nulls.
    #[error(
        "`{file}`: {images} images and {labels} labels in {rows} rows: remove the rows with nulls"
    )]
    Rows {
        /// The file.
        file: String,
        /// Non-null images.
        images: usize,
        /// Non-null labels.
        labels: usize,
        /// Rows of the file.
        rows: u64,
    },
    /// NumPy arrays or folders of pictures that are no data set.
    #[error("`{file}` cannot be used: {cause}")]
    Arrays {
        /// The file or folder.
        file: String,
        /// What is wrong and what is wanted.
        cause: String,
    },
    /// An image that is not a readable PNG or JPEG.
    #[error("`{file}`, image {index} cannot be decoded: {cause}; PNG and JPEG are supported")]
    Decode {
        /// The file.
        file: String,
        /// Which image, counted from 0.
        index: usize,
        /// What the decoder said.
        cause: String,
    },
    /// More bytes than the caller allows.
    #[error(
        "`{file}` needs {bytes} bytes, more than the limit of {limit}: raise the memory limit or use a smaller data set"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Bytes needed.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A validation fraction outside the open interval from 0 to 1.
    #[error("validation fraction {fraction} must lie between 0 and 1, both excluded")]
    Fraction {
        /// The fraction given.
        fraction: f64,
    },
    /// Images are batched with the scaling of a data set of another shape.
    #[error(
        "the split has {found} pixel bytes for {images} images, but the scaling is for {shape}: take both from one data set"
    )]
    Scaling {
        /// Images in the split.
        images: usize,
        /// Bytes in the split.
        found: usize,
        /// Shape that the scaling was made for.
        shape: ImageShape,
    },
    /// A batch order that names an image which does not exist.
    #[error(
        "batch order names image {index}, the split has {len}: record the order on the same split"
    )]
    Order {
        /// The index given.
        index: u32,
        /// Images in the split.
        len: usize,
    },
    /// A batch buffer too small for one batch.
    #[error(
        "batch buffer `{buffer}` holds {found} values, needs {needed}: allocate batch size x values per image"
    )]
    Buffer {
        /// Which buffer.
        buffer: &'static str,
        /// Values needed.
        needed: usize,
        /// Values there.
        found: usize,
    },
}

impl DataError {
    /// For `map_err`: an input-output failure while doing `action` to `file`.
    pub(super) fn io(action: &'static str, file: impl ToString) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_string();
        move |source| DataError::Io { action, file, source }
    }
}
