"use strict";
/* The viewers of attention and of the logit lens, of a text that changes: fed by the model in the page. */

/** `root` has details [data-octavo=attention] and [data-octavo=lens]. Return show(ids): the views of these token ids
    follow in the next frame; those that are closed follow when they are opened. */
octavo.liveViews = (root) => {
  const { make, model } = octavo;
  const { labels } = model;
  const LENS_TOKENS = 40; // the last ones: a long table would delay each keystroke
  const { n_layers, n_heads } = model.config;
  const [attention, lens] = ["attention", "lens"].map((name) => root.querySelector(`[data-octavo="${name}"]`));
  let ids = [];
  let waiting = 0;
  let chosen = { head: 0, backwards: false }; // in the attention viewer
  let ending = new AbortController(); // of the viewer that is shown

  /** The text of a token where it can be read, or its label. */
  function textOf(id) {
    const text = model.decode([id]);
    return id === model.tokenizer.bosId || !text || /[\p{C}\ufffd]/u.test(text) ? labels[id] : text;
  }

  function showAttention(inspector) {
    ending.abort();
    ending = new AbortController();
    const place = attention.querySelector(".attention");
    place.replaceChildren(attention.querySelector("template").content.cloneNode(true));
    place.querySelector(".passage").append(...ids.map((id) => make("span", { className: "token" }, textOf(id))));
    const [layer, head] = [Math.floor(chosen.head / n_heads), chosen.head % n_heads];
    chosen = octavo.attentionViewer(
      place,
      { labels: ids.map((id) => labels[id]), shape: [n_layers, n_heads, ids.length], layer, head, backwards: chosen.backwards },
      {
        weight: (of, query, key) => inspector.weight(Math.floor(of / n_heads), of % n_heads, query, key),
        signal: ending.signal,
      },
    );
  }

  function showLens(inspector) {
    const names = ["embedding", ...Array.from({ length: n_layers }, (_, layer) => `block ${layer}`)];
    const titles = ["After", ...names, "Actual token"].map((name) => make("th", { scope: "col" }, name));
    lens.querySelector("thead").replaceChildren(make("tr", {}, ...titles));
    const token = (text) => make("bdi", { className: "token" }, text);
    const actual = [...ids.slice(1).map((id) => labels[id]), ""];
    const begin = Math.max(0, ids.length - LENS_TOKENS);
    const rows = ids.slice(begin).map((id, index) => {
      const position = begin + index;
      const cells = names.map((_, layer) => {
        const { id: top, probability } = inspector.lensPrediction(layer, position);
        const cell = make("td", { className: `lens-cell cool-${Math.round(10 * probability)}` }, token(labels[top]));
        if (top === ids[position + 1]) cell.append(" ✓");
        return cell;
      });
      return make("tr", {}, make("th", { scope: "row" }, token(labels[id])), ...cells, make("td", {}, token(actual[position])));
    });
    lens.querySelector("tbody").replaceChildren(...rows);
    octavo.lensViewer(lens, {
      actual: actual.slice(begin),
      layers: names.length,
      facts: (row, layer) => facts(inspector, begin + row, layer),
    });
  }

  function facts(inspector, position, layer) {
    const next = ids[position + 1];
    const found = octavo.tokenFacts(inspector.lensLogits(layer, position), next ?? 0);
    const predictions = found.likeliest.map(({ id, probability }) => [labels[id], probability]);
    return [predictions, ...(next === undefined ? [null, null] : [found.probability, found.rank])];
  }

  function draw() {
    waiting = 0;
    if (!ids.length) return;
    const inspector = model.inspect(ids);
    if (attention.open) showAttention(inspector);
    if (lens.open) showLens(inspector);
  }

  for (const details of [attention, lens]) details.addEventListener("toggle", () => details.open && show(ids));

  function show(now) {
    ids = now;
    for (const details of [attention, lens]) details.hidden = !ids.length;
    waiting ||= requestAnimationFrame(draw);
  }
  return show;
};
