"use strict";
/* The head table: the title of a column sorts by it; the meaning of columns and labels is shown on focus and hover. */
octavo.widget("heads", (root) => {
  const body = root.querySelector("tbody");
  const order = [...body.rows]; // by layer and head
  const titles = [...root.querySelectorAll("thead th[data-about]")];
  const say = octavo.speaker(root);

  /** The value of a row in a column; in the first column the position of the head. */
  function valueOf(row, column) {
    if (column === 0) return order.indexOf(row);
    return parseFloat(row.cells[column].dataset.value ?? "NaN");
  }

  function sort(column) {
    const title = titles[column];
    const first = column === 0 ? "ascending" : "descending"; // of values the largest first
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = title.getAttribute("aria-sort") === first ? other : first;
    for (const each of titles) each.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const known = order.filter((row) => !Number.isNaN(valueOf(row, column)));
    const unknown = order.filter((row) => !known.includes(row));
    known.sort((one, two) => sign * (valueOf(one, column) - valueOf(two, column)));
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
