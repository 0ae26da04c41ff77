//! The part of oneDNN's C interface that nasc calls, as function pointers. Names, numbers and types
//! follow the headers `dnnl.h` and `dnnl_types.h` of oneDNN 3.

#![expect(unsafe_code, reason = "a foreign interface")]

use std::ffi::{c_char, c_int, c_void};

use libloading::Library;

use super::OneDnnError;
use crate::kernel::gemm::Matrix;

/// An opaque object of the library.
pub type Handle = *mut c_void;
/// Extents, always twelve.
pub type Dims = [i64; 12];

/// A tensor given to a primitive.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its role.
    pub role: c_int,
    /// Its memory object.
    pub memory: Handle,
}

pub const F32: c_int = 3;
pub const ANY: c_int = 1;
/// `dnnl_aBc16b`, `dnnl_aBcd16b`, `dnnl_aBcde16b`
pub const BLOCKS_1D: c_int = 56;
pub const BLOCKS_2D: c_int = 78;
pub const BLOCKS_3D: c_int = 121;
pub const FORWARD_TRAINING: c_int = 64;
pub const DIRECT: c_int = 1;
pub const RELU: c_int = 32;
pub const SCRATCHPAD_USER: c_int = 1;

pub const SRC: c_int = 1;
pub const DST: c_int = 17;
pub const WEIGHTS: c_int = 33;
pub const BIAS: c_int = 41;
pub const SCRATCHPAD: c_int = 80;
pub const DIFF_SRC: c_int = 129;
pub const DIFF_DST: c_int = 145;
pub const DIFF_WEIGHTS: c_int = 161;
pub const DIFF_BIAS: c_int = 169;

pub const QUERY_WEIGHTS: c_int = 131;
pub const QUERY_DIFF_WEIGHTS: c_int = 132;
pub const QUERY_SCRATCHPAD: c_int = 136;

