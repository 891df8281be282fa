"use strict";
/* What a model gives to a token at its place, whatever the settings of sampling. */

/** The surprisal of the token `id` in bits. */
octavo.tokenBits = (logits, id) => {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return Math.log2(total) - (logits[id] - largest) * Math.LOG2E;
};

/** The probability of the token `id`, its rank, and the most probable tokens [{id, probability}] of those that fit. */
octavo.tokenFacts = (logits, id, { count = 10, fits = () => true } = {}) => {
  const { probabilities, largestFirst } = octavo.engine.sampling;
  const probs = probabilities(logits, { temperature: 1, top_k: 0, top_p: 1, min_p: 0 });
  const order = largestFirst(probs);
  const likeliest = order.filter(fits).slice(0, count);
  return {
    probability: probs[id],
    rank: order.indexOf(id) + 1,
    likeliest: likeliest.map((one) => ({ id: one, probability: probs[one] })),
  };
};

/** The same as an element: {probability, rank, likeliest} of a token; `labels` by token id. */
octavo.describeToken = (label, { probability, rank, likeliest }, labels) => {
  const { make, percent } = octavo;
  const place = rank === 1 ? "the top prediction" : `rank ${rank.toLocaleString("en")}`;
  const list = octavo.predictions(likeliest.map((one) => [labels[one.id], one.probability]), rank);
  return make("div", {}, make("p", {}, make("b", { className: "token" }, label), `: ${percent(probability)}, ${place}`), list);
};

/** A text as the model reads it: {ids, read, first, cut, characters}. `read`: the ids after `first` BOS tokens, one
    context at most; `cut`: whether the text is longer than that. The last of `ids` may be predicted and not read. */
octavo.reading = (text) => {
  const { model } = octavo;
  const { tokenizer, contextLength } = model;
  const bos = tokenizer.bosId === null ? [] : [tokenizer.bosId];
  const all = model.encode(text.replace(/\r\n|\r|\n/g, model.lineEnd ?? "\n"));
  const ids = all.slice(0, contextLength);
  const cut = all.length > ids.length;
  const characters = [...(cut || tokenizer.lossless ? model.decode(ids) : text)].length;
  return { ids, read: [...bos, ...ids].slice(0, contextLength), first: bos.length, cut, characters };
};

/** The surprisal of each token of a reading in bits; `after(position)`: the logits after a position of `read`. */
octavo.surprisals = ({ ids, first }, after) =>
  ids.map((id, index) => {
    const position = index + first - 1;
    return position < 0 ? Math.log2(octavo.model.tokenizer.vocabSize) : octavo.tokenBits(after(position), id); // nothing comes before
  });
