/* What a chart says: amounts, and in HTML its legend, the notes of its marks and the tooltip. Names are text nodes,
   never markup. Amounts come as decimal strings, rounded already, and stay text: a Number is for pixels and ticks. */

import { NARROW, axesOf, isPart, lineStyle, pixels } from "./chart_paint.js";

const SHOWN_ROWS = 12;
const SHOWN_ROWS_NARROW = 5;
const SHOWN_MARKS = 12;
const GROUPS = /\B(?=(\d{3})+$)/g;

/** An amount with its unit: `$1,234.50`, `-$3.00`, `<$0.01`, `1,234 credits`. */
export function amountText(value, { unit, decimals }) {
  const { before, after } = affixes(unit);
  const sign = value.startsWith("-") ? "-" : "";
  const [whole, fraction = ""] = value.replace("-", "").split(".");
  if (fraction.length > decimals) {
    const least = decimals > 0 ? `0.${"1".padStart(decimals, "0")}` : "1";
    return `${sign}<${before}${least}${after}`;
  }
  return `${sign}${before}${whole.replace(GROUPS, ",")}${fraction && `.${fraction}`}${after}`;
}

/** A tick of an axis, short: `$1.2k`, `$0.05`, `3M`. */
export function tickText(value, unit) {
  const size = Math.abs(value);
  const [divisor, letter] = size >= 1e9 ? [1e9, "B"] : size >= 1e6 ? [1e6, "M"] : size >= 1e3 ? [1e3, "k"] : [1, ""];
  const digits = String(Number((size / divisor).toPrecision(4)));
  return `${value < 0 ? "-" : ""}${affixes(unit).before}${digits}${letter}`;
}

function affixes(unit) {
  if (unit === "USD") return { before: "$", after: "" };
  if (unit.startsWith("USD ")) return { before: "$", after: unit.slice("USD".length) };
  return { before: "", after: unit && ` ${unit}` };
}

/** The address that a series leads to: on this site only; null for any other. */
export function ownAddress(href) {
  if (!href) return null;
  const address = new URL(href, location.href);
  return address.origin === location.origin ? address.href : null;
}

/** Puts the legend and the notes below the canvas, in place of those of an earlier theme. */
export function writeWords(figure, data, paint, chart) {
  figure.querySelectorAll(":scope > .legend, :scope > .marks").forEach((old) => old.remove());
  const canvas = figure.querySelector(".canvas");
  const marks = (data.marks ?? []).map((mark, number) => {
    const text = `${data.periods[mark.index].label}: ${mark.text}`;
    const flag = element("span", "number", String(number + 1));
    flag.ariaHidden = "true";
    return element("li", "", flag, " ", text);
  });
  if (marks.length > SHOWN_MARKS) marks.splice(SHOWN_MARKS, Infinity, element("li", "", `and ${marks.length - SHOWN_MARKS} more`));
  if (marks.length > 0) canvas.after(element("ol", "marks", ...marks));
  const entries = legendEntries(data, paint, chart);
  if (entries.length > 1) canvas.after(element("ul", "legend", ...entries));
}

function legendEntries(data, paint, chart) {
  const parts = data.series.map((series, index) => {
    const swatch = seriesSwatch(data, series, paint);
    const address = ownAddress(series.href);
    const entry = element(address ? "a" : "span", "entry", swatch, element("span", "name", series.name));
    entry.title = series.name;
    if (address) entry.href = address;
    const tell = (type) => chart()?.dispatchAction({ type, seriesIndex: index });
    for (const event of ["mouseenter", "focus"]) entry.addEventListener(event, () => tell("highlight"));
    for (const event of ["mouseleave", "blur"]) entry.addEventListener(event, () => tell("downplay"));
    return element("li", "", entry);
  });
  const others = (data.bands ?? []).map((band) => [band.name, paint.swatch(document, (context) => square(context, paint.band))]);
  if (data.hatched?.length) {
    others.push(["incomplete", paint.swatch(document, (context) => paint.paintHatch(context, paint.muted))]);
  }
  const rest = others.map(([name, swatch]) => element("li", "", element("span", "entry", swatch, element("span", "name", name))));
  return [...parts, ...rest];
}

/** The tooltip of one canvas. It repeats what the table says, for eyes on the chart; the canvas is an image to others. */
export class Tooltip {
  constructor(canvas, data) {
    this.canvas = canvas;
    this.data = data;
    this.box = element("div", "tooltip");
    this.box.hidden = true;
    this.index = null;
    canvas.append(this.box);
  }

  /** Shows a period beside the pointer at x, y. */
  show(index, x, y, paint) {
    // Where it was, its new content may stick out of the page: phones then show the page smaller, and leave it so.
    this.box.style.transform = "";
    if (index !== this.index) {
      this.box.replaceChildren(...this.#content(index, paint));
      this.index = index;
    }
    this.box.hidden = false;
    const { clientWidth, clientHeight } = this.canvas;
    const { offsetWidth, offsetHeight } = this.box;
    const right = x + 16 + offsetWidth <= clientWidth;
    const left = right ? x + 16 : Math.max(x - 16 - offsetWidth, 0);
    const top = Math.max(Math.min(y - offsetHeight / 2, clientHeight - offsetHeight), 0);
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  /** Hides it, and forgets what it showed. */
  hide() {
    this.box.hidden = true;
    this.index = null;
  }

  #content(index, paint) {
    const { data } = this;
    const period = data.periods[index];
    const [axis] = axesOf(data);
    const heading = element("p", "period", period.label);
    if (period.incomplete) heading.append(element("span", "remark", " · incomplete"));
    const row = (series) => this.#row(series.name, series.values[index], axesOf(data)[series.axis], seriesSwatch(data, series, paint));
    const known = data.series.filter((series) => series.values[index] !== null);
    const parts = known.filter(isPart).sort((a, b) => byRoleAndValue(a, b, index));
    const room = this.canvas.clientWidth < NARROW ? SHOWN_ROWS_NARROW : SHOWN_ROWS;
    const shown = parts.slice(0, room).map(row);
    const left = parts.length - shown.length;
    if (left > 0) shown.push(element("p", "remark", `and ${left} more`));
    const total = data.totals?.[index];
    if (total != null && parts.length > 1) shown.push(this.#row("Total", total, axis, null, "row total"));
    const bands = (data.bands ?? [])
      .filter((band) => band.low[index] !== null && band.high[index] !== null)
      .map((band) => {
        const range = `${amountText(band.low[index], axis)} – ${amountText(band.high[index], axis)}`;
        return textRow(band.name, range, paint.swatch(document, (context) => square(context, paint.band)));
      });
    const marks = (data.marks ?? []).filter((mark) => mark.index === index).map((mark) => element("p", "remark", mark.text));
    return [heading, ...shown, ...known.filter((series) => !isPart(series)).map(row), ...bands, ...marks];
  }

  #row(name, value, axis, swatch, className = "row") {
    return textRow(name, amountText(value, axis), swatch, className);
  }
}

function byRoleAndValue(a, b, index) {
  return (a.role === "other") - (b.role === "other") || pixels(b.values[index]) - pixels(a.values[index]);
}

function seriesSwatch(data, series, paint) {
  return paint.swatch(document, (context) => paint.paintSeries(context, series, lineStyle(data, series)));
}

function textRow(name, value, swatch, className = "row") {
  return element("div", className, swatch ?? element("span", ""), element("span", "name", name), element("span", "value", value));
}

function square(context, color) {
  context.fillStyle = color;
  context.fillRect(0, 0, 12, 12);
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}
