// Sorts and filters the table of settings. Without this script the table is complete. Words come with
// it, from irnn/chapters/runs.py.

import { filled, make } from "./dom.js";

for (const box of document.querySelectorAll(".irnn-catalogue")) {
  const words = JSON.parse(box.querySelector("script").textContent);
  const body = box.querySelector("tbody");
  const rows = [...body.rows];

  const input = make("input", { type: "search", placeholder: words.hint });
  const count = make("output", { ariaLive: "polite" });
  const filter = () => {
    const parts = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const ids = [...row.querySelectorAll("a")].map((run) => run.title); // as figures name runs
      const rates = [...row.querySelectorAll("[data-value]")].map((cell) => cell.dataset.value);
      const text = [row.textContent, ...rates, ...ids].join(" ").toLowerCase();
      row.hidden = !parts.every((part) => text.includes(part));
    }
    const n = rows.filter((row) => !row.hidden).length;
    count.textContent = filled(words.of, { n, all: rows.length });
  };
  input.addEventListener("input", filter);
  const label = make("label", {}, words.filter, " ", input);
  box.before(make("div", { className: "irnn-catalogue-filter" }, label, count));
  filter();

  const headings = [...box.querySelectorAll("th")];
  headings.forEach((heading, column) => {
    const onclick = () => {
      const down = heading.ariaSort === "ascending";
      headings.forEach((other) => { other.ariaSort = null; });
      heading.ariaSort = down ? "descending" : "ascending";
      const text = ({ cells: { [column]: cell } }) => cell.dataset.value ?? cell.textContent;
      const numeric = heading.classList.contains("number");
      const order = numeric
        ? (a, b) => (parseFloat(text(a)) || 0) - (parseFloat(text(b)) || 0)
        : (a, b) => text(a).localeCompare(text(b));
      body.append(...[...rows].sort(down ? (a, b) => order(b, a) : order));
    };
    heading.append(make("button", { type: "button", onclick }, ...heading.childNodes));
  });
}
