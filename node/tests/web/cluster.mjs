// Sees a cluster on the observer's page, in a real browser. Arguments: URL, where to put a screenshot ("-" for none),
// and the file that it makes when it has seen the cluster whole: then the node b leaves. Prints "passed".
import { writeFileSync } from "node:fs";
import { browse, must } from "./browser.mjs";

const [url, screenshot, seen] = process.argv.slice(2);
await browse(url, async (page, is) => {
  await page.click("[data-tab=cluster]");
  const rows = () => [...document.querySelectorAll("#members tr")].map((one) => one.textContent);
  await page.evaluate(`window.rows = ${rows}`);
  await is(() => rows().length === 3 && rows().every((row) => row.includes("2 of 2")));
  const texts = await page.evaluate(() => rows());
  must(texts[0].startsWith("ahere127.0.0.1:"), `the node itself: ${texts[0]}`);
  must(texts[1].startsWith("balive") || texts[1].startsWith("bup"), `another: ${texts[1]}`);
  await is(() => document.getElementById("view").textContent === "a in the cluster foundation: full mesh, no connection is missing");
  must((await page.$$("#topology line")).length === 3, "three nodes have three connections");
  const names = await page.$$eval("#topology text", (all) => all.map((one) => one.textContent));
  must(names.join() === "a,b,c", `names: ${names}`);
  must(await page.$eval("#topology .here text", (one) => one.textContent) === "a", "it is not marked");
  if (screenshot !== "-") await page.screenshot({ path: screenshot });
  writeFileSync(seen, "");
  // It has left after a while.
  await is(() => document.querySelectorAll("#topology text").length === 2);
  await is(() => rows().filter((row) => row.includes("1 of 1")).length === 2);
});
