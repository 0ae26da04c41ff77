// The sections of one run.

/** A part of the page with a place in the list at its top. */
function section(name, title, ...content) {
  return element("section", { id: name, "aria-labelledby": name + "-title", "data-title": title },
    element("h2", { id: name + "-title" }, title), content);
}

const CANDIDATE = ["number", "generation", "operator", "verdict", "fitness", "loss", "test", "figures", "instruction", "entered", "parents", "repeats", "at"];
const FIGURES = ["params", "macs", "peak", "depth", "width", "ratio", "latency"];
const COSTS = { macs: "multiply-accumulates", params: "parameters", peak: "peak activations, bytes", depth: "depth", width: "width", ratio: "width to depth", latency: "latency, s" };

/** Costs that the networks of a run have. */
const costsOf = (rows) => Object.entries(COSTS).filter(([cost]) => rows.some((row) => known(row.cost[cost])));

/** Gives the lists of a run's data their names. */
function unfold(run) {
  for (const row of run.candidates) {
    CANDIDATE.forEach((name, place) => { row[name] = row[place]; });
    row.cost = row.figures && Object.fromEntries(FIGURES.map((name, place) => [name, row.figures[place]]));
  }
  run.byNumber = new Map(run.candidates.map((row) => [row.number, row]));
  return run;
}

function overview(run) {
  const summary = run.summary;
  const card = (name, figure, small) => element("div", { class: "card" }, element("dt", {}, name), element("dd", {}, figure, small && element("small", {}, small)));
  const best = run.byNumber.get(run.best);
  const share = (part) => (summary.candidates > 0 ? percent(part / summary.candidates) : "–");
  const last = run.health.at(-1);
  const kind = run.cells_searched ? "looked up" : "with a fitness";
  return element("dl", { class: "cards" },
    card("best accuracy", best ? percent(best.fitness, 2) : "–",
      best && [run.split + ", ", element("button", { class: "link", type: "button", click: () => openNetwork(run, best.number) }, "network " + best.number)]),
    run.split !== "test" && card("its test", best ? percent(best.test, 2) : "–", run.finished ? "accuracy" : "when the search is over"),
    card("candidates", grouped(summary.candidates), run.evolved + " of " + run.generations + " generations"),
    card(kind, share(summary.evaluated), grouped(summary.evaluated)),
    card("distinct", share(summary.distinct), grouped(summary.distinct) + " networks"),
    card("cells filled", last ? percent(last.coverage) : "–", last ? Math.round(last.coverage * run.cell_count) + " of " + run.cell_count : null),
    card("QD score", last ? last.qd_score.toFixed(2) : "–"),
    card("wall time", duration(summary.seconds.total), summary.sessions > 1 ? summary.sessions + " sessions" : null));
}

function facts(run) {
  const proposer = run.prompts_used ? run.model : "proposer " + run.proposer;
  return [run.data, "preset " + run.preset, proposer, "seed " + run.seed, "fitness by " + run.split + " accuracy"].join(" · ");
}

const warningsOf = (run) => run.warnings.map((text) => element("p", { class: "warning", role: "alert" }, "Warning: " + text + "."));

/** What is told of a network in a cell or at a point. */
function describe(run, candidate) {
  const lines = ["network " + candidate.number + ": " + percent(candidate.fitness, 2)];
  if (candidate.cost) lines.push(short(candidate.cost.macs) + " MACs, " + short(candidate.cost.params) + " parameters");
  lines.push("generation " + candidate.generation + ", " + candidate.operator);
  return lines.join("\n");
}

/** A control that goes through the generations of a history; `change` is told the one that is shown. */
function generationControl(history, name, change) {
  if (history.length < 2) return null;
  const output = element("output", {}, "after generation " + history.at(-1).generation);
  const range = element("input", {
    type: "range", min: 0, max: history.length - 1, value: history.length - 1, "aria-label": "Generation of the " + name,
    input(event) {
      const page = history[Number(event.target.value)];
      output.textContent = "after generation " + page.generation;
      change(page);
    },
  });
  return element("div", { class: "controls" }, element("label", {}, "Time ", range), output);
}

function axisName(axis) {
  return words(axis.name) + (axis.logarithmic ? " (logarithmic)" : "");
}

