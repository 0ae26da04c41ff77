// Lines with bands of deviation, and clouds of points.

/** Marks and names of both axes inside of the margins. */
function axes(width, height, margin, x, y, names, xTicks, yTicks) {
  const bottom = height - margin.bottom;
  const marks = [];
  for (const tick of yTicks) {
    marks.push(shape("line", { class: "mark", x1: margin.left, x2: width - margin.right, y1: y(tick.at), y2: y(tick.at) }));
    marks.push(shape("text", { x: margin.left - 6, y: y(tick.at) + 4, "text-anchor": "end" }, tick.label));
  }
  let free = -Infinity;
  for (const tick of xTicks) {
    const at = x(tick.at);
    const half = tick.label.length * 3.6;
    marks.push(shape("line", { class: "mark", x1: at, x2: at, y1: margin.top, y2: bottom }));
    if (at - half < free + 6) continue;
    free = at + half;
    marks.push(shape("text", { x: at, y: bottom + 17, "text-anchor": "middle" }, tick.label));
  }
  marks.push(shape("path", { class: "axis", d: `M${margin.left} ${margin.top}V${bottom}H${width - margin.right}` }));
  const middle = (margin.left + width - margin.right) / 2;
  marks.push(shape("text", { x: middle, y: height - 4, "text-anchor": "middle" }, names[0]));
  const side = (margin.top + bottom) / 2;
  marks.push(shape("text", { x: 12, y: side, "text-anchor": "middle", transform: `rotate(-90 12 ${side})` }, names[1]));
  return marks;
}

/**
 * Lines over generations. `series` is a list of {name, color, points: [[x, mean, deviation]]}.
 * Options: names of both axes, `percent`, `zero` to begin at 0.
 */
function lineChart(caption, remark, series, options) {
  const hidden = new Set();
  const shown = () => series.filter((_, place) => !hidden.has(place));
  const legend = series.length > 1 && element("ul", { class: "legend" }, series.map((one, place) =>
    element("li", {}, element("button", {
      type: "button", "aria-pressed": "true",
      click(event) {
        if (hidden.has(place)) hidden.delete(place); else hidden.add(place);
        event.currentTarget.setAttribute("aria-pressed", String(!hidden.has(place)));
        figure.redraw();
      },
    }, element("span", { class: "swatch", style: "background:" + one.color }), one.name))));
  const figure = drawing(caption, remark, (width) => lines(width, shown(), caption, options), legend);
  return figure;
}

function lines(width, series, caption, options) {
  const height = Math.min(300, Math.max(210, width * 0.62));
  const margin = { left: 58, right: 12, top: 10, bottom: 40 };
  const points = series.flatMap((one) => one.points);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": caption });
  if (points.length === 0) {
    svg.append(shape("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "nothing yet"));
    return svg;
  }
  const low = minimum(points.map((point) => point[1] - point[2]));
  const high = maximum(points.map((point) => point[1] + point[2]));
  const room = Math.max((high - low) * 0.06, Math.abs(high) * 1e-3, 1e-6);
  const last = maximum(points.map((point) => point[0]));
  const first = minimum(points.map((point) => point[0]));
  const x = scale(first < last ? first : first - 1, last, margin.left, width - margin.right);
  const y = scale(options.zero ? 0 : low - room, high + room, height - margin.bottom, margin.top);
  const factor = options.percent ? 100 : 1;
  const yTicks = scale((options.zero ? 0 : low - room) * factor, (high + room) * factor, 0, 1).ticks(5)
    .map((tick) => ({ at: tick.at / factor, label: tick.label }));
  const xTicks = x.ticks(Math.max(3, width / 70)).filter((tick) => Number.isInteger(tick.at));
  svg.append(...axes(width, height, margin, x, y, options.names, xTicks, yTicks));
  const clamp = (value) => Math.min(height - margin.bottom, Math.max(margin.top, value));
  for (const one of series) {
    if (one.points.length > 1 && one.points.some((point) => point[2] > 0)) {
      const edge = (sign) => one.points.map((point) => x(point[0]).toFixed(1) + " " + clamp(y(point[1] + sign * point[2])).toFixed(1));
      svg.append(shape("path", { d: "M" + edge(1).concat(edge(-1).reverse()).join("L") + "Z", fill: one.color, opacity: 0.15 }));
    }
  }
  for (const one of series) {
    const path = one.points.map((point) => x(point[0]).toFixed(1) + " " + y(point[1]).toFixed(1)).join("L");
    svg.append(shape("path", { d: "M" + path, fill: "none", stroke: one.color, "stroke-width": 2, "stroke-linejoin": "round" }));
    const radius = one.points.length > 60 ? 1.4 : 2.6;
    for (const point of one.points) svg.append(shape("circle", { cx: x(point[0]), cy: y(point[1]), r: radius, fill: one.color }));
  }
  hover(svg, series.flatMap((one) => one.points.map((point) => ({
    x: x(point[0]), y: y(point[1]),
    text: one.name + ", " + options.names[0] + " " + point[0] + "\n" + options.format(point[1]) +
      (point[2] > 0 ? " ± " + options.format(point[2]) : ""),
  }))));
  return svg;
}

/** Tells of the nearest point; a press on one that has an action does it. */
function hover(svg, points) {
  const nearest = (event) => {
    const box = svg.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let found = null;
    let least = 24 * 24;
    for (const point of points) {
      const distance = (point.x - left) ** 2 + (point.y - top) ** 2;
      if (distance < least) { least = distance; found = point; }
    }
    return found;
  };
  svg.addEventListener("pointermove", (event) => {
    const point = nearest(event);
    svg.style.cursor = point && point.press ? "pointer" : "";
    if (point) tip.show(event, point.text); else tip.hide();
  });
  svg.addEventListener("pointerleave", tip.hide);
  svg.addEventListener("click", (event) => {
    const point = nearest(event);
    if (point && point.press) point.press();
  });
}

/** A list of colours with their names. */
function legend(entries) {
  return element("ul", { class: "legend" }, entries.map(([color, name]) =>
    element("li", {}, element("span", { class: "swatch", style: "background:" + color + ";margin-right:.4rem" }), name)));
}
