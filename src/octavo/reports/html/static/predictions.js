"use strict";
/** Tokens with their probabilities as bars: `guesses` are [label, probability] pairs, the likeliest first; the one of
    the `rank` of what came is bold. Labels do not tell which that is, for two tokens can share one. */
octavo.odds = (guesses, rank) => {
  const { make, percent } = octavo;
  const list = make("div", { className: "odds" });
  for (const [index, [label, probability]] of guesses.entries()) {
    const bar = make("span", { className: "bar" });
    bar.style.width = `${100 * probability}%`;
    const token = make("span", { className: index + 1 === rank ? "token came" : "token" }, label);
    list.append(token, make("span", { className: "share" }, percent(probability)), bar);
  }
  return list;
};
