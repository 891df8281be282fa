"use strict";
/* Buttons that a widget adds: plain buttons, toggles, and groups of which one is pressed. */
octavo.controls = (() => {
  const { make } = octavo;

  /** A button; `name` is its accessible name if its text is a sign. */
  function button(text, press, name) {
    const element = make("button", { type: "button", textContent: text });
    if (name) {
      element.setAttribute("aria-label", name);
      element.title = name;
    }
    element.addEventListener("click", press);
    return element;
  }

  /** Buttons side by side with a common name. */
  function group(name, ...buttons) {
    const element = make("span", { className: "joined" }, ...buttons);
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", name);
    return element;
  }

  /** A button that is pressed or not; `flip(pressed)` is called when it changes. */
  function toggle(text, pressed, flip) {
    const element = button(text, () => {
      const now = element.getAttribute("aria-pressed") !== "true";
      element.setAttribute("aria-pressed", now);
      flip(now);
    });
    element.setAttribute("aria-pressed", pressed);
    return element;
  }

  /** Buttons {key: text} of which the `chosen` one is pressed; `choose(key)` is called for another. */
  function choice(name, texts, chosen, choose) {
    const buttons = Object.entries(texts).map(([key, text]) => {
      const element = button(text, () => {
        for (const one of buttons) one.setAttribute("aria-pressed", one === element);
        choose(key);
      });
      element.setAttribute("aria-pressed", key === chosen);
      return element;
    });
    return group(name, ...buttons);
  }

  return { button, group, toggle, choice };
})();
