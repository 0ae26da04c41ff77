// One network: what it costs and scores, how it was trained, where it comes from, its text, and commands.

/** The instruction that a candidate came from. */
function instructionOf(run, candidate) {
  return candidate.instruction === null ? null : run.instructions[candidate.instruction] || "number " + candidate.instruction;
}

function openNetwork(run, number) {
  const dialog = document.getElementById("network");
  dialog.replaceChildren(...networkView(run, number));
  dialog.scrollTop = 0;
  if (!dialog.open) dialog.showModal();
  dialog.dataset.number = number;
  const place = "#network-" + number;
  if (location.hash !== place) history.replaceState(null, "", place);
}

function networkView(run, number) {
  const dialog = document.getElementById("network");
  const candidate = run.byNumber.get(number);
  const texts = run.networks[number];
  const head = element("div", { class: "head" },
    element("h2", { id: "network-title" }, "Network " + number),
    element("button", { class: "button", type: "button", click: () => dialog.close() }, "Close"));
  if (!candidate) return [head, element("div", { class: "body" }, element("p", {}, "The page holds nothing of this network."))];
  return [head, element("div", { class: "body" },
    networkCards(run, candidate),
    networkStory(run, candidate, texts),
    commands(run, candidate, texts),
    texts && texts.curve.length > 0 && trainingCurve(texts.curve, run),
    lineage(run, candidate),
    texts && element("h3", {}, "Source"), texts && sourceText(texts.source),
    texts && parents(run, candidate, texts),
    !texts && element("p", { class: "soft" }, "Its text is not in this page; nasc show prints it."))];
}

function networkCards(run, candidate) {
  const card = (name, figure, small) => element("div", { class: "card" }, element("dt", {}, name), element("dd", {}, figure, small && element("small", {}, small)));
  const cost = candidate.cost;
  return element("dl", { class: "cards" },
    card(run.split, percent(candidate.fitness, 2), known(candidate.loss) && candidate.loss > 0 ? "loss " + candidate.loss.toFixed(4) : null),
    known(candidate.test) && run.split !== "test" && card("test", percent(candidate.test, 2)),
    cost && card("parameters", short(cost.params), grouped(cost.params)),
    cost && card("MACs", short(cost.macs), grouped(cost.macs)),
    cost && card("peak activations", bytes(cost.peak)),
    cost && card("depth × width", cost.depth + " × " + short(cost.width), "ratio " + fixed(cost.ratio, 2)),
    cost && known(cost.latency) && card("latency", (cost.latency * 1000).toFixed(3) + " ms"));
}

function networkStory(run, candidate, texts) {
  const parts = ["Generation " + candidate.generation + ", by " + candidate.operator + "."];
  const instruction = instructionOf(run, candidate);
  if (instruction) parts.push(" Instruction: “" + instruction + "”" + (texts && texts.temperature !== null ? " at temperature " + texts.temperature.toFixed(2) : "") + ".");
  if (candidate.repeats !== null) parts.push(" It equals network " + candidate.repeats + ", whose result it has.");
  if (candidate.verdict !== "evaluated") parts.push(" Verdict: " + words(candidate.verdict || "not finished") + ".");
  return element("p", { class: "soft" }, parts);
}

function commands(run, candidate, texts) {
  const directory = quoted(run.directory);
  const file = "network-" + candidate.number;
  const lines = [];
  if (texts && texts.has_weights) {
    lines.push(["Export with its weights as ONNX", "nasc compile " + directory + "/" + texts.cell + " -o " + file + ".onnx"]);
    lines.push(["Export for PyTorch", "nasc compile " + directory + "/" + texts.cell + " --emit pytorch -o " + file]);
  }
  lines.push(["Write its source", "nasc show " + directory + " --source " + candidate.number + " > " + file + ".py"]);
  if (!run.cells_searched) lines.push(["Train it from the beginning", "nasc train " + file + ".py --data " + quoted(run.data_spec)]);
  return [element("h3", {}, "Use it"), lines.map(([name, line]) => [element("p", { class: "soft" }, name), command(line)])];
}

function trainingCurve(curve, run) {
  const series = [
    { name: "training", color: seriesColor(1), points: curve.map((epoch) => [epoch[0], epoch[2], 0]) },
    { name: run.split, color: seriesColor(2), points: curve.filter((epoch) => known(epoch[4])).map((epoch) => [epoch[0], epoch[4], 0]) },
  ];
  const losses = [
    { name: "training", color: seriesColor(1), points: curve.map((epoch) => [epoch[0], epoch[1], 0]) },
    { name: run.split, color: seriesColor(2), points: curve.filter((epoch) => known(epoch[3])).map((epoch) => [epoch[0], epoch[3], 0]) },
  ];
  return [element("h3", {}, "Training"), element("div", { class: "grid small" },
    lineChart("Accuracy", null, series, { names: ["epoch", "accuracy, %"], percent: true, format: (value) => percent(value, 2) }),
    lineChart("Loss", null, losses, { names: ["epoch", "cross-entropy"], format: (value) => value.toFixed(4) }))];
}

/** The line of first parents, the youngest first. */
function lineage(run, candidate) {
  const line = [];
  const seen = new Set([candidate.number]);
  let next = candidate;
  while (next.parents.length > 0 && line.length < 40) {
    const parent = run.byNumber.get(next.parents[0]);
    if (!parent || seen.has(parent.number)) break;
    seen.add(parent.number);
    line.push(parent);
    next = parent;
  }
  if (line.length === 0) return null;
  const entry = (one) => element("li", {}, element("button", { class: "link", type: "button", click: () => openNetwork(run, one.number) }, "network " + one.number),
    " " + one.operator + " " + percent(one.fitness));
  return [element("h3", {}, "Lineage"), element("ol", { class: "lineage", "aria-label": "Ancestors, the youngest first" }, line.map(entry))];
}

function parents(run, candidate, texts) {
  return candidate.parents.map((parent) => {
    const other = run.networks[parent];
    return other && element("details", { open: candidate.parents.length === 1 },
      element("summary", {}, "Difference to parent " + parent), differenceText(other.source, texts.source));
  });
}
