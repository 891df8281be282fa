"use strict";
/* Measure the page for `octavo bench --suite page`, after all its parts have been mounted. The results, in seconds, are
   written into the page. */
{
  const { model } = octavo;
  const TOKENS = 200;
  const READ_TOKENS = 120;
  const KEYS = 20;
  const interactive = performance.now(); // since the page was asked for

  function seconds(work) {
    const began = performance.now();
    work();
    return (performance.now() - began) / 1000;
  }

  function generate() {
    for (let count = 0, seed = 0; count < TOKENS; seed++) {
      count += model.generate({ temperature: 1, max_new_tokens: TOKENS - count, seed }).ids.length;
    }
  }

  /** The median seconds of a keystroke at the end of a text. Frames are drawn at once, so that they are measured too. */
  function keystroke(open) {
    for (const name of ["attention", "lens"]) document.querySelector(`[data-octavo="${name}"]`).open = open;
    const input = document.querySelector('[data-octavo="read"]');
    const text = model.decode(model.generate({ temperature: 1, max_new_tokens: READ_TOKENS, seed: 1 }).ids);
    const type = (words) => {
      input.value = words;
      input.dispatchEvent(new Event("input"));
      return document.body.offsetHeight; // lays the page out
    };
    type(text);
    const times = Array.from({ length: KEYS }, (_, key) => seconds(() => type(`${text}${"abcdefghij".slice(0, (key % 5) + 1)}`)));
    return times.sort((a, b) => a - b)[KEYS / 2];
  }

  window.requestAnimationFrame = (draw) => {
    draw();
    return 0;
  };
  generate(); // warms up
  const results = { interactive: interactive / 1000, generate: seconds(generate), keystroke: keystroke(true), text: keystroke(false) };
  const place = octavo.make("pre", { id: "page-bench" }, JSON.stringify(results));
  document.body.append(place);
}
