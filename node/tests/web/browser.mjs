// A headless browser with the observer's page open.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
const require = createRequire(process.cwd() + "/");
const puppeteer = require("puppeteer-core");

export const must = (so, what) => { if (!so) throw new Error(what); };

// Runs `test(page, is)` on the page at `url`; `is` waits until something holds there. Prints "passed",
// or fails with what is wrong, also when the page itself complained.
export async function browse(url, test) {
  const profile = mkdtempSync(join(tmpdir(), "observe-web-"));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, userDataDir: profile,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const complaints = [];
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1180, height: 860 });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (line) => { if (line.type() === "error") complaints.push(line.text()); });
    await page.goto(url);
    const is = async (what, ...rest) => {
      try {
        return await page.waitForFunction(what, { timeout: 60000 }, ...rest);
      } catch (error) {
        const shown = await page.evaluate(() => document.body.innerText.slice(0, 4000));
        throw new Error(`${error.message}: ${what} ${rest}\n${shown}`);
      }
    };
    await is(() => document.getElementById("contact").textContent === "live");
    await test(page, is);
    // 404 of a process that was killed is an answer.
    const strange = complaints.filter((text) => !text.includes("404"));
    must(strange.length === 0, `the page complained: ${strange.join("; ")}`);
    console.log("passed");
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
