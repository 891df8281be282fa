"use strict";
/* Token healing, as in `octavo/generate/healing.py`: a prompt may end inside a token of the text that continues it, so
   its last tokens may be replaced by a longer token that begins with their bytes. */
octavo.engine.healingCandidates = (() => {
  const MAX_REPLACED = 16; // tokens at the end of a prompt

  function beginsWith(bytes, beginning) {
    return bytes.length > beginning.length && beginning.every((byte, index) => bytes[index] === byte);
  }

  /** The logarithm of the sum of the exponentials. */
  function logSumExp(logits) {
    const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    return largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
  }

  /** All ways to tokenize the end of a prompt: [{kept, id, suffix, logProbability}]. `kept` tokens of the prompt stay,
      the token `id` follows, and `suffix` are its bytes beyond the prompt's end. The last one is the prompt itself, with
      id null. `predict(ids)` returns the logits of the token that follows. */
  return (prompt, tokenBytes, predict) => {
    const longest = tokenBytes.reduce((length, bytes) => Math.max(length, bytes.length), 0);
    const longer = new Map(); // kept -> tokens that begin with the bytes of the rest, and go on
    let rest = [];
    for (let kept = prompt.length - 1; kept >= Math.max(0, prompt.length - MAX_REPLACED); kept--) {
      rest = [...tokenBytes[prompt[kept]], ...rest];
      if (rest.length >= longest) break;
      const ids = [...tokenBytes.keys()].filter((id) => beginsWith(tokenBytes[id], rest));
      if (ids.length) longer.set(kept, { ids, length: rest.length });
    }
    const candidates = [];
    let logProbability = 0; // of the prompt's tokens from the first replaced one on
    const first = longer.size ? Math.min(...longer.keys()) : prompt.length;
    for (let kept = first; kept < prompt.length; kept++) {
      const logits = predict(prompt.slice(0, kept));
      const total = logSumExp(logits);
      const { ids, length } = longer.get(kept) ?? { ids: [] };
      for (const id of ids) {
        const suffix = tokenBytes[id].subarray(length);
        candidates.push({ kept, id, suffix, logProbability: logProbability + logits[id] - total });
      }
      logProbability += logits[prompt[kept]] - total;
    }
    return [...candidates, { kept: prompt.length, id: null, suffix: new Uint8Array(), logProbability }];
  };
})();
