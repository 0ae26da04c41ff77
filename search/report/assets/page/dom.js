// Elements, numbers for people, and the little box beside the pointer.

/** An element: its name, attributes (functions are listeners), children. */
function element(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/** The same for drawings. */
function shape(name, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function build(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(key, value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child);
  }
  return node;
}

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
const percent = (share, digits = 1) => (known(share) ? (share * 100).toFixed(digits) + " %" : "–");
const grouped = (number) => (known(number) ? Math.round(number).toLocaleString("en-US") : "–");
const fixed = (number, digits) => (known(number) ? number.toFixed(digits) : "–");

/** A number in a few letters: 250, 1.5k, 20M. */
function short(value) {
  if (!known(value)) return "–";
  for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= unit) return trimmed(value / unit) + name;
  }
  return trimmed(value);
}

function trimmed(value) {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 2;
  return String(parseFloat(value.toFixed(digits)));
}

function bytes(value) {
  if (!known(value)) return "–";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let place = 0;
  while (value >= 1024 && place + 1 < units.length) { value /= 1024; place += 1; }
  return (place === 0 ? value : value.toFixed(1)) + " " + units[place];
}

function duration(seconds) {
  if (!known(seconds)) return "–";
  if (seconds < 10) return seconds.toFixed(1) + " s";
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return hours + " h " + minutes + " min";
  return minutes > 0 ? minutes + " min " + (whole % 60) + " s" : whole + " s";
}

/** `width_to_depth` as words. */
const words = (name) => name.replaceAll("_", " ");

/** `12.3 ± 0.4`, times a factor. */
function spread(figure, factor = 1, digits = 2) {
  if (!figure) return "–";
  return (figure.mean * factor).toFixed(digits) + " ± " + (figure.deviation * factor).toFixed(digits);
}

/** A table: a caption, columns as [name, is it words], rows of nodes or texts. */
function table(caption, columns, rows) {
  const side = (column) => (column[1] ? "left" : undefined);
  const head = columns.map((column) => element("th", { scope: "col", class: side(column) }, column[0]));
  const line = (row) => element("tr", {}, row.map((cell, place) =>
    element("td", { class: [side(columns[place]), columns[place][2]].filter(Boolean).join(" ") || undefined }, cell)));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows.map(line))));
}

/** A command line with a button that copies it. */
function command(text) {
  const button = element("button", { class: "button", type: "button", "aria-label": "Copy: " + text }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return element("div", { class: "command" }, element("code", { tabindex: 0 }, text), button);
}

/** A path as a shell takes it. */
const quoted = (path) => (/^[\w./@%+=:,-]+$/.test(path) ? path : "'" + path.replaceAll("'", "'\\''") + "'");

const tip = {
  show(event, text) {
    const box = document.getElementById("tip");
    box.textContent = text;
    box.hidden = false;
    const [width, height] = [box.offsetWidth, box.offsetHeight];
    const left = Math.min(event.clientX + 14, innerWidth - width - 8);
    const top = event.clientY + 18 + height > innerHeight ? event.clientY - height - 12 : event.clientY + 18;
    box.style.left = Math.max(8, left) + "px";
    box.style.top = Math.max(8, top) + "px";
  },
  hide() { document.getElementById("tip").hidden = true; },
};

/** A figure whose drawing is made anew for the width it has. */
function drawing(caption, remark, draw, ...more) {
  const place = element("div");
  const figure = element("figure", {}, element("figcaption", {}, caption, remark && element("small", {}, remark)), place, more);
  let width = 0;
  const again = () => {
    const now = Math.floor(place.clientWidth);
    if (now > 0 && now !== width) {
      width = now;
      place.replaceChildren(draw(width));
    }
  };
  new ResizeObserver(again).observe(place);
  figure.redraw = () => { if (width > 0) place.replaceChildren(draw(width)); };
  return figure;
}
