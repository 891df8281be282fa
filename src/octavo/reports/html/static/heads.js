"use strict";
/* The table of heads: a column's title sorts by it, and what columns and names mean is said on focus and hover. */
octavo.widget("heads", (root) => {
  const body = root.querySelector("tbody");
  const order = [...body.rows]; // as they came: by layer and head
  const titles = [...root.querySelectorAll("thead th[data-about]")];
  const say = octavo.speaker(root);

  /** The figure of a row in a column; the first column's is the row's place in the order of heads. */
  function figure(row, column) {
    if (column === 0) return order.indexOf(row);
    return parseFloat(row.cells[column].dataset.value ?? "NaN");
  }

  function sort(column) {
    const title = titles[column];
    const first = column === 0 ? "ascending" : "descending"; // of figures the largest is sought
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = title.getAttribute("aria-sort") === first ? other : first;
    for (const each of titles) each.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const known = order.filter((row) => !Number.isNaN(figure(row, column)));
    const unknown = order.filter((row) => !known.includes(row));
    known.sort((one, two) => sign * (figure(one, column) - figure(two, column)));
    body.append(...known, ...unknown);
    say(`sorted by ${title.innerText.trim()}, ${direction}`);
  }

  titles.forEach((title, column) => {
    const button = octavo.make("button", { type: "button" }, title.textContent);
    button.addEventListener("click", () => sort(column));
    title.replaceChildren(button);
    octavo.tips([button], () => title.dataset.about);
  });
  const names = [...root.querySelectorAll(".name")];
  for (const name of names) {
    name.tabIndex = 0;
    name.setAttribute("role", "note");
    name.setAttribute("aria-label", `${name.textContent}: ${name.dataset.about}`);
  }
  octavo.tips(names, (name) => name.dataset.about);
});
