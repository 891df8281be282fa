"use strict";
/* Change: switch parts of the model off, and see what it predicts and writes without them, beside the unchanged one. */
octavo.widget("change", (root) => {
  if (!octavo.model) return; // it could not be mounted
  const { make, model } = octavo;
  const { labels } = model;
  const { n_layers, n_heads } = model.config;
  const find = (name) => root.querySelector(`[data-octavo="${name}"]`);
  const [input, status, allOn] = ["change-text", "change-status", "all-on"].map(find);
  const kinds = ["zero", "mean"];
  const NEW_TOKENS = 40;
  const SLICE = 30; // milliseconds between updates of the page
  const off = new Set(); // targets, as in `octavo edit`
  let kind = "zero";
  let running = 0; // counts texts that are written: an older one stops

  /* ---- the grid ---- */

  const buttons = new Map(); // by target
  function part(text, name, target, about) {
    const button = make("button", { type: "button" }, text);
    button.dataset.octavo = name;
    button.setAttribute("aria-label", `${about}: switch off`);
    button.setAttribute("aria-pressed", false);
    button.addEventListener("click", () => {
      if (!off.delete(target)) off.add(target);
      update();
    });
    buttons.set(target, button);
    return make("td", {}, button);
  }

  for (let layer = 0; layer < n_layers; layer++) {
    const heads = Array.from({ length: n_heads }, (_, head) =>
      part(`head ${head}`, `head-${layer}-${head}`, `blocks.${layer}.attention.head.${head}`, `layer ${layer}, head ${head}`),
    );
    const name = make("th", { scope: "row" }, `layer ${layer}`);
    const last = part("feed-forward", `feedforward-${layer}`, `blocks.${layer}.feedforward.output`, `layer ${layer}, feed-forward`);
    root.querySelector(".grid").append(make("tr", {}, name, ...heads, last));
  }

  for (const name of kinds) {
    find(name).addEventListener("click", () => {
      kind = name;
      update();
    });
  }
  if (!model.hasMeans) {
    find("mean").disabled = true;
    find("mean").title = "This page has no means, because the run has too little held-out text, or none.";
  }
  allOn.addEventListener("click", () => {
    off.clear();
    update();
    buttons.values().next().value.focus();
  });

  /* ---- the two models ---- */

  function column(title, name) {
    const element = {
      bits: make("p", { className: "bits" }),
      next: make("div"),
      text: make("p", { className: "text token" }),
    };
    for (const [key, node] of Object.entries(element)) node.dataset.octavo = `${name}-${key}`;
    const { bits, next, text } = element;
    const about = (words) => make("p", { className: "note" }, words);
    const parts = [make("h4", {}, title), bits, about("The next token:"), next, about("Its likeliest text after this one:"), text];
    root.querySelector(".models").append(make("div", {}, ...parts));
    return element;
  }
  const [own, changed] = [column("Unchanged", "unchanged"), column("Changed", "changed")];

  /** Show what a model makes of a reading; return its bits per character. */
  function show(element, reading, ablate) {
    const rows = reading.read.length ? model.logits(reading.read, { ablate }) : [];
    const bits = octavo.surprisals(reading, (position) => rows[position]);
    const each = bits.reduce((sum, one) => sum + one, 0) / reading.characters;
    element.bits.textContent = reading.ids.length ? `${each.toFixed(3)} bits per character` : "";
    const last = rows[reading.ids.length + reading.first - 1];
    const likeliest = last ? octavo.tokenFacts(last, 0).likeliest : [];
    element.next.replaceChildren(octavo.predictions(likeliest.map((one) => [labels[one.id], one.probability])));
    return each;
  }

  /** Write the greedy continuations, one after the other, without holding up the page. */
  function write(reading, ablate) {
    const number = ++running;
    const texts = [
      [own, {}],
      [changed, ablate],
    ];
    for (const [{ text }] of texts) text.textContent = "";
    let steps = null;

    function slice() {
      if (number !== running) return;
      const until = performance.now() + SLICE;
      while (performance.now() < until) {
        if (!texts.length) return;
        const [element, changes] = texts[0];
        steps ??= model.stream({ ids: reading.ids, ablate: changes, temperature: 0, max_new_tokens: NEW_TOKENS });
        const { value: step, done } = steps.next();
        if (!done) element.text.append(step.text);
        else {
          texts.shift();
          steps = null;
        }
      }
      setTimeout(slice);
    }
    if (reading.ids.length || reading.first) slice();
  }

  function update() {
    for (const [target, button] of buttons) button.setAttribute("aria-pressed", off.has(target));
    for (const name of kinds) find(name).setAttribute("aria-pressed", name === kind);
    allOn.disabled = !off.size;
    const reading = octavo.reading(input.value);
    const ablate = { [kind]: [...off].sort() };
    const [before, after] = [show(own, reading, {}), show(changed, reading, ablate)];
    status.textContent = describe(before, after, reading);
    write(reading, ablate);
  }

  function describe(before, after, { ids, cut }) {
    if (!ids.length) return "Type or paste a text.";
    const limit = cut ? ` Only the first ${ids.length} tokens, one context, are read.` : "";
    if (!off.size) return `All parts are on: select one to switch it off.${limit}`;
    const cost = after - before;
    const effect = Math.abs(cost) < 0.0005 ? "predicts this text as well" : `needs ${Math.abs(cost).toFixed(3)} bits per character ${cost > 0 ? "more" : "less"}`;
    return `Without ${off.size === 1 ? "this part" : `these ${off.size} parts`} the model ${effect}.${limit}`;
  }

  input.addEventListener("input", update);
  root.querySelector(".live").hidden = false;
  root.querySelector(".without-script").hidden = true;
  /* The first results are computed when they come into sight: a large model would delay the page. */
  const sight = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && begin());
  function begin() {
    sight.disconnect();
    removeEventListener("beforeprint", begin);
    if (!status.textContent) update();
  }
  sight.observe(root);
  addEventListener("beforeprint", begin);
});
