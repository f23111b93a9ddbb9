// What the extension multilingual.py cannot reach. Deferred: the page is complete, the scripts of
// Sphinx, sphinx-copybutton and the themes are loaded, but have not begun their work.

const language = document.documentElement.lang;

// On the search page: the languages share one index, so list the pages in the reader's, or all where
// none of these has it; first those whose titles have most of what is searched for. Excerpts are of
// the article, not of what stands around it or is folded away.
if (typeof Search !== "undefined") {
  let wanted = new Set();
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const parsed = parse(query);
    wanted = parsed[1];
    return parsed;
  };
  const stemmer = new Stemmer();
  Scorer.score = ([, title, , , score]) => {
    const terms = splitQuery(title.toLowerCase()).map((term) => stemmer.stemWord(term));
    const share = terms.filter((term) => wanted.has(term)).length / (wanted.size || 1);
    return score + 100 * Math.min(share, 1);
  };
  const perform = Search._performSearch;
  Search._performSearch = (...query) => {
    const found = perform(...query);
    const own = found.filter(([docname]) => docname.startsWith(`book/${language}/`));
    return own.length ? own : found;
  };
  const toText = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const part of page.querySelectorAll("details, svg, .bd-article h1")) part.remove();
    return toText(`<div role="main">${page.querySelector(".bd-article").innerHTML}</div>`, anchor);
  };
}

// The root page begins with the language in which the reader last read; or that of the browser.
// No page leads to another by itself.
const choice = document.querySelector(".languages");
if (choice) {
  const wanted = [localStorage.getItem("language"), ...navigator.languages];
  const found = wanted.map((code) => choice.querySelector(`[lang="${code?.slice(0, 2)}"]`));
  choice.prepend(found.find(Boolean) ?? "");
} else {
  localStorage.setItem("language", language);
}

// The switch between the languages keeps the section, what is asked for and what is searched for.
const sections = [...document.querySelectorAll("[id^='section-']")];
for (const link of document.querySelectorAll(".language-switch"))
  for (const event of ["click", "auxclick"])
    link.addEventListener(event, () => {
      const above = sections.filter((e) => e.getBoundingClientRect().top < innerHeight / 3);
      const section = above.length ? `#${above.at(-1).id}` : "";
      link.hash = location.hash.includes("=") ? location.hash : section;
      link.search = location.search;
    });

// On a phone the columns of a table stand below each other, where a cell has to say which it is of.
for (const table of document.querySelectorAll(".bd-article .table")) {
  const names = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent);
  for (const cell of table.querySelectorAll("tbody td"))
    if (cell.textContent.trim()) cell.dataset.label = names[cell.cellIndex];
}

// What was searched for is marked on the page that is opened from the results, on no other later.
if (!/\/search[^/]*$/.test(document.referrer)) localStorage.removeItem("sphinx_highlight_terms");

if (language === "ja") {
  Documentation.addTranslations({
    locale: "ja",
    plural_expr: "0",
    messages: {
      "Searching": "検索中",
      "Search Results": "検索結果",
      "Search finished, found ${resultCount} page(s) matching the search query.":
        "${resultCount} ページが見つかった。",
      "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
        "見つからなかった。別の語で試してほしい。",
      "Hide Search Matches": "検索語の強調を消す",
    },
  });

  messages.ja = {
    copy: "コピー",
    copy_to_clipboard: "クリップボードにコピー",
    copy_success: "コピーした",
    copy_failure: "コピーできなかった",
  };
  locale = "ja";

  const labels = {
    "Toggle primary sidebar": "目次の表示を切り替える",
    "Toggle secondary sidebar": "このページの内容の表示を切り替える",
    Page: "このページの内容",
  };
  for (const attribute of ["title", "aria-label"])
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      const label = labels[element.getAttribute(attribute)];
      if (label) element.setAttribute(attribute, label);
    }
}
