//! Which inputs an output of a resampled image is made of, along one dimension: images are resampled
//! dimension by dimension. Cubic weights and the rounding of positions are PyTorch's.

use nasc_compiler::ir::op::InterpolateMode;

/// Inputs with their weights, one list for each output.
pub type Taps = Vec<Vec<(usize, f32)>>;

/// The taps from `input` elements to `output`.
// PyTorch: aten/src/ATen/native/UpSample.h
pub fn taps(mode: InterpolateMode, align_corners: bool, input: usize, output: usize) -> Taps {
    let last = input.saturating_sub(1);
    let scale = input as f32 / output.max(1) as f32;
    let nearest = |at: f32| vec![((at as usize).min(last), 1.0)];
    let centre = |out: usize| (out as f32 + 0.5) * scale - 0.5;
    let corner = if output > 1 { last as f32 / (output - 1) as f32 } else { 0.0 };
    let source = |out: usize| if align_corners { out as f32 * corner } else { centre(out) };
    let one = |out: usize| match mode {
        InterpolateMode::Nearest => nearest(out as f32 * scale),
        InterpolateMode::NearestExact => nearest((out as f32 + 0.5) * scale),
        InterpolateMode::Linear => linear(source(out).max(0.0), last),
        InterpolateMode::Bicubic => cubic(source(out), last),
        InterpolateMode::Area => area(out, input, output),
    };
    (0..output).map(one).collect()
}

fn linear(source: f32, last: usize) -> Vec<(usize, f32)> {
    let low = (source as usize).min(last);
    let share = source - low as f32;
    vec![(low, 1.0 - share), ((low + 1).min(last), share)]
}

/// Keys's kernel with a = −3/4; positions beyond the border are the border's.
// Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981
fn cubic(source: f32, last: usize) -> Vec<(usize, f32)> {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let low = source.floor();
    let t = source - low;
    let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    let at = |offset: usize| (low + offset as f32 - 1.0).clamp(0.0, last as f32) as usize;
    weights.into_iter().enumerate().map(|(offset, weight)| (at(offset), weight)).collect()
}

fn area(out: usize, input: usize, output: usize) -> Vec<(usize, f32)> {
    let (start, end) = (out * input / output, ((out + 1) * input).div_ceil(output));
    let weight = 1.0 / (end - start).max(1) as f32;
    (start..end).map(|at| (at, weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_every_output_add_up_to_one() {
        let modes = [
            InterpolateMode::Nearest,
            InterpolateMode::NearestExact,
            InterpolateMode::Linear,
            InterpolateMode::Bicubic,
            InterpolateMode::Area,
        ];
        for mode in modes {
            for (input, output) in [(1, 1), (1, 5), (5, 1), (7, 3), (3, 7), (4, 8)] {
                for align in [false, true] {
                    let taps = taps(mode, align, input, output);
                    assert_eq!(taps.len(), output);
                    for taps in taps {
                        let sum: f32 = taps.iter().map(|tap| tap.1).sum();
                        assert!((sum - 1.0).abs() < 1e-5, "{mode:?} {input} {output}");
                        assert!(taps.iter().all(|tap| tap.0 < input));
                    }
                }
            }
        }
    }
}
