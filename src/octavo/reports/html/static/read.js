"use strict";
/* Read: the model reads a text while it is typed. */
octavo.widget("read", (root) => {
  if (!octavo.model) return; // it could not be mounted
  const { make, model } = octavo;
  const find = (name) => root.querySelector(`[data-octavo="${name}"]`);
  const [input, output, score, next, same] = ["read", "read-output", "score", "next", "same"].map(find);
  const MIN_TOKENS = 5; // of a text on which predictions are compared
  const SAME = 0.02; // total variation distance of two predictions that look the same
  const { tokenizer, labels } = model;
  const showViews = octavo.liveViews(root);

  /** The tokens of complete characters, each [{text, tokens: [index, …]}]: a character may be several tokens. */
  function pieces(ids) {
    const detokenizer = new octavo.engine.Detokenizer(tokenizer);
    const found = [];
    let tokens = [];
    ids.forEach((id, index) => {
      tokens.push(index);
      const text = detokenizer.push([id]);
      if (!text) return;
      found.push({ text, tokens });
      tokens = [];
    });
    if (tokens.length) found.push({ text: detokenizer.end(), tokens });
    return found;
  }

  function update() {
    const reading = octavo.reading(input.value);
    const { ids, read, first, cut, characters } = reading;
    const inspector = read.length ? model.inspect(read) : null;
    const after = (position) => (position >= 0 && position < read.length ? inspector.logits(position) : undefined);
    const before = (index) => after(index + first - 1); // the logits at the place of a token
    const bits = octavo.surprisals(reading, after);
    show(ids, bits, before);
    const total = bits.reduce((sum, one) => sum + one, 0);
    const limit = cut ? ` Only the first ${ids.length} tokens, one context, are read.` : "";
    score.textContent = ids.length
      ? `${(total / characters).toFixed(3)} bits per character: ${total.toFixed(1)} bits, ${characters} characters, ${ids.length} tokens.${limit}`
      : "Type or paste a text.";
    const last = after(ids.length + first - 1);
    const likeliest = last ? octavo.tokenFacts(last, 0).likeliest : [];
    next.replaceChildren(octavo.predictions(likeliest.map((one) => [labels[one.id], one.probability])));
    same.hidden = !(read.length >= MIN_TOKENS && isConstant(read.map((_, position) => after(position))));
    showViews(read);
  }

  /** Whether rows of logits all predict the same: then the model does not use what it has read. */
  function isConstant(rows) {
    const settings = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };
    const [first, ...others] = rows;
    const expected = octavo.engine.sampling.probabilities(first, settings);
    return others.every((logits) => {
      const probs = octavo.engine.sampling.probabilities(logits, settings);
      return probs.reduce((sum, one, id) => sum + Math.abs(one - expected[id]), 0) / 2 < SAME;
    });
  }

  /** Show the text, each character in the colour of its bits. */
  function show(ids, bits, before) {
    octavo.hideTip();
    const spans = pieces(ids).map(({ text, tokens }) => {
      const total = tokens.reduce((sum, index) => sum + bits[index], 0);
      const span = make("span", { className: `warm-${Math.min(10, Math.round(total / [...text].length))}` }, text);
      span.setAttribute("role", "button");
      octavo.tips([span], () => make("div", {}, ...tokens.map((index) => describe(ids[index], bits[index], before(index)))));
      return span;
    });
    output.replaceChildren(...spans);
    if (spans.length) octavo.roving(spans);
  }

  function describe(id, bits, logits) {
    if (!logits) return make("p", {}, `${labels[id]} begins the text: ${bits.toFixed(1)} bits, as under the uniform baseline`);
    return octavo.describeToken(`${labels[id]}, ${bits.toFixed(1)} bits`, octavo.tokenFacts(logits, id), labels);
  }

  input.addEventListener("input", update);
  root.querySelector(".live").hidden = false;
  root.querySelector(".without-script").hidden = true;
  update();
});
