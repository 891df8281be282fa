"use strict";
/* Generation: continue a prompt token by token, as in `octavo/generate/text.py` and `octavo/generate/streams.py`. */
octavo.engine.generateTokens = (() => {
  const { sampling, healingCandidates, Detokenizer } = octavo.engine;
  const HEAL = 0x6865616c; // "heal": a stream of random numbers apart from that of the tokens that follow

  /** Where the window of `capacity` tokens begins that predicts the token at `position`: when a window is full, the
      next one begins with its newer half. */
  function windowStart(position, capacity) {
    const advance = capacity - Math.floor(capacity / 2);
    return Math.max(0, Math.ceil((position - capacity) / advance)) * advance;
  }

  /** The ids that the model reads to predict the token after `ids`. */
  function windowIds(ids, { bosId }, contextLength) {
    const first = bosId === null ? [] : [bosId];
    return [...first, ...ids.slice(windowStart(ids.length, contextLength - first.length))];
  }

  /** Yield {id, text, logits, kept} for each new token. `text` is what is certain after it, maybe nothing; `logits` (V)
      were those at its place. `kept`: as many tokens of the prompt stay before it; fewer than all if its end is healed.

      `prompt`: token ids; `settings`: of sampling; `heal`: whether the prompt is text that may be healed. */
  return function* ({ prompt, settings, heal, tokenizer, reader, contextLength }) {
    const { tokenBytes, bosId } = tokenizer;
    if (bosId === null && !prompt.length) {
      throw new Error("this run's tokenizer has no token for this prompt, and no BOS token: give other words");
    }
    const predict = (ids) => reader.next(windowIds(ids, tokenizer, contextLength));
    const random = sampling.randomNumbers(settings.seed);
    const detokenizer = new Detokenizer(tokenizer);
    let ids = [...prompt];
    let left = settings.max_new_tokens;
    const candidates = heal ? healingCandidates(ids, tokenBytes, predict) : [];
    if (candidates.length > 1) {
      const probs = sampling.probabilities(Float64Array.from(candidates, (one) => one.logProbability), settings);
      const { kept, id, suffix } = candidates[sampling.sample(probs, sampling.randomNumbers(settings.seed, HEAL)())];
      if (id !== null) {
        const logits = predict(ids.slice(0, kept));
        ids = [...ids.slice(0, kept), id];
        left -= 1;
        yield { id, text: detokenizer.pushBytes(suffix), logits, kept };
      }
    }
    for (; left > 0; left--) {
      const logits = predict(ids);
      const id = sampling.sample(sampling.probabilities(logits, settings), random());
      if (id === bosId) return; // the end of a document
      ids.push(id);
      yield { id, text: detokenizer.push([id]), logits, kept: prompt.length };
    }
  };
})();
