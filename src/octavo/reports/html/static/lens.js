"use strict";
/* The logit lens: pointing at a cell shows its probabilities and that of the actual token. */

/** Show the table in `root`, a row for each token and a column for each layer. `actual`: the label of each next token;
    `facts(position, layer)`: [predictions, probability and rank of the actual token, or null]. */
octavo.lensViewer = (root, { actual, layers, facts }) => {
  const { make, percent } = octavo;
  const cells = [...root.querySelectorAll(".lens-cell")];

  function describe(cell) {
    const index = cells.indexOf(cell);
    const position = Math.floor(index / layers);
    const [predictions, probability, rank] = facts(position, index % layers);
    const list = octavo.predictions(predictions, rank);
    if (rank === null) return make("div", {}, list);
    const place = rank === 1 ? "the top prediction" : `rank ${rank.toLocaleString("en")}`;
    const token = make("b", { className: "token" }, actual[position]);
    return make("div", {}, list, make("p", {}, "actual token ", token, `: ${percent(probability)} here, ${place}`));
  }

  /* A table with arrow keys among its cells is a grid to a screen reader. */
  const table = root.querySelector("table");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", "The top prediction of each layer after each token");
  for (const cell of table.querySelectorAll("tbody td, tfoot td")) cell.setAttribute("role", "gridcell");
  root.querySelector(".by-hand").hidden = false;
  octavo.tips(cells, describe);
  octavo.roving(cells, { keys: { ArrowUp: (index) => index - layers, ArrowDown: (index) => index + layers } });
};

/* `data.cells` has the facts of each token and each layer. */
octavo.widget("lens", (root, { actual, cells }) => {
  octavo.lensViewer(root, { actual, layers: cells[0].length, facts: (position, layer) => cells[position][layer] });
});
