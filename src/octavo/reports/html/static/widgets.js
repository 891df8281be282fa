"use strict";
/* The functions that all widgets of a page use. A widget is an element with data-widget="name"; its script mounts it:

     octavo.widget("name", (root, data) => { … });

   `data` is the JSON inside the element. Everything can be read before a script has run; scripts add to it. Text is
   only set as textContent, so that nothing in it becomes markup. */
const octavo = (() => {
  const page = document.documentElement;

  /** Mount every element of this name; one that fails leaves the others as they are. */
  function widget(name, mount) {
    for (const root of document.querySelectorAll(`[data-widget="${name}"]`)) {
      const data = root.querySelector('script[type="application/json"]');
      try {
        mount(root, data && JSON.parse(data.textContent));
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** A new element: make("p", {className: "note"}, "text", otherElement). */
  function make(kind, properties = {}, ...children) {
    const element = Object.assign(document.createElement(kind), properties);
    element.append(...children);
    return element;
  }

  /** Format a fraction in percent: 0 %, <0.1 %, 0.4 %, 37 %. */
  function percent(fraction) {
    const value = 100 * fraction;
    if (value > 0 && value < 0.05) return "<0.1 %";
    return `${value === 0 || value >= 9.95 ? value.toFixed(0) : value.toFixed(1)} %`;
  }

  /* ---- the theme ---- */

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const redraws = new Set();
  const bytesOf = new Map(); // of colour scales, by name; of this theme

  function theme() {
    return page.dataset.theme ?? (dark.matches ? "dark" : "light");
  }

  /** Call `redraw` whenever the theme changes, until the signal of an AbortController. */
  function onTheme(redraw, { signal } = {}) {
    redraws.add(redraw);
    signal?.addEventListener("abort", () => redraws.delete(redraw));
  }

  function themeChanged() {
    for (const button of document.querySelectorAll(".theme-button")) {
      button.textContent = theme() === "dark" ? "Light theme" : "Dark theme";
    }
    bytesOf.clear();
    for (const redraw of redraws) redraw();
  }

  dark.addEventListener("change", themeChanged);
  matchMedia("print").addEventListener("change", themeChanged); // paper is light
  for (const button of document.querySelectorAll(".theme-button")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      page.dataset.theme = theme() === "dark" ? "light" : "dark";
      themeChanged();
    });
  }
  themeChanged();

  const MIDDLE = 0.6; // the position of the middle colour on a scale

  /** A colour scale of the theme, "cool" or "warm" (see base.css): {colour(position), ink(position)} of CSS colours,
      which follow the theme, and bytes, 256 steps as RGBA, which must be read again when it changes. */
  function scale(name) {
    const mixed = (fraction, from, to) => `color-mix(in oklab, var(${to}) ${(100 * fraction).toFixed(2)}%, var(${from}))`;
    const colour = (position) =>
      position <= MIDDLE
        ? mixed(position / MIDDLE, "--paper", `--${name}-middle`)
        : mixed((position - MIDDLE) / (1 - MIDDLE), `--${name}-middle`, `--${name}-end`);
    return {
      colour,
      ink: (position) => (position <= MIDDLE ? "var(--on-pale)" : "var(--on-strong)"),
      get bytes() {
        if (bytesOf.has(name)) return bytesOf.get(name);
        const context = make("canvas", { width: 256, height: 1 }).getContext("2d", { willReadFrequently: true });
        const probe = page.appendChild(make("i"));
        for (let step = 0; step < 256; step++) {
          probe.style.color = colour(step / 255);
          context.fillStyle = getComputedStyle(probe).color;
          context.fillRect(step, 0, 1, 1);
        }
        probe.remove();
        const { data } = context.getImageData(0, 0, 256, 1);
        bytesOf.set(name, data);
        return data;
      },
    };
  }

  /* ---- keys ---- */

  /** One tab stop for many elements, as in a toolbar: left and right, Home and End move among `items`, which may run
      from right to left; `keys` maps further keys to functions of the index that may return one to go to.
      `moved(index)` is called at every focus. */
  function roving(items, { moved = () => {}, keys = {} } = {}) {
    let current = 0;
    const right = () => (getComputedStyle(items[0].parentElement).direction === "rtl" ? -1 : 1);
    const moves = {
      ArrowLeft: (i) => i - right(),
      ArrowRight: (i) => i + right(),
      Home: () => 0,
      End: () => items.length - 1,
      ...keys,
    };
    items.forEach((item, index) => {
      item.tabIndex = index === 0 ? 0 : -1;
      item.addEventListener("focus", () => {
        items[current].tabIndex = -1;
        items[index].tabIndex = 0;
        current = index;
        moved(index);
      });
      item.addEventListener("keydown", (event) => {
        const move = event.ctrlKey || event.altKey || event.metaKey ? undefined : moves[event.key];
        if (!move) return;
        event.preventDefault();
        items[move(index)]?.focus();
      });
    });
  }

  /* ---- tooltips ---- */

  const tip = document.body.appendChild(make("div", { id: "tip", className: "tip", hidden: true }));
  tip.setAttribute("role", "tooltip");
  let described = null;
  let leaving = 0;

  function showTip(element, content) {
    clearTimeout(leaving);
    described?.removeAttribute("aria-describedby");
    described = element;
    tip.replaceChildren(content);
    tip.hidden = false;
    element.setAttribute("aria-describedby", "tip");
    const box = element.getClientRects()[0] ?? element.getBoundingClientRect();
    const left = Math.min(box.left, innerWidth - tip.offsetWidth - 8);
    const below = box.bottom + 6;
    const fits = below + tip.offsetHeight < innerHeight || box.top < tip.offsetHeight + 6;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${fits ? below : box.top - tip.offsetHeight - 6}px`;
  }

  function hideTip() {
    clearTimeout(leaving);
    described?.removeAttribute("aria-describedby");
    described = null;
    tip.hidden = true;
  }

  /** Show `describe(item)`, a text or an element, for the item under the pointer, in focus or tapped, until the
      pointer leaves both, the focus moves, or Escape is pressed. */
  function tips(items, describe) {
    for (const item of items) {
      const show = () => showTip(item, describe(item));
      const leave = () => (leaving = setTimeout(() => described === item && hideTip(), 120));
      item.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show());
      item.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave());
      item.addEventListener("focus", show);
      item.addEventListener("blur", leave);
      item.addEventListener("click", show);
    }
  }

  tip.addEventListener("pointerenter", () => clearTimeout(leaving));
  tip.addEventListener("pointerleave", hideTip);
  addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  addEventListener("scroll", hideTip, { capture: true, passive: true });
  addEventListener("pointerdown", (event) => {
    if (described && !described.contains(event.target) && !tip.contains(event.target)) hideTip();
  });

  /** A function that has a screen reader announce a text after what it is reading. */
  function speaker(root) {
    const region = root.appendChild(make("p", { className: "unseen" }));
    region.setAttribute("aria-live", "polite");
    let waiting = 0;
    return (text) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => (region.textContent = text), 200);
    };
  }

  return { widget, make, percent, onTheme, scale, roving, tips, hideTip, speaker };
})();
