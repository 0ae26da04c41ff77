//! oneDNN, found at run time: convolutions with their gradients, and matrix products.
//! Its C interface is in `api`, what nasc builds from it in `primitive`, `convolution` and
//! `product`.
//! Not here: where the file lies on a machine; the program says so once with [`install`].

mod api;
mod convolution;
mod primitive;
mod product;

use std::path::Path;
use std::sync::OnceLock;

use libloading::Library;

pub(crate) use convolution::{Convolution, ForwardCall, Geometry};
pub(crate) use product::{Product, ProductCall, ProductSpec};

use crate::kernel::gemm::Matrix;
use api::Api;

/// The library, once it was loaded; it stays for the life of the process.
static LOADED: OnceLock<OneDnn> = OnceLock::new();

/// A loaded library with an engine for the CPU.
#[derive(Debug)]
pub(crate) struct OneDnn {
    api: Api,
    engine: api::Handle,
    set_threads: Option<unsafe extern "C" fn(i32)>,
    version: String,
    _library: Library,
    _openmp: Option<Library>,
}

/// Why the library could not be used.
#[derive(Debug, thiserror::Error)]
pub enum OneDnnError {
    /// The file is missing, or is no library of this machine.
    #[error("oneDNN cannot be loaded: {0}")]
    Load(#[from] libloading::Error),
    /// A version with another interface.
    #[error("oneDNN {found} is not supported: nasc needs version 3")]
    Version {
        /// What was found.
        found: String,
    },
    /// A call of the library failed.
    #[error("oneDNN: {call} failed with status {status}")]
    Call {
        /// The function.
        call: &'static str,
        /// What it returned.
        status: i32,
    },
}

/// Loads oneDNN 3 from `path` for the whole process; a bare file name is looked up by the system.
/// Gives its version. Later calls change nothing.
///
/// # Errors
/// [`OneDnnError`]; training then runs on the slower kernels of nasc itself.
pub fn install(path: &Path) -> Result<&'static str, OneDnnError> {
    if let Some(loaded) = LOADED.get() {
        return Ok(&loaded.version);
    }
    let loaded = OneDnn::open(path)?;
    Ok(&LOADED.get_or_init(|| loaded).version)
}

/// The library if it was installed.
pub(crate) fn installed() -> Option<&'static OneDnn> {
    LOADED.get()
}

impl OneDnn {
    fn open(path: &Path) -> Result<OneDnn, OneDnnError> {
        // SAFETY: loading runs the initialisers of the library, which the user or `scripts/setup.sh`
        // chose; oneDNN's set up tables and have no precondition.
        let library = unsafe { Library::new(path)? };
        // SAFETY: the symbols are those of oneDNN's C interface with the types of `api`.
        let api = unsafe { Api::load(&library)? };
        let version = api.version();
        if !version.starts_with("3.") {
            return Err(OneDnnError::Version { found: version });
        }
        let engine = api.engine()?;
        // The library depends on libgomp, so this finds the copy that it uses.
        // SAFETY: as above.
        let openmp = unsafe { Library::new("libgomp.so.1").ok() };
        let set_threads = openmp.as_ref().and_then(|openmp| {
            // SAFETY: OpenMP fixes the type of `omp_set_num_threads`.
            unsafe { openmp.get(b"omp_set_num_threads\0").ok().map(|symbol| *symbol) }
        });
        Ok(OneDnn { api, engine, set_threads, version, _library: library, _openmp: openmp })
    }

    /// Makes calls from this thread run on this thread alone. nasc divides a batch itself.
    pub fn single_threaded(&self) {
        if let Some(set_threads) = self.set_threads {
            // SAFETY: sets a variable of the calling thread.
            unsafe { set_threads(1) }
        }
    }

    /// `out = left · right`, or `out += left · right` if `accumulate`. `out` is row-major.
    pub fn multiply(&self, out: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
        let ((m, k), (inner, n)) = (left.extents(), right.extents());
        assert!(k == inner, "inner extents differ");
        assert!(out.len() >= m * n, "the product does not fit");
        assert!(left.data.len() >= m * k && right.data.len() >= k * n, "a factor is too short");
        if m > 0 && n > 0 && k > 0 {
            // SAFETY: the assertions keep all accesses inside the slices.
            unsafe { self.api.sgemm(out.as_mut_ptr(), left, right, accumulate) }
        }
    }
}
