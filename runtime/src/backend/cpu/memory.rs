//! Where tensors of a program live: an arena planned over lifetimes, the parameters, the batch.
//! The planner (`plan`) proves that tensors alive at the same time do not overlap; kernels get slices.

#![expect(unsafe_code, reason = "many disjoint slices of one arena")]

use std::marker::PhantomData;

/// A tensor's memory, by number. Views of one tensor (a reshape) share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Storage(pub usize);

/// Where a storage lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is not needed.
    Nowhere,
    /// In the arena, from this float.
    Arena(usize),
    /// Among the parameters, from this float.
    Parameter(usize),
    /// The batch of images.
    Input,
}

/// Where the gradient of an input goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// It is not wanted.
    Nothing,
    /// It is the first contribution.
    Write(Storage),
    /// It is added to what other users of the tensor contributed.
    Add(Storage),
    /// The gradient of the output becomes it where it lies.
    InPlace(Storage),
}

/// Floats aligned to cache lines.
#[derive(Debug)]
pub struct Arena {
    floats: Vec<f32>,
    start: usize,
}

/// Floats of a cache line.
pub const LINE: usize = 16;

impl Arena {
    /// `len` zeros.
    pub fn new(len: usize) -> Arena {
        let floats = vec![0.0; len + LINE];
        let start = floats.as_ptr().align_offset(64).min(LINE);
        Arena { floats, start }
    }

    /// All of them.
    pub fn floats(&mut self) -> &mut [f32] {
        self.floats.get_mut(self.start..).unwrap_or_default()
    }

    /// All of them.
    pub fn read(&self) -> &[f32] {
        self.floats.get(self.start..).unwrap_or_default()
    }
}

/// Lengths and places of all storages.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Floats of each storage.
    pub lengths: Vec<usize>,
    /// Where values lie.
    pub values: Vec<Place>,
    /// Where gradients lie.
    pub gradients: Vec<Place>,
    /// First float and length of the scratch memory.
    pub scratch: (usize, usize),
}

/// What kernels read and write in one pass.
#[derive(Debug)]
pub struct Memory<'a> {
    places: &'a Places,
    arena: *mut f32,
    parameters: *mut f32,
    gradients: *mut f32,
    input: *const f32,
    lifetime: PhantomData<&'a mut [f32]>,
}

impl<'a> Memory<'a> {
    /// # Safety
    /// The slices hold what `places` says. While the memory is used, nobody else writes to the arena
    /// or to `gradients`, or writes parameters that a kernel reads.
    pub unsafe fn new(
        places: &'a Places,
        arena: &'a mut [f32],
        parameters: *mut f32,
        gradients: &'a mut [f32],
        input: &'a [f32],
    ) -> Memory<'a> {
        Memory {
            places,
            arena: arena.as_mut_ptr(),
            parameters,
            gradients: gradients.as_mut_ptr(),
            input: input.as_ptr(),
            lifetime: PhantomData,
        }
    }

    /// The elements of a tensor.
    pub fn value(&self, storage: Storage) -> &'a [f32] {
        let (place, len) = self.find(&self.places.values, storage);
        let pointer = match place {
            Place::Nowhere => return &[],
            // SAFETY: the planner keeps offset + len inside the arena.
            Place::Arena(offset) => unsafe { self.arena.add(offset).cast_const() },
            // SAFETY: as above, for the parameters.
            Place::Parameter(offset) => unsafe { self.parameters.add(offset).cast_const() },
            Place::Input => self.input,
        };
        // SAFETY: the memory is valid for 'a; a kernel never asks for the same tensor to write.
        unsafe { std::slice::from_raw_parts(pointer, len) }
    }

    /// The elements of a tensor that the calling kernel makes.
    pub fn value_mut(&self, storage: Storage) -> &'a mut [f32] {
        let (place, len) = self.find(&self.places.values, storage);
        self.mutable(place, len, self.parameters)
    }

    /// The gradient of a tensor.
    pub fn gradient(&self, storage: Storage) -> &'a [f32] {
        self.gradient_mut(storage)
    }

    /// The gradient of a tensor, to write.
    pub fn gradient_mut(&self, storage: Storage) -> &'a mut [f32] {
        let (place, len) = self.find(&self.places.gradients, storage);
        self.mutable(place, len, self.gradients)
    }

    /// Memory for the calling kernel alone, with anything in it.
    pub fn scratch(&self) -> &'a mut [f32] {
        let (offset, len) = self.places.scratch;
        self.mutable(Place::Arena(offset), len, self.gradients)
    }

    fn find(&self, places: &[Place], storage: Storage) -> (Place, usize) {
        let place = places.get(storage.0).copied().unwrap_or(Place::Nowhere);
        (place, self.places.lengths.get(storage.0).copied().unwrap_or(0))
    }

    fn mutable(&self, place: Place, len: usize, parameters: *mut f32) -> &'a mut [f32] {
        let pointer = match place {
            Place::Nowhere | Place::Input => return &mut [],
            // SAFETY: the planner keeps offset + len inside the arena.
            Place::Arena(offset) => unsafe { self.arena.add(offset) },
            // SAFETY: as above, for parameters or their gradients.
            Place::Parameter(offset) => unsafe { parameters.add(offset) },
        };
        // SAFETY: valid for 'a; kernels ask for one tensor once at a time, and tensors that live at
        // the same time do not overlap.
        unsafe { std::slice::from_raw_parts_mut(pointer, len) }
    }
}
