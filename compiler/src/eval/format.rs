//! Values as text: `str`, `repr`, f-strings, `format`, `%`.

use super::error::{Eval, type_error, value_error};
use super::interpreter::Interpreter;
use super::value::Value;

impl Interpreter<'_> {
    /// `str(value)`
    pub(crate) fn text_of(&mut self, value: &Value) -> Eval<String> {
        match value {
            Value::Str(text) => Ok(text.to_string()),
            Value::Instance(instance) => {
                for name in ["__str__", "__repr__"] {
                    if let Some(function) = instance.class.lookup(name) {
                        let text = self.call_values(&function, vec![value.clone()])?;
                        return Ok(text.as_str().map(|text| text.to_string()).unwrap_or_default());
                    }
                }
                if instance.class.is_native("BaseException") {
                    return self.exception_text(instance);
                }
                let payload = instance.payload.borrow().clone();
                match payload {
                    Some(payload) => self.text_of(&payload),
                    None => self.repr(value),
                }
            }
            other => self.repr(other),
        }
    }

    fn exception_text(&mut self, instance: &super::object::Instance) -> Eval<String> {
        match instance.attribute("args") {
            Some(Value::Tuple(args)) => match &args[..] {
                [] => Ok(String::new()),
                [only] => self.text_of(only),
                _ => self.repr(&Value::Tuple(args)),
            },
            _ => Ok(String::new()),
        }
    }

    /// `repr(value)`
    pub(crate) fn repr(&mut self, value: &Value) -> Eval<String> {
        self.fuel.step()?;
        self.fuel.enter()?;
        let text = self.repr_inner(value);
        self.fuel.leave();
        if let Ok(text) = &text {
            self.fuel.allocate(text.len() / 8)?;
        }
        text
    }

    fn repr_inner(&mut self, value: &Value) -> Eval<String> {
        Ok(match value {
            Value::Unknown => String::from("?"),
            Value::None => String::from("None"),
            Value::Ellipsis => String::from("Ellipsis"),
            Value::Bool(flag) => String::from(if *flag { "True" } else { "False" }),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => float_text(*number),
            Value::Str(text) => quote(text),
            Value::Batch(1) => String::from("N"),
            Value::Batch(factor) => format!("{factor}N"),
            Value::Tuple(items) => {
                let inner = self.repr_items(items)?;
                if items.len() == 1 { format!("({inner},)") } else { format!("({inner})") }
            }
            Value::List(items) => {
                let items = items.borrow().clone();
                format!("[{}]", self.repr_items(&items)?)
            }
            Value::Set(items) => {
                let items: Vec<Value> = items.borrow().keys_of();
                format!("{{{}}}", self.repr_items(&items)?)
            }
            Value::Dict(_) => {
                let mut parts = Vec::new();
                for (key, value) in self.mapping_items(value)? {
                    parts.push(format!("{}: {}", self.repr(&key)?, self.repr(&value)?));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Value::Range(range) => format!("range({}, {})", range.start, range.stop),
            Value::Class(class) => format!("<class '{}'>", class.name),
            Value::Module(name) => format!("<module '{name}'>"),
            Value::Package(package) => format!("<module '{}'>", package.name),
            Value::DType(dtype) => format!("torch.{dtype}"),
            Value::Function(function) => format!("<function {}>", function.qualified_name),
            Value::Native(native) => format!("<built-in function {}>", native.name),
            Value::Instance(instance) => {
                if let Some(function) = instance.class.lookup("__repr__") {
                    let text = self.call_values(&function, vec![value.clone()])?;
                    return Ok(text.as_str().map(|text| text.to_string()).unwrap_or_default());
                }
                let payload = instance.payload.borrow().clone();
                match payload {
                    Some(payload) => self.repr(&payload)?,
                    None => format!("{}()", instance.class.name),
                }
            }
            other => format!("<{}>", other.type_name()),
        })
    }

    fn repr_items(&mut self, items: &[Value]) -> Eval<String> {
        let parts = items.iter().map(|item| self.repr(item)).collect::<Eval<Vec<_>>>()?;
        Ok(parts.join(", "))
    }

    /// One value of an f-string or of `format`.
    pub(crate) fn format_value(
        &mut self,
        value: &Value,
        conversion: Option<char>,
        spec: &str,
    ) -> Eval<String> {
        let text = match conversion {
            Some('r' | 'a') => self.repr(value)?,
            Some(_) => self.text_of(value)?,
            None if spec.is_empty() => return self.text_of(value),
            None => match (value.as_int(), value.as_float()) {
                (Some(number), _) if !spec.ends_with(['e', 'f', 'g', '%', 'E', 'G', 'F']) => {
                    return apply_spec(&integer_text(number, spec), spec, true);
                }
                (_, Some(number)) => return apply_spec(&number_text(number, spec)?, spec, true),
                _ => self.text_of(value)?,
            },
        };
        let text = match precision(spec) {
            Some(length) => text.chars().take(length).collect(),
            None => text,
        };
        apply_spec(&text, spec, false)
    }

    /// `template.format(*positional, **keywords)`
    pub(crate) fn format_template(
        &mut self,
        template: &str,
        positional: &[Value],
        keywords: &[(crate::ast::Name, Value)],
    ) -> Eval<String> {
        let mut result = String::new();
        let mut automatic = 0;
        let mut rest = template;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(open);
            result.push_str(before);
            if after.starts_with("{{") || after.starts_with("}}") {
                result.push_str(after.get(..1).unwrap_or(""));
                rest = after.get(2..).unwrap_or("");
                continue;
            }
            let Some(close) = after.find('}') else {
                return Err(value_error("Single '{' encountered in format string"));
            };
            let field = after.get(1..close).unwrap_or("");
            result.push_str(&self.format_field(field, positional, keywords, &mut automatic)?);
            rest = after.get(close + 1..).unwrap_or("");
        }
        result.push_str(rest);
        self.fuel.allocate(result.len() / 8)?;
        Ok(result)
    }

    fn format_field(
        &mut self,
        field: &str,
        positional: &[Value],
        keywords: &[(crate::ast::Name, Value)],
        automatic: &mut usize,
    ) -> Eval<String> {
        let (field, spec) = field.split_once(':').unwrap_or((field, ""));
        let (field, conversion) = match field.split_once('!') {
            Some((field, conversion)) => (field, conversion.chars().next()),
            None => (field, None),
        };
        let end = field.find(['.', '[']).unwrap_or(field.len());
        let (name, path) = field.split_at(end);
        let value = if name.is_empty() {
            *automatic += 1;
            positional.get(*automatic - 1).cloned()
        } else if let Ok(index) = name.parse::<usize>() {
            positional.get(index).cloned()
        } else {
            keywords.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone())
        };
        let Some(mut value) = value else {
            return Err(super::error::raise(
                super::error::Mistake::IndexOutOfRange,
                "IndexError",
                "Replacement index out of range for positional args tuple",
            ));
        };
        for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
            value = match part.strip_suffix(']') {
                Some(index) => {
                    let index =
                        index.parse::<i128>().map_or_else(|_| Value::str(index), Value::Int);
                    self.item(&value, &index)?
                }
                None => self.attribute(&value, part)?,
            };
        }
        self.format_value(&value, conversion, spec)
    }

    /// `template % values`
    pub(crate) fn percent_format(&mut self, template: &str, values: &Value) -> Eval<String> {
        let positional = match values {
            Value::Tuple(items) => items.to_vec(),
            other => vec![other.clone()],
        };
        let mut given = positional.into_iter();
        let mut result = String::new();
        let mut characters = template.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                result.push(character);
                continue;
            }
            let mut spec = String::new();
            let mut name = None;
            let kind = loop {
                match characters.next() {
                    Some('(') => {
                        name =
                            Some(characters.by_ref().take_while(|&c| c != ')').collect::<String>())
                    }
                    Some(c) if c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | ' ' | '#') => {
                        spec.push(c);
                    }
                    Some(c) => break c,
                    None => return Err(value_error("incomplete format")),
                }
            };
            if kind == '%' {
                result.push('%');
                continue;
            }
            let value = match name {
                Some(name) => self.item(values, &Value::str(name))?,
                None => given
                    .next()
                    .ok_or_else(|| type_error("not enough arguments for format string"))?,
            };
            result.push_str(&self.percent_value(&value, kind, &spec)?);
        }
        Ok(result)
    }

    fn percent_value(&mut self, value: &Value, kind: char, spec: &str) -> Eval<String> {
        match kind {
            's' => self.text_of(value),
            'r' => self.repr(value),
            'd' | 'i' => match value.as_float() {
                Some(number) => apply_spec(&integer_text(number as i128, spec), spec, true),
                None => Err(type_error(format!(
                    "%d format: a real number is required, not {}",
                    value.type_name()
                ))),
            },
            _ => self.format_value(value, None, &format!("{spec}{kind}")),
        }
    }
}

