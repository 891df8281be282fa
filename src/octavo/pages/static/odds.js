"use strict";
/** Tokens with their probabilities as bars: `guesses` are [label, probability] pairs; the one that `came` is bold. */
octavo.odds = (guesses, came) => {
  const { make, percent } = octavo;
  const list = make("div", { className: "odds" });
  for (const [label, probability] of guesses) {
    const bar = make("span", { className: "bar" });
    bar.style.width = `${100 * probability}%`;
    const token = make("span", { className: label === came ? "token came" : "token" }, label);
    list.append(token, make("span", { className: "share" }, percent(probability)), bar);
  }
  return list;
};
