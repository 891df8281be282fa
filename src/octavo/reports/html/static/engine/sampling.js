"use strict";
/* Sampling: logits to the distribution that a token is drawn from, as in `octavo/generate/decoding.py`, and random
   numbers that follow from a seed. V vocabulary. */
octavo.engine.sampling = (() => {
  const GREEDY = 1e-6; // a temperature below leaves only the most likely token, and would divide by almost zero

  /** The settings of `SamplingConfig` in Python, with the same names, ranges and values. */
  const DEFAULTS = { temperature: 0.8, top_k: 0, top_p: 1, min_p: 0, max_new_tokens: 200, seed: 0 };
  const RANGES = {
    temperature: [0, 100],
    top_k: [0, 1e9],
    top_p: [1e-6, 1],
    min_p: [0, 1],
    max_new_tokens: [1, 1e7],
    seed: [0, Number.MAX_SAFE_INTEGER],
  };

  /** All settings, the given ones in place of the defaults. Throws a RangeError at one that is out of range. */
  function settings(given) {
    const all = { ...DEFAULTS, ...given };
    for (const [name, [low, high]] of Object.entries(RANGES)) {
      if (!(all[name] >= low && all[name] <= high)) {
        throw new RangeError(`${name}=${all[name]} is out of range: use ${low} to ${high}`);
      }
    }
    return all;
  }

  /** The ids in the order of these numbers, the largest first. */
  function largestFirst(numbers) {
    return Array.from(numbers.keys()).sort((a, b) => numbers[b] - numbers[a] || a - b);
  }

  function argmax(numbers) {
    let best = 0;
    for (let i = 1; i < numbers.length; i++) if (numbers[i] > numbers[best]) best = i;
    return best;
  }

  /** The distribution (V) of the next token: temperature first, then top-k, top-p and min-p. */
  function probabilities(logits, { temperature, top_k, top_p, min_p }) {
    const largest = argmax(logits);
    const probs = new Float64Array(logits.length);
    if (temperature < GREEDY) {
      probs[largest] = 1;
      return probs;
    }
    for (let i = 0; i < logits.length; i++) probs[i] = Math.exp((logits[i] - logits[largest]) / temperature);
    if (top_k > 0 && top_k < logits.length) for (const id of largestFirst(logits).slice(top_k)) probs[id] = 0;
    normalise(probs);
    if (top_p < 1) {
      let before = 0; // the sum over more likely tokens; the most likely token always stays
      for (const id of largestFirst(probs)) {
        const probability = probs[id];
        if (before >= top_p) probs[id] = 0;
        before += probability;
      }
    }
    if (min_p > 0) {
      const least = min_p * probs[largest];
      for (let i = 0; i < probs.length; i++) if (probs[i] < least) probs[i] = 0;
    }
    return normalise(probs);
  }

  function normalise(probs) {
    let sum = 0;
    for (let i = 0; i < probs.length; i++) sum += probs[i];
    for (let i = 0; i < probs.length; i++) probs[i] /= sum;
    return probs;
  }

  /** The token at which a number in [0, 1) falls in the cumulative distribution. */
  function sample(probs, uniform) {
    let cumulative = 0;
    let last = 0;
    for (let i = 0; i < probs.length; i++) {
      if (probs[i] === 0) continue;
      last = i;
      cumulative += probs[i];
      if (uniform < cumulative) return i;
    }
    return last; // rounding
  }

  /** Numbers in [0, 1) that follow from a seed and a stream: sfc32 of Doty-Humphrey's PractRand. */
  function randomNumbers(seed, stream = 0) {
    let [a, b, c, counter] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, stream >>> 0, 1];
    function bits() {
      const sum = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = ((c << 21) | (c >>> 11)) + sum;
      return sum >>> 0;
    }
    for (let i = 0; i < 15; i++) bits(); // mixes the seed
    return () => (bits() * 2 ** 21 + (bits() >>> 11)) / 2 ** 53;
  }

  return { DEFAULTS, RANGES, settings, probabilities, sample, randomNumbers, largestFirst, argmax };
})();
