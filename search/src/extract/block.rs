//! A text cut into top-level blocks: a line at column 0 and what belongs to it. Every line of prose is
//! a block, too. Not here: which blocks make a program.

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// An import, with the names that it binds.
    Import(Vec<&'t str>),
    /// A class of this name.
    Class(&'t str),
    /// A function.
    Function,
    /// A name that is given a value.
    Assignment,
    /// Prose, a call, a quotation.
    Other,
}

/// A line at column 0, with decorators before and indented lines, comments and quotations behind it.
#[derive(Debug, Clone)]
pub(super) struct Block<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) lines: Vec<&'t str>,
}

impl<'t> Block<'t> {
    pub(super) fn is_class(&self) -> bool {
        matches!(self.kind, Kind::Class(_))
    }

    /// Whether the class says what it computes.
    pub(super) fn has_forward(&self) -> bool {
        self.lines.iter().any(|line| line.trim_start().starts_with("def forward("))
    }

    /// Names that an import binds.
    pub(super) fn bound(&self) -> &[&'t str] {
        match &self.kind {
            Kind::Import(names) => names,
            Kind::Class(_) | Kind::Function | Kind::Assignment | Kind::Other => &[],
        }
    }

    /// The lines up to the last that is neither empty nor a comment at column 0.
    pub(super) fn without_end(&self) -> &[&'t str] {
        let is_end = |line: &&str| line.is_empty() || line.starts_with('#');
        let ends = self.lines.iter().rev().take_while(|line| is_end(line)).count();
        self.lines.get(..self.lines.len() - ends).unwrap_or_default()
    }
}

/// Cuts lines into blocks. With `quotations`, lines within triple quotes belong to their block whatever
/// they look like.
pub(super) fn blocks<'t>(lines: &[&'t str], quotations: bool) -> Vec<Block<'t>> {
    let mut blocks: Vec<Block<'t>> = Vec::new();
    let mut quote = None;
    for &line in lines {
        let begins = quote.is_none() && begins_block(line);
        match blocks.last_mut().filter(|block| !begins || block.is_decorated_only()) {
            Some(block) => block.lines.push(line),
            None if begins => blocks.push(Block { kind: Kind::Other, lines: vec![line] }),
            None => {}
        }
        if quotations {
            quote = open_quote(line, quote);
        }
    }
    for block in &mut blocks {
        block.kind = kind(&block.lines);
    }
    blocks
}

impl Block<'_> {
    fn is_decorated_only(&self) -> bool {
        self.lines.iter().all(|line| line.starts_with('@'))
    }
}

fn begins_block(line: &str) -> bool {
    !line.is_empty() && !line.starts_with([' ', '\t', '#', ')', ']', '}'])
}

/// The triple quote that is open behind a line.
fn open_quote(line: &str, mut open: Option<&'static str>) -> Option<&'static str> {
    const QUOTES: [&str; 2] = ["\"\"\"", "'''"];
    let mut rest = line;
    loop {
        let found = match open {
            Some(quote) => rest.find(quote).map(|at| (at, quote)),
            None => QUOTES.iter().filter_map(|quote| Some((rest.find(quote)?, *quote))).min(),
        };
        let Some((at, quote)) = found else { return open };
        open = if open.is_some() { None } else { Some(quote) };
        rest = rest.get(at + quote.len()..).unwrap_or_default();
    }
}

fn kind<'t>(lines: &[&'t str]) -> Kind<'t> {
    let decorators = lines.iter().take_while(|line| line.starts_with('@')).count();
    let Some((&first, rest)) = lines.get(decorators..).and_then(<[_]>::split_first) else {
        return Kind::Other;
    };
    if let Some(name) = class_name(first) {
        return Kind::Class(name);
    }
    if let Some(names) = bound_names(first, rest) {
        return Kind::Import(names);
    }
    let function = first.strip_prefix("def ").and_then(|rest| rest.split_once('('));
    if function.is_some_and(|(name, _)| is_identifier(name)) {
        return Kind::Function;
    }
    match first.split_once('=') {
        Some((name, value)) if is_identifier(name.trim()) && !value.starts_with('=') => {
            Kind::Assignment
        }
        Some(_) | None => Kind::Other,
    }
}

/// The name of a class whose first line this is, with whatever bases and whatever behind the colon.
pub(super) fn class_name(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("class ")?.split_at_checked(name_length(line)?)?;
    let rest = rest.trim_start();
    let behind = match rest.strip_prefix('(') {
        Some(bases) => bases.rsplit_once(')')?.1.trim_start(),
        None => rest,
    };
    (is_identifier(name) && (behind.starts_with(':') || rest.contains("):"))).then_some(name)
}

/// Bytes of the name in a class line.
fn name_length(line: &str) -> Option<usize> {
    line.strip_prefix("class ")?.find(|c: char| !is_word(c))
}

const fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_identifier(text: &str) -> bool {
    text.chars().all(is_word) && text.chars().next().is_some_and(|first| !first.is_ascii_digit())
}

/// The names that an import binds; `None` for a sentence that only begins like one.
fn bound_names<'t>(first: &'t str, rest: &[&'t str]) -> Option<Vec<&'t str>> {
    let without_comment =
        |line: &'t str| line.split_once('#').map_or(line, |(code, _)| code).trim();
    let first = without_comment(first);
    if let Some(names) = first.strip_prefix("import ") {
        return names.split(',').map(|name| bound_name(name, true)).collect();
    }
    let (module, names) = first.strip_prefix("from ")?.split_once(" import ")?;
    if !is_dotted(module.trim()) {
        return None;
    }
    let more = rest.iter().map(|line| without_comment(line));
    let all = std::iter::once(names).chain(more).flat_map(|line| line.split(','));
    let all = all.map(|name| name.trim().trim_matches(['(', ')']).trim());
    all.filter(|name| !name.is_empty()).map(|name| bound_name(name, false)).collect()
}

/// `torch.nn as nn` binds `nn`, `torch.nn` binds `torch`, `*` binds what nobody knows.
fn bound_name(text: &str, is_module: bool) -> Option<&str> {
    let text = text.trim();
    let (name, alias) = text.split_once(" as ").map_or((text, None), |(n, a)| (n, Some(a.trim())));
    let name = name.trim();
    let sound = if is_module { is_dotted(name) } else { name == "*" || is_identifier(name) };
    let bound = alias.unwrap_or_else(|| name.split('.').next().unwrap_or(name));
    (sound && (bound == "*" || is_identifier(bound))).then_some(bound)
}

fn is_dotted(text: &str) -> bool {
    text.trim_start_matches('.').split('.').all(is_identifier)
}
