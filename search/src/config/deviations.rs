//! Where the presets differ from the LLMatic paper, worked out from the presets themselves: what a
//! preset sets otherwise than `paper-literal` is a deviation, and some things nasc never does.

use super::{AxisConfig, DecodingMode, Preset, SearchConfig};
use crate::archive::Scale;
use crate::measures::Descriptor;

/// A difference to the paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The preset; `None` for all of them.
    pub preset: Option<Preset>,
    /// The paper's sentence, in short.
    pub paper: &'static str,
    /// What nasc does.
    pub nasc: String,
    /// Why.
    pub why: &'static str,
}

/// Something that the paper says and a preset sets.
struct Aspect {
    paper: &'static str,
    /// What a configuration does about it.
    shown: fn(&SearchConfig) -> String,
    why: &'static str,
}

/// The presets that are compared; the ablations change what their names say.
const COMPARED: [Preset; 4] = [Preset::PaperLiteral, Preset::Paper, Preset::Nasc, Preset::Quick];

/// What no preset takes from the paper or its code: paper, nasc, why.
const ALWAYS: [(&str, &str, &str); 10] = [
    (
        "a network may cost what it likes",
        "there are limits to parameters, MACs, memory and steps of evaluation",
        "one network must not stop the search",
    ),
    (
        "CodeGen-Mono of 6.1 billion parameters writes the networks",
        "any GGUF file does; by default SmolLM2-135M-Instruct",
        "it runs on two cores without a GPU",
    ),
    ("there are 16 prompts", "the 13 that Appendix A prints", "the other three are nowhere"),
    (
        "fitness is accuracy in one place and loss in another",
        "accuracy; the lower loss breaks ties",
        "the archives need one order",
    ),
    (
        "an individual replaces a worse one",
        "if it is strictly fitter",
        "on a tie the search would move without getting better",
    ),
    (
        "every generated network is trained",
        "one that equals an earlier one, names and dead layers aside, gets its result",
        "nothing is learnt from training it twice",
    ),
    (
        "the random phase ends when the archives are filled",
        "or after a number of rounds",
        "a model that writes no network still ends",
    ),
    (
        "the code compares logits with labels for accuracy",
        "the class of the largest logit is compared",
        "it is what accuracy means",
    ),
    (
        "the code leaves batch norm in evaluation mode after the first epoch",
        "training mode in every epoch",
        "PyTorch's default",
    ),
    (
        "the code draws operators 0.85 to 0.15, runs 200 generations of 40 and never scales descriptors",
        "0.7 to 0.3, 20 of 100 and descriptors scaled to [0, 1], as the paper says",
        "unscaled, nearly everything lands in one or two cells",
    ),
];

const ASPECTS: [Aspect; 10] = [
    Aspect {
        paper: "SGD with learning rate 0.001 (the code: batches of one)",
        shown: |config| {
            let training = &config.training;
            format!("batches of {}, learning rate {}", training.batch_size, training.learning_rate)
        },
        why: "batches of one leave a processor idle; the rate is scaled linearly",
    },
    Aspect {
        paper: "test accuracy is the fitness",
        shown: |config| format!("{} accuracy", config.training.fitness_split.name()),
        why: "what is chosen by test accuracy is fitted to it",
    },
    Aspect {
        paper: "the language model's text is taken as it is",
        shown: |config| match config.language_model.decoding {
            DecodingMode::Free => "as it is".to_owned(),
            DecodingMode::Shape => {
                "only tokens that can still become a network of the task".to_owned()
            }
        },
        why: "a small model's text seldom becomes a network by itself",
    },
    Aspect {
        paper: "all that is generated counts",
        shown: |config| match config.proposer.distinct {
            false => "all".to_owned(),
            true => "cells and edited networks that the run has seen are left out".to_owned(),
        },
        why: "a copy is worth nothing",
    },
    Aspect {
        paper: "FLOPs from 200 M to 5 G",
        shown: |config| axis(config, Descriptor::Macs),
        why: "three quarters of log-uniform networks lie below 200 M and would share the first cells",
    },
    Aspect {
        paper: "width to depth up to 200",
        shown: |config| axis(config, Descriptor::WidthToDepth),
        why: "most networks have ratios of 2 to 30, a tenth of a linear axis",
    },
    Aspect {
        paper: "20 generations of 100",
        shown: |config| format!("{} generations of {}", config.generations, config.offspring),
        why: "minutes instead of days",
    },
    Aspect {
        paper: "50 epochs on all training images",
        shown: |config| {
            let all = || "all training images".to_owned();
            let examples = config.training.max_train_examples;
            let images = examples.map_or_else(all, |most| format!("at most {most} images"));
            format!("{} epochs on {images}", config.training.epochs)
        },
        why: "minutes instead of days",
    },
    Aspect {
        paper: "each network of a generation has a parent of its own",
        shown: |config| format!("{} parents a generation", config.mutation.parents),
        why: "offspring of one prompt are generated together",
    },
    Aspect {
        paper: "crossover of 10 pairs",
        shown: |config| format!("{} pairs", config.crossover.parents),
        why: "a generation has fewer offspring",
    },
];

fn axis(config: &SearchConfig, descriptor: Descriptor) -> String {
    let axes = &config.network_archive.axes;
    axes.iter()
        .find(|axis| axis.descriptor == descriptor)
        .map_or_else(|| "no axis".to_owned(), shown)
}

fn shown(axis: &AxisConfig) -> String {
    let scale = match axis.scale {
        Scale::Linear => "linear",
        Scale::Logarithmic => "logarithmic",
    };
    format!("{scale}, {} to {}", axis.min, axis.max)
}

/// All deviations: those of every preset, then preset by preset.
#[must_use]
pub fn deviations() -> Vec<Deviation> {
    let always = ALWAYS.into_iter().map(|(paper, nasc, why)| Deviation {
        preset: None,
        paper,
        nasc: nasc.to_owned(),
        why,
    });
    always.chain(COMPARED.into_iter().flat_map(of_preset)).collect()
}

/// What a preset sets otherwise than the paper.
fn of_preset(preset: Preset) -> Vec<Deviation> {
    let (literal, config) = (Preset::PaperLiteral.config(), preset.config());
    let differs = |aspect: &&Aspect| (aspect.shown)(&config) != (aspect.shown)(&literal);
    let deviation = |aspect: &Aspect| Deviation {
        preset: Some(preset),
        paper: aspect.paper,
        nasc: (aspect.shown)(&config),
        why: aspect.why,
    };
    ASPECTS.iter().filter(differs).map(deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::{Preset, deviations};

    #[test]
    fn a_preset_deviates_where_it_says_so_and_the_literal_one_nowhere() {
        let all = deviations();
        let of = |preset| all.iter().filter(|one| one.preset == Some(preset)).collect::<Vec<_>>();
        assert!(of(Preset::PaperLiteral).is_empty());
        let paper: Vec<&str> = of(Preset::Paper).iter().map(|one| one.nasc.as_str()).collect();
        assert_eq!(paper, ["batches of 32, learning rate 0.032"]);
        let says = |preset, part: &str| of(preset).iter().any(|one| one.nasc.contains(part));
        assert!(says(Preset::Nasc, "validation accuracy") && says(Preset::Quick, "6 generations"));
        assert!(!says(Preset::Nasc, "generations"));
    }
}