/// Python's shortest form of a float.
pub(crate) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return String::from("nan");
    }
    if number.is_infinite() {
        return String::from(if number > 0.0 { "inf" } else { "-inf" });
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{number:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) => {
                let value: i32 = exponent.parse().unwrap_or(0);
                format!("{digits}e{}{:02}", if value < 0 { '-' } else { '+' }, value.abs())
            }
            None => text,
        };
    }
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\n', "\\n");
    if escaped.contains('\'') && !escaped.contains('"') {
        format!("\"{escaped}\"")
    } else {
        format!("'{}'", escaped.replace('\'', "\\'"))
    }
}

fn precision(spec: &str) -> Option<usize> {
    let (_, after) = spec.split_once('.')?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<usize>().ok().map(|digits| digits.min(400))
}

fn integer_text(number: i128, spec: &str) -> String {
    if spec.contains(',') {
        return group_thousands(number);
    }
    match spec.chars().last() {
        Some('x') => format!("{number:x}"),
        Some('X') => format!("{number:X}"),
        Some('b') => format!("{number:b}"),
        Some('o') => format!("{number:o}"),
        _ => number.to_string(),
    }
}

fn group_thousands(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}

fn number_text(number: f64, spec: &str) -> Eval<String> {
    let digits = precision(spec);
    Ok(match spec.chars().last() {
        Some('f' | 'F') => format!("{number:.*}", digits.unwrap_or(6)),
        Some('%') => format!("{:.*}%", digits.unwrap_or(6), number * 100.0),
        Some('e' | 'E') => {
            let text = format!("{number:.*e}", digits.unwrap_or(6));
            match text.split_once('e') {
                Some((mantissa, exponent)) => {
                    let value: i32 = exponent.parse().unwrap_or(0);
                    let sign = if value < 0 { '-' } else { '+' };
                    format!("{mantissa}e{sign}{:02}", value.abs())
                }
                None => text,
            }
        }
        _ => match digits {
            Some(digits) => {
                let text = format!("{number:.*}", digits);
                let text = text.trim_end_matches('0').trim_end_matches('.');
                String::from(text)
            }
            None => float_text(number),
        },
    })
}

