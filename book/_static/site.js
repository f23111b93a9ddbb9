// What the extension multilingual.py cannot reach. Deferred: the page is complete, the scripts of
// Sphinx, sphinx-copybutton and the themes are loaded, but have not begun their work.

const language = document.documentElement.lang;

// The languages share one index: list the pages in the reader's first.
Scorer.score = ([docname, , , , score]) =>
  score + (docname.startsWith(`book/${language}/`) ? 1000 : 0);

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
    "Toggle hidden content": "隠れた内容の表示を切り替える",
  };
  for (const attribute of ["title", "aria-label"])
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      const label = labels[element.getAttribute(attribute)];
      if (label) element.setAttribute(attribute, label);
    }
}
