//! Properties of shape rules on random shapes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use nasc_compiler::ir::op::{Permute, Reshape};
use nasc_compiler::ir::{Dim, Op, Shape, TensorType};
use nasc_compiler::shape::{Elements, broadcast, flatten, infer, resolve_dim, resolve_reshape};
use proptest::prelude::*;

/// A shape of up to five small extents, its first dimension the batch or not.
fn shape() -> impl Strategy<Value = Shape> {
    (any::<bool>(), prop::collection::vec(0u64..5, 0..5)).prop_map(|(batched, extents)| {
        let mut dims: Vec<Dim> = extents.into_iter().map(Dim::Known).collect();
        if batched {
            dims.insert(0, Dim::N);
        }
        Shape(dims)
    })
}

fn one(op: Op, shape: &Shape) -> Option<Shape> {
    let results = infer(&op, &[&TensorType::f32(shape.clone())]).ok()?;
    Some(results[0].shape.clone())
}

proptest! {
    #[test]
    fn broadcasting_is_commutative(left in shape(), right in shape()) {
        prop_assert_eq!(broadcast(&left, &right).ok(), broadcast(&right, &left).ok());
    }

    #[test]
    fn broadcasting_with_itself_or_a_scalar_changes_nothing(shape in shape()) {
        prop_assert_eq!(broadcast(&shape, &shape), Ok(shape.clone()));
        prop_assert_eq!(broadcast(&shape, &Shape(Vec::new())), Ok(shape));
    }

    #[test]
    fn broadcasting_is_associative(a in shape(), b in shape(), c in shape()) {
        let left = broadcast(&a, &b).and_then(|ab| broadcast(&ab, &c));
        let right = broadcast(&b, &c).and_then(|bc| broadcast(&a, &bc));
        prop_assert_eq!(left.ok(), right.ok());
    }

    #[test]
    fn reshape_has_an_inverse(from in shape(), merge in 0i64..5) {
        if let Ok(to) = flatten(&from, merge.min(from.rank() as i64 - 1), -1) {
            prop_assert_eq!(Elements::of(&from), Elements::of(&to));
            prop_assert_eq!(one(Op::Reshape(Reshape { shape: to.clone() }), &from), Some(to.clone()));
            if from.rank() > 0 {
                let back = Op::Reshape(Reshape { shape: from.clone() });
                prop_assert_eq!(one(back, &to), Some(from));
            }
        }
    }

    #[test]
    fn minus_one_stands_for_the_missing_extent(shape in shape(), hidden in any::<prop::sample::Index>()) {
        prop_assume!(shape.rank() > 0 && Elements::of(&shape).factor > 0);
        let mut target: Vec<Option<Dim>> = shape.0.iter().copied().map(Some).collect();
        target[hidden.index(shape.rank())] = None;
        prop_assert_eq!(resolve_reshape(&shape, &target), Ok(shape));
    }

    #[test]
    fn permutation_keeps_elements_and_has_an_inverse(
        (shape, order) in shape().prop_flat_map(|shape| {
            let order: Vec<usize> = (0..shape.rank()).collect();
            (Just(shape), Just(order).prop_shuffle())
        })
    ) {
        let permuted = one(Op::Permute(Permute { order: order.clone() }), &shape).unwrap();
        prop_assert_eq!(Elements::of(&permuted), Elements::of(&shape));
        let mut inverse = vec![0; order.len()];
        for (to, &from) in order.iter().enumerate() {
            inverse[from] = to;
        }
        prop_assert_eq!(one(Op::Permute(Permute { order: inverse }), &permuted), Some(shape));
    }

    #[test]
    fn negative_dimensions_count_from_the_end(rank in 1usize..6, dim in 0usize..6) {
        prop_assume!(dim < rank);
        let negative = dim as i64 - rank as i64;
        prop_assert_eq!(resolve_dim(negative, rank), Ok(dim));
        prop_assert!(resolve_dim(rank as i64, rank).is_err());
        prop_assert!(resolve_dim(-(rank as i64) - 1, rank).is_err());
    }
}
