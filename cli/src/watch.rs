//! `nasc watch`: the report of a search as a page that follows it, served on this machine alone. The
//! run is only read, so it is never disturbed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use nasc_report::ablation;
use nasc_report::run::RunData;
use nasc_report::{gather, page};
use nasc_search::benchmark::nasbench201::Table as Nasbench;
use nasc_search::store::RunReader;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::error::{CliError, Exit};
use crate::interrupt;
use crate::output::{Environment, Output};
use crate::report;
use crate::search::benchmark::dataset_of;

/// Time between two looks at whether to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Names under which a browser on this machine may ask; a page of another name is not answered.
const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Show the report of a search in the browser while the search runs.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The folder of a run, or one with runs below it.
    directory: PathBuf,
    /// The port on 127.0.0.1; 0 is any that is free.
    #[arg(long, default_value_t = 8421)]
    port: u16,
}

pub(crate) fn run(
    args: &WatchArgs,
    environment: &Environment,
    output: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let table = report::table_for(&args.directory, environment, output)?;
    let mut live = Live::bind(&args.directory, args.port, table)?;
    output.line(format!(
        "open http://127.0.0.1:{}/ (Ctrl-C ends this, not the search)",
        live.port()
    ))?;
    output.stdout.flush()?;
    let interrupt = interrupt::watch();
    live.serve(|| interrupt.asked())?;
    Ok(Exit::Success)
}

/// A page that follows the runs of a folder.
pub struct Live {
    server: Server,
    directory: PathBuf,
    table: Option<Nasbench>,
    /// The data that was sent last, and what it was made from.
    last: Option<(String, String)>,
}

impl Live {
    /// Listens on a port of this machine; 0 is any that is free.
    ///
    /// # Errors
    /// If there is no run, or the port is taken.
    pub fn bind(directory: &Path, port: u16, table: Option<Nasbench>) -> Result<Live, CliError> {
        ablation::runs_below(directory)?;
        let server = Server::http(("127.0.0.1", port)).map_err(|error| CliError::Argument {
            argument: "--port",
            reason: format!(
                "{port} cannot be listened on ({error}); another one can be named, or 0"
            ),
        })?;
        Ok(Live { server, directory: directory.to_owned(), table, last: None })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.server.server_addr().to_ip().map_or(0, |address| address.port())
    }

    /// Answers until it is told to stop.
    ///
    /// # Errors
    /// If the machine cannot listen any longer.
    pub fn serve(&mut self, stop: impl Fn() -> bool) -> Result<(), CliError> {
        while !stop() {
            let Some(request) = self.server.recv_timeout(PATIENCE)? else { continue };
            // a browser that goes away is no mistake
            if let Err(error) = self.answer(request) {
                tracing::debug!(%error, "a request was not answered");
            }
        }
        Ok(())
    }

    fn answer(&mut self, request: Request) -> io::Result<()> {
        if !is_from_here(&request) {
            return request.respond(text(403, "nasc answers to this machine alone"));
        }
        if !matches!(request.method(), Method::Get | Method::Head) {
            return request.respond(text(405, "the page is only read"));
        }
        match request.url().split('?').next().unwrap_or_default() {
            "/" => {
                let page = self.page().and_then(|page| Ok(page::html(&page)?));
                request.respond(of(page, "text/html; charset=utf-8"))
            }
            "/data.json" => self.data(request),
            _ => request.respond(text(404, "there is / and /data.json")),
        }
    }

    /// The data of the page, unless the browser has it.
    fn data(&mut self, request: Request) -> io::Result<()> {
        let version = match self.version() {
            Ok(version) => version,
            Err(error) => return request.respond(text(500, &error.to_string())),
        };
        if header(&request, "If-None-Match").is_some_and(|known| known == version) {
            return request.respond(text(304, ""));
        }
        let fresh = self.last.take().filter(|(of, _)| *of == version).map(|(_, data)| Ok(data));
        let data = fresh.unwrap_or_else(|| self.page().and_then(|page| Ok(page::json(&page)?)));
        if let Ok(data) = &data {
            self.last = Some((version.clone(), data.clone()));
        }
        let mut response = of(data, "application/json");
        if let Ok(tag) = Header::from_bytes("ETag", version) {
            response.add_header(tag);
        }
        request.respond(response)
    }

    fn page(&self) -> Result<page::Page, CliError> {
        let table_of = |run: &RunData| Some((self.table.as_ref()?, dataset_of(&run.task)?));
        Ok(gather::page(&self.directory, &table_of, true)?)
    }

    /// Changes with everything that is written to a run.
    fn version(&self) -> Result<String, CliError> {
        let mut version = String::from("\"");
        for run in ablation::runs_below(&self.directory)?.iter().flat_map(|(_, runs)| runs) {
            version.push_str(&format!("{:x}-", RunReader::open(run)?.version()?));
        }
        version.push('"');
        Ok(version)
    }
}

type Whole = Response<io::Cursor<Vec<u8>>>;

fn text(status: u16, text: &str) -> Whole {
    Response::from_string(text).with_status_code(status)
}

/// A document, or why there is none.
fn of(document: Result<String, CliError>, kind: &str) -> Whole {
    let mut response = match document {
        Ok(document) => Response::from_string(document),
        Err(error) => return text(500, &error.to_string()),
    };
    let headers = [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'",
        ),
    ];
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    response
}

fn header(request: &Request, name: &'static str) -> Option<String> {
    let headers = request.headers().iter();
    let found = headers.into_iter().find(|header| header.field.equiv(name));
    found.map(|header| header.value.to_string())
}

/// Whether the browser asked for this machine by one of its own names, and not for a name that
/// somebody else pointed here.
fn is_from_here(request: &Request) -> bool {
    let host = header(request, "Host").unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &host,
    };
    HOSTS.contains(&name)
}
