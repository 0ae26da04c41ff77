//! Programs around an emitted network: one that classifies image files, and one that only runs
//! samples, for tests. Their C is in `host/`; here it gets its constants.

use std::fmt::Write as _;

use super::expression::number;

const IMAGE: &str = include_str!("host/image.h");
const PNG: &str = include_str!("host/png.c");
const JPEG: &str = include_str!("host/jpeg.c");
const MAIN: &str = include_str!("host/main.c");

/// What a program that classifies images has to know. Samples are channels, rows, columns.
#[derive(Debug, Clone)]
pub struct HostOptions<'a> {
    /// Channels (1 or 3), rows, columns.
    pub shape: [u64; 3],
    /// One name per result.
    pub classes: &'a [String],
    /// Subtracted from each channel, where white is 1.
    pub mean: &'a [f32],
    /// What each channel is then divided by.
    pub deviation: &'a [f32],
    /// Whether results are probabilities, and not logits or logarithms of probabilities.
    pub is_probability: bool,
    /// Inputs of the test vectors, one behind the other.
    pub inputs: &'a [f32],
    /// Their expected results.
    pub outputs: &'a [f32],
}

/// A program for POSIX systems around `model.h` that reads PNG and JPEG files.
#[must_use]
pub fn program(options: &HostOptions<'_>) -> String {
    let [channels, height, width] = options.shape;
    let mut text = "#define _POSIX_C_SOURCE 200809L\n".to_owned();
    for header in ["dirent", "errno", "math", "stdio", "stdlib", "string", "time"] {
        let _ = writeln!(text, "#include <{header}.h>");
    }
    let _ = writeln!(
        text,
        "\n#include \"model.h\"\n\n#define CHANNELS {channels}\n#define HEIGHT {height}\n\
         #define WIDTH {width}\n#define CLASSES {}\n#define IS_PROBABILITY {}\n",
        options.classes.len(),
        u8::from(options.is_probability)
    );
    floats(&mut text, "mean", options.mean);
    floats(&mut text, "deviation", options.deviation);
    text.push_str("static const char *const class_names[] = {\n");
    for class in options.classes {
        let _ = writeln!(text, "    {},", quoted(class));
    }
    text.push_str("};\n");
    floats(&mut text, "test_inputs", options.inputs);
    floats(&mut text, "test_outputs", options.outputs);
    text.push_str(
        "\n/* Inputs, then results, as raw floats. */\nstatic int vectors(void) {\n    \
         fwrite(test_inputs, sizeof test_inputs, 1, stdout);\n    \
         fwrite(test_outputs, sizeof test_outputs, 1, stdout);\n    \
         return fflush(stdout) != 0;\n}\n\n",
    );
    [text.as_str(), IMAGE, PNG, JPEG, MAIN].join("\n")
}

/// A program that reads samples from the standard input and writes results to the standard output.
#[must_use]
pub fn harness() -> String {
    "/* Runs samples: raw floats from the standard input, results to the standard output. */\n\
     #include <stdio.h>\n\n#include \"model.h\"\n\n\
     static float input[MODEL_INPUT_SIZE], output[MODEL_OUTPUT_SIZE];\n\n\
     int main(void) {\n    \
         while (fread(input, sizeof input, 1, stdin) == 1) {\n        \
             model_run(input, output);\n        \
             if (fwrite(output, sizeof output, 1, stdout) != 1) return 1;\n    \
         }\n    \
         return fflush(stdout) != 0;\n}\n"
        .to_owned()
}

fn floats(text: &mut String, name: &str, elements: &[f32]) {
    let _ = write!(text, "static const float {name}[] = {{");
    for (position, element) in elements.iter().enumerate() {
        text.push_str(if position % 8 == 0 { "\n    " } else { " " });
        let _ = write!(text, "{},", number(f64::from(*element)));
    }
    text.push_str("\n};\n");
}

/// A C string; bytes outside of ASCII and control characters as octal escapes.
fn quoted(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' if byte != b'?' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    format!("\"{}\"", text.bytes().map(byte).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn class_names_are_escaped() {
        assert_eq!(quoted("a\"b\\ü?"), "\"a\\\"b\\\\\\303\\274\\077\"");
    }
}
