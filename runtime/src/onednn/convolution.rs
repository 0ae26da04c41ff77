//! One convolution with its gradients: activations are channels-last, weights row-major as in a state
//! dict; the layout that the library prefers for weights is made in scratch memory at each step.

#![expect(unsafe_code, reason = "a foreign interface")]

use super::api::{self, made};
use super::primitive::{Bound, Desc, PrimitiveDesc, dims, reorder};
use super::{OneDnn, OneDnnError};

/// Extents of a convolution over one, two or three spatial dimensions.
#[derive(Debug, Clone)]
pub(crate) struct Geometry {
    /// Images.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Groups; divides both.
    pub groups: usize,
    /// Spatial extents of the input.
    pub input: Vec<usize>,
    /// Spatial extents of the output.
    pub output: Vec<usize>,
    /// Window.
    pub kernel: Vec<usize>,
    /// Steps.
    pub stride: Vec<usize>,
    /// Padding before each dimension.
    pub before: Vec<usize>,
    /// Padding behind each dimension.
    pub behind: Vec<usize>,
    /// Spacing of the window's elements.
    pub dilation: Vec<usize>,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether the output is clipped at zero.
    pub relu: bool,
}

/// Slices of one call; scratch is at least [`Convolution::scratch`] floats.
pub(crate) struct ForwardCall<'a> {
    /// `[batch, spatial, in_channels]`
    pub input: &'a [f32],
    /// `[out_channels, in_channels / groups, kernel]`
    pub weight: &'a [f32],
    /// `[out_channels]`; empty without a bias.
    pub bias: &'a [f32],
    /// `[batch, spatial, out_channels]`
    pub output: &'a mut [f32],
    /// Anything.
    pub scratch: &'a mut [f32],
}

/// Primitives of one convolution.
#[derive(Debug)]
pub(crate) struct Convolution {
    forward: Pass,
    input_gradient: Option<Pass>,
    weight_gradient: Pass,
    lengths: Lengths,
}

/// Floats that the tensors must hold.
#[derive(Debug, Clone, Copy)]
struct Lengths {
    input: usize,
    weight: usize,
    output: usize,
    bias: usize,
}

/// A primitive, and the change of layout of the weights before or after it.
#[derive(Debug)]
struct Pass {
    main: Bound,
    weights: Option<Bound>,
    weights_len: usize,
    scratch: usize,
}

impl Pass {
    fn needs(&self) -> usize {
        self.weights_len.next_multiple_of(16) + self.scratch
    }

    /// Memory for weights in the primitive's layout, and the primitive's own scratch.
    fn parts(&self, scratch: &mut [f32]) -> (*mut f32, *mut f32) {
        assert!(scratch.len() >= self.needs(), "scratch memory is too small");
        let (weights, rest) = scratch.split_at_mut(self.weights_len.next_multiple_of(16));
        (weights.as_mut_ptr(), rest.as_mut_ptr())
    }
}

struct Descs {
    source: Desc,
    weight: Desc,
    plain_weight: Desc,
    bias: Option<Desc>,
    target: Desc,
}

impl Geometry {
    fn weight_extents(&self) -> Vec<i64> {
        let (groups, inner, outer) =
            (self.groups, self.in_channels / self.groups, self.out_channels / self.groups);
        let mut extents = if groups > 1 { vec![groups, outer, inner] } else { vec![outer, inner] };
        extents.extend(&self.kernel);
        extents.into_iter().map(|extent| extent as i64).collect()
    }

    fn lengths(&self) -> Lengths {
        let product = |values: &[usize]| values.iter().product::<usize>();
        Lengths {
            input: self.batch * self.in_channels * product(&self.input),
            weight: self.out_channels * (self.in_channels / self.groups) * product(&self.kernel),
            output: self.batch * self.out_channels * product(&self.output),
            bias: if self.bias { self.out_channels } else { 0 },
        }
    }

    fn descs(&self, library: &OneDnn) -> Result<Descs, OneDnnError> {
        let weights = self.weight_extents();
        let bias = self.bias.then(|| Desc::plain(library, &[self.out_channels as i64]));
        Ok(Descs {
            source: self.images(library, self.in_channels, &self.input)?,
            weight: Desc::any(library, &weights)?,
            plain_weight: Desc::plain(library, &weights)?,
            bias: bias.transpose()?,
            target: self.images(library, self.out_channels, &self.output)?,
        })
    }

