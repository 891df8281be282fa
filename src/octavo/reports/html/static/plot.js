"use strict";
/* What is drawn of a chart, as SVG: its frame, its lines with their marks, and numbers at the lines' ends. */
octavo.plot = (() => {
  const { number } = octavo.chart;
  const SVG = "http://www.w3.org/2000/svg";
  const GAP = 13; // pixels between labels, across and up

  /** An element of SVG. */
  function draw(kind, properties, text) {
    const element = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  /** Grid, axes and the values beside them; `name` is what is across. */
  function frame({ across, up }, [width, height], name) {
    const made = draw("g", {});
    for (const tick of up.ticks(Math.max(3, height / 45))) {
      const y = up.place(tick);
      made.append(draw("path", { class: "grid", d: `M0,${y}H${width}` }));
      made.append(draw("text", { class: "up", x: -8, y, dy: "0.35em" }, number(tick)));
    }
    for (const tick of across.ticks(Math.max(2, width / 85))) {
      made.append(draw("text", { class: "across", x: across.place(tick), y: height, dy: "1.5em" }, number(tick)));
    }
    made.append(draw("path", { class: "base", d: `M0,${height}H${width}` }));
    made.append(draw("text", { class: "name", x: width, y: height, dy: "2.8em" }, name));
    return made;
  }

  /** Where lines are drawn: nothing is seen beyond it but half of a mark at either side. */
  function clip(width, height) {
    const size = { x: -4, width: width + 8, height, viewBox: `-4 0 ${width + 8} ${height}` };
    return draw("svg", { ...size, overflow: "hidden" });
  }

  /** A series: what was measured, faint, where it is noisy; its line; a mark for each of at most `marked` looks. What
      a logarithmic axis has no place for is left out. */
  function line({ series, x, low, high, line }, { across, up }, look, marked) {
    const kept = [...x.keys()].filter((i) => !(across.log && x[i] <= 0) && !(up.log && low[i] <= 0));
    if (!kept.length) return [];
    const at = kept.map((i) => across.place(x[i]));
    const places = (values) => kept.map((i) => up.place(values[i]));
    const made = [];
    if (series.noisy) {
      const banded = low !== high;
      const back = banded ? path([...at].reverse(), places(high).reverse(), "L") + "Z" : "";
      made.push(draw("path", { class: `raw ${banded ? "" : "open"} ${look}`, d: path(at, places(low)) + back }));
    }
    made.push(draw("path", { class: `line ${look}`, d: path(at, places(line)) }));
    if (series.noisy || kept.length > marked) return made;
    places(line).forEach((y, i) => {
      const square = series.kind === "train-look";
      const where = square ? { x: at[i] - 2.5, y: y - 2.5, width: 5, height: 5 } : { cx: at[i], cy: y, r: 3 };
      made.push(draw(square ? "rect" : "circle", { class: `mark ${look}`, ...where }));
    });
    return made;
  }

  function path(x, y, begin = "M") {
    return begin + x.map((at, i) => `${at.toFixed(1)},${y[i].toFixed(1)}`).join("L");
  }

  /** The number of each run at the end of what is seen of its first line; none below the axis, none upon another. */
  function labels(lines, { across, up }, [width, height]) {
    const ends = new Map();
    for (const { series, x, line } of lines) {
      const last = x.findLastIndex((at) => across.place(at) <= width + 0.5);
      const y = last < 0 ? NaN : up.place(line[last]);
      if (!ends.has(series.run) && Number.isFinite(y)) ends.set(series.run, [across.place(x[last]), y]);
    }
    const put = []; // from the lowest up
    for (const [run, [x, end]] of [...ends].sort((a, b) => b[1][1] - a[1][1])) {
      let y = Math.min(end, height);
      for (const other of put) {
        if (Math.abs(other.x - x) < GAP && other.y - y < GAP) y = other.y - GAP;
      }
      put.push({ run, x, y });
    }
    return put.map(({ run, x, y }) => draw("text", { class: "label", x: x + 5, y, dy: "0.35em" }, run + 1));
  }

  return { draw, frame, clip, line, labels };
})();
