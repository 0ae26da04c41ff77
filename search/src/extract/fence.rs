//! Code between fences, and text without any. A fence is a line of three or more backticks or tildes.
//! Not here: what is code within a text without fences.

/// Lines between two fences, or outside.
#[derive(Debug, Default)]
struct Segment<'t> {
    is_inside: bool,
    lines: Vec<&'t str>,
}

/// The lines that hold the program, and whether they stood between fences. Without a class between
/// fences all lines are taken.
pub(super) fn code(text: &str) -> (Vec<&str>, bool) {
    let segments = segments(text);
    let is_fenced = segments.iter().any(|segment| segment.is_inside && segment.has_class());
    let chosen = segments.iter().filter(|segment| segment.is_inside || !is_fenced);
    (chosen.flat_map(Segment::dedented).collect(), is_fenced)
}

fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut all = Vec::new();
    let mut now = Segment::default();
    for line in text.lines().map(str::trim_end) {
        let Some(language) = fence(line) else {
            now.lines.push(line);
            continue;
        };
        // A model may end code with a fence that it never began.
        let ends_code = !now.is_inside && language.is_empty() && now.has_class();
        now.is_inside |= ends_code;
        let opens = !language.is_empty() || !now.is_inside;
        all.push(std::mem::replace(&mut now, Segment { is_inside: opens, lines: Vec::new() }));
    }
    all.push(now);
    all
}

/// What stands behind the marks of a fence: the name of a language, or nothing.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim();
    ["```", "~~~"].iter().find_map(|marks| {
        let rest = line.strip_prefix(marks)?.trim_start_matches(['`', '~']).trim();
        // `code` in a line of prose is no fence
        (!rest.contains('`')).then_some(rest)
    })
}

impl<'t> Segment<'t> {
    fn has_class(&self) -> bool {
        self.dedented().any(|line| super::block::class_name(line).is_some())
    }

    /// Its lines without the indentation that all of them have.
    fn dedented(&self) -> impl Iterator<Item = &'t str> {
        let indent = |line: &&str| line.len() - line.trim_start().len();
        let filled = self.lines.iter().filter(|line| !line.is_empty());
        let common = filled.map(indent).min().unwrap_or(0);
        self.lines.iter().map(move |line| line.get(common..).unwrap_or_default())
    }
}
