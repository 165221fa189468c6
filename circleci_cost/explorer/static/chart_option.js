/* From the JSON of charts.py to an option of ECharts. Names never get into it: the legend and the tooltip are HTML. */

import { NARROW, axesOf, lineStyle, pixels } from "./chart_paint.js";
import { tickText } from "./chart_words.js";

const LABEL_WIDTH = 64;
const FLAG_WIDTH = 30;
/* Beyond this many bars and points, highlighting one series costs more than it tells. */
const MANY = 1500;

/** The option for a canvas of this width. The index of a series in it is the index in the data. */
export function chartOption(data, paint, width) {
  const narrow = width < NARROW;
  const axes = axesOf(data);
  const hatched = new Set(data.hatched ?? []);
  const textStyle = { color: paint.muted, fontFamily: paint.font, fontSize: 12 };
  return {
    animation: false,
    textStyle,
    grid: {
      top: data.marks?.length || axes.length > 1 ? 30 : 12,
      right: axes.length > 1 ? 0 : 2,
      bottom: 4,
      left: 0,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    /* The words are HTML beside the canvas; richText here makes ECharts create none of its own. */
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      showContent: false,
      axisPointer: {
        type: data.kind === "bars" ? "shadow" : "line",
        animation: false,
        label: { show: false },
        shadowStyle: { color: paint.pointer },
        lineStyle: { color: paint.axis, type: "solid" },
      },
    },
    xAxis: [
      periodAxis(data, paint, textStyle, width),
      { type: "category", show: false, data: data.periods.map((_, index) => String(index)), axisPointer: { show: false } },
    ],
    yAxis: [...axes.map((axis, index) => amountAxis(axis, index, axes, paint, textStyle, narrow)), { show: false, max: 1 }],
    series: [
      ...data.series.map((series) => drawn(data, series, paint, hatched, width)),
      ...(data.bands ?? []).flatMap((band, index) => drawnBand(band, index, data, paint)),
      ...background(data, paint, hatched, width),
      ...(data.kind === "bars" && hatched.size > 0 ? [emptyColumns(data, paint, hatched)] : []),
    ],
  };
}

function amountAxis(axis, index, axes, paint, textStyle, narrow) {
  return {
    type: "value",
    position: index === 0 ? "left" : "right",
    name: axes.length > 1 ? axis.unit : "",
    nameGap: 12,
    nameTextStyle: { ...textStyle, align: index === 0 ? "left" : "right" },
    splitNumber: narrow ? 3 : 4,
    minInterval: axis.decimals === 0 ? 1 : 0,
    alignTicks: index > 0,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...textStyle, formatter: (value) => tickText(value, axis.unit) },
    splitLine: { show: index === 0, lineStyle: { color: paint.grid, width: 1 } },
  };
}

function periodAxis(data, paint, textStyle, width) {
  const step = Math.max(1, Math.ceil((data.periods.length * LABEL_WIDTH) / Math.max(width - 48, 1)));
  return {
    type: "category",
    data: data.periods.map((_, index) => String(index)),
    boundaryGap: data.kind === "bars",
    axisLine: { lineStyle: { color: paint.axis } },
    axisTick: { show: false },
    axisLabel: {
      ...textStyle,
      interval: step - 1,
      hideOverlap: true,
      margin: 8,
      lineHeight: 18,
      formatter: (index) => plain(data.periods[Number(index)].short),
    },
  };
}

function drawn(data, series, paint, hatched, width) {
  const style = lineStyle(data, series);
  const common = {
    yAxisIndex: series.axis,
    cursor: series.href ? "pointer" : "default",
    emphasis: { focus: "series", disabled: data.series.length * data.periods.length > MANY },
    blur: { itemStyle: { opacity: 0.25 }, lineStyle: { opacity: 0.25 } },
  };
  return style ? line(series, paint, style, common) : bars(data, series, paint, hatched, width, common);
}

function bars(data, series, paint, hatched, width, common) {
  const fill = paint.fill(series);
  const stripes = hatched.size > 0 ? paint.hatch(paint.color(series)) : null;
  const room = width / data.periods.length;
  return {
    ...common,
    type: "bar",
    stack: data.stacked ? "parts" : undefined,
    barCategoryGap: room > 12 ? "28%" : "12%",
    barMaxWidth: 56,
    emphasis: { ...common.emphasis, itemStyle: { color: "inherit" } },
    /* A hair of the paper between the parts: neighbours stay apart without their hues. */
    itemStyle: { color: fill, borderColor: paint.paper, borderWidth: data.stacked && room > 10 ? 0.75 : 0 },
    /* No bar of zero: its border would cut the axis. */
    data: series.values.map((value, index) => {
      const size = pixels(value) || null;
      return hatched.has(index) ? { value: size, itemStyle: { color: stripes } } : size;
    }),
  };
}

