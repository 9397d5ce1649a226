// Line charts as SVG text: both axes logarithmic, a line and a name for every contender.

export interface Series {
  readonly name: string;
  /** x and y, both > 0, in the order of x. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 72;
const RIGHT = 170;
const TOP = 44;
const BOTTOM = 56;
/** Told apart by people who see no red or no green (Okabe and Ito, 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];
/** Least distance of two names, in pixels. */
const NAME_HEIGHT = 16;

interface Axis {
  readonly min: number;
  readonly max: number;
}

/** Whole powers of ten around all values. */
function axisOf(values: readonly number[]): Axis {
  const min = Math.floor(Math.log10(Math.min(...values)));
  const max = Math.ceil(Math.log10(Math.max(...values)));
  return { min, max: Math.max(max, min + 1) };
}

const at = (value: number, { min, max }: Axis, from: number, to: number): number =>
  from + ((Math.log10(value) - min) / (max - min)) * (to - from);

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** 1, 10, 100, 1 000, 10 000, 100 000, 1 M. */
function tickText(exponent: number): string {
  if (exponent >= 6) return `${10 ** (exponent - 6)} M`;
  if (exponent >= 3) return `${10 ** (exponent - 3)} 000`;
  return String(10 ** exponent);
}

function ticks({ min, max }: Axis): number[] {
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

/** The y of each name: beside its line's end, but no two on one place. */
function namePlaces(ends: readonly number[]): number[] {
  const order = ends.map((_, index) => index).sort((a, b) => (ends[a] ?? 0) - (ends[b] ?? 0));
  const places = [...ends];
  let last = Number.NEGATIVE_INFINITY;
  for (const index of order) {
    last = Math.max(ends[index] ?? 0, last + NAME_HEIGHT);
    places[index] = last;
  }
  return places;
}

/** @throws {Error} for a chart without points */
export function drawChart({ title, xLabel, yLabel, series }: Chart): string {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) throw new Error(`expected points for ${title}, got none`);
  const xAxis = axisOf(all.map(([x]) => x));
  const yAxis = axisOf(all.map(([, y]) => y));
  const bottom = HEIGHT - BOTTOM;
  const right = WIDTH - RIGHT;
  const px = (x: number): string => at(x, xAxis, LEFT, right).toFixed(1);
  const py = (y: number): string => at(y, yAxis, bottom, TOP).toFixed(1);
  const grid = [
    ...ticks(xAxis).map((exponent) => {
      const x = px(10 ** exponent);
      return `<path d="M${x} ${TOP}V${bottom}"/><text x="${x}" y="${bottom + 18}" text-anchor="middle">${tickText(exponent)}</text>`;
    }),
    ...ticks(yAxis).map((exponent) => {
      const y = py(10 ** exponent);
      return `<path d="M${LEFT} ${y}H${right}"/><text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end">${tickText(exponent)}</text>`;
    }),
  ];
  const places = namePlaces(series.map(({ points }) => Number(py(points.at(-1)?.[1] ?? 1))));
  const lines = series.map(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = points
      .map(([x, y], step) => `${step === 0 ? "M" : "L"}${px(x)} ${py(y)}`)
      .join("");
    const dots = points.map(([x, y]) => `<circle cx="${px(x)}" cy="${py(y)}" r="3"/>`).join("");
    return `<g stroke="${colour}" fill="${colour}"><path d="${path}" fill="none" stroke-width="2"/>${dots}<text x="${right + 10}" y="${places[index]}" dy="4" stroke="none">${escaped(name)}</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="24" font-size="15" fill="#111">${escaped(title)}</text>
<g stroke="#ddd" fill="#444"><g stroke-width="1">${grid.join("").replaceAll("<text", '<text stroke="none"')}</g></g>
<text x="${(LEFT + right) / 2}" y="${HEIGHT - 14}" text-anchor="middle" fill="#444">${escaped(xLabel)}</text>
<text transform="translate(18 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#444">${escaped(yLabel)}</text>
${lines.join("\n")}
</svg>
`;
}