function networkMap(run) {
  let shown = run.history.at(-1);
  const place = (number) => {
    const candidate = run.byNumber.get(number);
    return candidate && known(candidate.fitness) && { value: candidate.fitness, text: describe(run, candidate), press: () => openNetwork(run, number), at: candidate.at };
  };
  const residents = () => new Map((shown ? shown.residents : []).map(([cell, number]) => [cell, place(number)]).filter((entry) => entry[1]));
  const population = run.archives === "prompt-only";
  const remark = population ? "this run has a population in place of the archive; here is the archive that its networks would have filled" : "brighter cells hold fitter networks; press one to open it";
  const control = generationControl(run.history, "network archive", (page) => { shown = page; figure.redraw(); });
  let figure;
  if (run.axes.length === 2 && run.cells.length > 0) {
    const sides = run.axes.map((axis) => ({ name: axisName(axis), ticks: axis.ticks }));
    figure = voronoiMap("Networks", remark, run.cells, residents, sides, (value) => percent(value), control);
  } else {
    figure = projectedMap(run, residents, remark, control);
  }
  return figure;
}

/** Any number of axes: two of them at a time. */
function projectedMap(run, residents, remark, control) {
  const chosen = [0, Math.min(1, run.axes.length - 1)];
  const select = (side) => element("select", { "aria-label": side === 0 ? "Axis across" : "Axis upwards", change(event) { chosen[side] = Number(event.target.value); figure.redraw(); } },
    run.axes.map((axis, place) => element("option", { value: place, selected: place === chosen[side] }, axisName(axis))));
  const figure = drawing("Networks", remark + "; the archive has " + run.axes.length + " axes, here are two of them", (width) => {
    const points = [...residents().values()].filter((one) => one.at).map((one) => ({ ...one, at: chosen.map((axis) => one.at[axis]) }));
    return projection(width, "Elites on two axes", points, chosen.map((axis) => ({ name: axisName(run.axes[axis]), ticks: run.axes[axis].ticks })));
  }, element("div", { class: "controls" }, select(0), select(1)), control);
  return figure;
}

function promptMap(run) {
  if (run.prompt_cells.length === 0 || run.prompt_history.length === 0) return null;
  let shown = run.prompt_history.at(-1);
  const resident = ([cell, instruction, temperature, curiosity, fitness]) => [cell, {
    value: fitness,
    text: "“" + (run.instructions[instruction] || "number " + instruction) + "”\ntemperature " + temperature.toFixed(2) + ", curiosity " + curiosity.toFixed(1) + ", collective fitness " + fitness,
  }];
  const unit = [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => ({ at, label: at.toFixed(1) }));
  const control = generationControl(run.prompt_history, "prompt archive", (page) => { shown = page; figure.redraw(); });
  const figure = voronoiMap("Prompts", "by instruction and temperature; brighter cells have instructions that won more often", run.prompt_cells,
    () => new Map(shown.residents.map(resident)), [{ name: "instruction", ticks: unit }, { name: "temperature", ticks: unit }], short, control);
  return figure;
}

function bestNetworks(run) {
  const cells = new Map((run.history.at(-1) || { residents: [] }).residents.map(([cell, number]) => [number, cell]));
  const elites = [...cells.keys()].map((number) => run.byNumber.get(number)).filter((one) => one && known(one.fitness));
  elites.sort((one, other) => other.fitness - one.fitness || (one.loss || 0) - (other.loss || 0));
  const columns = [["network", true], ["cell"], [run.split + " accuracy"], ["test"], ["MACs"], ["parameters"], ["peak"], ["depth"], ["width"], ["from", true]];
  const row = (one) => [
    element("button", { class: "link", type: "button", click: () => openNetwork(run, one.number) }, String(one.number)), String(cells.get(one.number)),
    percent(one.fitness, 2), percent(one.test, 2), short(one.cost && one.cost.macs), short(one.cost && one.cost.params), bytes(one.cost && one.cost.peak),
    one.cost ? String(one.cost.depth) : "–", one.cost ? grouped(one.cost.width) : "–", one.operator,
  ];
  const first = table("The fittest networks of the archive", columns, elites.slice(0, 10).map(row));
  const rest = elites.length > 10 && element("details", {}, element("summary", {}, "All " + elites.length + " networks of the archive"), table("All networks of the archive", columns, elites.map(row)));
  return [first, rest];
}

/** Those that no other beats in accuracy and all costs, and equals in none. */
function front(rows, costs) {
  const sorted = [...rows].sort((one, other) => other.fitness - one.fitness || costs.reduce((sum, cost) => sum || one.cost[cost] - other.cost[cost], 0));
  const kept = [];
  for (const row of sorted) {
    if (!kept.some((other) => costs.every((cost) => other.cost[cost] <= row.cost[cost]))) kept.push(row);
  }
  return kept;
}

