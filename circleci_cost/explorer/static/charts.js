/* Draws the charts of a page: each `figure.chart` with the JSON beside its canvas, when it comes into sight.
   What a chart looks like is chart_option.js; what it says is chart_words.js. */

import { chartOption } from "./chart_option.js";
import { Paint } from "./chart_paint.js";
import { Tooltip, ownAddress, writeWords } from "./chart_words.js";

const NEAR = "200px";
const PAPER_WIDTH = 600;

class Drawing {
  constructor(canvas) {
    this.canvas = canvas;
    this.figure = canvas.closest("figure.chart");
    this.data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    this.chart = null;
    this.width = 0;
    this.#renew();
  }

  /** Draws it, for the first time or again. */
  draw(width = this.canvas.clientWidth) {
    if (this.chart === null) this.#begin(width);
    else this.chart.resize({ width, height: this.canvas.clientHeight });
    this.width = width;
    this.chart.setOption(chartOption(this.data, this.paint, width), { notMerge: true });
    this.canvas.dataset.drawn = "";
  }

  /** Takes the colours of the theme as it is now. */
  repaint() {
    this.#renew();
    if (this.chart !== null) this.draw();
  }

  /** Draws it in the light colours and the width of a sheet. */
  toPaper() {
    if (this.canvas.clientWidth === 0) return;
    this.figure.classList.add("on-paper");
    this.#renew();
    this.draw(Math.min(PAPER_WIDTH, this.canvas.clientWidth));
  }

  /** Back to the screen. */
  toScreen() {
    this.figure.classList.remove("on-paper");
    this.repaint();
  }

  #renew() {
    this.paint = new Paint(this.figure);
    this.tooltip?.hide();
    writeWords(this.figure, this.data, this.paint, () => this.chart);
  }

  #begin(width) {
    const surface = document.createElement("div");
    surface.className = "surface";
    this.canvas.append(surface);
    this.chart = echarts.init(surface, null, { renderer: "canvas", width, height: this.canvas.clientHeight });
    this.tooltip = new Tooltip(this.canvas, this.data);
    this.chart.getZr().on("mousemove", ({ offsetX, offsetY }) => this.#point(offsetX, offsetY));
    this.chart.getZr().on("globalout", () => this.tooltip.hide());
    this.chart.on("click", ({ seriesIndex, event }) => this.#follow(seriesIndex, event.event));
    document.addEventListener("pointerdown", ({ target }) => this.canvas.contains(target) || this.#leave());
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.#leave());
    new ResizeObserver(() => {
      if (this.canvas.clientWidth > 0 && this.canvas.clientWidth !== this.width) this.draw();
    }).observe(this.canvas);
  }

  /* A finger that lifts leaves its tooltip and its highlight behind; Escape takes them from under a pointer, too. */
  #leave() {
    this.tooltip.hide();
    this.chart.dispatchAction({ type: "downplay" });
    this.chart.dispatchAction({ type: "hideTip" });
  }

  /* A tap shows the tooltip; the links of the legend are there for the finger. */
  #follow(index, { pointerType, zrByTouch }) {
    const address = ownAddress(this.data.series[index]?.href);
    if (address !== null && pointerType !== "touch" && !zrByTouch) location.assign(address);
  }

  #point(x, y) {
    if (!this.chart.containPixel("grid", [x, y])) {
      this.tooltip.hide();
      return;
    }
    const [index] = this.chart.convertFromPixel("grid", [x, y]);
    if (this.data.periods[index]) this.tooltip.show(index, x, y, this.paint);
  }
}

const drawings = Array.from(document.querySelectorAll("figure.chart [data-chart]"), (canvas) => new Drawing(canvas));
const waiting = new Map(drawings.map((drawing) => [drawing.canvas, drawing]));

const inSight = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => drawNow(target)),
  { rootMargin: NEAR },
);

function drawNow(canvas) {
  inSight.unobserve(canvas);
  waiting.get(canvas)?.draw();
  waiting.delete(canvas);
}

for (const canvas of [...waiting.keys()]) {
  const { top, bottom, width } = canvas.getBoundingClientRect();
  if (width > 0 && top < innerHeight && bottom > 0) drawNow(canvas);
  else inSight.observe(canvas);
}

function repaintAll() {
  drawings.forEach((drawing) => drawing.repaint());
}

for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
  matchMedia(query).addEventListener("change", repaintAll);
}
new MutationObserver(repaintAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
addEventListener("beforeprint", () => drawings.forEach((drawing) => drawing.toPaper()));
addEventListener("afterprint", () => drawings.forEach((drawing) => drawing.toScreen()));
