"use strict";
/* Taps: read and change the activations of a forward pass, as in `octavo/model/taps.py`, whose docstring lists the
   sites. A tap is a function (site, data, shape) that is called at every site; it may write into `data`. Shapes are
   those of Python without the batch. */
octavo.engine.taps = (() => {
  /** Whether a site matches a name or a pattern: "blocks.*.output"; * stands for one part between dots. */
  function matches(pattern, site) {
    const [wanted, parts] = [pattern.split("."), site.split(".")];
    return wanted.length === parts.length && parts.every((part, index) => ["*", part].includes(wanted[index]));
  }

  /** A tap that copies the activations at these sites, names or patterns, into `activations`: {site: {shape, data}}. */
  function record(activations, sites) {
    return (site, data, shape) => {
      if (sites.some((pattern) => matches(pattern, site))) activations[site] = { shape, data: data.slice() };
    };
  }

  /** A tap that applies taps one after the other; null is skipped. */
  function compose(...taps) {
    return (site, data, shape) => {
      for (const tap of taps) tap?.(site, data, shape);
    };
  }

  /** The site of a target, and the head that it is. "blocks.0.attention.head.2" is one attention head, "blocks.0.output"
      a site. */
  function parseTarget(name, { n_layers, n_heads }) {
    const parts = name.split(".");
    const inModel = parts[0] !== "blocks" || Number(parts[1]) < n_layers;
    if (!parts.includes("head")) return { site: name, head: null, known: inModel };
    const head = Number(parts[4]);
    return { site: `blocks.${parts[1]}.attention.heads`, head, known: inModel && head < n_heads };
  }

  /** A tap that ablates targets: `zero` sets them to zero, `mean` to `means` {site: data} of held-out text. Null if
      there are none. */
  function ablate({ zero = [], mean = [] }, config, means) {
    const changes = [
      ...zero.map((name) => ({ name, values: null })),
      ...mean.map((name) => ({ name, values: means })),
    ].map((change) => ({ ...change, ...parseTarget(change.name, config) }));
    for (const { name, site, values, known } of changes) {
      if (!known) throw new Error(`there is no target ${name} in this model`);
      if (values && !values[site]) throw new Error(`this page has no mean of ${name}`);
    }
    if (!changes.length) return null;
    return (site, data, shape) => {
      for (const change of changes) if (change.site === site) set(data, shape, change.head, change.values?.[site]);
    };
  }

  /** Set all rows of a site, or of one of its heads, to zero or to values: (width), or (heads, width). */
  function set(data, shape, head, values) {
    const [rows, width] = shape.slice(-2);
    const heads = data.length / (rows * width);
    for (let h = 0; h < heads; h++) {
      if (head !== null && h !== head) continue;
      for (let i = 0; i < rows * width; i++) {
        const place = h * rows * width + i;
        if (data[place] !== -Infinity) data[place] = values ? values[h * width + (i % width)] : 0; // masked stays so
      }
    }
  }

  return { matches, record, compose, ablate };
})();