function paretoFront(run) {
  const rows = run.candidates.filter((row) => known(row.fitness) && row.cost);
  const state = { across: "macs", also: new Set() };
  const list = element("div");
  const figure = drawing("Accuracy against cost", "every network with a fitness; the line joins those that nothing beats at their cost", (width) => {
    const costs = [state.across, ...[...state.also].filter((cost) => cost !== state.across)];
    const best = front(rows, costs);
    list.replaceChildren(frontTable(run, best, costs));
    return cloudOfCosts(width, run, rows, best, state.across);
  });
  const select = element("select", { change(event) { state.across = event.target.value; figure.redraw(); } },
    costsOf(rows).map(([cost, name]) => element("option", { value: cost, selected: cost === state.across }, name)));
  const also = costsOf(rows).map(([cost, name]) => element("label", {}, element("input", {
    type: "checkbox", change(event) { if (event.target.checked) state.also.add(cost); else state.also.delete(cost); figure.redraw(); },
  }), name));
  return [element("div", { class: "controls" }, element("label", {}, "Cost ", select)),
    element("details", {}, element("summary", {}, "Let other costs count, too"), element("div", { class: "controls" }, also)), figure, list];
}

function frontTable(run, best, costs) {
  const columns = [["network", true], ["accuracy"], ...costs.map((cost) => [COSTS[cost]]), ["test"]];
  const rows = best.slice(0, 50).map((one) => [element("button", { class: "link", type: "button", click: () => openNetwork(run, one.number) }, String(one.number)),
    percent(one.fitness, 2), ...costs.map((cost) => (Number.isInteger(one.cost[cost]) ? grouped(one.cost[cost]) : short(one.cost[cost]))), percent(one.test, 2)]);
  return element("details", {}, element("summary", {}, "The " + best.length + " networks of the front"), table("Networks that no other beats", columns, rows));
}

function cloudOfCosts(width, run, rows, best, across) {
  const height = Math.min(380, Math.max(260, width * 0.5));
  const margin = { left: 58, right: 14, top: 10, bottom: 40 };
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "Accuracy against " + COSTS[across] });
  if (rows.length === 0) return svg;
  const values = rows.map((row) => row.cost[across]);
  const [least, most] = [minimum(values), maximum(values)];
  const logarithmic = least > 0 && most / least > 20;
  const room = logarithmic ? 1.08 : 1.02;
  const x = scale(logarithmic ? least / room : least - (most - least) * 0.02 - 1e-9, most * room + 1e-9, margin.left, width - margin.right, logarithmic);
  const high = maximum(rows.map((row) => row.fitness));
  const low = minimum(rows.map((row) => row.fitness));
  const space = Math.max((high - low) * 0.05, 1e-3);
  const y = scale(low - space, high + space, height - margin.bottom, margin.top);
  const yTicks = linearTicks((low - space) * 100, (high + space) * 100, 6).map((tick) => ({ at: tick.at / 100, label: tick.label }));
  svg.append(...axes(width, height, margin, x, y, [COSTS[across] + (logarithmic ? " (logarithmic)" : ""), "accuracy, %"], x.ticks(Math.max(3, width / 90)), yTicks));
  const chosen = new Set(best);
  for (const row of rows) {
    if (!chosen.has(row)) svg.append(shape("circle", { cx: x(row.cost[across]).toFixed(1), cy: y(row.fitness).toFixed(1), r: 2.6, fill: "var(--soft)", opacity: row.entered ? 0.55 : 0.28 }));
  }
  const line = [...best].sort((one, other) => one.cost[across] - other.cost[across] || one.fitness - other.fitness);
  const plain = front(rows, [across]).sort((one, other) => one.cost[across] - other.cost[across]);
  svg.append(shape("path", { d: "M" + plain.map((row) => x(row.cost[across]).toFixed(1) + " " + y(row.fitness).toFixed(1)).join("L"), fill: "none", stroke: "var(--s2)", "stroke-width": 1.5 }));
  for (const row of line) svg.append(shape("circle", { cx: x(row.cost[across]).toFixed(1), cy: y(row.fitness).toFixed(1), r: 4.5, fill: "var(--s2)", stroke: "var(--paper)" }));
  hover(svg, rows.map((row) => ({ x: x(row.cost[across]), y: y(row.fitness), text: describe(run, row), press: () => openNetwork(run, row.number) })));
  return svg;
}

