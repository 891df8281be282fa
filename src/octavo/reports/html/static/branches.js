"use strict";
/* The tree of generated texts: each token has the tokens that were tried after it. A text is a path from a root, which
   has the prompt, to a token. */
octavo.branches = (() => {
  /** The root of all texts that continue a prompt. */
  function root(prompt, ids) {
    return { prompt, ids, parent: null, children: [], chosen: null };
  }

  /** The token `id` after `parent`: the one that is already there, or a new one. `logits` (V) are those at its place.
      Of the prompt, `kept` tokens stay before the first token of a text: fewer than all if its end is healed. */
  function add(parent, { id, logits, kept }) {
    const isFirst = !parent.parent;
    let node = parent.children.find((child) => child.id === id && (!isFirst || child.kept === kept));
    if (!node) {
      node = { id, kept: isFirst ? kept : null, logits: Float32Array.from(logits), parent, children: [], chosen: null };
      parent.children.push(node);
    }
    parent.chosen = node;
    return node;
  }

  /** The tokens from the first one after the prompt to this one. */
  function path(node) {
    const nodes = [];
    for (let one = node; one.parent; one = one.parent) nodes.unshift(one);
    return nodes;
  }

  function rootOf(node) {
    return node.parent ? rootOf(node.parent) : node;
  }

  /** The last token of the text that was last shown through this one. */
  function end(node) {
    let last = node;
    while (last.chosen) last = last.chosen;
    return last;
  }

  /** The ids of prompt and text up to this token. */
  function idsOf(node) {
    const nodes = path(node);
    const { ids } = rootOf(node);
    return [...ids.slice(0, nodes[0]?.kept ?? ids.length), ...nodes.map((one) => one.id)];
  }

  /** The bytes of the prompt that a first token has replaced: it begins with them. */
  function replacedBytes(node) {
    const { ids } = rootOf(node);
    const replaced = node.kept === null ? [] : ids.slice(node.kept);
    return replaced.flatMap((id) => [...octavo.model.tokenizer.tokenBytes[id]]);
  }

  /** What the model gives to a token at its place, and the most probable tokens that fit there. */
  function facts(node, count = 10) {
    const replaced = replacedBytes(node);
    return octavo.tokenFacts(node.logits, node.id, { count, fits: (id) => begins(id, replaced) });
  }

  function begins(id, bytes) {
    const own = octavo.model.tokenizer.tokenBytes[id];
    return !bytes.length || (own.length > bytes.length && bytes.every((byte, index) => own[index] === byte));
  }

  return { root, add, replacedBytes, path, rootOf, end, idsOf, facts };
})();
