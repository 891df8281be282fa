"use strict";
/* Key/value cache, as in `octavo/model/kv_cache.py`, and the reader that reuses it for a text that was edited.
   G key/value heads, T new position, S key position, K d_head, D d_model. */
octavo.engine.KeyValueCache = class {
  /** Keys and values of every layer, (G, capacity, K) each. */
  constructor({ n_layers, key_value_heads, head_width }, capacity) {
    const size = key_value_heads * capacity * head_width;
    this.layers = Array.from({ length: n_layers }, () => ({ k: new Float64Array(size), v: new Float64Array(size) }));
    this.capacity = capacity;
    this.length = 0; // positions that it holds
  }

  /** Write k and v (G, T, K) of the next T positions of a layer; return all keys and values, (G, capacity, K). */
  append(layer, k, v, positions, width) {
    const { layers, capacity, length } = this;
    const block = positions * width;
    for (let head = 0; head * block < k.length; head++) {
      const place = (head * capacity + length) * width;
      layers[layer].k.set(k.subarray(head * block, (head + 1) * block), place);
      layers[layer].v.set(v.subarray(head * block, (head + 1) * block), place);
    }
    return layers[layer];
  }
};

octavo.engine.Reader = class {
  /** Reads token ids, at most `capacity`, and keeps what it computed. Of a text that was edited, it reads only the
      tokens from the first changed one on. A tap that changes activations needs a reader of its own. */
  constructor(model, capacity, tap = null) {
    this.model = model;
    this.tap = tap;
    this.cache = new octavo.engine.KeyValueCache(model.config, capacity);
    this.ids = []; // that the cache holds
    this.hidden = []; // by position: the last activations before the logits, (D)
    this.rows = []; // by position: the logits, where they were asked for, (V)
    this.tokensComputed = 0;
  }

  /** Read these ids. */
  read(ids) {
    let same = 0;
    while (same < ids.length && ids[same] === this.ids[same]) same++;
    this.keepFirst(same);
    for (let begin = same; begin < ids.length; begin += octavo.engine.Reader.BLOCK) {
      this.readBlock(ids.slice(begin, begin + octavo.engine.Reader.BLOCK));
    }
    return this;
  }

  /** Forget all tokens but the first ones. */
  keepFirst(count) {
    for (const kept of [this.ids, this.hidden, this.rows]) kept.length = Math.min(kept.length, count);
    this.cache.length = count;
  }

  /** Read ids after those that are kept. */
  readBlock(ids) {
    const width = this.model.config.d_model;
    const x = this.model.hidden(ids, { cache: this.cache, tap: this.tap });
    for (let t = 0; t < ids.length; t++) this.hidden.push(x.subarray(t * width, (t + 1) * width));
    this.ids.push(...ids);
    this.tokensComputed += ids.length;
  }

  /** The logits (V) of the token after the one at `position` of the ids that were read last. */
  logits(position) {
    return (this.rows[position] ??= this.model.unembed(this.hidden[position], this.tap));
  }

  /** The logits of the token after all ids. */
  next(ids) {
    return this.read(ids).logits(ids.length - 1);
  }
};
octavo.engine.Reader.BLOCK = 64; // tokens at once: bounds the memory of the attention scores
