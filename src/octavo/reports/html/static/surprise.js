"use strict";
/* A text coloured by surprisal: pointing at a span shows the predictions of its tokens. `data` has the tokens of each
   span: [label, nats, rank, predictions]. */
octavo.widget("surprise", (root, data) => {
  const { make, percent } = octavo;
  const spans = [...root.querySelectorAll(".surprise-text > span")];

  function describe(span) {
    const parts = [];
    for (const [label, nats, rank, predictions] of data[spans.indexOf(span)]) {
      const token = make("b", { className: "token" }, label);
      const bits = `${(nats / Math.LN2).toFixed(1)} bits`;
      if (rank === null) {
        parts.push(make("p", {}, token, ` begins the text: ${bits}, as under the uniform baseline`));
        continue;
      }
      const place = rank === 1 ? "the top prediction" : `rank ${rank.toLocaleString("en")}`;
      parts.push(make("p", {}, token, `: ${bits}, probability ${percent(Math.exp(-nats))}, ${place}`));
      parts.push(octavo.predictions(predictions, rank));
    }
    if (!parts.length) parts.push(make("p", {}, "the tokenizer has no token for this"));
    return make("div", {}, ...parts);
  }

  const text = root.querySelector(".surprise-text");
  text.setAttribute("role", "toolbar");
  text.setAttribute("aria-label", "The text, token by token");
  for (const span of spans) span.setAttribute("role", "button");
  root.querySelector(".by-hand").hidden = false;
  octavo.tips(spans, describe);
  octavo.roving(spans);
});