    /// Channels-last images. Sixteen channels innermost are also one block of sixteen; under that name
    /// the library has a kernel twice as fast, where vectors hold sixteen numbers.
    fn images(
        &self,
        library: &OneDnn,
        channels: usize,
        spatial: &[usize],
    ) -> Result<Desc, OneDnnError> {
        let blocked = self.groups == 1 && self.in_channels == 16 && self.out_channels == 16;
        if blocked && has_wide_vectors() {
            let mut extents = vec![self.batch as i64, channels as i64];
            extents.extend(spatial.iter().map(|&extent| extent as i64));
            return Desc::blocked(library, &extents);
        }
        channels_last(library, self.batch, channels, spatial)
    }
}

/// Whether the machine has vectors of sixteen numbers.
fn has_wide_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// `[batch, channels, spatial...]` with channels innermost in memory.
fn channels_last(
    library: &OneDnn,
    batch: usize,
    channels: usize,
    spatial: &[usize],
) -> Result<Desc, OneDnnError> {
    let mut extents = vec![batch as i64, channels as i64];
    extents.extend(spatial.iter().map(|&extent| extent as i64));
    let mut strides = vec![1; extents.len()];
    let mut stride = channels as i64;
    for (out, &extent) in strides.iter_mut().zip(&extents).skip(2).rev() {
        *out = stride;
        stride *= extent;
    }
    if let Some(first) = strides.first_mut() {
        *first = stride;
    }
    Desc::strided(library, &extents, &strides)
}

impl Convolution {
    /// Prepares the forward pass, the gradient of the weights, and that of the input if wanted.
    pub fn new(
        library: &'static OneDnn,
        geometry: &Geometry,
        with_input_gradient: bool,
    ) -> Result<Convolution, OneDnnError> {
        library.single_threaded();
        let descs = geometry.descs(library)?;
        let forward = forward_desc(library, geometry, &descs)?;
        let input_gradient = with_input_gradient
            .then(|| data_pass(library, geometry, &descs, &forward))
            .transpose()?;
        Ok(Convolution {
            input_gradient,
            weight_gradient: weights_pass(library, geometry, &descs, &forward)?,
            forward: forward_pass(library, &descs, &forward)?,
            lengths: geometry.lengths(),
        })
    }

    /// Floats of scratch memory that every call needs.
    pub fn scratch(&self) -> usize {
        let data = self.input_gradient.as_ref().map_or(0, Pass::needs);
        self.forward.needs().max(self.weight_gradient.needs()).max(data)
    }

    /// The output.
    pub fn forward(&mut self, call: ForwardCall<'_>) -> Result<(), OneDnnError> {
        let lengths = self.lengths;
        assert!(call.input.len() >= lengths.input && call.output.len() >= lengths.output);
        assert!(call.weight.len() >= lengths.weight && call.bias.len() >= lengths.bias);
        let (own, pad) = self.forward.parts(call.scratch);
        let given = call.weight.as_ptr().cast_mut();
        // SAFETY: lengths were asserted; inputs are only read; scratch overlaps with nothing.
        unsafe {
            let weight = bring(&mut self.forward.weights, given, own)?;
            let input = call.input.as_ptr().cast_mut();
            let output = call.output.as_mut_ptr();
            if lengths.bias == 0 {
                self.forward.main.execute(&[input, weight, output, pad])
            } else {
                let bias = call.bias.as_ptr().cast_mut();
                self.forward.main.execute(&[input, weight, output, pad, bias])
            }
        }
    }

    /// The gradient of the input, overwritten.
    pub fn input_gradient(
        &mut self,
        weight: &[f32],
        gradient: &[f32],
        out: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), OneDnnError> {
        let lengths = self.lengths;
        let Some(pass) = &mut self.input_gradient else { return Ok(()) };
        assert!(weight.len() >= lengths.weight && gradient.len() >= lengths.output);
        assert!(out.len() >= lengths.input);
        let (own, pad) = pass.parts(scratch);
        // SAFETY: as in `forward`.
        unsafe {
            let weight = bring(&mut pass.weights, weight.as_ptr().cast_mut(), own)?;
            pass.main.execute(&[out.as_mut_ptr(), weight, gradient.as_ptr().cast_mut(), pad])
        }
    }

