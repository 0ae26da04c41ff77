// The whole page, and its renewal while a search runs.

const state = { page: null, chosen: 0 };

function title(page, run) {
  const status = run.finished ? "finished" : page.live ? "running" : "not finished";
  return [
    element("h1", {}, page.title),
    element("p", { class: "facts" }, page.compares ? page.variants.length + " variants, " + page.variants.reduce((sum, one) => sum + one.outcomes.length, 0) + " runs" : facts(run)),
    !page.compares && element("p", { class: "facts" }, element("span", { id: "status", class: page.live && !run.finished ? "live" : undefined }, status),
      " · " + run.evolved + " of " + run.generations + " generations · " + run.directory),
  ];
}

function chooser(page) {
  if (page.runs.length < 2) return null;
  return element("div", { class: "controls" }, element("label", {}, "Run ", element("select", {
    change(event) { state.chosen = Number(event.target.value); render(); document.getElementById("run").scrollIntoView(); },
  }, page.runs.map((run, place) => element("option", { value: place, selected: place === state.chosen }, run.name)))));
}

function render() {
  const page = state.page;
  const run = page.runs[state.chosen] || page.runs[0];
  const content = document.getElementById("content");
  const opened = new Set([...content.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
  const top = scrollY;
  const parts = page.compares
    ? [...title(page, run), ...comparison(page), section("run", "Run " + run.name, chooser(page), element("p", { class: "facts" }, facts(run)), overview(run), warningsOf(run)), ...runSections(run)]
    : [...title(page, run), overview(run), warningsOf(run), section("generations", "Over the generations", overGenerations(page.variants)), ...runSections(run)];
  content.replaceChildren(...parts.flat(Infinity).filter(Boolean));
  for (const summary of content.querySelectorAll("details > summary")) {
    if (opened.has(summary.textContent)) summary.parentElement.open = true;
  }
  const sections = [...content.querySelectorAll("section[data-title]")];
  document.getElementById("sections").replaceChildren(...sections.map((one) => element("li", {}, element("a", { href: "#" + one.id }, one.dataset.title))));
  scrollTo(0, top);
}

function take(page) {
  page.runs.forEach(unfold);
  state.page = page;
  document.title = page.title;
  render();
}

/** `#network-12` opens a network. */
function openByHash() {
  const number = Number((location.hash.match(/^#network-(\d+)$/) || [])[1]);
  const run = state.page.runs[state.chosen];
  if (Number.isInteger(number) && run.byNumber.has(number)) openNetwork(run, number);
}

const dialog = document.getElementById("network");
dialog.addEventListener("close", () => {
  if (location.hash.startsWith("#network-")) history.replaceState(null, "", location.pathname + location.search);
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
addEventListener("hashchange", openByHash);
addEventListener("scroll", tip.hide, { passive: true });

take(JSON.parse(document.getElementById("data").textContent));
openByHash();

/** Asks for newer data for as long as the search runs. */
async function follow() {
  let version = "";
  for (;;) {
    await new Promise((done) => setTimeout(done, 2000));
    const status = document.getElementById("status");
    try {
      const answer = await fetch("data.json", { headers: version ? { "If-None-Match": version } : {}, cache: "no-store" });
      if (answer.status === 200) {
        version = answer.headers.get("ETag") || "";
        take(await answer.json());
      }
      document.getElementById("status")?.classList.remove("lost");
    } catch {
      if (status) { status.classList.add("lost"); status.textContent = "the server does not answer"; }
    }
  }
}
if (state.page.live) follow();