/// Pads and aligns as a format specification says.
fn apply_spec(text: &str, spec: &str, is_number: bool) -> Eval<String> {
    let characters: Vec<char> = spec.chars().collect();
    let is_align = |c: &char| matches!(c, '<' | '>' | '^' | '=');
    let (fill, align, rest) = match characters.as_slice() {
        [fill, align, rest @ ..] if is_align(align) => (*fill, Some(*align), rest),
        [align, rest @ ..] if is_align(align) => (' ', Some(*align), rest),
        rest => (' ', None, rest),
    };
    let rest: String = rest.iter().collect();
    let plus = rest.starts_with('+') && is_number && !text.starts_with('-');
    let rest = rest.trim_start_matches(['+', '-', ' ', '#']);
    let fill = if rest.starts_with('0') && align.is_none() { '0' } else { fill };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let width = digits.parse::<usize>().unwrap_or(0);
    if width > 10_000 {
        return Err(value_error("the width of a format is too large"));
    }
    let text = if plus { format!("+{text}") } else { String::from(text) };
    let missing = width.saturating_sub(text.chars().count());
    let pad = |count: usize| fill.to_string().repeat(count);
    Ok(match align.unwrap_or(if is_number { '>' } else { '<' }) {
        '<' => format!("{text}{}", pad(missing)),
        '^' => format!("{}{text}{}", pad(missing / 2), pad(missing - missing / 2)),
        _ => format!("{}{text}", pad(missing)),
    })
}
