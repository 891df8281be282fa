"use strict";
/* A text coloured by surprise: pointing at a piece tells the odds of its tokens. `data` has the tokens of each piece:
   [label, nats, rank, guesses]. */
octavo.widget("surprise", (root, data) => {
  const { make, percent } = octavo;
  const pieces = [...root.querySelectorAll(".surprise-text > span")];

  function told(piece) {
    const parts = [];
    for (const [label, nats, rank, guesses] of data[pieces.indexOf(piece)]) {
      const token = make("b", { className: "token" }, label);
      const bits = `${(nats / Math.LN2).toFixed(1)} bits`;
      if (rank === null) {
        parts.push(make("p", {}, token, ` began the text: ${bits}, as by chance`));
        continue;
      }
      const place = rank === 1 ? "the likeliest" : `number ${rank.toLocaleString("en")}`;
      parts.push(make("p", {}, token, ` was ${percent(Math.exp(-nats))} likely: ${bits}, ${place}`));
      parts.push(octavo.odds(guesses, rank));
    }
    if (!parts.length) parts.push(make("p", {}, "no token stands for this"));
    return make("div", {}, ...parts);
  }

  const text = root.querySelector(".surprise-text");
  text.setAttribute("role", "toolbar");
  text.setAttribute("aria-label", "The text, token by token");
  for (const piece of pieces) piece.setAttribute("role", "button");
  root.querySelector(".by-hand").hidden = false;
  octavo.tips(pieces, told);
  octavo.roving(pieces);
});