    /// The gradients of weight and bias, overwritten.
    pub fn weight_gradient(
        &mut self,
        input: &[f32],
        gradient: &[f32],
        weight: &mut [f32],
        bias: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), OneDnnError> {
        let (lengths, pass) = (self.lengths, &mut self.weight_gradient);
        assert!(input.len() >= lengths.input && gradient.len() >= lengths.output);
        assert!(weight.len() >= lengths.weight && bias.len() >= lengths.bias);
        let (own, pad) = pass.parts(scratch);
        let given = weight.as_mut_ptr();
        // SAFETY: as in `forward`.
        unsafe {
            let target = if pass.weights.is_some() { own } else { given };
            let (input, gradient) = (input.as_ptr().cast_mut(), gradient.as_ptr().cast_mut());
            if lengths.bias == 0 {
                pass.main.execute(&[input, target, gradient, pad])?;
            } else {
                pass.main.execute(&[input, target, gradient, pad, bias.as_mut_ptr()])?;
            }
            match &mut pass.weights {
                Some(reorder) => reorder.execute(&[own, given]),
                None => Ok(()),
            }
        }
    }
}

/// Weights in the layout of a primitive: `given`, or a copy in `own`.
///
/// # Safety
/// `given` holds the weights, `own` is long enough for them in the other layout.
unsafe fn bring(
    reorder: &mut Option<Bound>,
    given: *mut f32,
    own: *mut f32,
) -> Result<*mut f32, OneDnnError> {
    match reorder {
        // SAFETY: the caller's.
        Some(reorder) => unsafe { reorder.execute(&[given, own]) }.map(|()| own),
        None => Ok(given),
    }
}

/// Strides, dilations and paddings in the library's form.
struct Steps {
    strides: api::Dims,
    dilates: api::Dims,
    before: api::Dims,
    behind: api::Dims,
}

impl Steps {
    fn new(geometry: &Geometry) -> Steps {
        let array = |values: &[usize], less: usize| {
            let values: Vec<i64> = values.iter().map(|&value| (value - less) as i64).collect();
            dims(&values)
        };
        Steps {
            strides: array(&geometry.stride, 0),
            dilates: array(&geometry.dilation, 1),
            before: array(&geometry.before, 0),
            behind: array(&geometry.behind, 0),
        }
    }
}

/// Attributes: scratch memory is ours, and perhaps a ReLU follows.
pub(super) struct Attributes {
    api: api::Api,
    pub(super) handle: api::Handle,
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: created in `new`, freed once.
        unsafe { (self.api.attr_destroy)(self.handle) };
    }
}

impl Attributes {
    pub(super) fn new(library: &OneDnn, relu: bool) -> Result<Attributes, OneDnnError> {
        let api = library.api;
        // SAFETY: each object is made before it is used, and freed once.
        unsafe {
            let handle = made("attr_create", |out| (api.attr_create)(out))?;
            let attributes = Attributes { api, handle };
            let mode = (api.attr_scratchpad)(handle, api::SCRATCHPAD_USER);
            api::check("attr_scratchpad", mode)?;
            if relu {
                let post = made("post_ops_create", |out| (api.post_ops_create)(out))?;
                let added = (api.post_ops_eltwise)(post, api::RELU, 0.0, 0.0);
                let set = (api.attr_post_ops)(handle, post);
                (api.post_ops_destroy)(post);
                api::check("post_ops_eltwise", added)?;
                api::check("attr_post_ops", set)?;
            }
            Ok(attributes)
        }
    }
}

fn forward_desc(
    library: &OneDnn,
    geometry: &Geometry,
    descs: &Descs,
) -> Result<PrimitiveDesc, OneDnnError> {
    let (api, steps) = (library.api, Steps::new(geometry));
    let attributes = Attributes::new(library, geometry.relu)?;
    let bias = descs.bias.as_ref().map_or(std::ptr::null_mut(), |bias| bias.handle);
    // SAFETY: all descriptors are valid; a null bias is no bias.
    let handle = made("conv_forward", |out| unsafe {
        (api.conv_forward)(
            out,
            library.engine,
            api::FORWARD_TRAINING,
            api::DIRECT,
            descs.source.handle,
            descs.weight.handle,
            bias,
            descs.target.handle,
            steps.strides.as_ptr(),
            steps.dilates.as_ptr(),
            steps.before.as_ptr(),
            steps.behind.as_ptr(),
            attributes.handle,
        )
    })?;
    Ok(PrimitiveDesc::new(api, handle))
}

