// Colours, marks of axes, places of values.

const SERIES = Array.from({ length: 12 }, (_, place) => "var(--s" + place + ")");
const seriesColor = (place) => SERIES[place % SERIES.length];

// From unfit to fit: dark blue over green to yellow, brighter with every step; as in files.
const SHADES = [[38, 20, 82], [49, 71, 135], [33, 117, 141], [38, 161, 124], [137, 201, 77], [251, 230, 60]];

function shade(share) {
  const position = Math.min(1, Math.max(0, share)) * (SHADES.length - 1);
  const below = Math.min(SHADES.length - 2, Math.floor(position));
  const mix = (place) => Math.round(SHADES[below][place] + (position - below) * (SHADES[below + 1][place] - SHADES[below][place]));
  return "rgb(" + mix(0) + " " + mix(1) + " " + mix(2) + ")";
}

/** Round values between two ends, about so many. */
function linearTicks(min, max, most) {
  const rough = (max - min) / most;
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = [];
  for (let at = Math.ceil(min / step - 1e-9); at <= max / step + 1e-9; at += 1) {
    const value = at * step;
    ticks.push({ at: value, label: Math.abs(value) >= 1e4 ? short(value) : value.toFixed(digits) });
  }
  return ticks;
}

function logarithmicTicks(min, max) {
  const decades = Math.log10(max / min);
  const factors = decades > 2.5 ? [1] : [1, 2, 5];
  const every = Math.max(1, Math.ceil(decades / 6));
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power += 1) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const at = factor * 10 ** power;
      if (at >= min * 0.999 && at <= max * 1.001) ticks.push({ at, label: short(at) });
    }
  }
  return ticks;
}

/** A scale from values to pixels. */
function scale(min, max, from, to, logarithmic = false) {
  const share = logarithmic
    ? (value) => Math.log(value / min) / Math.log(max / min)
    : (value) => (value - min) / (max - min);
  const of = (value) => from + share(value) * (to - from);
  of.ticks = (most) => (logarithmic ? logarithmicTicks(min, max) : linearTicks(min, max, most));
  return of;
}

const minimum = (values) => values.reduce((least, value) => (value < least ? value : least), Infinity);
const maximum = (values) => values.reduce((most, value) => (value > most ? value : most), -Infinity);
