//! What the canonical hash sees and what it does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use nasc_compiler::canon::{CanonicalHash, form, hash};
use nasc_compiler::ir::op::{Activation, Binary, Dropout, DropoutKind, Permute, Reshape};
use nasc_compiler::ir::{Dim, Op, ParamKind, Shape, ValueId};
use nasc_compiler::shape::check;
use proptest::prelude::*;
use support::{Network, conv2d, first_network};

const RELU: Op = Op::Activation(Activation::Relu);
const TANH: Op = Op::Activation(Activation::Tanh);
const ADD: Op = Op::Binary(Binary::Add);

fn image() -> [Dim; 4] {
    [Dim::N, Dim::Known(4), Dim::Known(8), Dim::Known(8)]
}

/// The hash of a network on one image.
fn hash_of(build: impl FnOnce(&mut Network, ValueId) -> ValueId) -> CanonicalHash {
    let mut network = Network::new();
    let x = network.input(&image());
    let output = build(&mut network, x);
    hash(&check(network.finish(&[output])).unwrap())
}

fn reshape(dims: &[u64]) -> Op {
    let dims = [Dim::N].into_iter().chain(dims.iter().copied().map(Dim::Known)).collect();
    Op::Reshape(Reshape { shape: Shape(dims) })
}

#[test]
fn names_do_not_count() {
    let one = hash_of(|net, x| net.conv2d("conv1", x, conv2d(4, 8, 3, 1)));
    let other = hash_of(|net, x| net.conv2d("stem.0", x, conv2d(4, 8, 3, 1)));
    assert_eq!(one, other);
}

#[test]
fn dead_nodes_do_not_count() {
    let plain = hash_of(|net, x| net.node(RELU, &[x]));
    let with_dead = hash_of(|net, x| {
        let dead = net.conv2d("aux", x, conv2d(4, 8, 3, 1));
        net.node(TANH, &[dead]);
        net.node(RELU, &[x])
    });
    assert_eq!(plain, with_dead);
}

#[test]
fn operations_without_effect_do_not_count() {
    let plain = hash_of(|net, x| {
        let x = net.node(RELU, &[x]);
        net.node(reshape(&[256]), &[x])
    });
    let padded = hash_of(|net, x| {
        let none = Dropout { p: 0.0, kind: DropoutKind::Element };
        let x = net.node(Op::Dropout(none), &[x]);
        let x = net.node(Op::Permute(Permute { order: vec![0, 2, 1, 3] }), &[x]);
        let x = net.node(Op::Permute(Permute { order: vec![0, 2, 1, 3] }), &[x]);
        let x = net.node(RELU, &[x]);
        let x = net.node(reshape(&[4, 64]), &[x]);
        let x = net.node(reshape(&[256]), &[x]);
        net.node(reshape(&[256]), &[x])
    });
    assert_eq!(plain, padded);
}

#[test]
fn order_of_commutative_operands_does_not_count() {
    let branches = |swapped: bool| {
        hash_of(|net, x| {
            let a = net.conv2d("a", x, conv2d(4, 4, 3, 1));
            let b = net.conv2d("b", x, conv2d(4, 4, 1, 0));
            net.node(ADD, &if swapped { [b, a] } else { [a, b] })
        })
    };
    assert_eq!(branches(false), branches(true));
    let difference = |swapped: bool| {
        hash_of(|net, x| {
            let a = net.node(RELU, &[x]);
            net.node(Op::Binary(Binary::Sub), &if swapped { [x, a] } else { [a, x] })
        })
    };
    assert_ne!(difference(false), difference(true));
}

