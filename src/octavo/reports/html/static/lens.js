"use strict";
/* The logit lens: pointing at a cell shows its probabilities and that of the actual token. `data.cells` has for each
   token and each layer [predictions, probability and rank of the actual token]. */
octavo.widget("lens", (root, data) => {
  const { make, percent } = octavo;
  const cells = [...root.querySelectorAll(".lens-cell")];
  const layers = data.cells[0].length;

  function describe(cell) {
    const index = cells.indexOf(cell);
    const position = Math.floor(index / layers);
    const [predictions, probability, rank] = data.cells[position][index % layers];
    const actual = data.actual[position];
    const list = octavo.predictions(predictions, rank);
    if (rank === null) return make("div", {}, list);
    const place = rank === 1 ? "the top prediction" : `rank ${rank.toLocaleString("en")}`;
    const token = make("b", { className: "token" }, actual);
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
});
