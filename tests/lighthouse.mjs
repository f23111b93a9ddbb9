// Runs Lighthouse on pages, one after another in one browser:
//
//     node lighthouse.mjs CHROMIUM < jobs.json
//
// A job is {"url", "device": "phone" or "desktop", "categories", "times"}. Prints, for each, its
// scores of 0 to 100 by category, the median where it ran several times, and what failed.

import { readFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";

// With its own way of throttling, which slows nothing down: with any other it waits all the same.
const AT_ONCE = {
  disableFullPageScreenshot: true,
  pauseAfterFcpMs: 0,
  pauseAfterLoadMs: 0,
  networkQuietThresholdMs: 0,
  cpuQuietThresholdMs: 0,
};
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

const chrome = await launch({
  chromePath: process.argv[2],
  chromeFlags: ["--headless", "--no-sandbox", "--disable-gpu"],
});

async function measure({ url, device, categories, times = 1 }) {
  const timed = categories.includes("performance");
  const flags = { port: chrome.port, logLevel: "error", onlyCategories: categories };
  // Without times to measure, nothing need be slowed down or waited for.
  if (!timed) Object.assign(flags, AT_ONCE);
  const scores = Object.fromEntries(categories.map((name) => [name, []]));
  const failed = {};
  for (let n = 0; n < times; n++) {
    const { lhr } = await lighthouse(url, flags, device === "desktop" ? desktopConfig : undefined);
    if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
    for (const name of categories) {
      scores[name].push(Math.round(100 * lhr.categories[name].score));
      for (const { id, weight } of lhr.categories[name].auditRefs) {
        const { score, title, details } = lhr.audits[id];
        if (name !== "performance" && weight && score !== null && score < 1)
          failed[id] = [title, ...(details?.items ?? []).map((item) => JSON.stringify(item))];
      }
    }
  }
  for (const name of categories) scores[name] = median(scores[name]);
  return { url, device, scores, failed };
}

try {
  const found = [];
  for (const job of JSON.parse(readFileSync(0, "utf8"))) found.push(await measure(job));
  console.log(JSON.stringify(found));
} finally {
  chrome.kill();
}