/// A use that no output needs must not change the order in which equal branches are visited.
#[test]
fn dead_nodes_below_a_sum_do_not_count() {
    let branches = |swapped: bool, dead: bool| {
        hash_of(|net, x| {
            let convolve = |net: &mut Network, name| net.conv2d(name, x, conv2d(4, 4, 3, 1));
            let [plain, bent] = if swapped {
                let bent = convolve(net, "b");
                [convolve(net, "a"), net.node(RELU, &[bent])]
            } else {
                let plain = convolve(net, "a");
                let bent = convolve(net, "b");
                [plain, net.node(RELU, &[bent])]
            };
            let sum = net.node(ADD, &[bent, plain]);
            if dead {
                net.node(reshape(&[4, 64]), &[sum]);
            }
            net.node(reshape(&[256]), &[sum])
        })
    };
    let all = [(false, false), (true, false), (false, true), (true, true)];
    assert!(all.iter().all(|&(swapped, dead)| branches(swapped, dead) == branches(false, false)));
}

#[test]
fn sharing_of_parameters_counts() {
    let siamese = |shared: bool| {
        hash_of(|net, x| {
            let a = net.conv2d("a", x, conv2d(4, 4, 3, 1));
            let b = if shared {
                let node = net.builder.graph().nodes[0].clone();
                net.node(node.op, &[a, node.inputs[1], node.inputs[2]])
            } else {
                net.conv2d("b", a, conv2d(4, 4, 3, 1))
            };
            net.node(ADD, &[a, b])
        })
    };
    assert_ne!(siamese(true), siamese(false));
}

#[test]
fn equal_branches_with_crossed_uses_are_told_apart() {
    // relu(a) + b·c with the convolutions in different roles is the same network
    let roles = |swapped: bool| {
        hash_of(|net, x| {
            let first = net.conv2d("first", x, conv2d(4, 4, 3, 1));
            let second = net.conv2d("second", x, conv2d(4, 4, 3, 1));
            let (a, b) = if swapped { (second, first) } else { (first, second) };
            let a = net.node(RELU, &[a]);
            net.node(ADD, &[a, b])
        })
    };
    assert_eq!(roles(false), roles(true));
}

#[test]
fn every_attribute_of_a_convolution_counts() {
    let base = conv2d(4, 8, 3, 1);
    let mut variants = vec![base.clone()];
    variants.push(conv2d(4, 16, 3, 1));
    variants.push(conv2d(4, 8, 1, 0));
    variants.push(conv2d(4, 8, 3, 2));
    variants.push(nasc_compiler::ir::op::Conv { stride: vec![2, 2], ..base.clone() });
    variants.push(nasc_compiler::ir::op::Conv { stride: vec![2, 1], ..base.clone() });
    variants.push(nasc_compiler::ir::op::Conv { dilation: vec![2, 2], ..base.clone() });
    variants.push(nasc_compiler::ir::op::Conv { groups: 2, ..base.clone() });
    variants.push(nasc_compiler::ir::op::Conv {
        padding_mode: nasc_compiler::ir::op::PaddingMode::Circular,
        ..base
    });
    let hashes: std::collections::BTreeSet<_> =
        variants.iter().map(|conv| hash_of(|net, x| net.conv2d("c", x, conv.clone()))).collect();
    assert_eq!(hashes.len(), variants.len());
}

#[test]
fn trainable_and_frozen_parameters_differ() {
    let of_kind = |kind| {
        hash_of(|net, x| {
            let module = net.layer("scale", "Scale", None);
            let scale = net.param(module, "scale", &[1], kind);
            net.node(Op::Binary(Binary::Mul), &[x, scale])
        })
    };
    assert_ne!(of_kind(ParamKind::Trainable), of_kind(ParamKind::Frozen));
}

#[test]
fn an_operation_done_twice_counts_once_unless_it_is_random() {
    let twice = |op: Op, repeated: bool| {
        hash_of(|net, x| {
            let a = net.node(op.clone(), &[x]);
            let b = if repeated { net.node(op, &[x]) } else { a };
            net.node(ADD, &[a, b])
        })
    };
    assert_eq!(twice(RELU, true), twice(RELU, false));
    let dropout = Op::Dropout(Dropout { p: 0.5, kind: DropoutKind::Element });
    assert_ne!(twice(dropout.clone(), true), twice(dropout, false));
}

