//! One HTML page of a run or of several: style, script and data are inside, nothing is fetched. The
//! script draws everything from the data, so that a live page only needs new data.

mod benchmark;
mod data;
mod networks;

pub use data::{Page, RunPage};

use crate::error::ReportError;

const FRAME: &str = include_str!("../assets/page/page.html");
const STYLE: &str = include_str!("../assets/page/style.css");

/// The script, in the order in which its parts need each other.
const SCRIPT: [&str; 9] = [
    include_str!("../assets/page/dom.js"),
    include_str!("../assets/page/scale.js"),
    include_str!("../assets/page/chart.js"),
    include_str!("../assets/page/map.js"),
    include_str!("../assets/page/source.js"),
    include_str!("../assets/page/network.js"),
    include_str!("../assets/page/comparison.js"),
    include_str!("../assets/page/run.js"),
    include_str!("../assets/page/main.js"),
];

/// The page as HTML.
///
/// # Errors
/// [`ReportError::Json`] if its data cannot be written.
pub fn html(page: &Page) -> Result<String, ReportError> {
    let parts = [
        ("{{title}}", escaped(&page.title)),
        ("{{style}}", STYLE.to_owned()),
        ("{{data}}", json(page)?),
        ("{{script}}", SCRIPT.concat()),
    ];
    let mut html =
        String::with_capacity(FRAME.len() + parts.iter().map(|part| part.1.len()).sum::<usize>());
    let mut rest = FRAME;
    for (name, text) in &parts {
        let Some((before, after)) = rest.split_once(name) else { continue };
        html.push_str(before);
        html.push_str(text);
        rest = after;
    }
    html.push_str(rest);
    Ok(html)
}

/// The page's data as JSON that may stand inside a script element.
///
/// # Errors
/// [`ReportError::Json`].
pub fn json(page: &Page) -> Result<String, ReportError> {
    // generated sources may hold anything, `</script>` included
    Ok(serde_json::to_string(page)?.replace('<', "\\u003c"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
