"use strict";
/* Curves to zoom, to smooth and to read values off. Every change draws all panels anew, at the size they have; they
   share what is across, what is shown of it (the view) and where it is read. */
octavo.widget("curves", (root, data) => {
  if (!data.series.length) return;
  const { axis, spread, number, smoothed, nearest } = octavo.chart;
  const { plot } = octavo;
  const { draw } = plot;
  const { make, speaker } = octavo;
  const { button, group, toggle, choice } = octavo.controls;
  const LEFT = 58, RIGHT = 18, TOP = 8, BOTTOM = 40; // pixels around what is drawn
  const say = speaker(root);
  const longest = Math.max(...data.series.map((series) => series.at.step.length));
  const windows = data.windows.filter((window) => window === 1 || window < longest);

  const state = {
    across: "step", // which of data.axes
    logAcross: false,
    logUp: false,
    unit: 0, // of the losses
    window: data.window, // points that a noisy line is the mean of
    view: null, // [from, to] of what is across; null: all
    reading: null, // where it is read
    printing: false,
    off: { kind: new Set(data.hidden), run: new Set() },
  };

  /* ---- what is seen ---- */

  const unitOf = (panel) => (panel.key === "loss" ? panel.units[state.unit] : panel.units[0]);

  /** The series of a panel that are switched on, as {series, x, mean, low, high, line}. */
  function seen(panel) {
    const found = data.series.filter(
      (series) =>
        series.panel === panel.key &&
        unitOf(panel) in series.values &&
        !state.off.run.has(String(series.run)) &&
        (panel.key !== "loss" || !state.off.kind.has(series.kind)),
    );
    return found.map((series) => {
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
    const falling = panel.key === "loss" && !state.view && !state.logAcross && !state.logUp;
    const values = [];
    for (const { x, low, high } of lines) {
      const first = falling ? data.fall * x.at(-1) : from;
      x.forEach((at, i) => at >= first && at <= to && values.push(low[i], high[i]));
    }
    const usable = values.filter((value) => !state.logUp || value > 0).sort((a, b) => a - b);
    if (!usable.length) return { across, up: axis(0, 1, height, 0) };
    if (state.logUp) {
      const [low, high] = [usable[0], usable.at(-1)];
      const room = high > low ? (high / low) ** 0.06 : 1.5;
      return { across, up: axis(low / room, high * room, height, 0, true) };
    }
    return { across, up: axis(...spread(usable[0], usable.at(-1), panel.zero), height, 0) };
  }

  /* ---- drawing ---- */

  const panels = [...root.querySelectorAll(".panel")].map((box) => {
    const panel = { key: box.dataset.panel, ...data.panels[box.dataset.panel] };
    const svg = box.querySelector("svg");
    const large = panel.key === "loss";
    const read = make("p", { className: large ? "read" : "told" });
    svg.before(read);
    return { ...panel, box, svg, read, large, height: large ? 360 : 210 };
  });

  function drawPanel(panel) {
    const printed = panel.large ? 700 : 340; // of a sheet, whose size no script is told
    const width = state.printing ? printed : Math.max(200, panel.box.clientWidth);
    const inner = [width - LEFT - RIGHT, panel.height - TOP - BOTTOM];
    const lines = seen(panel);
    const axes = axesOf(panel, lines, ...inner);
    Object.assign(panel, { axes, lines, inner });
    const frame = plot.frame(axes, inner, data.axes[state.across]);
    frame.setAttribute("transform", `translate(${LEFT},${TOP})`);
    const clipped = frame.appendChild(plot.clip(...inner));
    for (const line of lines) {
      const look = data.kinds[line.series.kind]?.look[line.series.run] ?? "c0";
      clipped.append(...plot.line(line, axes, look, panel.large ? data.marked : 0));
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

  /** Where a panel can be read within the view: at every point of its lines. */
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

  /** Draw the line and say the figures: of the losses in a box beside it, of the others in their titles. Returns all
      of it in words. */
  function showReading() {
    const said = [];
    for (const panel of panels) {
      const x = state.reading;
      const place = x === null ? -1 : panel.axes.across.place(x);
      const within = place >= 0 && place <= panel.inner[0] + 0.5;
      panel.reading.setAttribute("d", within ? `M${place},0V${panel.inner[1]}` : "");
      const there = within ? panel.lines.filter((line) => x >= line.x[0] && x <= line.x.at(-1)) : [];
      const lines = there.map((line) => describe(panel, line, x));
      const where = there.length ? whereabouts(there[0], x) : "";
      panel.read.hidden = panel.large && !there.length;
      if (there.length) said.push(...(said.length ? [] : [where]), `${panel.title}: ${lines.join("; ")}`);
      if (panel.large) putBeside(panel, place, [where, ...lines]);
      else panel.read.textContent = lines.join("  ") || "\u00a0";
    }
    return said.join(". ");
  }

  function putBeside({ read, box }, place, lines) {
    read.replaceChildren(...lines.map((text) => make("span", {}, text)));
    const right = LEFT + place + 12;
    const fits = right + read.offsetWidth <= box.clientWidth;
    read.style.left = `${fits ? right : Math.max(0, LEFT + place - 12 - read.offsetWidth)}px`;
  }

  /** Where that is, on all axes; of several runs on the one they share. */
  function whereabouts({ series }, x) {
    if (data.runs.length > 1) return `${data.axes[state.across]}: ${number(x)}`;
    const i = nearest(series.at[state.across], x);
    const { step, seconds, tokens } = series.at;
    return `step ${number(Math.round(step[i]))}, ${number(seconds[i])} s, ${number(tokens[i])} tokens`;
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
    const whole = from <= first && to >= last;
    const least = (last - first) / 5000;
    state.view = whole ? null : [Math.max(first, from), Math.min(last, Math.max(to, from + least))];
    drawAll();
    const [a, b] = state.view ?? fullExtent();
    say(`showing ${data.axes[state.across]} ${number(a)} to ${number(b)}`);
  }

  /** Show `factor` times as much, around where it is read or the middle; `shift`: further on by so many views. */
  function zoom(factor, shift = 0) {
    const [from, to] = state.view ?? fullExtent();
    const view = axis(from, to, 0, 1, state.logAcross);
    const at = state.reading !== null && state.reading >= from && state.reading <= to ? view.place(state.reading) : 0.5;
    const [first, last] = fullExtent().map(view.place);
    const width = Math.min(factor, last - first);
    const begin = Math.min(Math.max(at - at * width + shift, first), last - width);
    show(view.value(begin), view.value(begin + width));
  }

  function hands(panel) {
    const value = (x) => panel.axes.across.value(x);
    octavo.gestures(panel.svg, {
      place: (event) => {
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
      pinch: (...places) => {
        const [of, back] = state.logAcross ? [Math.log, Math.exp] : [Number, Number];
        const [one, other] = places.map((x) => of(value(x)));
        return (a, b) => {
          const each = (other - one) / (b - a); // what was under a finger is under it again
          if (Math.abs(b - a) > 8 && each > 0) show(back(one - a * each), back(one + (panel.inner[0] - a) * each));
        };
      },
    });
  }

  function keys(panel) {
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

  function afresh(change) {
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
  const axes = { step: "Steps", seconds: "Seconds", tokens: "Tokens" };
  const controls = make("div", { className: "controls" },
    choice("What is across", axes, state.across, afresh((key) => (state.across = key))),
    group("Zoom", button("+", () => zoom(0.5), "Zoom in"), ...zoomed),
    toggle("Log x", false, afresh((on) => (state.logAcross = on))),
    toggle("Log y", false, (on) => { state.logUp = on; drawAll(); }),
  );
  if (data.series.some((series) => series.noisy)) controls.append(smoothing());
  root.prepend(controls);

  for (const legend of root.querySelectorAll(".legend")) {
    legend.classList.add("live");
    for (const item of legend.children) {
      const [what, which] = Object.entries(item.dataset)[0];
      const off = state.off[what];
      const press = toggle("", !off.has(which), (on) => {
        if (on) off.delete(which);
        else off.add(which);
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
    panel.svg.setAttribute("role", "application"); // its keys are its own, and speaker() says what they find
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
    hands(panel);
    keys(panel);
  }
  new ResizeObserver(drawAll).observe(root);
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      Object.assign(state, { printing, reading: null });
      drawAll();
    });
  }
});
