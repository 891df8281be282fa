"use strict";
/* Write: the model continues a prompt. Each token shows what else was likely; choosing another one branches the text
   there. */
octavo.widget("write", (root) => {
  if (!octavo.model) return; // it could not be mounted
  const { labels } = octavo.model;
  const { make, percent, branches } = octavo;
  const find = (name) => root.querySelector(`[data-octavo="${name}"]`);
  const [prompt, output, status, choices] = ["prompt", "output", "status", "choices"].map(find);
  const buttons = Object.fromEntries(["generate", "stop", "undo", "redo", "colour"].map((name) => [name, find(name)]));
  const SETTINGS = {
    temperature: "temperature",
    "top-k": "top_k",
    "top-p": "top_p",
    "min-p": "min_p",
    seed: "seed",
    length: "max_new_tokens",
  };
  const SLICE = 30; // milliseconds between updates of the page
  const speak = octavo.speaker(root);
  const startOf = (text) => branches.root(text, octavo.model.promptIds(text));
  let leaf = startOf(prompt.value); // the end of the text that is shown
  let shown = []; // {node, span} of its tokens that have characters
  let running = 0; // counts generations: an older one stops
  const history = { undo: [], redo: [] }; // ends of texts

  /* ---- the text ---- */

  /** Show the text up to `leaf`. */
  function show() {
    octavo.hideTip();
    shown = [];
    output.replaceChildren(make("span", { className: "prompt" }, branches.rootOf(leaf).prompt));
    const detokenizer = new octavo.engine.Detokenizer(octavo.model.tokenizer);
    const nodes = branches.path(leaf);
    nodes.forEach((node, index) => append(node, index === 0 ? firstText(node, detokenizer) : detokenizer.push([node.id])));
    closeChoices();
    update();
    return detokenizer;
  }

  /** The text of the first token: of a healed one, what it adds to the prompt. */
  function firstText(node, detokenizer) {
    const bytes = octavo.model.tokenizer.tokenBytes[node.id];
    return detokenizer.pushBytes(bytes.subarray(branches.replacedBytes(node).length));
  }

  /** Add a token to the text that is shown. A part of a character has no text of its own. */
  function append(node, text) {
    if (!text) return;
    const span = make("span", { tabIndex: shown.length ? -1 : 0 }, text);
    span.setAttribute("role", "button");
    shown.push({ node, span });
    decorate(node, span);
    output.append(span);
    octavo.tips([span], () => octavo.describeToken(labels[node.id], branches.facts(node), labels));
  }

  /** Mark a token that has others in its place, and colour it by its surprisal. */
  function decorate(node, span) {
    const siblings = node.parent.children;
    const several = siblings.length > 1;
    const coloured = buttons.colour.getAttribute("aria-pressed") === "true";
    const colour = () => `warm-${Math.min(10, Math.round(octavo.tokenBits(node.logits, node.id)))}`;
    span.className = [several ? "branching" : "", coloured ? colour() : ""].join(" ");
    if (several) span.dataset.branch = `${siblings.indexOf(node) + 1}/${siblings.length}`;
  }

  /** The state of the buttons. */
  function update() {
    buttons.undo.disabled = !history.undo.length;
    buttons.redo.disabled = !history.redo.length;
    buttons.stop.disabled = !isRunning;
  }

  /* ---- generating ---- */

  let isRunning = false;

  function settings() {
    const entries = Object.entries(SETTINGS).map(([name, setting]) => {
      const { value } = find(name);
      return [setting, value.trim() === "" ? NaN : Number(value)];
    });
    return octavo.engine.sampling.settings(Object.fromEntries(entries));
  }

  function say(text) {
    status.textContent = text;
  }

  /** Continue the text at `leaf` until it has `length` tokens. */
  function generate(options, length) {
    const number = ++running;
    const steps = octavo.model.stream({ ...options, max_new_tokens: length });
    const began = performance.now();
    let count = 0;
    const detokenizer = show();
    isRunning = true;
    update();

    function slice() {
      if (number !== running) return;
      const until = performance.now() + SLICE;
      try {
        while (performance.now() < until) {
          const { value: step, done } = steps.next();
          if (done) return finish();
          const parent = leaf;
          leaf = branches.add(parent, step);
          count += 1;
          append(leaf, parent.parent ? detokenizer.push([leaf.id]) : firstText(leaf, detokenizer));
        }
      } catch (error) {
        return finish(error.message);
      }
      report();
      setTimeout(slice);
    }

    function report() {
      const speed = Math.round((1000 * count) / (performance.now() - began));
      say(`${count} tokens, ${speed.toLocaleString("en")} tokens/s`);
    }

    function finish(problem) {
      report();
      if (problem) say(problem);
      stop();
    }

    slice();
  }

  function stop() {
    running += 1;
    if (isRunning) speak(shown.map(({ span }) => span.textContent).join(""));
    isRunning = false;
    update();
  }

  /** Call `change`, which shows another text; it can be undone. A wrong setting is said, and nothing changes. */
  function undoable(change) {
    stop();
    const before = leaf;
    try {
      change();
    } catch (error) {
      leaf = before;
      say(error.message);
      return;
    }
    history.undo.push(before);
    history.redo = [];
    update();
  }

  buttons.generate.addEventListener("click", () =>
    undoable(() => {
      const { max_new_tokens, ...options } = settings();
      const now = branches.rootOf(leaf);
      leaf = now.prompt === prompt.value ? now : startOf(prompt.value);
      generate({ ...options, prompt: prompt.value }, max_new_tokens);
    }),
  );
  buttons.stop.addEventListener("click", stop);

  function walk(from, to) {
    stop();
    if (!from.length) return;
    to.push(leaf);
    leaf = from.pop();
    prompt.value = branches.rootOf(leaf).prompt;
    show();
    say(`${branches.path(leaf).length} tokens`);
  }

  buttons.undo.addEventListener("click", () => walk(history.undo, history.redo));
  buttons.redo.addEventListener("click", () => walk(history.redo, history.undo));
  buttons.colour.addEventListener("click", () => {
    const pressed = buttons.colour.getAttribute("aria-pressed") !== "true";
    buttons.colour.setAttribute("aria-pressed", pressed);
    find("legend").hidden = !pressed;
    for (const { node, span } of shown) decorate(node, span);
  });

  /* ---- branches ---- */

  function closeChoices() {
    choices.replaceChildren();
    choices.hidden = true;
  }

  /** List the ten likeliest tokens at the place of `node`, as buttons. */
  function openChoices(node) {
    const { likeliest } = branches.facts(node);
    const title = make("p", {}, "Instead of ", make("b", { className: "token" }, labels[node.id]), ":");
    const list = likeliest.map(({ id, probability }) => {
      const name = make("span", { className: "token" }, labels[id]);
      const button = make("button", { type: "button" }, name, ` ${percent(probability)}`);
      button.setAttribute("aria-pressed", id === node.id);
      button.addEventListener("click", () => choose(node, id));
      return button;
    });
    choices.replaceChildren(title, ...list);
    choices.hidden = false;
  }

  /** Put the token `id` in the place of `node`: the text of that branch, or a new one that is written to its end. */
  function choose(node, id) {
    const known = node.parent.children.some((child) => child.id === id);
    let chosen = node;
    undoable(() => {
      const { max_new_tokens, ...options } = settings();
      chosen = branches.add(node.parent, { ...node, id });
      leaf = branches.end(chosen);
      const left = max_new_tokens - branches.path(leaf).length;
      if (!known && left > 0) generate({ ...options, ids: branches.idsOf(leaf) }, left);
      else show();
    });
    focus(indexOf((one) => one.node === chosen));
  }

  /** Show the text through the next or previous sibling of a token. */
  function turn(node, by) {
    const siblings = node.parent.children;
    const other = siblings[siblings.indexOf(node) + by];
    if (!other) return;
    undoable(() => {
      node.parent.chosen = other;
      leaf = branches.end(other);
      show();
    });
    focus(indexOf((one) => one.node === other));
  }

  function indexOf(fits) {
    return shown.findIndex(fits);
  }

  function focus(index) {
    shown[Math.max(0, Math.min(index, shown.length - 1))]?.span.focus();
  }

  output.addEventListener("focusin", ({ target }) => {
    for (const { span } of shown) span.tabIndex = span === target ? 0 : -1;
  });
  output.addEventListener("click", ({ target }) => {
    const index = indexOf((one) => one.span === target);
    if (index >= 0) openChoices(shown[index].node);
  });
  output.addEventListener("keydown", (event) => {
    const index = indexOf((one) => one.span === event.target);
    if (index < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const { node } = shown[index];
    const open = () => {
      openChoices(node);
      choices.querySelector("button").focus();
    };
    const actions = {
      ArrowLeft: () => focus(index - 1),
      ArrowRight: () => focus(index + 1),
      Home: () => focus(0),
      End: () => focus(shown.length - 1),
      ArrowUp: () => turn(node, -1),
      ArrowDown: () => turn(node, 1),
      Enter: open,
      " ": open,
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });

  root.querySelector(".live").hidden = false;
  root.querySelector(".without-script").hidden = true;
  update();
});
