// Archives as maps of Voronoi cells, brighter where the elite is fitter.

/**
 * A map. `cells` are polygons in the unit square; `residents` is a Map of cell to {value, text, press};
 * `sides` are both axes as {name, ticks}.
 */
function voronoiMap(caption, remark, cells, residents, sides, format, ...more) {
  return drawing(caption, remark, (width) => mapDrawing(width, caption, cells, residents(), sides, format), ...more);
}

function mapDrawing(width, caption, cells, residents, sides, format) {
  const margin = { left: 62, right: 8, top: 8, bottom: 88 };
  const side = Math.min(width - margin.left - margin.right, 480);
  const height = side * 0.85 + margin.top + margin.bottom;
  const full = side + margin.left + margin.right;
  const x = (share) => margin.left + share * side;
  const y = (share) => margin.top + (1 - share) * side * 0.85;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": caption + ". Arrow keys move from cell to cell, Enter opens a network." });
  const values = [...residents.values()].map((one) => one.value);
  const [low, high] = [minimum(values), maximum(values)];
  const share = (value) => (high > low ? (value - low) / (high - low) : 1);
  const nodes = new Map();
  cells.forEach((corners, cell) => {
    const d = "M" + corners.map((corner) => x(corner[0]).toFixed(1) + " " + y(corner[1]).toFixed(1)).join("L") + "Z";
    const resident = residents.get(cell);
    if (!resident) {
      svg.append(shape("path", { d, class: "cell", fill: "var(--empty)" }));
      return;
    }
    const node = shape("path", {
      d, class: "cell filled", fill: shade(share(resident.value)), tabindex: -1,
      role: resident.press ? "button" : "img", "aria-label": resident.text.replaceAll("\n", ", "),
      pointermove: (event) => tip.show(event, resident.text),
      pointerleave: tip.hide,
      focus: () => nodes.forEach((other) => other.setAttribute("tabindex", other === node ? 0 : -1)),
      click: () => resident.press && resident.press(),
      keydown: (event) => move(event, nodes, centres, cell, resident),
    });
    nodes.set(cell, node);
    svg.append(node);
  });
  const centres = new Map([...nodes.keys()].map((cell) => [cell, centre(cells[cell])]));
  const first = nodes.values().next();
  if (!first.done) first.value.setAttribute("tabindex", 0);
  svg.append(...sideMarks(sides, x, y, side, margin));
  svg.append(...colorBar(margin.left, height - 24, Math.min(side, 240), low, high, format, values.length));
  svg.setAttribute("viewBox", `0 0 ${Math.max(full, width)} ${height}`);
  return svg;
}

function centre(corners) {
  const sum = corners.reduce((all, corner) => [all[0] + corner[0], all[1] + corner[1]], [0, 0]);
  return [sum[0] / corners.length, sum[1] / corners.length];
}

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function move(event, nodes, centres, cell, resident) {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (resident.press) resident.press();
    return;
  }
  const direction = DIRECTIONS[event.key];
  if (!direction) return;
  event.preventDefault();
  const from = centres.get(cell);
  let best = null;
  let least = Infinity;
  for (const [other, at] of centres) {
    const [dx, dy] = [at[0] - from[0], at[1] - from[1]];
    const along = dx * direction[0] + dy * direction[1];
    const across = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
    if (along <= 1e-6 || across > along * 1.6) continue;
    const distance = along + 2 * across;
    if (distance < least) { least = distance; best = other; }
  }
  if (best !== null) nodes.get(best).focus();
}

function sideMarks([first, second], x, y, side, margin) {
  const marks = [];
  const bottom = y(0);
  let free = -Infinity;
  for (const tick of first.ticks) {
    const half = tick.label.length * 3.6;
    if (x(tick.at) - half < free + 6) continue;
    free = x(tick.at) + half;
    marks.push(shape("text", { x: x(tick.at), y: bottom + 16, "text-anchor": "middle" }, tick.label));
  }
  for (const tick of second.ticks) {
    marks.push(shape("text", { x: margin.left - 6, y: y(tick.at) + 4, "text-anchor": "end" }, tick.label));
  }
  marks.push(shape("text", { x: margin.left + side / 2, y: bottom + 35, "text-anchor": "middle" }, first.name));
  const middle = (y(0) + y(1)) / 2;
  marks.push(shape("text", { x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` }, second.name));
  return marks;
}

function colorBar(left, top, width, low, high, format, count) {
  if (count === 0) return [shape("text", { x: left, y: top + 12 }, "no cell is filled")];
  const steps = 24;
  const bars = Array.from({ length: steps }, (_, step) => shape("rect", {
    x: left + step * width / steps, y: top, width: width / steps + 0.6, height: 10, fill: shade(step / (steps - 1)),
  }));
  return [...bars,
    shape("text", { x: left, y: top + 23 }, format(low)),
    shape("text", { x: left + width, y: top + 23, "text-anchor": "end" }, format(high))];
}

/** An archive of more or fewer than two axes: its elites on two of them. */
function projection(width, caption, points, sides, format) {
  const height = Math.min(420, width * 0.8);
  const margin = { left: 62, right: 12, top: 10, bottom: 40 };
  const x = scale(0, 1, margin.left, width - margin.right);
  const y = scale(0, 1, height - margin.bottom, margin.top);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": caption });
  svg.append(...axes(width, height, margin, x, y, sides.map((side) => side.name), sides[0].ticks, sides[1].ticks));
  const values = points.map((point) => point.value);
  const [low, high] = [minimum(values), maximum(values)];
  for (const point of points) {
    svg.append(shape("circle", { cx: x(point.at[0]), cy: y(point.at[1]), r: 6, stroke: "var(--paper)", fill: shade(high > low ? (point.value - low) / (high - low) : 1) }));
  }
  hover(svg, points.map((point) => ({ x: x(point.at[0]), y: y(point.at[1]), text: point.text, press: point.press })));
  return svg;
}
