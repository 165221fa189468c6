/* What the parts of a chart are drawn with: lines, colours and textures. Colours are custom properties of charts.css,
   resolved for the theme that the figure is in. */

/** Below this width, in pixels, a chart says less. */
export const NARROW = 520;

const SLOTS = 18;
const ROLES = ["other", "previous", "forecast", "expected", "budget"];
const PLAIN = ["paper", "muted", "grid", "axis", "pointer", "band", "mark"];
const PARTS = new Set(["key", "other", "actual"]);
const TILE = 8;
/* Forced colours: what hues tell, these tell too. Each is a path of a tile, drawn in the colour of the paper. */
const TEXTURES = [
  [],
  [[0, 8, 8, 0]],
  [[0, 4, 8, 4]],
  [[0, 0, 8, 8]],
  [[4, 0, 4, 8]],
  [[0, 4, 8, 4], [4, 0, 4, 8]],
  [[0, 8, 8, 0], [0, 0, 8, 8]],
];

/* The same for lines: strokes and gaps in pixels. */
const DASHES = [[], [8, 3], [3, 3], [10, 3, 2, 3], [1, 3], [6, 2], [12, 2, 2, 2, 2, 2]];

/** How the line of a series looks, or null where it is drawn as bars. */
export function lineStyle(data, series) {
  // Among lines, `(other)` is grey, too.
  if (series.role === "previous") return { width: 1.5, dash: data.kind === "lines" ? [2, 2] : [] };
  if (series.role === "forecast") return { width: 2, dash: [4, 3] };
  if (series.role === "expected") return { width: 1.5, dash: [] };
  if (series.role === "budget") return { width: 1.5, dash: [] };
  return data.kind === "bars" && series.axis === 0 ? null : { width: 2, dash: [] };
}

/** Whether a series is one part of the whole that a period's total is. */
export function isPart(series) {
  return PARTS.has(series.role);
}

/** The axes of a chart: the given ones, or the one of its unit. */
export function axesOf(data) {
  return data.axes?.length ? data.axes : [{ unit: data.unit, decimals: data.decimals }];
}

/** The pixels' number of an amount; null stays null. */
export function pixels(value) {
  return value === null ? null : Number(value);
}

/** The paint for one figure in its present theme. */
export class Paint {
  constructor(figure) {
    const probe = figure.ownerDocument.createElement("span");
    probe.className = "probe";
    figure.append(probe);
    const resolved = (name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    for (const name of [...PLAIN, ...ROLES]) this[name] = resolved(name);
    this.slots = Array.from({ length: SLOTS }, (_, slot) => resolved(`series-${slot}`));
    this.font = getComputedStyle(figure).fontFamily;
    this.textured = matchMedia("(forced-colors: active)").matches;
    probe.remove();
  }

  /** The colour of a series: its role's, or its slot's. */
  color(series) {
    return ROLES.includes(series.role) ? this[series.role] : this.slots[(series.color ?? 0) % SLOTS];
  }

  /** What fills the bars of a series. */
  fill(series) {
    const color = this.color(series);
    const texture = TEXTURES[(series.color ?? 0) % TEXTURES.length];
    return this.textured && texture.length > 0 ? pattern(this.#tile(color, texture, this.paper, 1.5)) : color;
  }

  /** The strokes and gaps of a line; none for a solid one. */
  dash(series, style) {
    return this.textured && series.color !== null ? DASHES[series.color % DASHES.length] : style.dash;
  }

  /** What fills the bars of a period that is not complete: stripes of the same colour. */
  hatch(color) {
    return pattern(this.hatchTile(color));
  }

  /** The tile of `hatch`. */
  hatchTile(color) {
    return this.#tile(this.paper, [[-4, 4, 4, -4], [0, 8, 8, 0], [4, 12, 12, 4]], color, 2.5);
  }

  /** The mark of a series in legends and tooltips, drawn as the chart draws it. */
  swatch(document, draw) {
    const canvas = document.createElement("canvas");
    canvas.className = "swatch";
    canvas.width = canvas.height = 24;
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    draw(context);
    return canvas;
  }

  /** Paints the swatch of a series: a filled square, or a piece of its line. */
  paintSeries(context, series, style) {
    if (style) {
      context.strokeStyle = this.color(series);
      context.lineWidth = style.width;
      context.setLineDash(this.dash(series, style));
      context.beginPath();
      context.moveTo(0, 6);
      context.lineTo(12, 6);
      context.stroke();
      return;
    }
    const fill = this.fill(series);
    context.fillStyle = typeof fill === "string" ? fill : context.createPattern(fill.image, "repeat");
    context.fillRect(0, 0, 12, 12);
  }

  /** Paints a square of stripes. */
  paintHatch(context, color) {
    context.fillStyle = context.createPattern(this.hatchTile(color), "repeat");
    context.fillRect(0, 0, 12, 12);
  }

  #tile(ground, strokes, color, width) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = TILE;
    const context = canvas.getContext("2d");
    context.fillStyle = ground;
    context.fillRect(0, 0, TILE, TILE);
    context.strokeStyle = color;
    context.lineWidth = width;
    for (const [x, y, toX, toY] of strokes) {
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(toX, toY);
      context.stroke();
    }
    return canvas;
  }
}

function pattern(image) {
  return { image, repeat: "repeat" };
}