function line(series, paint, style, common) {
  const values = series.values.map(pixels);
  const isAlone = (index) => (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
  return {
    ...common,
    type: "line",
    z: series.role === "key" || series.role === "other" ? 3 : 4,
    step: series.role === "budget" ? "middle" : false,
    triggerLineEvent: series.href !== null,
    symbol: "circle",
    symbolSize: (_, { dataIndex }) => (isAlone(dataIndex) ? 6 : 0),
    showAllSymbol: true,
    itemStyle: { color: paint.color(series) },
    lineStyle: {
      color: paint.color(series),
      width: style.width,
      type: paint.dash(series, style),
      join: "round",
    },
    data: values,
  };
}

function drawnBand(band, index, data, paint) {
  const low = band.low.map(pixels);
  const high = band.high.map(pixels);
  const common = {
    type: "line",
    stack: `band ${index}`,
    stackStrategy: "all",
    silent: true,
    symbol: "none",
    lineStyle: { opacity: 0 },
    z: data.kind === "bars" ? 3 : 1,
  };
  return [
    { ...common, data: low },
    {
      ...common,
      data: high.map((value, at) => (value === null || low[at] === null ? null : value - low[at])),
      areaStyle: { color: paint.band, opacity: 1 },
    },
  ];
}

/* Marks, and for lines the periods that are not complete: on a series of no values. */
function background(data, paint, hatched, width) {
  const marks = flags(data, width).map(({ index, label }) => ({ xAxis: index, label: { formatter: label, show: label !== "" } }));
  const areas = data.kind === "lines" ? runs([...hatched]) : [];
  if (marks.length === 0 && areas.length === 0) return [];
  return [
    {
      type: "line",
      silent: true,
      data: data.periods.map(() => null),
      markLine: {
        silent: true,
        symbol: "none",
        lineStyle: { color: paint.mark, width: 1, type: [3, 3] },
        label: {
          position: "end",
          distance: 4,
          color: paint.muted,
          fontFamily: paint.font,
          fontSize: 11,
          lineHeight: 16,
          padding: [0, 6],
          borderColor: paint.mark,
          borderWidth: 1,
          borderRadius: 8,
        },
        data: marks,
      },
      markArea: {
        silent: true,
        itemStyle: { color: paint.hatch(paint.grid) },
        data: areas.map(([first, last]) => [{ xAxis: Math.max(first - 1, 0) }, { xAxis: last }]),
      },
    },
  ];
}

/* The numbers of marks that would cover each other stand on the first of them, as a range: `2–4`. */
function flags(data, width) {
  const room = Math.max(width - 48, 1) / data.periods.length;
  const groups = [];
  (data.marks ?? []).forEach(({ index }, place) => {
    const last = groups.at(-1);
    if (last && (index - last.index) * room < FLAG_WIDTH) {
      last.to = place + 1;
      last.others.add(index);
    } else groups.push({ index, from: place + 1, to: place + 1, others: new Set() });
  });
  return groups.flatMap(({ index, from, to, others }) => [
    { index, label: from === to ? String(from) : `${from}–${to}` },
    ...[...others].filter((other) => other !== index).map((other) => ({ index: other, label: "" })),
  ]);
}

/* Columns behind the bars where a period is not complete and has no bar that could be striped. */
function emptyColumns(data, paint, hatched) {
  const parts = data.series.filter((series) => lineStyle(data, series) === null);
  const isEmpty = (index) => hatched.has(index) && parts.every((series) => !pixels(series.values[index]));
  return {
    type: "bar",
    silent: true,
    xAxisIndex: 1,
    yAxisIndex: axesOf(data).length,
    barCategoryGap: 0,
    z: 0,
    itemStyle: { color: paint.hatch(paint.grid) },
    data: data.periods.map((_, index) => (isEmpty(index) ? 1 : null)),
  };
}

function runs(indices) {
  const found = [];
  for (const index of indices.sort((a, b) => a - b)) {
    if (found.length > 0 && found.at(-1)[1] === index - 1) found.at(-1)[1] = index;
    else found.push([index, index]);
  }
  return found;
}

/* ECharts reads `{style|text}` in a label as markup; a word joiner after the brace keeps it a text. */
function plain(text) {
  return text.replaceAll("{", "{\u2060");
}
