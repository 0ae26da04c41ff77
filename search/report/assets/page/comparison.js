// Variants beside each other: the table, and the paper's Figures 1 and 2 over all seeds.

function meanOf(variant, figure) {
  const values = variant.outcomes.map(figure).filter(known);
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

function comparisonTable(variants) {
  const columns = [["variant", true], ["seeds"], ["QD score"], ["coverage, %"], ["best, %"], ["its test, %"], ["trainable, %"], ["distinct, %"], ["seconds"], ["language model, s"]];
  const rows = variants.map((variant, place) => [
    [element("span", { class: "swatch", style: "background:" + seriesColor(place) + ";margin-right:.5rem;vertical-align:-2px" }), variant.name],
    String(variant.outcomes.length) + (variant.outcomes.every((one) => one.finished) ? "" : " (running)"),
    spread(meanOf(variant, (one) => one.qd_score)),
    spread(meanOf(variant, (one) => one.coverage), 100, 1),
    spread(meanOf(variant, (one) => one.best), 100),
    spread(meanOf(variant, (one) => one.test), 100),
    spread(meanOf(variant, (one) => one.trainable_share), 100, 1),
    spread(meanOf(variant, (one) => one.distinct_share), 100, 1),
    spread(meanOf(variant, (one) => one.seconds), 1, 1),
    spread(meanOf(variant, (one) => one.llm_seconds), 1, 1),
  ]);
  return table("Mean ± deviation over the seeds. The QD score and the coverage are those of an archive of all networks of a run.", columns, rows);
}

/** One line for each variant. */
function variantSeries(variants, figure) {
  return variants.map((variant, place) => ({
    name: variant.name,
    color: seriesColor(place),
    points: variant.steps.filter((step) => step[figure]).map((step) => [step.number, step[figure].mean, step[figure].deviation]),
  }));
}

/** Figures 1 and 2. */
function overGenerations(variants) {
  const several = variants.some((variant) => variant.outcomes.length > 1);
  const remark = several ? "mean over the seeds, bands show one deviation" : null;
  const accuracy = (caption, figure) => lineChart(caption, remark, variantSeries(variants, figure),
    { names: ["generation", "accuracy, %"], percent: true, format: (value) => percent(value, 2) });
  const losses = variantSeries(variants, "loss");
  const hasLoss = losses.some((one) => one.points.some((point) => point[1] > 0));
  return element("div", { class: "grid" },
    accuracy("Best accuracy of each generation", "best"),
    accuracy("Best accuracy so far", "best_so_far"),
    hasLoss && lineChart("Lowest loss of each generation", remark, losses, { names: ["generation", "cross-entropy"], format: (value) => value.toFixed(4) }),
    lineChart("Trainable networks of each generation", remark, variantSeries(variants, "trainable"),
      { names: ["generation", "networks"], zero: true, format: (value) => value.toFixed(1) }));
}

function comparison(page) {
  return [
    section("comparison", "Comparison", comparisonTable(page.variants)),
    section("generations", "Over the generations", overGenerations(page.variants)),
  ];
}
