//! CIFAR batches in Python pickles, as Python 2 and 3 write them (`golden/make-pickles.py`).

use std::fs;
use std::path::{Path, PathBuf};

use nasc_runtime::data::{DataError, Dataset, PickleError};
use proptest::prelude::{ProptestConfig, any, proptest};
use tempfile::TempDir;

use crate::support::{assert_message, open, pixels};

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden");
    fs::read(folder.join(name).with_extension("pickle")).unwrap()
}

/// The official folder with one and the same batch in all places.
fn folder(batch: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"] {
        fs::write(folder.path().join(name), golden("python2-batch")).unwrap();
    }
    fs::write(folder.path().join("test_batch"), batch).unwrap();
    fs::write(folder.path().join("batches.meta"), golden("python2-names")).unwrap();
    folder
}

fn opened(batch: &[u8]) -> Result<Dataset, DataError> {
    open(folder(batch).path())
}

#[test]
fn batches_of_python_2_and_3_read_back() {
    for name in ["python2-batch", "python3-batch", "python3-protocol3-batch"] {
        let dataset = opened(&golden(name)).unwrap();
        assert_eq!((dataset.train().len(), dataset.test().len()), (15, 3), "{name}");
        assert_eq!(dataset.test().labels(), [3, 0, 9], "{name}");
        assert_eq!(dataset.test().image(2).unwrap(), pixels(2, 3072), "{name}");
        assert_eq!(dataset.class_names()[2], "bird");
    }
}

#[test]
fn cifar100_reads_fine_labels() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["train", "test"] {
        fs::write(folder.path().join(name), golden("python2-fine-batch")).unwrap();
    }
    let dataset = open(folder.path()).unwrap();
    assert_eq!((dataset.name(), dataset.classes()), ("cifar100", 100));
    assert_eq!(dataset.train().labels(), [3, 0, 99]);
}

#[test]
fn a_pickle_that_calls_a_function_is_refused_by_its_name() {
    assert_message(opened(&golden("os-system")), &["test_batch", "`os.system`", "refused"]);
    let also: &[(&[u8], &str)] = &[
        (b"\x80\x02cbuiltins\neval\n.", "`builtins.eval`"),
        // STACK_GLOBAL
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "`posix.system`"),
        (b"\x80\x02c_codecs\nencode\n.", "`_codecs.encode`"),
        (b"\x80\x02cnumpy\nload\n.", "`numpy.load`"),
    ];
    for (pickle, name) in also {
        assert_message(opened(pickle), &[name, "refused"]);
    }
}

#[test]
fn other_arrays_than_bytes_in_c_order_are_refused() {
    assert_message(opened(&golden("float-batch")), &["type `f4`", "u1"]);
    assert_message(opened(&golden("fortran-batch")), &["Fortran order"]);
}

#[test]
fn instructions_that_build_objects_do_not_exist_here() {
    // INST, OBJ, NEWOBJ, PERSID, EXT1
    for opcode in [b'i', b'o', 0x81, b'P', 0x82] {
        let pickle = [0x80, 2, b'}', opcode, b'.'];
        let result = opened(&pickle);
        let Err(DataError::Pickle { source, .. }) = result else { panic!("{result:?}") };
        assert_eq!(source, PickleError::UnsupportedInstruction { opcode, offset: 3 });
    }
}

#[test]
fn a_cut_anywhere_is_an_error() {
    let whole = golden("python2-batch");
    let cuts = (0..300).chain((300..whole.len()).step_by(211)).chain([whole.len() - 1]);
    for cut in cuts {
        assert!(opened(&whole[..cut]).is_err(), "cut at {cut}");
    }
    assert_message(opened(&whole[..5000]), &["test_batch", "truncated"]);
}

#[test]
fn self_reference_and_repetition_cost_nothing() {
    // A list of two lists of two lists ..., 200 levels deep; then a list that holds itself.
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for level in 0..200_u8 {
        pickle.extend([b']', b'q', level + 1, b'(', b'h', level, b'h', level, b'e']);
    }
    pickle.extend(b"}(U\x06labelsh\xc8u.");
    assert_message(opened(&pickle), &["list of integers"]);
    assert_message(opened(b"\x80\x02}(U\x06labels]q\x02h\x02au."), &["list of integers"]);
}

#[test]
fn too_many_values_are_refused() {
    let mut pickle = b"\x80\x02(".to_vec();
    pickle.extend(std::iter::repeat_n(b'N', 1 << 21));
    assert_message(opened(&pickle), &["more than 1048576 values"]);
}

#[test]
fn a_batch_of_another_kind_says_what_is_absent() {
    assert_message(opened(&golden("python2-names")), &["dictionary entry `labels`"]);
    assert_message(opened(b"\x80\x02]."), &["dictionary entry `labels`"]);
    assert_message(opened(b"not a pickle"), &["not a pickle"]);
    assert_message(opened(b""), &["not a pickle"]);
}

fn changed(whole: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    changes.iter().for_each(|(place, value)| bytes[place % 600] = *value);
    bytes
}

/// Writes `batch` over the test batch of an existing folder and opens it, for its effects only.
fn reopen(folder: &Path, batch: &[u8]) {
    fs::write(folder.join("test_batch"), batch).unwrap();
    if let Ok(dataset) = open(folder) {
        assert_eq!(dataset.test().images().len(), dataset.test().len() * 3072);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8)) {
        let folder = folder(&[]);
        for whole in [golden("python2-batch"), golden("python3-batch")] {
            reopen(folder.path(), &changed(&whole, &changes));
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = folder(&[]);
        reopen(folder.path(), &[b"\x80\x02".to_vec(), bytes].concat());
    }
}
