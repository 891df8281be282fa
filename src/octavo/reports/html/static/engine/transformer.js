"use strict";
/* The decoder-only Transformer, as in `octavo/model/transformer.py`: token ids in, logits out.
   T position, D d_model, V vocabulary. A tensor is a flat Float64Array in row order. */
octavo.engine.Transformer = (() => {
  const { linear, makeNorm, add } = octavo.engine.layers;

  /** A tap for a part of the model, which names its sites without `scope`. */
  function within(tap, scope) {
    return tap && ((site, data, shape) => tap(`${scope}.${site}`, data, shape));
  }

  /** The layers {part: {weight, bias}} whose names begin with `scope`. */
  function layersOf(weights, scope) {
    const layers = {};
    for (const [name, tensor] of Object.entries(weights)) {
      if (!name.startsWith(`${scope}.`)) continue;
      const [layer, kind] = name.slice(scope.length + 1).split(".");
      (layers[layer] ??= {})[kind] = tensor;
    }
    return layers;
  }

  return class {
    /** `config`: a ModelConfig as in Python, with head_width and key_value_heads; `weights`: {name: {shape, data}}. */
    constructor(config, weights) {
      const { Attention, FeedForward, makePositions } = octavo.engine;
      this.config = config;
      this.embedding = weights["embedding.weight"];
      this.vocabSize = this.embedding.shape[0];
      this.positions = makePositions(config, weights);
      this.norm = makeNorm(config);
      this.blocks = Array.from({ length: config.n_layers }, (_, index) => {
        const scope = `blocks.${index}`;
        const { attention_norm, feedforward_norm } = layersOf(weights, scope);
        return {
          attention: new Attention(config, layersOf(weights, `${scope}.attention`), index),
          feedforward: new FeedForward(config, layersOf(weights, `${scope}.feedforward`)),
          attention_norm,
          feedforward_norm,
        };
      });
      this.final_norm = { weight: weights["final_norm.weight"], bias: weights["final_norm.bias"] };
      this.unembedding = {
        weight: config.tied_embeddings ? this.embedding : weights["unembedding.weight"],
        bias: weights["unembedding.bias"],
      };
    }

    /** The logits (T, V) of the token after each of `ids`. */
    forward(ids, { cache = null, tap = null } = {}) {
      return this.unembed(this.hidden(ids, { cache, tap }), tap);
    }

    /** The activations (T, D) from which the logits follow. `cache` has the keys and values of the tokens before
        `ids`, to which those of `ids` are appended; `tap` is called at every site. */
    hidden(ids, { cache = null, tap = null } = {}) {
      const D = this.config.d_model;
      const start = cache ? cache.length : 0;
      let x = new Float64Array(ids.length * D);
      ids.forEach((id, t) => x.set(this.embedding.data.subarray(id * D, (id + 1) * D), t * D));
      this.positions.add(x, start);
      tap?.("embedding", x, [ids.length, D]);
      this.blocks.forEach((block, index) => {
        x = this.applyBlock(block, x, { start, cache, tap: within(tap, `blocks.${index}`) });
      });
      if (cache) cache.length += ids.length;
      x = this.norm(x, this.final_norm);
      tap?.("final_norm", x, [ids.length, D]);
      return x;
    }

    /** The logits (T, V) of rows of the last activations. */
    unembed(x, tap = null) {
      const logits = linear(x, this.unembedding);
      tap?.("logits", logits, [logits.length / this.vocabSize, this.vocabSize]);
      return logits;
    }

    /** Attention, then a feed-forward layer, each added to the residual stream x (T, D). */
    applyBlock(block, x, { start, cache, tap }) {
      const attention = (y) =>
        block.attention.forward(y, this.positions, { start, cache, tap: within(tap, "attention") });
      const feedforward = (y) => block.feedforward.forward(y, { tap: within(tap, "feedforward") });
      x = this.applyLayer(attention, block.attention_norm, x);
      x = this.applyLayer(feedforward, block.feedforward_norm, x);
      tap?.("output", x, [x.length / this.config.d_model, this.config.d_model]);
      return x;
    }

    /** x + layer(norm(x)), or norm(x + layer(x)) where norms come after. */
    applyLayer(layer, norm, x) {
      const { norm_order, residual } = this.config;
      const output = layer(norm_order === "pre" ? this.norm(x, norm) : x);
      const sum = residual ? add(x, output) : output;
      return norm_order === "pre" ? sum : this.norm(sum, norm);
    }
  };
})();
