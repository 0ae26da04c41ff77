//! Edits of a genome, each the smallest of its kind: insert, delete, widen, narrow, add a skip
//! connection, swap a layer for another of its role; and the splicing of two genomes. What an edit
//! leaves behind is mended by `Genome::settled`.

use super::{Features, Genome, Layer, Signature, bridge, draw};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Fewest and most channels or features that an edit leads to.
const WIDTHS: std::ops::RangeInclusive<u64> = 2..=2048;

type Edit = fn(&Genome, Signature, &mut ChaCha8Rng) -> Option<Genome>;

const EDITS: [Edit; 6] = [insert, delete, widen, narrow, add_skip, swap];

/// A child by one edit, each kind as likely as the others; `None` if the kind finds no place.
pub(super) fn mutated(
    parent: &Genome,
    signature: Signature,
    rng: &mut ChaCha8Rng,
) -> Option<Genome> {
    // The parent again where an edit has no place: then another one is tried.
    EDITS.choose(rng).map(|edit| edit(parent, signature, rng).unwrap_or_else(|| parent.clone()))
}

impl Genome {
    /// The genome with a step at a place; skips over it reach as far back as before.
    fn with(&self, place: usize, layer: Layer) -> Self {
        let moved = |layer: &Layer| match *layer {
            Layer::Skip { from } if from > place => Layer::Skip { from: from + 1 },
            other => other,
        };
        let (before, after) = self.layers.split_at_checked(place).unwrap_or((&self.layers, &[]));
        let mut layers = before.to_vec();
        layers.push(layer);
        layers.extend(after.iter().map(moved));
        Self { layers }
    }

    fn without(&self, place: usize) -> Self {
        let moved = |layer: &Layer| match *layer {
            Layer::Skip { from } if from > place => Layer::Skip { from: from - 1 },
            other => other,
        };
        let kept = self.layers.iter().enumerate().filter(|(other, _)| *other != place);
        Self { layers: kept.map(|(_, layer)| moved(layer)).collect() }
    }

    fn replaced(&self, place: usize, layer: Layer) -> Self {
        let mut child = self.clone();
        if let Some(slot) = child.layers.get_mut(place) {
            *slot = layer;
        }
        child
    }

    /// Places of the steps that `wanted` picks; the classifier at the end is none of them.
    fn places(&self, wanted: impl Fn(Layer) -> bool) -> Vec<usize> {
        let last = self.layers.iter().rposition(|layer| matches!(layer, Layer::Linear { .. }));
        let steps = self.layers.iter().enumerate();
        steps
            .filter(|&(place, &layer)| Some(place) != last && wanted(layer))
            .map(|(p, _)| p)
            .collect()
    }
}

fn insert(parent: &Genome, signature: Signature, rng: &mut ChaCha8Rng) -> Option<Genome> {
    let types = parent.types(signature)?;
    let classifier =
        parent.layers.iter().rposition(|layer| matches!(layer, Layer::Linear { .. }))?;
    let place = rng.random_range(0..=classifier);
    let layer = draw::layer(*types.get(place)?, rng);
    let child = parent.with(place, layer);
    // A map that is followed by another needs a function between them.
    let needs_function = layer.is_weighted();
    Some(if needs_function { child.with(place + 1, draw::activation(rng)) } else { child })
}

fn delete(parent: &Genome, _: Signature, rng: &mut ChaCha8Rng) -> Option<Genome> {
    let place = *parent.places(|layer| layer != Layer::Flatten).choose(rng)?;
    Some(parent.without(place))
}

fn resize(parent: &Genome, rng: &mut ChaCha8Rng, change: impl Fn(u64) -> u64) -> Option<Genome> {
    let place = *parent.places(Layer::is_weighted).choose(rng)?;
    let changed = |out: u64| Some(change(out)).filter(|out| WIDTHS.contains(out));
    let layer = match *parent.layers.get(place)? {
        Layer::Conv { out, kernel, stride, padding } => {
            Layer::Conv { out: changed(out)?, kernel, stride, padding }
        }
        Layer::Linear { out } => Layer::Linear { out: changed(out)? },
        other => other,
    };
    Some(parent.replaced(place, layer))
}

