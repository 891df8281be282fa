"use strict";
/* The table of tokens by layers: pointing at a cell tells its odds, and those of what really came. `data.cells` has of
   each token, and of each layer there, [guesses, probability and rank of what came]. */
octavo.widget("lens", (root, data) => {
  const { make, percent } = octavo;
  const cells = [...root.querySelectorAll(".lens-cell")];
  const layers = data.cells[0].length;

  function told(cell) {
    const index = cells.indexOf(cell);
    const place = Math.floor(index / layers);
    const [guesses, probability, rank] = data.cells[place][index % layers];
    const came = data.came[place];
    const odds = octavo.odds(guesses, rank);
    if (rank === null) return make("div", {}, odds);
    const where = rank === 1 ? "the likeliest" : `number ${rank.toLocaleString("en")}`;
    const token = make("b", { className: "token" }, came);
    return make("div", {}, odds, make("p", {}, token, ` came: ${percent(probability)} likely here, ${where}`));
  }

  /* A table whose cells keys move among is a grid; rows and cells have their roles from it. */
  const table = root.querySelector("table");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", "What each layer expects after each token");
  for (const cell of table.querySelectorAll("tbody td, tfoot td")) cell.setAttribute("role", "gridcell");
  root.querySelector(".by-hand").hidden = false;
  octavo.tips(cells, told);
  octavo.roving(cells, { keys: { ArrowUp: (index) => index - layers, ArrowDown: (index) => index + layers } });
});
