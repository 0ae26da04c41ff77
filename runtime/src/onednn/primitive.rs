//! A primitive of oneDNN bound to its tensors: created once, executed with other pointers each time,
//! without allocation. Descriptors and primitives free themselves.

#![expect(unsafe_code, reason = "a foreign interface")]

use std::ffi::{c_int, c_void};

use super::api::{self, Api, Argument, Dims, Handle, check, made};
use super::{OneDnn, OneDnnError};

/// A memory descriptor that is ours to free.
#[derive(Debug)]
pub struct Desc {
    api: Api,
    pub(super) handle: Handle,
}

impl Drop for Desc {
    fn drop(&mut self) {
        // SAFETY: created by `made`, freed once.
        unsafe { (self.api.desc_destroy)(self.handle) };
    }
}

/// A primitive descriptor.
#[derive(Debug)]
pub struct PrimitiveDesc {
    api: Api,
    pub(super) handle: Handle,
}

impl Drop for PrimitiveDesc {
    fn drop(&mut self) {
        // SAFETY: created by `made`, freed once.
        unsafe { (self.api.desc_primitive_destroy)(self.handle) };
    }
}

impl PrimitiveDesc {
    pub(super) fn new(api: Api, handle: Handle) -> PrimitiveDesc {
        PrimitiveDesc { api, handle }
    }

    /// A copy of the descriptor that the primitive chose for one tensor.
    pub fn query(&self, what: c_int) -> Result<Desc, OneDnnError> {
        // SAFETY: the result is owned by the primitive descriptor and copied before it can go.
        let found = unsafe { (self.api.desc_query)(self.handle, what, 0) };
        // SAFETY: `found` is a descriptor of the library.
        let handle = made("desc_clone", |out| unsafe { (self.api.desc_clone)(out, found) })?;
        Ok(Desc { api: self.api, handle })
    }

    /// Floats of scratch memory that an execution needs.
    pub fn scratch(&self) -> usize {
        // SAFETY: as in `query`.
        let found = unsafe { (self.api.desc_query)(self.handle, api::QUERY_SCRATCHPAD, 0) };
        if found.is_null() {
            return 0;
        }
        // SAFETY: `found` is a descriptor.
        unsafe { (self.api.desc_size)(found) }.div_ceil(4)
    }
}

impl Desc {
    /// A dense tensor with the given strides.
    pub fn strided(
        library: &OneDnn,
        extents: &[i64],
        strides: &[i64],
    ) -> Result<Desc, OneDnnError> {
        let (extents, ndims, strides) = (dims(extents), extents.len() as c_int, dims(strides));
        let api = library.api;
        // SAFETY: both arrays hold twelve numbers.
        let handle = made("desc_with_strides", |out| unsafe {
            (api.desc_with_strides)(out, ndims, extents.as_ptr(), api::F32, strides.as_ptr())
        })?;
        Ok(Desc { api, handle })
    }

    /// A tensor in row-major order.
    pub fn plain(library: &OneDnn, extents: &[i64]) -> Result<Desc, OneDnnError> {
        let mut strides = vec![1; extents.len()];
        let mut stride = 1;
        for (out, extent) in strides.iter_mut().zip(extents).rev() {
            *out = stride;
            stride *= extent;
        }
        Desc::strided(library, extents, &strides)
    }

    /// A tensor in the layout that the primitive likes best.
    pub fn any(library: &OneDnn, extents: &[i64]) -> Result<Desc, OneDnnError> {
        Desc::tagged(library, extents, api::ANY)
    }

    /// Images of one to three dimensions whose channels come in blocks of sixteen.
    pub fn blocked(library: &OneDnn, extents: &[i64]) -> Result<Desc, OneDnnError> {
        let tag = match extents.len() {
            3 => api::BLOCKS_1D,
            4 => api::BLOCKS_2D,
            _ => api::BLOCKS_3D,
        };
        Desc::tagged(library, extents, tag)
    }

    fn tagged(library: &OneDnn, extents: &[i64], tag: c_int) -> Result<Desc, OneDnnError> {
        let (array, ndims, api) = (dims(extents), extents.len() as c_int, library.api);
        // SAFETY: the array holds twelve numbers.
        let handle = made("desc_with_tag", |out| unsafe {
            (api.desc_with_tag)(out, ndims, array.as_ptr(), api::F32, tag)
        })?;
        Ok(Desc { api, handle })
    }

