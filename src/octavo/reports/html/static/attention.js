"use strict";
/* The attention viewer: every head as a thumbnail, one of them large, and the passage coloured by the weights of one
   query, or by the weights on one key. draw() draws the `state`. */

/** Show attention in the elements of `root`. `data`: {labels, shape: (layers, heads, tokens), layer, head: shown at
    first}; `weight(head, query, key)`, where heads are counted through all layers; `percent(weight)` formats one. With
    a `signal`, the viewer ends when it is aborted. Return the state: {head, token, backwards}. */
octavo.attentionViewer = (root, data, { weight, percent = octavo.percent, signal }) => {
  const { make } = octavo;
  const [layers, heads, tokens] = data.shape;

  /** The position of a weight on the colour scale: its square root, so that small weights are visible. */
  const onScale = Math.sqrt;

  const scale = octavo.scale("cool");
  const state = { head: data.layer * heads + data.head, token: tokens - 1, backwards: data.backwards ?? false };
  const LETTER = 11; // pixels of a label
  const PRINTED = 670; // pixels; a script does not know the size of the sheet
  let printing = false;
  let fixed = state.token; // the token to show when the pointer has left
  const say = octavo.speaker(root);

  const nameOf = (head) => `layer ${Math.floor(head / heads)}, head ${head % heads}`;
  const find = (name) => root.querySelector(`.${name}`);

  /* ---- thumbnails of all heads ---- */

  const thumbs = [];
  for (let layer = 0; layer < layers; layer++) {
    const row = make("div", { className: "attention-layer" }, make("span", {}, `layer ${layer}`));
    row.style.setProperty("--few", Math.min(heads, 4)); // per row, in a narrow and in a wide window
    row.style.setProperty("--many", Math.min(heads, 8));
    for (let head = 0; head < heads; head++) {
      const thumb = make("button", { type: "button", className: "attention-thumb" });
      const most = make("span", { className: "attention-most" }, make("span"), make("span"));
      thumb.append(pattern(), make("span", {}, `head ${head}`), most);
      thumb.setAttribute("aria-label", nameOf(thumbs.length));
      thumb.addEventListener("click", () => thumb.focus());
      thumbs.push(thumb);
      row.append(thumb);
    }
    find("attention-heads").append(row);
  }
  find("attention-heads").setAttribute("role", "toolbar");
  find("attention-heads").setAttribute("aria-label", "Heads");

  function pattern() {
    return make("canvas", { width: tokens, height: tokens });
  }

  /* ---- the passage ---- */

  const passage = find("passage");
  const words = [...passage.querySelectorAll(":scope > .token")];
  passage.setAttribute("role", "toolbar");
  passage.setAttribute("aria-label", "Tokens of the passage");
  words.forEach((word, index) => {
    word.setAttribute("role", "button");
    word.addEventListener("click", () => word.focus());
    word.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && draw({ token: index }));
  });
  passage.addEventListener("pointerleave", () => draw({ token: fixed }));

  const directions = [
    [false, "as query: what it attends to"],
    [true, "as key: what attends to it"],
  ].map(([backwards, label]) => {
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", () => {
      draw({ backwards });
      reveal();
    });
    return { backwards, button };
  });
  find("attention-switch").append(...directions.map(({ button }) => button));
  const values = find("attention-values");

  /* ---- the large heatmap of one head ---- */

  const large = pattern();
  const keys = make("div", { className: "heatmap-keys" }, ...data.labels.map((label) => make("span", {}, label)));
  const queries = make("div", { className: "heatmap-queries" }, ...data.labels.map((label) => make("span", {}, label)));
  const line = make("div", { className: "heatmap-row" });
  const corner = make("div", { className: "heatmap-corner" });
  const cells = make("div", { className: "heatmap-cells" }, large, line);
  let side = 0; // pixels of a cell; 0: before the first fit
  const map = make("div", { className: "heatmap", tabIndex: 0 }, make("div", {}, corner, keys, queries, cells));
  const title = make("figcaption");
  const readout = make("p", { className: "note" });
  find("attention-large").append(title, map, legend(), readout);
  map.setAttribute("role", "region"); // it scrolls; the passage has its values in words

  /** Set the side of a cell: as large as fits, but large enough for its label. On paper, which does not scroll, all
      cells fit, with smaller labels. */
  function fit() {
    const room = (printing ? PRINTED : find("attention-large").clientWidth) - queries.offsetWidth - 2;
    side = printing ? Math.min(30, room / tokens) : Math.max(LETTER, Math.min(30, Math.floor(room / tokens)));
    map.style.setProperty("--letter", `${Math.min(LETTER, side)}px`);
    large.style.width = large.style.height = `${side * tokens}px`;
    for (const label of queries.children) label.style.height = label.style.lineHeight = `${side}px`;
    for (const label of keys.children) label.style.width = label.style.lineHeight = `${side}px`;
    mark();
  }

  /** Put the frame around the row, or the column, of the token. */
  function mark() {
    const along = `${side * tokens}px`;
    const from = state.token * side;
    line.style.left = `${state.backwards ? from : 0}px`;
    line.style.top = `${state.backwards ? 0 : from}px`;
    line.style.width = state.backwards ? `${side}px` : along;
    line.style.height = state.backwards ? along : `${side}px`;
  }

  /** Scroll the heatmap to the row, or the column, of the token. */
  function reveal() {
    const from = (state.token / tokens) * large.offsetHeight;
    map.scrollTop = from - map.clientHeight / 2;
    if (state.backwards) map.scrollLeft = from - map.clientWidth / 2;
  }

  function cellAt(event) {
    const at = (offset, size) => Math.min(tokens - 1, Math.max(0, Math.floor((offset / size) * tokens)));
    return [at(event.offsetY, large.offsetHeight), at(event.offsetX, large.offsetWidth)];
  }
  large.addEventListener("pointermove", (event) => {
    const [query, key] = cellAt(event);
    light(query, key);
    const [from, to] = [query, key].map((index) => make("bdi", {}, data.labels[index]));
    readout.replaceChildren("“", from, key > query ? "” comes before “" : "” attends to “", to);
    readout.append(key > query ? "”, which is masked" : `”: ${percent(weight(state.head, query, key))}`);
    const token = state.backwards ? key : query;
    if (event.pointerType === "mouse" && token !== state.token) draw({ token });
  });
  large.addEventListener("click", (event) => words[cellAt(event)[state.backwards ? 1 : 0]].focus({ preventScroll: true }));
  large.addEventListener("pointerleave", () => {
    light(-1, -1);
    readout.textContent = "";
    draw({ token: fixed });
  });

  /** Mark the labels of a cell. */
  function light(query, key) {
    for (const [labels, index] of [[queries, query], [keys, key]]) {
      labels.querySelector(".lit")?.classList.remove("lit");
      labels.children[index]?.classList.add("lit");
    }
  }

  function legend() {
    const ticks = [0, 0.05, 0.25, 0.5, 1].map((value) => {
      const tick = make("span", {}, `${100 * value} %`);
      tick.style.left = `${100 * onScale(value)}%`;
      return tick;
    });
    const ramp = make("canvas", { width: 256, height: 1 });
    return make("div", { className: "attention-legend note" }, ramp, make("div", {}, ...ticks), "attention weight");
  }

  /* ---- drawing ---- */

  /** Patterns in the colours of the theme; the masked upper half stays empty. */
  function paint() {
    const bytes = scale.bytes;
    const colours = new Uint32Array(bytes.buffer); // four bytes a colour
    const image = new ImageData(tokens, tokens);
    const pixels = new Uint32Array(image.data.buffer);
    const canvases = thumbs.map((thumb) => thumb.querySelector("canvas"));
    [...canvases, large].forEach((canvas, index) => {
      const head = canvas === large ? state.head : index;
      for (let query = 0; query < tokens; query++) {
        for (let key = 0; key <= query; key++) {
          pixels[query * tokens + key] = colours[Math.round(255 * onScale(weight(head, query, key)))];
        }
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    });
    const ramp = new ImageData(new Uint8ClampedArray(bytes), 256, 1);
    find("attention-legend").querySelector("canvas").getContext("2d").putImageData(ramp, 0, 0);
  }

  /** The other tokens and their weights, the largest first. */
  function partners(head) {
    const all = data.labels.map((label, other) => {
      const [query, key] = state.backwards ? [other, state.token] : [state.token, other];
      return { label, other, weight: weight(head, query, key) };
    });
    return all.slice(...(state.backwards ? [state.token] : [0, state.token + 1])).sort((a, b) => b.weight - a.weight);
  }

  function showValues() {
    const top = partners(state.head).slice(0, 5);
    const verb = state.backwards ? "is attended to by" : "attends to";
    const rows = top.map(({ label, other, weight }) => {
      const bar = make("span", { className: "attention-bar" });
      bar.style.width = `${100 * weight}%`;
      const away = Math.abs(state.token - other);
      const where = away ? `${away} ${state.backwards ? "later" : "back"}` : "itself";
      const token = make("span", { className: "token" }, label);
      return make("li", {}, token, make("span", {}, where), make("span", {}, percent(weight)), make("span", {}, bar));
    });
    const here = data.labels[state.token];
    values.replaceChildren(
      make("p", {}, `In ${nameOf(state.head)}, `, make("b", { className: "token" }, here), ` ${verb}`),
      make("ol", {}, ...rows),
    );
    const spoken = top.slice(0, 3).map(({ label, weight }) => `${label} ${percent(weight)}`);
    say(`${nameOf(state.head)}: ${here} ${verb} ${spoken.join(", ")}`);
  }

  /** Change the state and draw it. */
  function draw(change = {}) {
    const before = state.head;
    Object.assign(state, change);
    if (state.head !== before) paint();
    thumbs.forEach((thumb, head) => {
      thumb.setAttribute("aria-pressed", head === state.head);
      const [most] = partners(head);
      const [label, value] = thumb.querySelector(".attention-most").children;
      label.textContent = most.label;
      value.textContent = percent(most.weight);
    });
    words.forEach((word, other) => {
      const [query, key] = state.backwards ? [other, state.token] : [state.token, other];
      const at = onScale(weight(state.head, query, key));
      word.style.backgroundColor = scale.colour(at);
      word.style.color = scale.ink(at);
      word.classList.toggle("shown", other === state.token);
      word.setAttribute("aria-pressed", other === state.token);
    });
    for (const { backwards, button } of directions) button.setAttribute("aria-pressed", backwards === state.backwards);
    title.textContent = `${nameOf(state.head)}: a row for each query, a column for each key`;
    map.setAttribute("aria-label", `Heatmap of ${nameOf(state.head)}; the passage next to it has the same values in words`);
    mark();
    showValues();
  }

  const step = (by) => draw({ head: (state.head + by + thumbs.length) % thumbs.length });
  octavo.roving(words, {
    moved: (index) => {
      draw({ token: (fixed = index) });
      reveal();
    },
    keys: { ArrowUp: () => step(-1), ArrowDown: () => step(1) },
  });
  octavo.roving(thumbs, {
    moved: (index) => draw({ head: index }),
    keys: { ArrowUp: (index) => index - heads, ArrowDown: (index) => index + heads },
  });
  octavo.onTheme(paint, { signal });
  for (const [event, now] of [["beforeprint", true], ["afterprint", false]]) {
    const print = () => {
      printing = now;
      fit();
    };
    addEventListener(event, print, { signal });
  }
  find("by-hand").hidden = false;
  const sizes = new ResizeObserver(fit); // also at first
  sizes.observe(find("attention-large"));
  signal?.addEventListener("abort", () => sizes.disconnect());
  paint();
  draw();
  return state;
};

/* `data.weights`: in base64, the lower triangle of each head by rows; a byte is 255 times a weight. */
octavo.widget("attention", (root, data) => {
  const tokens = data.shape[2];
  const packed = Uint8Array.from(atob(data.weights), (letter) => letter.charCodeAt(0));
  const triangle = (tokens * (tokens + 1)) / 2;
  octavo.attentionViewer(root, data, {
    weight: (head, query, key) => (key > query ? 0 : packed[head * triangle + (query * (query + 1)) / 2 + key] / 255),
    percent: (weight) => (weight === 0 ? "<0.2 %" : octavo.percent(weight)), // one that a byte has rounded to 0 is not 0
  });
});
