// Sorts and filters the table of settings. Without this script the table is complete.

const words = {
  en: { filter: "Filter the settings", of: "{n} of {all} settings", hint: "lstm bptt_steps 49" },
  ja: { filter: "設定を絞り込む", of: "{all} 通りの設定のうち {n} 通り", hint: "lstm bptt_steps 49" },
}[document.documentElement.lang] ?? {};

for (const box of document.querySelectorAll(".irnn-catalogue")) {
  const body = box.querySelector("tbody");
  const rows = [...body.rows];

  const input = Object.assign(document.createElement("input"), {
    type: "search", placeholder: words.hint, ariaLabel: words.filter,
  });
  const count = Object.assign(document.createElement("output"), { ariaLive: "polite" });
  const filter = () => {
    const parts = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const ids = [...row.querySelectorAll("a")].map((run) => run.title); // as figures name runs
      const text = [row.textContent, ...ids].join(" ").toLowerCase();
      row.hidden = !parts.every((part) => text.includes(part));
    }
    const n = rows.filter((row) => !row.hidden).length;
    count.textContent = words.of.replace("{n}", n).replace("{all}", rows.length);
  };
  input.addEventListener("input", filter);
  box.prepend(input, count);
  filter();

  const headings = [...box.querySelectorAll("th")];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.ariaSort === "ascending";
      headings.forEach((other) => { other.ariaSort = null; });
      heading.ariaSort = down ? "descending" : "ascending";
      const text = (row) => row.cells[column].textContent;
      const numeric = heading.classList.contains("number");
      const order = numeric
        ? (a, b) => (parseFloat(text(a)) || 0) - (parseFloat(text(b)) || 0)
        : (a, b) => text(a).localeCompare(text(b));
      body.append(...[...rows].sort(down ? (a, b) => order(b, a) : order));
    });
  });
}