macro_rules! api {
    ($($field:ident = $symbol:literal: ($($argument:ty),* $(,)?) -> $result:ty;)*) => {
        /// Function pointers of one loaded library.
        #[derive(Debug, Clone, Copy)]
        pub struct Api {
            $(pub $field: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Api {
            /// Looks up all functions.
            ///
            /// # Safety
            /// `library` is oneDNN 3 and outlives the pointers.
            pub unsafe fn load(library: &Library) -> Result<Api, libloading::Error> {
                Ok(Api {
                    // SAFETY: the caller vouches for the library, the headers for the types.
                    $($field: unsafe { *library.get(concat!($symbol, "\0").as_bytes())? },)*
                })
            }
        }
    };
}

#[repr(C)]
pub struct Version {
    major: c_int,
    minor: c_int,
    patch: c_int,
}

api! {
    library_version = "dnnl_version": () -> *const Version;
    engine_create = "dnnl_engine_create": (*mut Handle, c_int, usize) -> c_int;
    stream_create = "dnnl_stream_create": (*mut Handle, Handle, c_int) -> c_int;
    stream_destroy = "dnnl_stream_destroy": (Handle) -> c_int;
    desc_with_strides = "dnnl_memory_desc_create_with_strides":
        (*mut Handle, c_int, *const i64, c_int, *const i64) -> c_int;
    desc_with_tag = "dnnl_memory_desc_create_with_tag":
        (*mut Handle, c_int, *const i64, c_int, c_int) -> c_int;
    desc_clone = "dnnl_memory_desc_clone": (*mut Handle, Handle) -> c_int;
    desc_destroy = "dnnl_memory_desc_destroy": (Handle) -> c_int;
    desc_size = "dnnl_memory_desc_get_size": (Handle) -> usize;
    desc_equal = "dnnl_memory_desc_equal": (Handle, Handle) -> c_int;
    memory_create = "dnnl_memory_create": (*mut Handle, Handle, Handle, *mut c_void) -> c_int;
    memory_destroy = "dnnl_memory_destroy": (Handle) -> c_int;
    memory_set = "dnnl_memory_set_data_handle": (Handle, *mut c_void) -> c_int;
    attr_create = "dnnl_primitive_attr_create": (*mut Handle) -> c_int;
    attr_destroy = "dnnl_primitive_attr_destroy": (Handle) -> c_int;
    attr_scratchpad = "dnnl_primitive_attr_set_scratchpad_mode": (Handle, c_int) -> c_int;
    attr_post_ops = "dnnl_primitive_attr_set_post_ops": (Handle, Handle) -> c_int;
    post_ops_create = "dnnl_post_ops_create": (*mut Handle) -> c_int;
    post_ops_destroy = "dnnl_post_ops_destroy": (Handle) -> c_int;
    post_ops_eltwise = "dnnl_post_ops_append_eltwise": (Handle, c_int, f32, f32) -> c_int;
    conv_forward = "dnnl_convolution_forward_primitive_desc_create":
        (*mut Handle, Handle, c_int, c_int, Handle, Handle, Handle, Handle,
         *const i64, *const i64, *const i64, *const i64, Handle) -> c_int;
    conv_data = "dnnl_convolution_backward_data_primitive_desc_create":
        (*mut Handle, Handle, c_int, Handle, Handle, Handle,
         *const i64, *const i64, *const i64, *const i64, Handle, Handle) -> c_int;
    conv_weights = "dnnl_convolution_backward_weights_primitive_desc_create":
        (*mut Handle, Handle, c_int, Handle, Handle, Handle, Handle,
         *const i64, *const i64, *const i64, *const i64, Handle, Handle) -> c_int;
    matmul = "dnnl_matmul_primitive_desc_create":
        (*mut Handle, Handle, Handle, Handle, Handle, Handle, Handle) -> c_int;
    reorder = "dnnl_reorder_primitive_desc_create":
        (*mut Handle, Handle, Handle, Handle, Handle, Handle) -> c_int;
    desc_query = "dnnl_primitive_desc_query_md": (Handle, c_int, c_int) -> Handle;
    desc_primitive_destroy = "dnnl_primitive_desc_destroy": (Handle) -> c_int;
    primitive_create = "dnnl_primitive_create": (*mut Handle, Handle) -> c_int;
    primitive_destroy = "dnnl_primitive_destroy": (Handle) -> c_int;
    primitive_execute = "dnnl_primitive_execute": (Handle, Handle, c_int, *const Argument) -> c_int;
    gemm = "dnnl_sgemm":
        (c_char, c_char, i64, i64, i64, f32, *const f32, i64, *const f32, i64, f32, *mut f32, i64)
        -> c_int;
}

// SAFETY: function pointers and immutable tables of the library.
unsafe impl Send for super::OneDnn {}
// SAFETY: oneDNN's engines may be used from several threads; the other fields are immutable.
unsafe impl Sync for super::OneDnn {}

/// An error for a status other than success.
pub fn check(call: &'static str, status: c_int) -> Result<(), OneDnnError> {
    if status == 0 { Ok(()) } else { Err(OneDnnError::Call { call, status }) }
}

impl Api {
    /// `3.2.0`
    pub fn version(&self) -> String {
        // SAFETY: the function has no argument and returns a pointer to a static struct.
        let version = unsafe { (self.library_version)().as_ref() };
        version.map_or_else(String::new, |v| format!("{}.{}.{}", v.major, v.minor, v.patch))
    }

    /// The engine of the CPU.
    pub fn engine(&self) -> Result<Handle, OneDnnError> {
        const CPU: c_int = 1;
        // SAFETY: the first argument is written once.
        made("engine_create", |out| unsafe { (self.engine_create)(out, CPU, 0) })
    }

    /// # Safety
    /// `out` and both factors hold as many elements as their extents say.
    pub unsafe fn sgemm(
        &self,
        out: *mut f32,
        left: Matrix<'_>,
        right: Matrix<'_>,
        accumulate: bool,
    ) {
        let ((m, k), (_, n)) = (left.extents(), right.extents());
        let letter = |matrix: &Matrix<'_>| if matrix.transposed { b'T' } else { b'N' } as c_char;
        let beta = if accumulate { 1.0 } else { 0.0 };
        // SAFETY: the caller's; leading dimensions are those of dense row-major matrices.
        unsafe {
            (self.gemm)(
                letter(&left),
                letter(&right),
                m as i64,
                n as i64,
                k as i64,
                1.0,
                left.data.as_ptr(),
                left.columns.max(1) as i64,
                right.data.as_ptr(),
                right.columns.max(1) as i64,
                beta,
                out,
                n as i64,
            );
        }
    }
}

/// The object that `create` writes.
pub fn made(
    call: &'static str,
    create: impl FnOnce(*mut Handle) -> c_int,
) -> Result<Handle, OneDnnError> {
    let mut handle = std::ptr::null_mut();
    check(call, create(&raw mut handle))?;
    Ok(handle)
}