/** Counts of candidates that share something. */
function tally(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const name = key(row);
    if (name === null) continue;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

function meter(share) {
  return [element("span", { class: "meter", "aria-hidden": "true" }, element("span", { style: "width:" + (share * 100).toFixed(1) + "%" })), percent(share)];
}

function groupRow(name, rows) {
  const fit = rows.filter((row) => known(row.fitness));
  const trained = fit.filter((row) => row.operator !== "random" && row.operator !== "first");
  const mean = trained.length > 0 ? trained.reduce((sum, row) => sum + row.fitness, 0) / trained.length : null;
  return [name, grouped(rows.length), meter(fit.length / rows.length), meter(rows.filter((row) => row.entered).length / rows.length),
    percent(mean, 1), percent(trained.length > 0 ? maximum(trained.map((row) => row.fitness)) : null, 1)];
}

const GROUP = [["candidates"], ["with a fitness"], ["entered the archive"], ["mean accuracy"], ["best"]];

function promptStatistics(run) {
  const done = run.candidates.filter((row) => row.verdict !== null && row.operator !== "first");
  const byOperator = table("By operator", [["operator", true], ...GROUP], [...tally(done, (row) => row.operator)].map(([name, rows]) => groupRow(name, rows)));
  const instructed = tally(done, (row) => (row.instruction === null ? null : row.instruction));
  if (instructed.size === 0) return byOperator;
  const held = new Map();
  for (const [, instruction, , , fitness] of (run.prompt_history.at(-1) || { residents: [] }).residents) {
    const known = held.get(instruction) || { count: 0, fitness };
    held.set(instruction, { count: known.count + 1, fitness: Math.max(known.fitness, fitness) });
  }
  const rows = [...instructed].sort((one, other) => one[0] - other[0]).map(([index, group]) => {
    const place = held.get(index);
    return [...groupRow(run.instructions[index] || "number " + index, group), place ? String(place.count) : "0", place ? String(place.fitness) : "–"];
  });
  return [table("By instruction", [["instruction", true, "wrap"], ...GROUP, ["individuals kept"], ["collective fitness"]], rows), element("div", { style: "height:1rem" }), byOperator];
}

function rejections(run) {
  const done = run.candidates.filter((row) => row.verdict !== null && row.operator !== "first");
  const groups = [...tally(done, (row) => row.verdict)].sort((one, other) => other[1].length - one[1].length);
  if (groups.length === 0) return null;
  const verdicts = table("What became of the candidates", [["verdict", true], ["candidates"], ["share"]],
    groups.map(([verdict, rows]) => [words(verdict), grouped(rows.length), meter(rows.length / done.length)]));
  const mistakes = run.diagnostics.length > 0 && element("details", {}, element("summary", {}, "The most frequent mistakes"),
    table("Diagnostics of candidates that did not compile", [["code", true], ["times"]], run.diagnostics.slice(0, 20).map((one) => [one.code, grouped(one.count)])));
  return [verdicts, mistakes];
}

function times(run) {
  const seconds = run.summary.seconds;
  const parts = [["language model", seconds.llm, 1], ["training", seconds.train, 3], ["test", seconds.test, 5], ["compile", seconds.compile, 4], ["other", seconds.other, 9]];
  const total = Math.max(seconds.total, 1e-9);
  const bar = element("div", { class: "bar", role: "img", "aria-label": parts.map(([name, part]) => name + " " + percent(part / total)).join(", ") },
    parts.map(([name, part, color]) => part > 0 && element("span", { style: `width:${100 * part / total}%;background:${seriesColor(color)}`, title: name })));
  return element("figure", {}, element("figcaption", {}, duration(seconds.total) + " in all"), bar,
    element("ul", { class: "legend" }, parts.map(([name, part, color]) => element("li", {}, element("span", { class: "swatch", style: "background:" + seriesColor(color) + ";margin-right:.4rem;vertical-align:-2px" }), name + " " + duration(part) + " (" + percent(part / total, 1) + ")"))));
}

function healthCharts(run) {
  const rows = run.health;
  const one = (caption, remark, figure, options) => lineChart(caption, remark,
    [{ name: caption, color: seriesColor(1), points: rows.filter((row) => known(row[figure])).map((row) => [row.generation, row[figure], 0]) }],
    { names: ["generation", options.unit], format: options.format, percent: options.percent, zero: true });
  const share = { unit: "%", percent: true, format: (value) => percent(value) };
  const figures = rows.map((row) => [String(row.generation), row.operator, grouped(row.evaluated), grouped(row.entered), grouped(row.repeated), percent(row.coverage),
    row.qd_score.toFixed(2), row.effective_cells.toFixed(1), percent(row.clipped_share), grouped(row.instructions)]);
  return [element("div", { class: "grid small" },
    one("Coverage", "share of the cells that are filled", "coverage", share),
    one("QD score", "sum of the elites' accuracy", "qd_score", { unit: "score", format: (value) => value.toFixed(2) }),
    one("Cells in effect", "entropy of a generation's networks over the cells", "effective_cells", { unit: "cells", format: (value) => value.toFixed(1) }),
    one("Clipped", "share of a generation's networks outside of an axis", "clipped_share", share)),
  element("details", {}, element("summary", {}, "All figures by generation"), table("Health by generation",
    [["generation"], ["operator", true], ["with a fitness"], ["entered"], ["known before"], ["coverage"], ["QD score"], ["cells in effect"], ["clipped"], ["instructions kept"]], figures))];
}

function tableFigure(run) {
  const of = run.table;
  const figure = drawing("All networks of NAS-Bench-201 on " + of.dataset + " and those found", "grey is darker where more networks lie; the least accurate are left out", (width) => {
    const height = Math.min(420, Math.max(280, width * 0.5));
    const margin = { left: 58, right: 14, top: 10, bottom: 40 };
    const x = scale(of.macs[0], of.macs[1], margin.left, width - margin.right);
    const y = scale(of.accuracy[0], of.accuracy[1], height - margin.bottom, margin.top);
    const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "Test accuracy against multiply-accumulates" });
    svg.append(...axes(width, height, margin, x, y, ["multiply-accumulates", "test accuracy, %"], x.ticks(Math.max(3, width / 100)), y.ticks(7)));
    const most = maximum(of.density);
    const [across, up] = [(x(of.macs[1]) - x(of.macs[0])) / of.columns, (y(of.accuracy[0]) - y(of.accuracy[1])) / of.rows];
    of.density.forEach((count, place) => {
      if (count === 0) return;
      const [column, row] = [place % of.columns, Math.floor(place / of.columns)];
      svg.append(shape("rect", { x: (x(of.macs[0]) + column * across).toFixed(1), y: (y(of.accuracy[0]) - (row + 1) * up).toFixed(1), width: across.toFixed(2), height: up.toFixed(2), fill: "var(--soft)", opacity: (0.12 + 0.6 * Math.sqrt(count / most)).toFixed(2) }));
    });
    const within = of.found.filter((one) => one[2] >= of.accuracy[0]);
    for (const [number, macs, accuracy, best] of within.sort((one, other) => one[3] - other[3])) {
      svg.append(shape("circle", { cx: x(macs).toFixed(1), cy: y(accuracy).toFixed(1), r: best ? 4 : 2, fill: best ? "var(--s2)" : "var(--s1)", stroke: best ? "var(--paper)" : "none" }));
    }
    hover(svg, within.map(([number, macs, accuracy]) => ({ x: x(macs), y: y(accuracy), text: "network " + number + "\ntest " + accuracy.toFixed(2) + " %, " + short(macs) + " MACs", press: () => openNetwork(run, number) })));
    return svg;
  }, legend([["var(--soft)", "all networks"], ["var(--s1)", "found"], ["var(--s2)", "best of each generation"]]));
  const rows = of.milestones.map((one) => [grouped(one.queries), grouped(one.different), one.validation.toFixed(2) + " %", grouped(one.validation_rank), one.test.toFixed(2) + " %", grouped(one.test_rank)]);
  return [figure, element("div", { style: "height:1rem" }), table("The best by fitness after so many queries", [["queries"], ["different"], ["validation"], ["rank"], ["test"], ["rank"]], rows)];
}

function runSections(run) {
  const maps = [networkMap(run), promptMap(run)].filter(Boolean);
  const verdicts = rejections(run);
  return [
    section("archives", "Archives", element("div", { class: "grid" }, maps)),
    section("networks", "Best networks", bestNetworks(run)),
    run.table && section("benchmark", "Benchmark", tableFigure(run)),
    section("front", "Pareto front", paretoFront(run)),
    section("health", "Archive health", healthCharts(run)),
    section("prompts", run.prompts_used ? "Prompts" : "Operators", promptStatistics(run)),
    verdicts && section("verdicts", "Verdicts", verdicts),
    section("time", "Time", times(run)),
    section("configuration", "Configuration", element("p", { class: "soft" }, "Every constant of the run; nasc search --config takes it."),
      element("details", {}, element("summary", {}, "Configuration as TOML"), element("pre", { tabindex: 0 }, element("code", {}, run.config))),
      run.left_out > 0 && element("p", { class: "soft" }, grouped(run.left_out) + " candidates are left out of this page, evenly spaced; nasc report --csv writes them all.")),
  ].filter(Boolean);
}
