"use strict";
/* Positions, as in `octavo/model/positions.py`: vectors added to the embeddings, or a rotation of queries and keys.
   T position, K d_head, D d_model. Angles are rounded to 32 bits, as PyTorch computes them. */
octavo.engine.makePositions = (() => {
  const round = Math.fround;

  /** The angle of each position t for each pair i of numbers: t / base^(2i/width). */
  function angle(position, pair, width, base) {
    return round(position * round(base ** round((-2 * pair) / width)));
  }

  function sinusoidal(position, width, base) {
    return Float64Array.from({ length: width }, (_, column) => {
      const value = angle(position, column >> 1, width, base);
      return column % 2 ? Math.cos(value) : Math.sin(value);
    });
  }

  /** The table of cosines and sines of one position, each (K/2). */
  function rotation(position, width, base) {
    const angles = Float64Array.from({ length: width / 2 }, (_, pair) => angle(position, pair, width, base));
    return { cosines: angles.map(Math.cos), sines: angles.map(Math.sin) };
  }

  /** A function of numbers that computes each value once. */
  function remembered(compute) {
    const known = [];
    return (index) => (known[index] ??= compute(index));
  }

  /** The positions that `config.position` names:

        add(x, start)                    embeddings x (T, D) plus the vectors of positions start …, in place
        rotate(x, start, length, width)  q or k (heads, T, K) rotated by the positions start …, in place */
  return (config, weights) => {
    const { position, position_base, d_model, head_width } = config;
    const nothing = { add() {}, rotate() {} };
    if (position === "rotary") {
      const table = remembered((index) => rotation(index, head_width, position_base));
      return { ...nothing, rotate: (x, start, length) => rotate(x, start, length, head_width, table) };
    }
    if (position === "none") return nothing;
    const learned = weights["positions.rows"]?.data;
    const row = remembered((index) =>
      position === "learned"
        ? learned.subarray(index * d_model, (index + 1) * d_model)
        : sinusoidal(index, d_model, position_base),
    );
    return {
      ...nothing,
      add(x, start) {
        for (let i = 0; i < x.length; i++) x[i] += row(start + Math.floor(i / d_model))[i % d_model];
      },
    };
  };

  /** Rotate the pairs (x[i], x[i + K/2]) of each row. */
  function rotate(x, start, length, width, table) {
    const half = width / 2;
    for (let row = 0; row * width < x.length; row++) {
      const { cosines, sines } = table(start + (row % length));
      for (let i = 0; i < half; i++) {
        const left = row * width + i;
        const right = left + half;
        const [a, b] = [x[left], x[right]];
        x[left] = a * cosines[i] - b * sines[i];
        x[right] = b * cosines[i] + a * sines[i];
      }
    }
  }
})();
