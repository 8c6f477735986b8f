// Tables: sorted by the column whose heading is pressed or chosen, filtered by words, grouped by a fact.
const figure = (text) => {
  const found = text.replace(/,/g, "").match(/^[±+]?-?\d+(\.\d+)?(e[-+]?\d+)?/i);
  return found ? Number(found[0].replace("±", "")) : text.startsWith("-") ? -Infinity : NaN;
};
const compared = (a, b) => {
  const [x, y] = [figure(a), figure(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y || 0;
};
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  const tools = document.querySelector(`[data-table="${table.id}"]`);
  const state = { column: -1, down: false, words: [], group: -1 };
  for (const heading of headings) {
    const cells = rows.map((row) => row.cells[heading.cellIndex]);
    const all = cells.every((cell) => cell.textContent.length < 30 && !Number.isNaN(figure(cell.textContent)));
    if (all && cells.some((cell) => /\d/.test(cell.textContent))) {
      for (const cell of [heading, ...cells]) cell.classList.add("number");
    }
  }
  const kept = (row) => {
    const text = `${row.textContent} ${row.dataset.groups || ""}`.toLowerCase();
    return state.words.every((word) => text.includes(word));
  };
  const titled = (name, count) => {
    const row = document.createElement("tr");
    row.className = "group";
    const cell = document.createElement("th");
    cell.colSpan = headings.length;
    cell.scope = "rowgroup";
    cell.textContent = `${name} (${count})`;
    row.append(cell);
    return row;
  };
  const arrange = () => {
    let shown = rows.filter(kept);
    if (state.column >= 0) {
      const text = (row) => row.cells[state.column].textContent;
      shown.sort((one, two) => (state.down ? compared(text(two), text(one)) : compared(text(one), text(two))));
    }
    if (state.group >= 0) {
      const fact = (row) => JSON.parse(row.dataset.groups)[state.group];
      const groups = new Map();
      for (const row of shown) groups.set(fact(row), [...(groups.get(fact(row)) || []), row]);
      const ordered = [...groups].sort(([one], [two]) => compared(one, two));
      body.replaceChildren(...ordered.flatMap(([name, own]) => [titled(name, own.length), ...own]));
    } else {
      body.replaceChildren(...shown);
    }
    if (tools) {
      const words = tools.dataset.count.replace("@shown", shown.length).replace("@all", rows.length);
      tools.querySelector("output").textContent = words;
    }
  };
  const sort = (column, down) => {
    for (const other of headings) other.removeAttribute("aria-sort");
    Object.assign(state, { column, down });
    if (column >= 0) headings[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    arrange();
  };
  for (const button of table.querySelectorAll("th button")) {
    const heading = button.closest("th");
    button.addEventListener("click", () => {
      sort(heading.cellIndex, heading.getAttribute("aria-sort") === "ascending");
    });
  }
  if (tools) {
    const [filter, group, order] = ["filter", "group", "order"].map((name) => tools.querySelector(`[name=${name}]`));
    filter.addEventListener("input", () => {
      state.words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      arrange();
    });
    if (group) {
      group.addEventListener("change", () => {
        state.group = Number(group.value);
        arrange();
      });
    }
    order.addEventListener("change", () => {
      const [column, down] = order.value.split(" ");
      sort(Number(column), down === "down");
    });
    tools.hidden = false;
    arrange();
  }
}
