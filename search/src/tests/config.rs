//! Configurations: presets, text, and mistakes that name their key.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::Duration;

use nasc_runtime::train::{Optimizer, Schedule};

use crate::config::{ConfigError, FitnessSplit, Place, Preset, SearchConfig};
use crate::measures::Descriptor;

#[test]
fn every_preset_is_sound_and_survives_its_text() {
    for preset in Preset::ALL {
        let config = preset.config();
        assert_eq!(Preset::from_name(preset.name()), Some(preset));
        assert_eq!(config, SearchConfig::from_toml(&config.to_toml().unwrap()).unwrap());
        config.check().unwrap();
    }
}

#[test]
fn the_paper_preset_holds_the_papers_constants() {
    let paper = SearchConfig::paper();
    assert_eq!((paper.generations, paper.offspring), (20, 100));
    assert_eq!((paper.operators.mutation, paper.operators.crossover), (0.7, 0.3));
    assert_eq!((paper.network_archive.cells, paper.network_archive.samples), (100, 25_000));
    let macs = paper.network_archive.axes[1];
    assert_eq!((macs.min, macs.max), (200e6, 5e9));
    assert_eq!((paper.training.epochs, paper.training.fitness_split), (50, FitnessSplit::Test));
    let per_example = paper.training.learning_rate / f64::from(paper.training.batch_size);
    assert!((per_example - 0.001).abs() < 1e-12);
    assert!((paper.training.with_batch_size(1).learning_rate - 0.001).abs() < 1e-12);
    let curiosity = paper.curiosity;
    assert_eq!(
        [curiosity.entered, curiosity.not_entered, curiosity.untrainable],
        [1.0, -0.5, -1.0]
    );
}

#[test]
fn a_file_names_a_preset_and_what_differs() {
    let text = "preset = \"paper\"\noffspring = 7\n[crossover]\ntemperature = 0.5\n";
    let config = SearchConfig::from_toml(text).unwrap();
    let mut expected = SearchConfig::paper();
    expected.offspring = 7;
    expected.crossover.temperature = 0.5;
    assert_eq!(config, expected);
    assert_eq!(SearchConfig::from_toml("").unwrap(), SearchConfig::quick());
}

#[test]
fn the_example_file_is_sound() {
    let text = include_str!("../../../examples/search.toml");
    SearchConfig::from_toml(text).unwrap().check().unwrap();
}

#[test]
fn mistakes_have_the_place_where_they_were_written() {
    let mistakes = [
        ("generatoins = 3", "`generatoins`: unknown field", 1, 1),
        ("offspring = 3\n\n[training]\n epoch = 3", "`training.epoch`: unknown field", 4, 2),
        ("offspring = 3\ntraining.epochs = \"ten\"", "`training.epochs`: invalid type", 2, 10),
        ("training = { momentum = 0.5, batch_size = -1 }", "`training.batch_size`", 1, 30),
        ("[training.method]\n# ü\noptimizer = \"sdg\"", "`training.method.optimizer`", 3, 1),
        ("[training]\nepochs = 3\n[training.method]\nlr = 1", "`training.method.lr`", 4, 1),
        ("training = 3", "`training`: invalid type", 1, 1),
        (
            "[[network_archive.axes]]\ndescriptor = \"macs\"\n[[network_archive.axes]]\nmin = \"x\"",
            "`network_archive.axes[1].min`: invalid type",
            4,
            1,
        ),
        ("offspring = ", "", 1, 13),
        ("offspring = 3\noffspring = 4", "duplicate key", 2, 1),
    ];
    for (text, part, line, column) in mistakes {
        let Err(ConfigError::Text { place, reason }) = SearchConfig::from_toml(text) else {
            panic!("{text} was read")
        };
        assert!(reason.contains(part), "{text}: {reason}");
        assert_eq!(place, Some(Place { line, column }), "{text}: {reason}");
    }
    let at = |text, key| Place::of_key(text, key).map(|place| (place.line, place.column));
    assert_eq!(at("[training]\nepochs = 0", "training.epochs"), Some((2, 1)));
    assert_eq!(at("[operators]\nmutation = 0.5", "operators"), Some((1, 2)));
    assert_eq!(at("[temperature]\nmax = 0.05", "temperature.min"), Some((1, 2)));
    assert_eq!(at("offspring = 3", "training.epochs"), None);
}

#[test]
fn two_configurations_differ_in_a_key() {
    let quick = SearchConfig::quick();
    assert_eq!(quick.difference(&quick), None);
    let mut other = quick.clone();
    other.training.max_seconds = Some(2.5);
    let found = quick.difference(&other).unwrap();
    assert_eq!((found.key.as_str(), found.own.as_str()), ("training.max_seconds", "not set"));
    assert_eq!(other.difference(&quick).unwrap().own, "2.5");
}

fn refusal(text: &str) -> String {
    let checked = SearchConfig::from_toml(text).and_then(SearchConfig::check);
    checked.expect_err(text).to_string()
}

#[test]
fn a_search_trains_by_the_method_of_its_configuration() {
    let text = "[training]\nmax_seconds = 2.5\n[training.method]\noptimizer = \"adamw\"\n\
                weight_decay = 0.1\nschedule = \"cosine\"\nflip = true\nearly_stop = 3\n";
    let config = SearchConfig::from_toml(text).unwrap();
    assert_eq!(config, SearchConfig::from_toml(&config.to_toml().unwrap()).unwrap());
    let train = config.check().unwrap().training.train_config(4);
    let decoupled = matches!(
        train.optimizer,
        Optimizer::Adam { decoupled: true, weight_decay, .. } if weight_decay == 0.1
    );
    assert!(decoupled && train.augmentation.flip, "{train:?}");
    assert_eq!((train.schedule, train.early_stop), (Schedule::Cosine { floor: 0.0 }, Some(3)));
    assert_eq!((train.time_limit, train.seed), (Some(Duration::from_millis(2500)), 4));
    // without a method, what the paper says
    let plain = SearchConfig::paper().training.train_config(0);
    assert_eq!(plain.optimizer, Optimizer::sgd(0.032, 0.9));
}

