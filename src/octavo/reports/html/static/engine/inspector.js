"use strict";
/* What the model computes while it reads: the attention patterns, and the residual stream after the embedding and after
   each block, to which the logit lens applies the final norm and the unembedding, as in `octavo/interpret/lens.py`.
   H heads, K key position, D d_model, V vocabulary. */
octavo.engine.Inspector = class extends octavo.engine.Reader {
  /** `ablation`: a tap that changes activations, or null. */
  constructor(model, capacity, ablation = null) {
    const { record, compose } = octavo.engine.taps;
    const found = {}; // of the block of tokens that was read last
    super(model, capacity, compose(ablation, record(found, ["embedding", "blocks.*.output", "blocks.*.attention.pattern"])));
    this.found = found;
    this.positions = []; // {streams: (D) by layer, patterns: (H, K) by block, predictions: by layer}
  }

  keepFirst(count) {
    super.keepFirst(count);
    this.positions.length = Math.min(this.positions.length, count);
  }

  readBlock(ids) {
    super.readBlock(ids);
    const { n_layers, n_heads, d_model } = this.model.config;
    const before = this.positions.length;
    ids.forEach((_, t) => {
      const keys = before + t + 1;
      const streams = this.sites().map((site) => this.found[site].data.slice(t * d_model, (t + 1) * d_model));
      const patterns = Array.from({ length: n_layers }, (_, layer) => {
        const { shape, data } = this.found[`blocks.${layer}.attention.pattern`];
        const heads = Array.from({ length: n_heads }, (_, head) => {
          const row = (head * shape[1] + t) * shape[2];
          return data.slice(row, row + keys);
        });
        return heads;
      });
      this.positions.push({ streams, patterns, predictions: [] });
    });
  }

  /** The sites that the lens reads. */
  sites() {
    return ["embedding", ...Array.from({ length: this.model.config.n_layers }, (_, layer) => `blocks.${layer}.output`)];
  }

  /** The attention weight of a head from a query position on a key position. */
  weight(layer, head, query, key) {
    return key > query ? 0 : this.positions[query].patterns[layer][head][key];
  }

  /** The logits (V) that follow from a layer of `sites()` at a position. */
  lensLogits(layer, position) {
    const { model } = this;
    const last = layer === model.config.n_layers;
    return last ? this.logits(position) : model.unembed(model.norm(this.positions[position].streams[layer], model.final_norm));
  }

  /** The token that a layer predicts after a position: {id, probability}. */
  lensPrediction(layer, position) {
    return (this.positions[position].predictions[layer] ??= this.predict(this.lensLogits(layer, position)));
  }

  predict(logits) {
    const id = octavo.engine.sampling.argmax(logits);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[id]), 0);
    return { id, probability: 1 / total };
  }
};
