"use strict";
/* Training curves to zoom, to smooth and to read values off. Every change redraws all panels at their current size.
   All panels share the horizontal axis, the visible part of it (the view) and the position that is read. */
octavo.widget("curves", (root, data) => {
  if (!data.series.length) return;
  const { axis, paddedRange, number, smoothed, nearest } = octavo.chart;
  const { plot } = octavo;
  const { draw } = plot;
  const { make, speaker } = octavo;
  const { button, group, toggle, choice } = octavo.controls;
  const LEFT = 58, RIGHT = 18, TOP = 8, BOTTOM = 40; // pixels around the plotting area
  const say = speaker(root);
  const longest = Math.max(...data.series.map((series) => series.at.step.length));
  const windows = data.windows.filter((window) => window === 1 || window < longest);

  const state = {
    across: "step", // which of data.axes
    logAcross: false,
    logUp: false,
    unit: 0, // of the losses
    window: data.window, // points of the running mean of a noisy line
    view: null, // [from, to] on the horizontal axis; null: all
    reading: null, // the position whose values are shown
    printing: false,
    off: { kind: new Set(data.hidden), run: new Set() },
  };

  /* ---- visible series ---- */

  const unitOf = (panel) => (panel.key === "loss" ? panel.units[state.unit] : panel.units[0]);

  /** The visible series of a panel, as {series, x, mean, low, high, line}. */
  function visible(panel) {
    const shown = data.series.filter(
      (series) =>
        series.panel === panel.key &&
        unitOf(panel) in series.values &&
        !state.off.run.has(String(series.run)) &&
        (panel.key !== "loss" || !state.off.kind.has(series.kind)),
    );
    return shown.map((series) => {
      const [mean, low = mean, high = mean] = series.values[unitOf(panel)];
      const line = series.noisy ? smoothed(mean, state.window) : mean;
      return { series, x: series.at[state.across], mean, low, high, line };
    });
  }

  function fullExtent() {
    const x = data.series.filter((s) => !state.off.run.has(String(s.run))).map((s) => s.at[state.across]);
    const all = (x.length ? x : data.series.map((s) => s.at[state.across])).flatMap((values) => [values[0], values.at(-1)]);
    const first = Math.min(...all.filter((value) => value > 0));
    const last = Math.max(...all);
    return [state.logAcross ? Math.min(first, last / 2) : 0, last];
  }

  /** The axes of a panel of this inner size. */
  function axesOf(panel, lines, width, height) {
    const [from, to] = state.view ?? fullExtent();
    const across = axis(from, to, 0, width, state.logAcross);
    const skipFall = panel.key === "loss" && !state.view && !state.logAcross && !state.logUp;
    const values = [];
    for (const { x, low, high } of lines) {
      const first = skipFall ? data.initialFall * x.at(-1) : from;
      x.forEach((at, i) => at >= first && at <= to && values.push(low[i], high[i]));
    }
    const usable = values.filter((value) => !state.logUp || value > 0).sort((a, b) => a - b);
    if (!usable.length) return { across, up: axis(0, 1, height, 0) };
    if (state.logUp) {
      const [low, high] = [usable[0], usable.at(-1)];
      const room = high > low ? (high / low) ** 0.06 : 1.5;
      return { across, up: axis(low / room, high * room, height, 0, true) };
    }
    return { across, up: axis(...paddedRange(usable[0], usable.at(-1), panel.zero), height, 0) };
  }

  /* ---- drawing ---- */

  const panels = [...root.querySelectorAll(".panel")].map((box) => {
    const panel = { key: box.dataset.panel, ...data.panels[box.dataset.panel] };
    const svg = box.querySelector("svg");
    const large = panel.key === "loss";
    const read = make("p", { className: large ? "read" : "values" });
    svg.before(read);
    return { ...panel, box, svg, read, large, height: large ? 360 : 210 };
  });

  function drawPanel(panel) {
    const printed = panel.large ? 700 : 340; // pixels; a script does not know the size of the sheet
    const width = state.printing ? printed : Math.max(200, panel.box.clientWidth);
    const inner = [width - LEFT - RIGHT, panel.height - TOP - BOTTOM];
    const lines = visible(panel);
    const axes = axesOf(panel, lines, ...inner);
    Object.assign(panel, { axes, lines, inner });
    const frame = plot.frame(axes, inner, data.axes[state.across]);
    frame.setAttribute("transform", `translate(${LEFT},${TOP})`);
    const clipped = frame.appendChild(plot.clip(...inner));
    for (const line of lines) {
      const classes = data.kinds[line.series.kind]?.classes[line.series.run] ?? "c0";
      const square = line.series.kind === data.squares;
      clipped.append(...plot.line(line, axes, classes, panel.large ? data.maxMarked : 0, square));
    }
    if (data.runs.length > 1) frame.append(...plot.labels(lines, axes, inner));
    panel.svg.setAttribute("viewBox", `0 0 ${width} ${panel.height}`);
    panel.reading = draw("path", { class: "reading", d: "" });
    panel.chosen = draw("rect", { class: "chosen", y: 0, height: inner[1], width: 0 });
    frame.append(panel.chosen, panel.reading);
    panel.svg.replaceChildren(frame);
    if (panel.unitName) panel.unitName.textContent = unitOf(panel);
  }

  function drawAll() {
    for (const panel of panels) drawPanel(panel);
    for (const button of zoomed) button.disabled = !state.view;
    showReading();
  }

  /* ---- reading values off ---- */

  /** The positions at which a panel can be read within the view: all points of its lines. */
  function stops(panel) {
    const [from, to] = state.view ?? fullExtent();
    const all = panel.lines.flatMap(({ x }) => x).filter((x) => x >= from && x <= to);
    return [...new Set(all)].sort((a, b) => a - b);
  }

  function readAt(x, spoken = false) {
    state.reading = x;
    const words = showReading();
    if (spoken) say(words);
  }

  /** Draw the reading line and write the values: losses in a box next to it, others below their titles. Returns all
      values in words. */
  function showReading() {
    const sentences = [];
    for (const panel of panels) {
      const x = state.reading;
      const position = x === null ? -1 : panel.axes.across.position(x);
      const within = position >= 0 && position <= panel.inner[0] + 0.5;
      panel.reading.setAttribute("d", within ? `M${position},0V${panel.inner[1]}` : "");
      const lines = within ? panel.lines.filter((line) => x >= line.x[0] && x <= line.x.at(-1)) : [];
      const values = lines.map((line) => describe(panel, line, x));
      const where = lines.length ? describePosition(lines[0], x) : "";
      panel.read.hidden = panel.large && !lines.length;
      if (lines.length) sentences.push(...(sentences.length ? [] : [where]), `${panel.title}: ${values.join("; ")}`);
      if (panel.large) showBox(panel, position, [where, ...values]);
      else panel.read.textContent = values.join("  ") || "\u00a0";
    }
    return sentences.join(". ");
  }

  function showBox({ read, box }, position, lines) {
    read.replaceChildren(...lines.map((text) => make("span", {}, text)));
    const right = LEFT + position + 12;
    const fits = right + read.offsetWidth <= box.clientWidth;
    read.style.left = `${fits ? right : Math.max(0, LEFT + position - 12 - read.offsetWidth)}px`;
  }

  /** The position on all axes; of several runs on the one that is shown. */
  function describePosition({ series }, x) {
    if (data.runs.length > 1) return `${data.axes[state.across]}: ${number(x)}`;
    const i = nearest(series.at[state.across], x);
    const { step, epoch, seconds, tokens } = series.at;
    return `step ${number(Math.round(step[i]))}, epoch ${number(epoch[i])}, ${number(seconds[i])} s, ${number(tokens[i])} tokens`;
  }

  function describe(panel, { series, x, mean, low, high, line }, at) {
    const i = nearest(x, at);
    const run = data.runs.length > 1 ? `${series.run + 1} ` : "";
    const name = panel.key === "loss" ? `${data.kinds[series.kind].name} ` : "";
    const measured = low !== high ? `${number(low[i])} to ${number(high[i])}` : number(mean[i]);
    const more = panel.large && series.noisy && (state.window > 1 || low !== high) ? ` (here ${measured})` : "";
    return `${run}${name}${number(line[i])}${more}`;
  }

  /* ---- the view ---- */

  function show(from, to) {
    const [first, last] = fullExtent();
    const complete = from <= first && to >= last;
    const least = (last - first) / 5000;
    state.view = complete ? null : [Math.max(first, from), Math.min(last, Math.max(to, from + least))];
    drawAll();
    const [a, b] = state.view ?? fullExtent();
    say(`showing ${data.axes[state.across]} ${number(a)} to ${number(b)}`);
  }

  /** Show `factor` times as much around the position that is read or the middle; `shift`: views to move on by. */
  function zoom(factor, shift = 0) {
    const [from, to] = state.view ?? fullExtent();
    const view = axis(from, to, 0, 1, state.logAcross);
    const at = state.reading !== null && state.reading >= from && state.reading <= to ? view.position(state.reading) : 0.5;
    const [first, last] = fullExtent().map(view.position);
    const width = Math.min(factor, last - first);
    const begin = Math.min(Math.max(at - at * width + shift, first), last - width);
    show(view.value(begin), view.value(begin + width));
  }

  function connectPointer(panel) {
    const value = (x) => panel.axes.across.value(x);
    octavo.gestures(panel.svg, {
      position: (event) => {
        const x = event.clientX - panel.box.getBoundingClientRect().left - LEFT;
        return Math.min(panel.inner[0], Math.max(0, x));
      },
      read: (x) => {
        const all = stops(panel);
        if (all.length) readAt(all[nearest(all, value(x))]);
      },
      leave: () => readAt(null),
      choosing: (from, to) => {
        panel.chosen.setAttribute("x", from);
        panel.chosen.setAttribute("width", to - from);
      },
      choose: (from, to) => show(value(from), value(to)),
      all: () => show(-Infinity, Infinity),
      pinch: (...positions) => {
        const [of, back] = state.logAcross ? [Math.log, Math.exp] : [Number, Number];
        const [one, other] = positions.map((x) => of(value(x)));
        return (a, b) => {
          const each = (other - one) / (b - a); // each finger keeps the value under it
          if (Math.abs(b - a) > 8 && each > 0) show(back(one - a * each), back(one + (panel.inner[0] - a) * each));
        };
      },
    });
  }

  function connectKeys(panel) {
    const step = (by) => {
      const all = stops(panel);
      if (!all.length) return;
      const from = state.reading === null ? (by > 0 ? -1 : all.length) : nearest(all, state.reading);
      if (state.view && (from + by < 0 || from + by >= all.length)) zoom(1, 0.25 * Math.sign(by));
      else readAt(all[Math.min(all.length - 1, Math.max(0, from + by))], true);
    };
    const moves = {
      ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
      ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
      Home: () => step(-Infinity),
      End: () => step(Infinity),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => show(-Infinity, Infinity),
      Escape: () => readAt(null),
    };
    panel.svg.addEventListener("keydown", (event) => {
      const move = event.ctrlKey || event.altKey || event.metaKey ? undefined : moves[event.key];
      if (!move) return;
      event.preventDefault();
      move(event);
    });
  }

  /* ---- controls ---- */

  function resetView(change) {
    return (value) => {
      change(value);
      Object.assign(state, { view: null, reading: null });
      drawAll();
    };
  }

  function smoothing() {
    const slider = make("input", { type: "range", min: 0, max: windows.length - 1, step: 1, value: windows.indexOf(state.window) });
    const figure = make("output");
    const noisy = data.series.find((series) => series.noisy);
    const tell = () => {
      state.window = windows[slider.value];
      const steps = number(Math.round((state.window * noisy.at.step.at(-1)) / noisy.at.step.length));
      figure.textContent = state.window === 1 ? "none" : `mean of ${state.window} points, ${steps} steps`;
    };
    slider.addEventListener("input", () => {
      tell();
      drawAll();
    });
    tell();
    return make("label", {}, "Smoothing", slider, figure);
  }

  const zoomed = [
    button("−", () => zoom(2), "Zoom out"),
    button("Show all", () => show(-Infinity, Infinity)),
    button("←", () => zoom(1, -0.5), "Earlier"),
    button("→", () => zoom(1, 0.5), "Later"),
  ];
  const names = Object.entries(data.axes).map(([key, label]) => [key, label[0].toUpperCase() + label.slice(1).split(" ")[0]]);
  const controls = make("div", { className: "controls" },
    choice("Horizontal axis", Object.fromEntries(names), state.across, resetView((key) => (state.across = key))),
    group("Zoom", button("+", () => zoom(0.5), "Zoom in"), ...zoomed),
    toggle("Log x", false, resetView((on) => (state.logAcross = on))),
    toggle("Log y", false, (on) => { state.logUp = on; drawAll(); }),
  );
  if (data.series.some((series) => series.noisy)) controls.append(smoothing());
  root.prepend(controls);

  for (const legend of root.querySelectorAll(".legend")) {
    legend.classList.add("live");
    for (const item of legend.children) {
      const [group, key] = Object.entries(item.dataset)[0];
      const off = state.off[group];
      const press = toggle("", !off.has(key), (on) => {
        if (on) off.delete(key);
        else off.add(key);
        item.classList.toggle("off", !on);
        drawAll();
      });
      press.append(...item.childNodes);
      item.append(press);
    }
  }

  for (const panel of panels) {
    panel.box.classList.add("live");
    panel.svg.tabIndex = 0;
    panel.svg.setAttribute("role", "application"); // it handles its own keys; speaker() announces values
    panel.svg.setAttribute("aria-roledescription", "interactive chart");
    const words = panel.svg.getAttribute("aria-label");
    panel.svg.setAttribute("aria-label", `${words} Left and right read values, plus and minus zoom, 0 shows all.`);
    panel.unitName = panel.box.querySelector(".unit");
    if (panel.units.length > 1 && data.series.some((s) => panel.units[1] in s.values)) {
      const select = make("select", {}, ...panel.units.map((unit, i) => make("option", { value: i }, unit)));
      select.setAttribute("aria-label", `Unit of the ${panel.title.toLowerCase()}`);
      select.addEventListener("change", () => { state.unit = Number(select.value); drawAll(); });
      panel.unitName.replaceWith(select);
      panel.unitName = null;
    }
    connectPointer(panel);
    connectKeys(panel);
  }
  new ResizeObserver(drawAll).observe(root);
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      Object.assign(state, { printing, reading: null });
      drawAll();
    });
  }
});
