"use strict";
/* Causal multi-head attention, as in `octavo/model/attention.py`. T query position, S key position, H heads,
   G key/value heads, K d_head, D d_model. Queries are the last T of the S positions. */
octavo.engine.Attention = (() => {
  const { linear, dot, rmsNorm, softmax } = octavo.engine.layers;

  /** (T, H·K) -> (H, T, K). */
  function splitHeads(rows, T, K) {
    const H = rows.length / (T * K);
    const split = new Float64Array(rows.length);
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < H; h++) {
        const from = (t * H + h) * K;
        split.set(rows.subarray(from, from + K), (h * T + t) * K);
      }
    }
    return split;
  }

  /** (H, T, K) -> (T, H·K): the same exchange of the two axes. */
  function mergeHeads(split, T, K) {
    return splitHeads(split, split.length / (T * K), K);
  }

  /** Scaled dot products (H, T, S) of queries (H, T, K) and keys; -Infinity for later keys. */
  function causalScores(q, keys, { H, T, S, K, headStart }) {
    const scores = new Float64Array(H * T * S).fill(-Infinity);
    const scale = K ** -0.5;
    for (let h = 0; h < H; h++) {
      for (let t = 0; t < T; t++) {
        const row = h * T + t;
        for (let s = 0; s <= S - T + t; s++) {
          scores[row * S + s] = scale * dot(q, row * K, keys, headStart(h) + s * K, K);
        }
      }
    }
    return scores;
  }

  /** The sums of the values, weighted by the pattern (H, T, S): (H, T, K). */
  function weightedValues(pattern, values, { H, T, S, K, headStart }) {
    const sums = new Float64Array(H * T * K);
    for (let h = 0; h < H; h++) {
      for (let t = 0; t < T; t++) {
        const row = h * T + t;
        for (let s = 0; s < S; s++) {
          const weight = pattern[row * S + s];
          const value = headStart(h) + s * K;
          if (weight !== 0) for (let i = 0; i < K; i++) sums[row * K + i] += weight * values[value + i];
        }
      }
    }
    return sums;
  }

  return class {
    /** `layers`: {q, k, v, output, q_norm, k_norm}; `index`: the number of the block. */
    constructor(config, layers, index) {
      Object.assign(this, { config, layers, index });
    }

    /** Attend from each position of x (T, D) to the positions up to it; return (T, D). The first row of x is at
        position `start`. With a `cache`, keys and values are appended to it, and queries attend to all it holds. */
    forward(x, positions, { start, cache, tap }) {
      const { n_heads: H, key_value_heads: G, head_width: K, d_model: D, norm_epsilon, qk_norm } = this.config;
      const { layers } = this;
      const T = x.length / D;
      const S = start + T;
      const normed = (rows, norm) => (qk_norm ? rmsNorm(rows, norm, norm_epsilon) : rows);
      const q = splitHeads(normed(linear(x, layers.q), layers.q_norm), T, K);
      const k = splitHeads(normed(linear(x, layers.k), layers.k_norm), T, K);
      const v = splitHeads(linear(x, layers.v), T, K);
      positions.rotate(q, start, T);
      positions.rotate(k, start, T);
      tap?.("q", q, [H, T, K]);
      tap?.("k", k, [G, T, K]);
      tap?.("v", v, [G, T, K]);
      const stored = cache ? cache.append(this.index, k, v, T, K) : { k, v };
      const headSize = K * (cache ? cache.capacity : T);
      const headStart = (h) => Math.floor((h * G) / H) * headSize; // in `stored`, of the key/value head that serves h
      const pattern = causalScores(q, stored.k, { H, T, S, K, headStart });
      tap?.("scores", pattern, [H, T, S]);
      for (let row = 0; row < H * T; row++) softmax(pattern, row * S, S);
      tap?.("pattern", pattern, [H, T, S]);
      const heads = weightedValues(pattern, stored.v, { H, T, S, K, headStart });
      tap?.("heads", heads, [H, T, K]);
      const output = linear(mergeHeads(heads, T, K), layers.output);
      tap?.("output", output, [T, D]);
      return output;
    }
  };
})();