#[test]
fn form_names_no_path() {
    let text = form(&check(first_network()).unwrap());
    assert!(!text.contains("conv1") && !text.contains("fc1"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("param")).count(), 4, "{text}");
}

#[test]
fn deep_networks_need_no_deep_stack() {
    let depth = |layers: usize| {
        hash_of(|net, mut x| {
            for _ in 0..layers {
                x = net.node(RELU, &[x]);
            }
            x
        })
    };
    assert_ne!(depth(20_000), depth(20_001));
}

/// A random graph: each step is an operation on earlier values, given by their positions.
#[derive(Debug, Clone)]
enum Step {
    Conv { input: usize, kernel: u64 },
    Relu { input: usize },
    Add { left: usize, right: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (any::<prop::sample::Index>(), 0u64..2)
            .prop_map(|(i, k)| (i, i, 2 * k + 1))
            .prop_map(|(input, _, kernel)| Step::Conv { input: input.index(1 << 16), kernel }),
        any::<prop::sample::Index>().prop_map(|i| Step::Relu { input: i.index(1 << 16) }),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(l, r)| Step::Add { left: l.index(1 << 16), right: r.index(1 << 16) }),
    ];
    prop::collection::vec(step, 1..14)
}

impl Step {
    /// Positions of the operands among the values before step `index`.
    fn operands(&self, index: usize) -> Vec<usize> {
        match *self {
            Step::Conv { input, .. } | Step::Relu { input } => vec![input % (index + 1)],
            Step::Add { left, right } => vec![left % (index + 1), right % (index + 1)],
        }
    }
}

/// Builds the steps in the order `order`, naming layers by place in that order. All values that
/// nothing uses are summed, so that nothing is dead.
fn build(steps: &[Step], order: &[usize], mirrored: bool) -> CanonicalHash {
    hash_of(|net, x| {
        let mut values: Vec<Option<ValueId>> = vec![None; steps.len() + 1];
        values[0] = Some(x);
        for (place, &index) in order.iter().enumerate() {
            let mut operands: Vec<ValueId> =
                steps[index].operands(index).iter().map(|&at| values[at].unwrap()).collect();
            let value = match steps[index] {
                Step::Conv { kernel, .. } => {
                    net.conv2d(&format!("c{place}"), operands[0], conv2d(4, 4, kernel, kernel / 2))
                }
                Step::Relu { .. } => net.node(RELU, &operands),
                Step::Add { .. } => {
                    if mirrored {
                        operands.reverse();
                    }
                    net.node(ADD, &operands)
                }
            };
            values[index + 1] = Some(value);
        }
        values[steps.len()].unwrap()
    })
}

/// An order in which every step comes after those it needs, drawn by `priorities`.
fn topological(steps: &[Step], priorities: &[u32]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < steps.len() {
        let ready = (0..steps.len()).filter(|index| {
            let needs = steps[*index].operands(*index);
            !order.contains(index) && needs.iter().all(|&at| at == 0 || order.contains(&(at - 1)))
        });
        order.push(ready.max_by_key(|&index| priorities[index]).unwrap());
    }
    order
}

proptest! {
    #[test]
    fn order_of_independent_nodes_does_not_count(
        steps in steps(),
        priorities in prop::collection::vec(any::<u32>(), 14),
        mirrored: bool,
    ) {
        let straight: Vec<usize> = (0..steps.len()).collect();
        let shuffled = topological(&steps, &priorities);
        prop_assert_eq!(build(&steps, &straight, false), build(&steps, &shuffled, mirrored));
    }

    #[test]
    fn a_changed_window_counts_where_it_is_used(steps in steps()) {
        let order: Vec<usize> = (0..steps.len()).collect();
        let mut changed = steps.clone();
        let last = changed.len() - 1;
        let input = steps[last].operands(last)[0];
        changed[last] = Step::Conv { input, kernel: 5 };
        prop_assert_ne!(build(&steps, &order, false), build(&changed, &order, false));
    }
}
