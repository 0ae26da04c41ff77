//! The report of a run on the digits: one file that fetches nothing, tables that can be read back, pictures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use std::path::Path;
use std::process::Command;
use support::{nasc, searched};

fn report(folder: &Path, run: &str, more: &[&str]) -> String {
    let out = folder.join("report.html").display().to_string();
    let (code, told, errors) = nasc(folder, &[&["report", run, "--out", &out][..], more].concat());
    assert_eq!(code, 0, "{errors}");
    assert!(told.contains("report.html"), "{told}");
    std::fs::read_to_string(out).unwrap()
}

/// The page's data.
fn data(html: &str) -> serde_json::Value {
    let from = html.split_once("id=\"data\">").unwrap().1;
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn one_file_holds_the_run_and_fetches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path(), "run", &[]);
    let html = report(folder.path(), &run, &[]);
    for scheme in ["http://", "https://", "//cdn"] {
        let mut found =
            html.match_indices(scheme).map(|(at, _)| &html[at..(at + 40).min(html.len())]);
        assert!(found.all(|text| text.starts_with("http://www.w3.org/2000/svg")), "{scheme}");
    }
    let data = data(&html);
    let run = &data["runs"][0];
    assert_eq!((data["compares"].as_bool(), run["finished"].as_bool()), (Some(false), Some(true)));
    let elites =
        run["history"].as_array().unwrap().last().unwrap()["residents"].as_array().unwrap();
    for elite in elites {
        let network = &run["networks"][elite[1].to_string()];
        assert!(network["source"].as_str().unwrap().contains("nn.Module"), "{elite}");
        assert_eq!(network["cell"], elite[0]);
    }
    let best = run["best"].to_string();
    assert_eq!(run["networks"][&best]["curve"].as_array().unwrap().len(), 2);
    assert_eq!(run["cells"].as_array().unwrap().len(), 100);
    assert_eq!(run["steps"].as_array().unwrap().len(), 3);
    let health = run["health"].as_array().unwrap();
    assert_eq!(health.len(), run["summary"]["generations"].as_u64().unwrap() as usize);
    let coverage = health.last().unwrap()["coverage"].as_f64().unwrap();
    assert!((coverage - run["summary"]["networks"]["coverage"].as_f64().unwrap()).abs() < 1e-12);
    let score = health.last().unwrap()["qd_score"].as_f64().unwrap();
    assert!((score - run["summary"]["networks"]["qd_score"].as_f64().unwrap()).abs() < 1e-9);
}

#[test]
fn tables_can_be_read_back_and_pictures_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path(), "run", &[]);
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (csv, parquet, plots) = (place("csv"), place("parquet"), place("plots"));
    let more = ["--csv", &csv, "--parquet", &parquet, "--plots", &plots];
    let html = report(folder.path(), &run, &more);
    let candidates = data(&html)["runs"][0]["candidates"].as_array().unwrap().len();

    let text = std::fs::read_to_string(format!("{csv}/candidates.csv")).unwrap();
    assert_eq!(text.lines().count(), 1 + candidates);
    assert!(text.starts_with("candidate,generation,operator,parents,instruction"), "{text}");
    let file = std::fs::File::open(format!("{parquet}/candidates.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    let fitness: Vec<String> = rows
        .map(|row| {
            row.unwrap()
                .get_column_iter()
                .find(|(name, _)| *name == "fitness")
                .unwrap()
                .1
                .to_string()
        })
        .collect();
    let heads: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = heads.iter().position(|head| *head == "fitness").unwrap();
    assert_eq!(fitness.len(), candidates);
    for (line, value) in text.lines().skip(1).zip(&fitness) {
        let written = line.split(',').nth(column).unwrap();
        let known = if written.is_empty() { "null" } else { written };
        assert!(known == value || known.parse::<f64>().unwrap() == value.parse::<f64>().unwrap());
    }
    for name in ["elites", "generations", "outcomes"] {
        assert!(Path::new(&csv).join(name).with_extension("csv").is_file(), "{name}");
        assert!(Path::new(&parquet).join(name).with_extension("parquet").is_file(), "{name}");
    }
    for name in ["figure1", "figure2", "figure3"] {
        let svg = std::fs::read_to_string(format!("{plots}/{name}.svg")).unwrap();
        assert!(
            svg.contains("<text") && svg.contains("polyline") || svg.contains("polygon"),
            "{name}"
        );
        assert!(image::open(format!("{plots}/{name}.png")).is_ok(), "{name}");
    }
}

#[test]
fn runs_below_a_folder_are_compared_and_a_folder_without_any_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (variant, seed) in [("full", "1"), ("full", "2"), ("random", "1")] {
        searched(folder.path(), &format!("all/{variant}/{seed}"), &["--seed", seed]);
    }
    let all = folder.path().join("all").display().to_string();
    let data = data(&report(folder.path(), &all, &[]));
    assert_eq!(data["compares"].as_bool(), Some(true));
    let names: Vec<&str> = data["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["full", "random"]);
    assert_eq!(data["variants"][0]["outcomes"].as_array().unwrap().len(), 2);
    assert_eq!(data["runs"].as_array().unwrap().len(), 2);
    assert_eq!(data["runs"][0]["name"], "full, seed 1");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (code, _, errors) = nasc(folder.path(), &["report", &empty.display().to_string()]);
    assert_eq!(code, 2);
    assert!(errors.contains("holds no run"), "{errors}");
}

/// Runs the page's script in a browser, if there is one.
#[test]
fn a_browser_draws_every_section() {
    let Some(browser) =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
            Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
        })
    else {
        eprintln!("skipped: there is no chromium");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path(), "run", &[]);
    report(folder.path(), &run, &[]);
    let best = data(&std::fs::read_to_string(folder.path().join("report.html")).unwrap())["runs"]
        [0]["best"]
        .to_string();
    let page = format!("file://{}/report.html#network-{best}", folder.path().display());
    let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
    let output = Command::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .args([&profile, &page])
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    for id in [
        "generations",
        "archives",
        "networks",
        "front",
        "health",
        "prompts",
        "verdicts",
        "time",
        "configuration",
    ] {
        assert!(dom.contains(&format!("<section id=\"{id}\"")), "{id} is missing");
    }
    assert!(dom.matches("class=\"cell filled\"").count() > 2, "the map has elites");
    assert!(
        dom.contains(&format!("Network {best}")) && dom.contains("nasc compile "),
        "the dialog is open"
    );
}
