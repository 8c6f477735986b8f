// Sorts a table by the column whose heading is pressed: figures as numbers, the rest as text.
const figure = (text) => {
  const found = text.replace(/,/g, "").match(/^[±+]?-?\d+(\.\d+)?(e[-+]?\d+)?/i);
  return found ? Number(found[0].replace("±", "")) : text.startsWith("-") ? -Infinity : NaN;
};
for (const table of document.querySelectorAll("table")) {
  for (const heading of table.tHead.rows[0].cells) {
    const cells = [...table.tBodies[0].rows].map((row) => row.cells[heading.cellIndex]);
    const all = cells.every((cell) => !Number.isNaN(figure(cell.textContent)));
    if (all && cells.some((cell) => /\d/.test(cell.textContent))) {
      for (const cell of [heading, ...cells]) cell.classList.add("number");
    }
  }
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const body = heading.closest("table").tBodies[0];
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const column = heading.cellIndex;
    const order = (one, two) => {
      const [a, b] = [one, two].map((row) => row.cells[column].textContent);
      const [x, y] = [figure(a), figure(b)];
      return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y || 0;
    };
    const rows = [...body.rows].sort((one, two) => (down ? order(two, one) : order(one, two)));
    body.append(...rows);
  });
}
