// Source texts with coloured words, and what changed between two of them.

const WORDS = /(#.*)|("""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\b(and|as|assert|class|def|elif|else|for|from|if|import|in|is|lambda|None|not|or|pass|return|self|True|False|while|with|yield)\b|\b(\d[\d_]*\.?\d*(?:e[+-]?\d+)?)\b/g;
const KINDS = ["remark", "string", "word", "figure"];

/** A line's pieces, coloured. */
function colored(line) {
  const pieces = [];
  let end = 0;
  for (const match of line.matchAll(WORDS)) {
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)];
    pieces.push(line.slice(end, match.index), element("span", { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(line.slice(end));
  return pieces;
}

function sourceText(text) {
  const rows = text.trimEnd().split("\n").map((line, place) =>
    element("span", { class: "row" }, element("span", { class: "number" }, place + 1), colored(line), "\n"));
  return element("pre", { tabindex: 0 }, element("code", {}, rows));
}

/** Lines of two texts as [sign, line]: kept, removed, added; by the longest common subsequence. */
function difference(before, after) {
  const [old, now] = [before.trimEnd().split("\n"), after.trimEnd().split("\n")];
  if (old.length * now.length > 4e6) return null;
  const width = now.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = old[i] === now[j]
        ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) { lines.push([" ", old[i]]); i += 1; j += 1; }
    else if (j >= now.length || (i < old.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) { lines.push(["-", old[i]]); i += 1; }
    else { lines.push(["+", now[j]]); j += 1; }
  }
  return lines;
}

function differenceText(before, after) {
  const lines = difference(before, after);
  if (lines === null) return element("p", { class: "soft" }, "The texts are too long to be compared here.");
  if (lines.every(([sign]) => sign === " ")) return element("p", { class: "soft" }, "The texts are the same.");
  const kinds = { "+": "row add", "-": "row remove", " ": "row" };
  return element("pre", { tabindex: 0 }, element("code", {}, lines.map(([sign, line]) =>
    element("span", { class: kinds[sign] }, sign + " ", colored(line), "\n"))));
}