    /// Floats that the layout takes.
    pub fn len(&self) -> usize {
        // SAFETY: a descriptor of the library.
        unsafe { (self.api.desc_size)(self.handle) }.div_ceil(4)
    }

    /// Whether both describe the same layout.
    pub fn equals(&self, other: &Desc) -> bool {
        // SAFETY: descriptors of the library.
        unsafe { (self.api.desc_equal)(self.handle, other.handle) != 0 }
    }
}

/// Extents in the library's form.
pub fn dims(values: &[i64]) -> Dims {
    let mut out = [0; 12];
    for (out, value) in out.iter_mut().zip(values) {
        *out = *value;
    }
    out
}

/// A primitive with the memory objects of its arguments.
#[derive(Debug)]
pub struct Bound {
    api: Api,
    primitive: Handle,
    stream: Handle,
    arguments: Vec<Argument>,
}

// SAFETY: nothing in it belongs to a thread; executing needs `&mut`, so one thread uses it at a time.
unsafe impl Send for Bound {}

impl Bound {
    /// Creates the primitive; `roles` are its tensors in the order that `execute` takes pointers.
    pub fn new(
        library: &OneDnn,
        desc: &PrimitiveDesc,
        roles: &[(c_int, &Desc)],
    ) -> Result<Bound, OneDnnError> {
        let api = library.api;
        // SAFETY: the descriptor is valid; the primitive keeps its own copy.
        let primitive =
            made("primitive_create", |out| unsafe { (api.primitive_create)(out, desc.handle) })?;
        let stream = std::ptr::null_mut();
        let mut bound = Bound { api, primitive, stream, arguments: Vec::new() };
        const IN_ORDER: c_int = 1;
        // SAFETY: the engine lives as long as the process.
        bound.stream = made("stream_create", |out| unsafe {
            (api.stream_create)(out, library.engine, IN_ORDER)
        })?;
        for &(role, desc) in roles {
            // SAFETY: memory without data (a null handle) until `execute` sets one.
            let memory = made("memory_create", |out| unsafe {
                (api.memory_create)(out, desc.handle, library.engine, std::ptr::null_mut())
            })?;
            bound.arguments.push(Argument { role, memory });
        }
        Ok(bound)
    }

    /// Runs the primitive on tensors given in the order of the roles.
    ///
    /// # Safety
    /// Every pointer is valid for as many floats as its descriptor's length, for writing where the
    /// role is an output, and outputs overlap with nothing.
    pub unsafe fn execute(&mut self, pointers: &[*mut f32]) -> Result<(), OneDnnError> {
        debug_assert_eq!(pointers.len(), self.arguments.len());
        for (argument, pointer) in self.arguments.iter().zip(pointers) {
            // SAFETY: stores the pointer.
            let status =
                unsafe { (self.api.memory_set)(argument.memory, pointer.cast::<c_void>()) };
            check("memory_set", status)?;
        }
        let (count, arguments) = (self.arguments.len() as c_int, self.arguments.as_ptr());
        // SAFETY: the caller vouches for the pointers; a CPU stream runs before it returns.
        let status =
            unsafe { (self.api.primitive_execute)(self.primitive, self.stream, count, arguments) };
        check("primitive_execute", status)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // SAFETY: all were created in `new` and are freed once; null handles are left alone.
        unsafe {
            for argument in &self.arguments {
                (self.api.memory_destroy)(argument.memory);
            }
            (self.api.primitive_destroy)(self.primitive);
            if !self.stream.is_null() {
                (self.api.stream_destroy)(self.stream);
            }
        }
    }
}

/// Moves a tensor from one layout to another; `None` if they are the same.
pub fn reorder(library: &OneDnn, from: &Desc, to: &Desc) -> Result<Option<Bound>, OneDnnError> {
    if from.equals(to) {
        return Ok(None);
    }
    let (api, engine) = (library.api, library.engine);
    // SAFETY: valid descriptors; no attributes.
    let handle = made("reorder", |out| unsafe {
        (api.reorder)(out, from.handle, engine, to.handle, engine, std::ptr::null_mut())
    })?;
    let desc = PrimitiveDesc::new(api, handle);
    Bound::new(library, &desc, &[(api::SRC, from), (api::DST, to)]).map(Some)
}
