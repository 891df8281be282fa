"use strict";
/* The attention viewer: every head as a thumbnail, one of them large, and the passage coloured by what one token looks
   at, or by what looks at it. All that is seen follows from `seen`, and draw() draws it. */
octavo.widget("attention", (root, data) => {
  const { make } = octavo;
  const [layers, heads, tokens] = data.shape;
  const packed = Uint8Array.from(atob(data.weights), (letter) => letter.charCodeAt(0));
  const triangle = (tokens * (tokens + 1)) / 2;

  /** What a head weighs a key with from a query; bytes are of 255. */
  function weight(head, query, key) {
    return key > query ? 0 : packed[head * triangle + (query * (query + 1)) / 2 + key] / 255;
  }

  /** A weight as people read it; what a byte has rounded away is not said to be nothing. */
  const percent = (weight) => (weight === 0 ? "<0.2 %" : octavo.percent(weight));

  /** Where on the colour scale a weight is: small ones matter, so it is their square root. */
  const share = Math.sqrt;

  const scale = octavo.scale("cool");
  const seen = { head: data.layer * heads + data.head, token: tokens - 1, backwards: false };
  const LETTER = 11; // pixels of a label
  const PRINTED = 670; // pixels across a sheet, whose size no script is told
  let printing = false;
  let fixed = seen.token; // what is seen again when the pointer has left
  const say = octavo.speaker(root);

  const nameOf = (head) => `layer ${Math.floor(head / heads)}, head ${head % heads}`;
  const find = (name) => root.querySelector(`.${name}`);

  /* ---- every head, small ---- */

  const thumbs = [];
  for (let layer = 0; layer < layers; layer++) {
    const row = make("div", { className: "attention-layer" }, make("span", {}, `layer ${layer}`));
    row.style.setProperty("--few", Math.min(heads, 4)); // side by side, where the window is narrow and where it is not
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
    [false, "what it looks at"],
    [true, "what looks at it"],
  ].map(([backwards, label]) => {
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", () => {
      draw({ backwards });
      reveal();
    });
    return { backwards, button };
  });
  find("attention-switch").append(...directions.map(({ button }) => button));
  const said = find("attention-said");

  /* ---- one head, large ---- */

  const large = pattern();
  const keys = make("div", { className: "heatmap-keys" }, ...data.labels.map((label) => make("span", {}, label)));
  const queries = make("div", { className: "heatmap-queries" }, ...data.labels.map((label) => make("span", {}, label)));
  const line = make("div", { className: "heatmap-row" });
  const corner = make("div", { className: "heatmap-corner" });
  const map = make("div", { className: "heatmap", tabIndex: 0 }, make("div", {}, corner, keys, queries, large), line);
  const title = make("figcaption");
  const readout = make("p", { className: "note" });
  find("attention-large").append(title, map, legend(), readout);
  map.setAttribute("role", "region"); // it scrolls; what its pixels say the passage says in words

  /** The side of a cell: as large as there is room for, and never too small for its label; but on paper, where nothing
      scrolls, all cells fit, with labels as small as that takes. */
  function fit() {
    const room = (printing ? PRINTED : find("attention-large").clientWidth) - queries.offsetWidth - 2;
    const side = printing ? Math.min(30, room / tokens) : Math.max(LETTER, Math.min(30, Math.floor(room / tokens)));
    map.style.setProperty("--letter", `${Math.min(LETTER, side)}px`);
    large.style.width = large.style.height = `${side * tokens}px`;
    for (const label of queries.children) label.style.height = label.style.lineHeight = `${side}px`;
    for (const label of keys.children) label.style.width = label.style.lineHeight = `${side}px`;
    mark();
  }

  /** Put the frame around the row, or the column, of the token. */
  function mark() {
    const side = large.offsetHeight / tokens;
    const [left, top] = [large.offsetLeft, large.offsetTop];
    const along = `${side * tokens}px`;
    const from = seen.token * side;
    line.style.left = `${left + (seen.backwards ? from : 0)}px`;
    line.style.top = `${top + (seen.backwards ? 0 : from)}px`;
    line.style.width = seen.backwards ? `${side}px` : along;
    line.style.height = seen.backwards ? along : `${side}px`;
  }

  /** Scroll the heatmap to the row, or the column, of the token. */
  function reveal() {
    const from = (seen.token / tokens) * large.offsetHeight;
    map.scrollTop = from - map.clientHeight / 2;
    if (seen.backwards) map.scrollLeft = from - map.clientWidth / 2;
  }

  function cellAt(event) {
    const at = (offset, size) => Math.min(tokens - 1, Math.max(0, Math.floor((offset / size) * tokens)));
    return [at(event.offsetY, large.offsetHeight), at(event.offsetX, large.offsetWidth)];
  }
  large.addEventListener("pointermove", (event) => {
    const [query, key] = cellAt(event);
    light(query, key);
    const [from, to] = [query, key].map((index) => make("bdi", {}, data.labels[index]));
    readout.replaceChildren("“", from, key > query ? "” comes before “" : "” looks at “", to);
    readout.append(key > query ? "”, so it cannot look there" : `”: ${percent(weight(seen.head, query, key))}`);
    const token = seen.backwards ? key : query;
    if (event.pointerType === "mouse" && token !== seen.token) draw({ token });
  });
  large.addEventListener("click", (event) => words[cellAt(event)[seen.backwards ? 1 : 0]].focus({ preventScroll: true }));
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
      tick.style.left = `${100 * share(value)}%`;
      return tick;
    });
    const ramp = make("canvas", { width: 256, height: 1 });
    return make("div", { className: "attention-legend note" }, ramp, make("div", {}, ...ticks), "attention weight");
  }

  /* ---- drawing ---- */

  /** Patterns in the colours of the theme; the upper half, where nobody can look, stays empty. */
  function paint() {
    const bytes = scale.bytes;
    const image = new ImageData(tokens, tokens);
    const canvases = thumbs.map((thumb) => thumb.querySelector("canvas"));
    [...canvases, large].forEach((canvas, index) => {
      const head = canvas === large ? seen.head : index;
      for (let query = 0; query < tokens; query++) {
        for (let key = 0; key <= query; key++) {
          const step = 4 * Math.round(255 * share(weight(head, query, key)));
          image.data.set(bytes.subarray(step, step + 4), 4 * (query * tokens + key));
        }
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    });
    const ramp = new ImageData(new Uint8ClampedArray(bytes), 256, 1);
    find("attention-legend").querySelector("canvas").getContext("2d").putImageData(ramp, 0, 0);
  }

  /** The other tokens and their weights, the heaviest first. */
  function partners(head) {
    const all = data.labels.map((label, other) => {
      const [query, key] = seen.backwards ? [other, seen.token] : [seen.token, other];
      return { label, other, weight: weight(head, query, key) };
    });
    return all.slice(...(seen.backwards ? [seen.token] : [0, seen.token + 1])).sort((a, b) => b.weight - a.weight);
  }

  function tell() {
    const found = partners(seen.head);
    const top = found.slice(0, 5);
    const verb = seen.backwards ? "is looked at by" : "looks at";
    const rows = top.map(({ label, other, weight }) => {
      const bar = make("span", { className: "attention-bar" });
      bar.style.width = `${100 * weight}%`;
      const away = Math.abs(seen.token - other);
      const where = away ? `${away} ${seen.backwards ? "on" : "back"}` : "itself";
      const token = make("span", { className: "token" }, label);
      return make("li", {}, token, make("span", {}, where), make("span", {}, percent(weight)), make("span", {}, bar));
    });
    const here = data.labels[seen.token];
    said.replaceChildren(
      make("p", {}, `In ${nameOf(seen.head)}, `, make("b", { className: "token" }, here), ` ${verb}`),
      make("ol", {}, ...rows),
    );
    const heard = top.slice(0, 3).map(({ label, weight }) => `${label} ${percent(weight)}`);
    say(`${nameOf(seen.head)}: ${here} ${verb} ${heard.join(", ")}`);
  }

  /** Change what is seen, and draw what depends on it. */
  function draw(change = {}) {
    const before = seen.head;
    Object.assign(seen, change);
    if (seen.head !== before) paint();
    thumbs.forEach((thumb, head) => {
      thumb.setAttribute("aria-pressed", head === seen.head);
      const [most] = partners(head);
      const [label, value] = thumb.querySelector(".attention-most").children;
      label.textContent = most.label;
      value.textContent = percent(most.weight);
    });
    words.forEach((word, other) => {
      const [query, key] = seen.backwards ? [other, seen.token] : [seen.token, other];
      const at = share(weight(seen.head, query, key));
      word.style.backgroundColor = scale.colour(at);
      word.style.color = scale.ink(at);
      word.classList.toggle("shown", other === seen.token);
      word.setAttribute("aria-pressed", other === seen.token);
    });
    for (const { backwards, button } of directions) button.setAttribute("aria-pressed", backwards === seen.backwards);
    title.textContent = `${nameOf(seen.head)}: a row for each token that is read, a column for each that it can look at`;
    map.setAttribute("aria-label", `Heatmap of ${nameOf(seen.head)}; the passage beside it says the same in words`);
    mark();
    tell();
  }

  const step = (by) => draw({ head: (seen.head + by + thumbs.length) % thumbs.length });
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
  octavo.onTheme(paint);
  for (const [event, now] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      printing = now;
      fit();
    });
  }
  find("by-hand").hidden = false;
  new ResizeObserver(fit).observe(find("attention-large"));
  paint();
  fit();
  draw();
});
