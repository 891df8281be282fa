"use strict";
/* Feed-forward layers, as in `octavo/model/feedforward.py`. T position, D d_model, F d_ff. */
octavo.engine.FeedForward = (() => {
  const { linear } = octavo.engine.layers;

  /** The error function, to 1e-7 (Press et al., Numerical Recipes, "erfcc"). */
  function erf(x) {
    const t = 1 / (1 + Math.abs(x) / 2);
    const factors = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398];
    const polynomial = [...factors, 1.48851587, -0.82215223, 0.17087277].reduceRight((sum, f) => f + t * sum, 0);
    const rest = t * Math.exp(-x * x + polynomial);
    return x >= 0 ? 1 - rest : rest - 1;
  }

  const ACTIVATIONS = {
    relu: (up) => Math.max(0, up),
    gelu: (up) => (up / 2) * (1 + erf(up / Math.SQRT2)),
    swiglu: (up, gate) => (gate / (1 + Math.exp(-gate))) * up,
  };

  return class {
    /** `layers`: {up, down}, and {gate} of SwiGLU. */
    constructor(config, layers) {
      Object.assign(this, { config, layers, activation: ACTIVATIONS[config.feedforward] });
    }

    /** (T, D) -> (T, D). */
    forward(x, { tap }) {
      const { up, down, gate } = this.layers;
      const { d_ff: F, d_model: D } = this.config;
      const hidden = linear(x, up);
      const gates = gate ? linear(x, gate) : hidden;
      for (let i = 0; i < hidden.length; i++) hidden[i] = this.activation(hidden[i], gates[i]);
      tap?.("hidden", hidden, [hidden.length / F, F]);
      const output = linear(hidden, down);
      tap?.("output", output, [x.length / D, D]);
      return output;
    }
  };
})();