fn widen(parent: &Genome, _: Signature, rng: &mut ChaCha8Rng) -> Option<Genome> {
    let half = rng.random::<bool>();
    resize(parent, rng, |out| if half { out + out.div_ceil(2) } else { out * 2 })
}

fn narrow(parent: &Genome, _: Signature, rng: &mut ChaCha8Rng) -> Option<Genome> {
    let quarter = rng.random::<bool>();
    resize(parent, rng, |out| if quarter { out - out / 4 } else { out / 2 })
}

fn add_skip(parent: &Genome, signature: Signature, rng: &mut ChaCha8Rng) -> Option<Genome> {
    let types = parent.types(signature)?;
    let flat = |features: &Features| features.size.is_none();
    let images = types.iter().position(flat).unwrap_or(types.len());
    let weighted = |from: usize, to: usize| {
        let between = parent.layers.get(from..to);
        between.is_some_and(|layers| layers.iter().any(|layer| layer.is_weighted()))
    };
    let mut pairs = Vec::new();
    for to in 1..images {
        for from in 0..to {
            let fits = bridge(*types.get(from)?, *types.get(to)?).is_some();
            if fits && weighted(from, to) {
                pairs.push((from, to));
            }
        }
    }
    let &(from, to) = pairs.choose(rng)?;
    Some(parent.with(to, Layer::Skip { from }))
}

/// Another layer of the same role.
fn swap(parent: &Genome, _: Signature, rng: &mut ChaCha8Rng) -> Option<Genome> {
    let swappable = |layer: Layer| match layer {
        Layer::Conv { .. } | Layer::Activation(_) | Layer::Pool { .. } => true,
        Layer::AdaptivePool { .. } | Layer::Dropout { .. } => true,
        Layer::Linear { .. } | Layer::BatchNorm | Layer::Flatten | Layer::Skip { .. } => false,
    };
    let place = *parent.places(swappable).choose(rng)?;
    let layer = match *parent.layers.get(place)? {
        Layer::Conv { out, .. } => match draw::convolution(rng) {
            Layer::Conv { kernel, stride, padding, .. } => {
                Layer::Conv { out, kernel, stride, padding }
            }
            other => other,
        },
        Layer::Activation(_) => draw::activation(rng),
        Layer::Pool { .. } => draw::pooling(rng),
        Layer::AdaptivePool { .. } => Layer::AdaptivePool { size: *[1, 2, 4].choose(rng)? },
        Layer::Dropout { .. } => draw::dropout(rng),
        other => other,
    };
    Some(parent.replaced(place, layer))
}

/// The beginning of one genome and the end of the other, cut where both are images or both are flat.
pub(super) fn spliced(
    first: &Genome,
    second: &Genome,
    signature: Signature,
    rng: &mut ChaCha8Rng,
) -> Option<Genome> {
    let types = [first.types(signature)?, second.types(signature)?];
    let [a, b] = types.each_ref().map(|types| types.len());
    let (cut, resume) = (rng.random_range(1..a.max(2)), rng.random_range(0..b));
    let is_image =
        |types: &[Features], place: usize| types.get(place).is_some_and(|t| t.size.is_some());
    if is_image(&types[0], cut) != is_image(&types[1], resume) {
        // Both of them again, so that the search for a cut goes on.
        return Some(first.clone());
    }
    let moved = |layer: &Layer| match *layer {
        Layer::Skip { from } if from >= resume => Layer::Skip { from: from - resume + cut },
        // What was added lies in the part that is left out: add the value at the seam.
        Layer::Skip { .. } => Layer::Skip { from: cut },
        other => other,
    };
    let mut layers = first.layers.get(..cut)?.to_vec();
    layers.extend(second.layers.get(resume..)?.iter().map(moved));
    Some(Genome { layers })
}
