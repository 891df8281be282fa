"use strict";
/* Buttons that a widget adds: plain ones, some that stay pressed, and groups of which one is. */
octavo.controls = (() => {
  const { make } = octavo;

  /** A button; `name` is what it is called where its text is a sign. */
  function button(text, press, name) {
    const made = make("button", { type: "button", textContent: text });
    if (name) {
      made.setAttribute("aria-label", name);
      made.title = name;
    }
    made.addEventListener("click", press);
    return made;
  }

  /** Buttons side by side, with a name for all. */
  function group(name, ...buttons) {
    const made = make("span", { className: "joined" }, ...buttons);
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", name);
    return made;
  }

  /** A button that is pressed or not; `flip(pressed)` hears of it. */
  function toggle(text, pressed, flip) {
    const made = button(text, () => {
      const now = made.getAttribute("aria-pressed") !== "true";
      made.setAttribute("aria-pressed", now);
      flip(now);
    });
    made.setAttribute("aria-pressed", pressed);
    return made;
  }

  /** Of the buttons {key: text} the `chosen` one is pressed; `choose(key)` hears of another. */
  function choice(name, texts, chosen, choose) {
    const buttons = Object.entries(texts).map(([key, text]) => {
      const made = button(text, () => {
        for (const one of buttons) one.setAttribute("aria-pressed", one === made);
        choose(key);
      });
      made.setAttribute("aria-pressed", key === chosen);
      return made;
    });
    return group(name, ...buttons);
  }

  return { button, group, toggle, choice };
})();
