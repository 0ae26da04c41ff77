//! The text of `model.c` and `model.h`: constants, functions, the arena, and the calls in order.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::arena::Arena;
use super::expression::number;
use super::helper;
use super::program::{Argument, Buffer, Program, Step};

const PRELUDE: &str = include_str!("prelude.c");

/// What is said of a network besides its steps.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub name: String,
    /// Elements of each input.
    pub inputs: Vec<i64>,
    /// Elements of each result.
    pub outputs: Vec<i64>,
    pub comment: String,
}

/// `model.h`
pub(super) fn header(interface: &Interface, arena: &Arena) -> String {
    let name = &interface.name;
    let upper = name.to_uppercase();
    let mut text = format!("/* {} */\n#ifndef {upper}_H\n#define {upper}_H\n\n", interface.comment);
    let all = [("INPUT", &interface.inputs), ("OUTPUT", &interface.outputs)];
    for (kind, sizes) in all {
        for (position, size) in sizes.iter().enumerate() {
            let suffix = if sizes.len() > 1 { position.to_string() } else { String::new() };
            let _ = writeln!(text, "#define {upper}_{kind}{suffix}_SIZE {size}");
        }
    }
    let _ = writeln!(text, "#define {upper}_ARENA_BYTES {}\n", arena.length * 4);
    text.push_str(
        "/* Elements are floats in the order of PyTorch, one sample, normalised as in training.\n   \
         The arena is static: one call at a time. */\n",
    );
    let _ = writeln!(text, "{};\n\n#endif", signature(interface));
    text
}

fn signature(interface: &Interface) -> String {
    let names = |kind: &str, count: usize| {
        let suffix = move |position: usize| {
            if count > 1 { position.to_string() } else { String::new() }
        };
        (0..count).map(|position| format!("{kind}{}", suffix(position))).collect::<Vec<String>>()
    };
    let inputs = names("input", interface.inputs.len());
    let inputs = inputs.into_iter().map(|name| format!("const float *{name}"));
    let outputs = names("output", interface.outputs.len());
    let outputs = outputs.into_iter().map(|name| format!("float *{name}"));
    let parameters: Vec<String> = inputs.chain(outputs).collect();
    format!("void {}_run({})", interface.name, parameters.join(", "))
}

/// `model.c`
pub(super) fn source(program: &Program, interface: &Interface, arena: &Arena) -> String {
    let (functions, calls) = functions(program, interface, arena);
    let mut text = format!("/* {} */\n#include \"{}.h\"\n\n", interface.comment, interface.name);
    text.push_str(PRELUDE);
    text.push('\n');
    for (index, buffer) in program.buffers.iter().enumerate() {
        if let Buffer::Constant(elements) = buffer {
            constant(&mut text, index, elements);
        }
    }
    let _ = writeln!(text, "static float arena[{}] ALIGNED;\n", arena.length.max(1));
    text.push_str(&helper::definitions(&functions));
    let _ = writeln!(text, "\n{functions}{} {{\n{calls}}}", signature(interface));
    text
}

fn constant(text: &mut String, index: usize, elements: &[f32]) {
    let _ =
        write!(text, "static const float constant{index}[{}] ALIGNED = {{", elements.len().max(1));
    for (position, element) in elements.iter().enumerate() {
        text.push_str(if position % 8 == 0 { "\n    " } else { " " });
        let _ = write!(text, "{},", number(f64::from(*element)));
    }
    text.push_str(if elements.is_empty() { "0.0f};\n\n" } else { "\n};\n\n" });
}

/// The functions of the steps, equal ones once, and the calls.
fn functions(program: &Program, interface: &Interface, arena: &Arena) -> (String, String) {
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let (mut functions, mut calls) = (String::new(), String::new());
    if arena.length == 0 {
        calls.push_str("    (void)arena;\n");
    }
    for position in 0..interface.inputs.len() {
        let used = program.steps.iter().flat_map(|step| &step.arguments).any(|argument| {
            matches!(program.buffers.get(argument.buffer), Some(Buffer::Input(own)) if *own == position)
        });
        if !used {
            let _ =
                writeln!(calls, "    (void){};", caller("input", position, interface.inputs.len()));
        }
    }
    for step in &program.steps {
        let parameters = parameters(step);
        let next = known.len();
        let body = (parameters.clone(), step.body.clone());
        let index = *known.entry(body).or_insert_with(|| {
            let _ = writeln!(
                functions,
                "/* {} */\nstatic void f{next}({parameters}) {{\n{}}}\n",
                step.title,
                indented(&step.body)
            );
            next
        });
        let arguments: Vec<String> = step
            .arguments
            .iter()
            .map(|argument| pointer(program, interface, arena, argument))
            .collect();
        let _ = writeln!(calls, "    f{index}({});", arguments.join(", "));
    }
    (functions, calls)
}

fn parameters(step: &Step) -> String {
    let parameter = |(index, argument): (usize, &Argument)| {
        let constness = if argument.writes { "" } else { "const " };
        format!("{constness}float *restrict a{index}")
    };
    step.arguments.iter().enumerate().map(parameter).collect::<Vec<String>>().join(", ")
}

fn pointer(program: &Program, interface: &Interface, arena: &Arena, argument: &Argument) -> String {
    let offset = arena.offsets.get(argument.buffer).copied().unwrap_or(0) + argument.offset;
    let base = match program.buffers.get(argument.buffer) {
        Some(Buffer::Arena(_)) | None => "arena".to_owned(),
        Some(Buffer::Constant(_)) => format!("constant{}", argument.buffer),
        Some(Buffer::Input(position)) => caller("input", *position, interface.inputs.len()),
        Some(Buffer::Output(position)) => caller("output", *position, interface.outputs.len()),
    };
    if offset == 0 { base } else { format!("{base} + {offset}") }
}

fn caller(kind: &str, position: usize, count: usize) -> String {
    if count > 1 { format!("{kind}{position}") } else { kind.to_owned() }
}

/// A body with its lines indented by their braces; directives stay at the margin.
fn indented(body: &str) -> String {
    let mut text = String::new();
    let mut depth = 1usize;
    for line in body.lines() {
        let closes = line.starts_with('}');
        if closes {
            depth = depth.saturating_sub(1);
        }
        let indent = if line.starts_with('#') { 0 } else { depth * 4 };
        let _ = writeln!(text, "{:indent$}{line}", "");
        let opens = line.matches('{').count();
        let shuts = line.matches('}').count() - usize::from(closes);
        depth = (depth + opens).saturating_sub(shuts);
    }
    text
}
