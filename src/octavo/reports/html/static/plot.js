"use strict";
/* The SVG elements of a chart: its frame, its lines with their marks, and labels at the ends of lines. */
octavo.plot = (() => {
  const { number } = octavo.chart;
  const SVG = "http://www.w3.org/2000/svg";
  const GAP = 13; // pixels between labels, horizontally and vertically

  /** An SVG element. */
  function draw(kind, properties, text) {
    const element = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  /** Grid, axes and tick labels; `name` is the name of the horizontal axis. */
  function frame({ across, up }, [width, height], name) {
    const group = draw("g", {});
    for (const tick of up.ticks(Math.max(3, height / 45))) {
      const y = up.position(tick);
      group.append(draw("path", { class: "grid", d: `M0,${y}H${width}` }));
      group.append(draw("text", { class: "up", x: -8, y, dy: "0.35em" }, number(tick)));
    }
    for (const tick of across.ticks(Math.max(2, width / 85))) {
      group.append(draw("text", { class: "across", x: across.position(tick), y: height, dy: "1.5em" }, number(tick)));
    }
    group.append(draw("path", { class: "base", d: `M0,${height}H${width}` }));
    group.append(draw("text", { class: "name", x: width, y: height, dy: "2.8em" }, name));
    return group;
  }

  /** The plotting area: it hides everything outside but half of a mark at either side. */
  function clip(width, height) {
    const size = { x: -4, width: width + 8, height, viewBox: `-4 0 ${width + 8} ${height}` };
    return draw("svg", { ...size, overflow: "hidden" });
  }

  /** A series: the logged values, faint, if it is noisy; its line; a mark for each of at most `maxMarked` points, a
      square if `square`. Values that a logarithmic axis cannot show are left out. */
  function line({ series, x, low, high, line }, { across, up }, classes, maxMarked, square) {
    const shown = [...x.keys()].filter((i) => !(across.log && x[i] <= 0) && !(up.log && low[i] <= 0));
    if (!shown.length) return [];
    const at = shown.map((i) => across.position(x[i]));
    const heights = (values) => shown.map((i) => up.position(values[i]));
    const elements = [];
    if (series.noisy) {
      const banded = low !== high;
      const back = banded ? path([...at].reverse(), heights(high).reverse(), "L") + "Z" : "";
      elements.push(draw("path", { class: `raw ${banded ? "" : "open"} ${classes}`, d: path(at, heights(low)) + back }));
    }
    elements.push(draw("path", { class: `line ${classes}`, d: path(at, heights(line)) }));
    if (series.noisy || shown.length > maxMarked) return elements;
    heights(line).forEach((y, i) => {
      const where = square ? { x: at[i] - 2.5, y: y - 2.5, width: 5, height: 5 } : { cx: at[i], cy: y, r: 3 };
      elements.push(draw(square ? "rect" : "circle", { class: `mark ${classes}`, ...where }));
    });
    return elements;
  }

  function path(x, y, begin = "M") {
    return begin + x.map((at, i) => `${at.toFixed(1)},${y[i].toFixed(1)}`).join("L");
  }

  /** The number of each run at the visible end of its first line; no label is below the axis or on another label. */
  function labels(lines, { across, up }, [width, height]) {
    const ends = new Map();
    for (const { series, x, line } of lines) {
      const last = x.findLastIndex((at) => across.position(at) <= width + 0.5);
      const y = last < 0 ? NaN : up.position(line[last]);
      if (!ends.has(series.run) && Number.isFinite(y)) ends.set(series.run, [across.position(x[last]), y]);
    }
    const placed = []; // from the lowest up
    for (const [run, [x, end]] of [...ends].sort((a, b) => b[1][1] - a[1][1])) {
      let y = Math.min(end, height);
      for (const other of placed) {
        if (Math.abs(other.x - x) < GAP && other.y - y < GAP) y = other.y - GAP;
      }
      placed.push({ run, x, y });
    }
    return placed.map(({ run, x, y }) => draw("text", { class: "label", x: x + 5, y, dy: "0.35em" }, run + 1));
  }

  return { draw, frame, clip, line, labels };
})();
