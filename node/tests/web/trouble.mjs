// Sees on the observer's page what is wrong with a node, in a real browser, and mends it. Arguments:
// URL, the text of its circle of calls, and the pid that is to be killed in it. Prints "passed".
import { browse, must } from "./browser.mjs";

const [url, circle, culprit] = process.argv.slice(2);
await browse(url, async (page, is) => {
  const alarm = (part) => is((part) =>
    [...document.querySelectorAll("#alarms li")].some((one) => one.textContent.includes(part)), part);
  await alarm("hoarder had ");
  await alarm("spinner has held a scheduler for");
  await alarm(`wait for each other: ${circle}`);
  const kinds = await page.$$eval("#alarms li", (all) => all.map((one) => one.textContent.split(":")[0]));
  must(["stuck", "deadlock", "mailbox"].every((kind) => kinds.includes(kind)), `alarms: ${kinds}`);
  // Circles have a section of their own.
  must(await page.$eval("#circles", (section) => section.hidden), "it is shown before it is chosen");
  await page.click("[data-tab=circles]");
  await is(() => document.querySelector("[data-tab=circles]").textContent === "Circles (1)");
  must(await page.$eval("#circles", (section) => !section.hidden && section.clientHeight > 0), "not shown");
  const shown = await page.$$eval("#circles .circle", (all) => all.map((one) => one.textContent));
  must(shown.length === 1 && shown[0] === circle, `circles: ${shown.join("; ")}`);
  // A process in it can be opened, and killed.
  await page.evaluate((pid) =>
    [...document.querySelectorAll("#circles button")].find((one) => one.textContent.includes(pid)).click(), culprit);
  await is((pid) => view.chosen === pid && document.getElementById("kill"), culprit);
  await page.evaluate(() => document.getElementById("kill").click());
  await is(() => document.getElementById("ask").open);
  await page.evaluate(() => document.getElementById("yes").click());
  await is(() => document.getElementById("circles").textContent === "No processes wait for each other.");
  await is(() => ![...document.querySelectorAll("#alarms li")].some((one) => one.textContent.startsWith("deadlock")));
  await alarm("hoarder had ");
});
