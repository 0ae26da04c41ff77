//! Which steps of a plan become one kernel: batch norm, the addition of a residual and ReLU; a
//! convolution or linear layer and ReLU. Only values with a single reader disappear.

#![expect(clippy::indexing_slicing, reason = "slots index the plan's own table")]

use nasc_compiler::ir::Op;
use nasc_compiler::ir::op::{Activation, Binary};

use crate::plan::{ExecutionPlan, Operand, Step};

/// Steps that run as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The step that computes; an index into the plan.
    pub main: usize,
    /// An addition that follows, and which of its operands is the other tensor.
    pub add: Option<(usize, usize)>,
    /// A ReLU that ends it.
    pub relu: Option<usize>,
}

impl Group {
    /// The step whose result is the group's.
    pub fn last(&self) -> usize {
        self.relu.or(self.add.map(|(add, _)| add)).unwrap_or(self.main)
    }
}

/// Groups in the order in which they can run.
pub fn groups(plan: &ExecutionPlan) -> Vec<Group> {
    let readers = readers(plan);
    let mut taken = vec![false; plan.steps.len()];
    let mut groups = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let group = match step.op {
            Op::BatchNorm(_) => norm_group(plan, &readers, index),
            Op::Conv(_) | Op::Linear(_) => {
                Group { main: index, add: None, relu: relu_after(plan, &readers, index) }
            }
            _ => Group { main: index, add: None, relu: None },
        };
        if !taken[index] {
            for step in [group.add.map(|(add, _)| add), group.relu].into_iter().flatten() {
                taken[step] = true;
            }
            groups.push(group);
        }
    }
    groups.sort_by_key(Group::last);
    groups
}

/// The steps that read each slot; results of the network count as one more.
fn readers(plan: &ExecutionPlan) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); plan.slots];
    for (index, step) in plan.steps.iter().enumerate() {
        for operand in &step.operands {
            if let Operand::Slot(slot) = operand {
                readers[slot.0].push(index);
            }
        }
    }
    for output in &plan.outputs {
        if let Operand::Slot(slot) = output {
            readers[slot.0].push(usize::MAX);
        }
    }
    readers
}

fn only_reader(readers: &[Vec<usize>], step: &Step) -> Option<usize> {
    match readers[step.results.first()?.0].as_slice() {
        [reader] if *reader != usize::MAX => Some(*reader),
        _ => None,
    }
}

fn relu_after(plan: &ExecutionPlan, readers: &[Vec<usize>], index: usize) -> Option<usize> {
    let reader = only_reader(readers, &plan.steps[index])?;
    matches!(plan.steps[reader].op, Op::Activation(Activation::Relu)).then_some(reader)
}

fn norm_group(plan: &ExecutionPlan, readers: &[Vec<usize>], index: usize) -> Group {
    if let Some(relu) = relu_after(plan, readers, index) {
        return Group { main: index, add: None, relu: Some(relu) };
    }
    let add = only_reader(readers, &plan.steps[index]).filter(|&reader| {
        let (step, norm) = (&plan.steps[reader], &plan.steps[index]);
        let same = |operand: &Operand| operand_type(plan, operand) == norm.result_types.first();
        matches!(step.op, Op::Binary(Binary::Add)) && step.operands.iter().all(same)
    });
    let Some(add) = add else { return Group { main: index, add: None, relu: None } };
    let result = plan.steps[index].results.first().map(|&slot| Operand::Slot(slot));
    let other = usize::from(plan.steps[add].operands.first() == result.as_ref());
    // of two normalisations that are added, the later one takes the addition
    let produced = producer(plan, &plan.steps[add].operands[other]);
    if produced.is_some_and(|produced| produced > index && is_free_norm(plan, readers, produced)) {
        return Group { main: index, add: None, relu: None };
    }
    Group { main: index, add: Some((add, other)), relu: relu_after(plan, readers, add) }
}

fn is_free_norm(plan: &ExecutionPlan, readers: &[Vec<usize>], index: usize) -> bool {
    let step = &plan.steps[index];
    matches!(step.op, Op::BatchNorm(_)) && only_reader(readers, step).is_some()
}

fn producer(plan: &ExecutionPlan, operand: &Operand) -> Option<usize> {
    let Operand::Slot(slot) = operand else { return None };
    plan.steps.iter().position(|step| step.results.contains(slot))
}

fn operand_type<'a>(
    plan: &'a ExecutionPlan,
    operand: &Operand,
) -> Option<&'a nasc_compiler::ir::TensorType> {
    match operand {
        Operand::Param(_) => None,
        Operand::Slot(slot) => {
            let input = plan.inputs.iter().position(|input| input == slot);
            let made = || {
                let step = plan.steps.iter().find(|step| step.results.contains(slot))?;
                let position = step.results.iter().position(|result| result == slot)?;
                step.result_types.get(position)
            };
            input.and_then(|input| plan.input_types.get(input)).or_else(made)
        }
    }
}
