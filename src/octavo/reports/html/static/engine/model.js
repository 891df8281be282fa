"use strict";
/* octavo.model: the run's model in its page, for the parts of the page and for tests; docs/model-in-a-page.md describes
   it. Sites, targets, shapes and the settings of sampling have their names from Python. */
octavo.engine.makeModel = (() => {
  const { readWeights, Transformer, Tokenizer, Reader, Inspector, taps, sampling, generateTokens } = octavo.engine;
  const MAX_READERS = 4; // the unchanged model and the last changed ones

  /** `packed`: what `octavo/reports/html/packed_model.py` writes into a page. */
  return ({ config, weights, tokenizer: words, context_length, line_end, opening, means = {}, labels = [] }) => {
    const transformer = new Transformer(config, readWeights(weights));
    const tokenizer = new Tokenizer(words);
    const meanOf = Object.fromEntries(Object.entries(readWeights(means)).map(([site, { data }]) => [site, data]));
    const readers = new Map();
    let inspector = null;

    /** The reader of the model with these ablations, {zero: [targets], mean: [targets]}. */
    function readerOf(ablate = {}) {
      const key = JSON.stringify([ablate.zero ?? [], ablate.mean ?? []]);
      const reader =
        readers.get(key) ?? new Reader(transformer, context_length, taps.ablate(ablate, config, meanOf));
      readers.delete(key);
      readers.set(key, reader); // the newest comes last
      if (readers.size > MAX_READERS) readers.delete(readers.keys().next().value);
      return reader;
    }

    function check(ids) {
      const wrong = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < transformer.vocabSize));
      if (wrong !== undefined) throw new RangeError(`there is no token ${wrong}: ids are below ${transformer.vocabSize}`);
      if (!ids.length || ids.length > context_length) {
        throw new RangeError(`${ids.length} tokens are out of range: the model reads 1 to ${context_length}`);
      }
    }

    const model = {
      config,
      tokenizer,
      hasMeans: Object.keys(meanOf).length > 0, // whether parts can be set to their means
      labels, // by token id, for people
      contextLength: context_length,
      lineEnd: line_end, // of the training text; null: it has several kinds

      encode: (text) => tokenizer.encode(text),

      decode: (ids) => tokenizer.decode(ids),

      logits(ids, { ablate } = {}) {
        check(ids);
        const reader = readerOf(ablate).read(ids);
        return ids.map((_, position) => reader.logits(position));
      },

      inspect(ids) {
        check(ids);
        inspector ??= new Inspector(transformer, context_length);
        return inspector.read(ids);
      },

      activations(ids, sites, { ablate } = {}) {
        check(ids);
        const found = {};
        const tap = taps.compose(taps.ablate(ablate ?? {}, config, meanOf), taps.record(found, sites));
        transformer.forward(ids, { tap });
        return found;
      },

      promptIds(prompt) {
        return prompt ? tokenizer.encode(line_end ? prompt.replace(/\r\n|\r|\n/g, line_end) : prompt) : opening;
      },

      *stream({ prompt = "", ids, ablate, ...given } = {}) {
        const tokens = ids ?? model.promptIds(prompt);
        const heal = !ids && prompt !== "" && tokenizer.lossless;
        const [settings, reader] = [sampling.settings(given), readerOf(ablate)];
        yield* generateTokens({ prompt: tokens, settings, heal, tokenizer, reader, contextLength: context_length });
      },

      generate(options) {
        const steps = [...model.stream(options)];
        return { text: steps.map((step) => step.text).join(""), ids: steps.map((step) => step.id) };
      },

      tokensComputed: (ablate) => readerOf(ablate).tokensComputed,
    };
    return model;
  };
})();

octavo.widget("model", (root, packed) => {
  octavo.model = octavo.engine.makeModel(packed);
});