fn forward_pass(
    library: &OneDnn,
    descs: &Descs,
    desc: &PrimitiveDesc,
) -> Result<Pass, OneDnnError> {
    let weight = desc.query(api::QUERY_WEIGHTS)?;
    let pad = Desc::plain(library, &[desc.scratch().max(1) as i64])?;
    let mut roles = vec![
        (api::SRC, &descs.source),
        (api::WEIGHTS, &weight),
        (api::DST, &descs.target),
        (api::SCRATCHPAD, &pad),
    ];
    roles.extend(descs.bias.as_ref().map(|bias| (api::BIAS, bias)));
    Ok(Pass {
        main: Bound::new(library, desc, &roles)?,
        weights: reorder(library, &descs.plain_weight, &weight)?,
        weights_len: weight.len(),
        scratch: desc.scratch(),
    })
}

fn data_pass(
    library: &OneDnn,
    geometry: &Geometry,
    descs: &Descs,
    forward: &PrimitiveDesc,
) -> Result<Pass, OneDnnError> {
    let (api, steps) = (library.api, Steps::new(geometry));
    let attributes = Attributes::new(library, false)?;
    // SAFETY: all descriptors are valid.
    let handle = made("conv_data", |out| unsafe {
        (api.conv_data)(
            out,
            library.engine,
            api::DIRECT,
            descs.source.handle,
            descs.weight.handle,
            descs.target.handle,
            steps.strides.as_ptr(),
            steps.dilates.as_ptr(),
            steps.before.as_ptr(),
            steps.behind.as_ptr(),
            forward.handle,
            attributes.handle,
        )
    })?;
    let desc = PrimitiveDesc::new(api, handle);
    let weight = desc.query(api::QUERY_WEIGHTS)?;
    let pad = Desc::plain(library, &[desc.scratch().max(1) as i64])?;
    let roles = [
        (api::DIFF_SRC, &descs.source),
        (api::WEIGHTS, &weight),
        (api::DIFF_DST, &descs.target),
        (api::SCRATCHPAD, &pad),
    ];
    Ok(Pass {
        main: Bound::new(library, &desc, &roles)?,
        weights: reorder(library, &descs.plain_weight, &weight)?,
        weights_len: weight.len(),
        scratch: desc.scratch(),
    })
}

fn weights_pass(
    library: &OneDnn,
    geometry: &Geometry,
    descs: &Descs,
    forward: &PrimitiveDesc,
) -> Result<Pass, OneDnnError> {
    let (api, steps) = (library.api, Steps::new(geometry));
    let attributes = Attributes::new(library, false)?;
    let bias = descs.bias.as_ref().map_or(std::ptr::null_mut(), |bias| bias.handle);
    // SAFETY: all descriptors are valid; a null bias is no bias.
    let handle = made("conv_weights", |out| unsafe {
        (api.conv_weights)(
            out,
            library.engine,
            api::DIRECT,
            descs.source.handle,
            descs.weight.handle,
            bias,
            descs.target.handle,
            steps.strides.as_ptr(),
            steps.dilates.as_ptr(),
            steps.before.as_ptr(),
            steps.behind.as_ptr(),
            forward.handle,
            attributes.handle,
        )
    })?;
    let desc = PrimitiveDesc::new(api, handle);
    let weight = desc.query(api::QUERY_DIFF_WEIGHTS)?;
    let pad = Desc::plain(library, &[desc.scratch().max(1) as i64])?;
    let mut roles = vec![
        (api::SRC, &descs.source),
        (api::DIFF_WEIGHTS, &weight),
        (api::DIFF_DST, &descs.target),
        (api::SCRATCHPAD, &pad),
    ];
    roles.extend(descs.bias.as_ref().map(|bias| (api::DIFF_BIAS, bias)));
    Ok(Pass {
        main: Bound::new(library, &desc, &roles)?,
        weights: reorder(library, &weight, &descs.plain_weight)?,
        weights_len: weight.len(),
        scratch: desc.scratch(),
    })
}
