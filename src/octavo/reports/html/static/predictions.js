"use strict";
/** Tokens with their probabilities as bars: `predictions` are [label, probability], the most probable first; the one
    with the `rank` of the actual token is bold. Labels do not identify it, for two tokens can share one. */
octavo.predictions = (predictions, rank) => {
  const { make, percent } = octavo;
  const list = make("div", { className: "predictions" });
  for (const [index, [label, probability]] of predictions.entries()) {
    const bar = make("span", { className: "bar" });
    bar.style.width = `${100 * probability}%`;
    const token = make("span", { className: index + 1 === rank ? "token actual" : "token" }, label);
    list.append(token, make("span", { className: "share" }, percent(probability)), bar);
  }
  return list;
};