#[test]
fn mistakes_name_the_key() {
    let mistakes = [
        ("generatoins = 3", "generatoins"),
        ("[training]\nepoch = 3", "epoch"),
        ("offspring = \"many\"", "offspring"),
        ("offspring = 0", "offspring"),
        ("[network_archive]\ncells = 4000000000", "network_archive.cells"),
        ("preset = \"papre\"", "preset"),
        ("[population]\nnetworks = 0", "population.networks"),
        ("[operators]\nmutation = 0.5", "operators"),
        ("[crossover]\ntemperature = 1.5", "crossover.temperature"),
        ("[crossover]\nneighbours = []", "crossover.neighbours"),
        ("[training]\nlearning_rate = nan", "training.learning_rate"),
        ("[budget]\nmax_macs = 0", "budget.max_macs"),
        (
            "[[network_archive.axes]]\ndescriptor = \"macs\"\nmin = 0\nmax = 1\nscale = \"logarithmic\"",
            "network_archive.axes[0]",
        ),
        ("offspring = ", "line 1"),
        ("generations = 1000000000", "`generations` = 1000000000: it must be at most 1000000"),
        ("offspring = 1000000000", "`offspring`"),
        ("[prompt_archive]\ncells = 1000000000", "`prompt_archive.cells`"),
        ("[network_archive]\nsamples = 50", "at least `network_archive.cells`, 100"),
        ("[network_archive]\nsamples = 1000000\nrounds = 10000", "would not end"),
        ("[random_phase]\noffspring = 4000000000", "`random_phase.offspring`"),
        ("[random_phase]\nmax_rounds = 4000000000", "`random_phase.max_rounds`"),
        ("[training]\nepochs = 1000000000", "`training.epochs`"),
        ("[training]\nbatch_size = 1000000000", "`training.batch_size`"),
        ("[language_model]\nmax_tokens = 1000000000", "`language_model.max_tokens`"),
        ("[language_model]\nbatch = 1000000000", "`language_model.batch`"),
        ("[crossover]\nneighbours = [1000000000]", "`crossover.neighbours`"),
        ("[curiosity]\nentered = 1e300", "`curiosity.entered`"),
        ("[mutation]\nlibrary_share = 2.0", "`mutation.library_share`"),
        ("[training.method]\noptimizer = \"adam\"\nnesterov = true", "the optimizer sgd only"),
        ("[training.method]\nstep_factor = 0.5", "`training.method.step_factor` = 0.5"),
        ("[training.method]\nbeta2 = 0.5", "the optimizer adam or adamw only"),
        (
            "[[network_archive.axes]]\ndescriptor = \"macs\"\nmin = 1\nmax = 2\nscale = \"linear\"\n\
             [[network_archive.axes]]\ndescriptor = \"macs\"\nmin = 1\nmax = 2\nscale = \"linear\"",
            "one axis only",
        ),
    ];
    for (text, key) in mistakes {
        let message = refusal(text);
        assert!(message.contains(key), "{text}: {message}");
    }
    let Err(ConfigError::Value { value, .. }) =
        SearchConfig::from_toml("offspring = 0").and_then(SearchConfig::check)
    else {
        panic!("no value")
    };
    assert_eq!(value, "0");
}

#[test]
fn shortcuts_and_axes_of_any_kind_are_read_and_checked() {
    let text = "[training]\ninherit_weights = true\n[training.halving]\nfirst_epochs = 2\nfactor = 3\nafter = 4\n\
                [training.filter]\nproxy = \"gradient-norm\"\nkeep = 0.25\nafter = 9\nimages = 16\n\
                [[network_archive.axes]]\ndescriptor = \"flops\"\nmin = 1e3\nmax = 1e6\nscale = \"logarithmic\"\n\
                [[network_archive.axes]]\ndescriptor = \"latency\"\nmin = 1e-6\nmax = 1\nscale = \"logarithmic\"\n\
                [[network_archive.axes]]\ndescriptor = \"depth\"\nmin = 1\nmax = 30\nscale = \"linear\"\n";
    let config = SearchConfig::from_toml(text).unwrap();
    assert_eq!(SearchConfig::from_toml(&config.to_toml().unwrap()).unwrap(), config);
    let checked = config.check().unwrap();
    assert_eq!(checked.network_centroids().dimensions, 3);
    assert_eq!(checked.descriptors(), [Descriptor::Macs, Descriptor::Latency, Descriptor::Depth]);
    for (broken, key) in [
        (
            "[training.halving]\nfirst_epochs = 6\nfactor = 3\nafter = 4\n",
            "training.halving.first_epochs",
        ),
        (
            "[training.halving]\nfirst_epochs = 1\nfactor = 1\nafter = 4\n",
            "training.halving.factor",
        ),
        (
            "[training.filter]\nproxy = \"naswot\"\nkeep = 0\nafter = 9\nimages = 16\n",
            "training.filter.keep",
        ),
        (
            "[training.filter]\nproxy = \"naswot\"\nkeep = 1\nafter = 9\nimages = 0\n",
            "training.filter.images",
        ),
    ] {
        let error = SearchConfig::from_toml(broken).unwrap().check().unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}
