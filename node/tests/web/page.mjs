// Drives the observer's page in a real browser. Arguments: URL, where to put a screenshot ("-" for
// none). Prints "passed", or fails with what is wrong.
import { browse, must } from "./browser.mjs";

const [url, screenshot] = process.argv.slice(2);
await browse(url, async (page, is) => {
  // Charts get data.
  await is(() => loads.plot && loads.data[0].length >= 3 && loads.data[1].some((y) => y > 0));
  must(await page.$("#load canvas"), "no chart is drawn");
  await is(() => counts.data[1].some((count) => count > 100));
  // Sorting works.
  await is(() => document.querySelectorAll("#rows tr").length === 50);
  await page.click("[data-sort=reductions]");
  await is(() => document.getElementById("rows").dataset.sort === "reductions");
  const handled = await page.$$eval("#rows tr", (rows) => rows.map((row) => +row.dataset.reductions));
  must(handled.every((one, at) => at === 0 || handled[at - 1] >= one), `not sorted: ${handled}`);
  await page.click("#next");
  await is(() => document.getElementById("range").textContent.startsWith("51–"));
  await page.click("#previous");
  // The tree has the supervisors.
  await page.click("[data-tab=tree]");
  await is(() => document.getElementById("tree").textContent.includes("◆ counting"));
  // One process: found, opened, traced.
  await page.click("[data-tab=processes]");
  await page.type("#code", "Client");
  await is(() => [...document.querySelectorAll("#rows tr")].every((row) => row.textContent.includes("Client")));
  await page.evaluate(() => { document.getElementById("code").value = ""; document.getElementById("code").oninput(); });
  const router = () => [...document.querySelectorAll("#rows tr")].find((row) => row.textContent.includes("router"));
  await is(router);
  await page.evaluate(`(${router})().click()`);
  await is(() => document.getElementById("kill"));
  const pid = await page.evaluate(() => view.chosen);
  await page.evaluate(() => document.getElementById("trace").click());
  await is(() => /got|sent|handles/.test(document.getElementById("log").textContent));
  await new Promise((then) => setTimeout(then, 8000));
  if (screenshot !== "-") await page.screenshot({ path: screenshot });
  // Kill asks first, and leaves it when the answer is no.
  const alive = async () => page.evaluate(async (pid) => {
    try { return (await ask("process", { pid })).pid === pid; } catch { return false; }
  }, pid);
  const question = async (answer) => {
    await page.evaluate(() => document.getElementById("kill").click());
    await is(() => document.getElementById("ask").open);
    must(await alive(), "it was killed before the answer");
    await page.evaluate((answer) => document.getElementById(answer).click(), answer);
  };
  await question("no");
  await new Promise((then) => setTimeout(then, 300));
  must(await alive(), "it was killed although the answer was no");
  await question("yes");
  await is(() => document.getElementById("note").textContent === "killed");
  for (let tries = 0; await alive(); tries += 1) {
    must(tries < 50, "it was not killed");
    await new Promise((then) => setTimeout(then, 100));
  }
});
