import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
const chrome = await launch({ chromePath: "/usr/bin/chromium", chromeFlags: ["--headless", "--no-sandbox", "--disable-gpu"] });
for (const url of process.argv.slice(3)) {
  const s=[];
  for (let n=0;n<+process.argv[2];n++){
  const { lhr } = await lighthouse(url, { port: chrome.port, logLevel: "error", onlyCategories: ["performance"] });
  const a=lhr.audits; s.push([Math.round(100*lhr.categories.performance.score), Math.round(a["total-blocking-time"].numericValue), Math.round(a["first-contentful-paint"].numericValue), Math.round(a["largest-contentful-paint"].numericValue), a["cumulative-layout-shift"].numericValue.toFixed(3), Math.round(a["speed-index"].numericValue)].join("/"));
  if(n==0) console.log(url.split('/').slice(-2).join('/'), a["mainthread-work-breakdown"].details.items.map(i=>i.groupLabel+" "+Math.round(i.duration)).join(", "));
  if(n==0) console.log("  long:", (a["long-tasks"]?.details?.items??[]).slice(0,8).map(i=>`${i.url.slice(-30)} ${Math.round(i.startTime)}+${Math.round(i.duration)}`).join("; "));
  }
  console.log("  score/TBT/FCP/LCP/CLS/SI", s.join("  "));
}
chrome.kill();
