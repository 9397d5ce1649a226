// The page of examples/browser in Chromium: what the agent tries, what the guard shows, what the server saw.
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../fixtures/tools.ts";
import { pathOf } from "../portable/runtimes.js";
import { example, filesFile } from "./home.ts";

const executablePath: string | undefined = pathOf("chromium");
const TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".css", "text/css"],
  [".js", "text/javascript"],
  [".json", "application/json"],
]);
const POLICY =
  "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const PATIENCE = { timeout: 20_000 };

let server: Server;
let browser: Browser | undefined;
let page: Page;
const violations: string[] = [];

/** The built page under the policy that its README names. */
async function serve(folder: string): Promise<string> {
  server = createServer((request, response) => {
    const name = request.url === "/" ? "/index.html" : (request.url ?? "");
    const type = TYPES.get(extname(name));
    if (type === undefined) {
      response.writeHead(404).end();
      return;
    }
    const headers = { "content-type": type, "content-security-policy": POLICY };
    response.writeHead(200, headers).end(readFileSync(join(folder, name)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/`;
}

/** Runs the agent against one of the servers; gives what the page shows. */
async function run(
  kind: string,
): Promise<{ decisions: string[]; records: string[]; seen: string }> {
  await page.selectOption("#server", kind);
  await page.click("button");
  await page.waitForFunction(
    () => document.getElementById("upstream")?.textContent?.startsWith("the server saw"),
    undefined,
    PATIENCE,
  );
  const texts = (selector: string): Promise<string[]> => page.locator(selector).allInnerTexts();
  const decisions = (await texts("#decisions tr")).map((row) => row.split("\t").join(" "));
  return {
    decisions,
    records: await texts("#records li"),
    seen: await page.innerText("#upstream"),
  };
}

describe.skipIf(executablePath === undefined)("examples/browser", () => {
  beforeAll(async () => {
    const folder = temporaryDirectory();
    const out = join(folder, "page");
    await example("examples/browser/build.js", await filesFile(folder), out);
    const url = await serve(out);
    browser = await chromium.launch({ executablePath: executablePath ?? "", args: FLAGS });
    page = await browser.newPage();
    page.on("console", (message) => violations.push(message.text()));
    page.on("pageerror", (error) => violations.push(error.message));
    await page.goto(url);
    await page.waitForFunction(
      () => document.getElementById("catalog")?.textContent?.includes("verified"),
      undefined,
      PATIENCE,
    );
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it("allows what was reviewed, and refuses the tool that nobody pinned", async () => {
    const { decisions, records, seen } = await run("honest");
    expect(decisions).toEqual([
      "read_text_file allow allowed",
      expect.stringMatching(/^write_file (allow|ask_user|deny) /),
      "export_secrets deny tool_smuggle",
    ]);
    expect(records).toContain("call allow allowed read_text_file");
    expect(records).toContain("call deny tool_smuggle export_secrets");
    const allowed = decisions.filter((text) => text.includes(" allow ")).length;
    expect(seen).toBe(`the server saw ${allowed} calls`);
  }, 60_000);

  it("lets nothing through to a server that has changed, or that offers more than was reviewed", async () => {
    const drift = await run("drift");
    expect(drift.decisions[0]).toBe("read_text_file deny fingerprint_drift");
    expect(drift.seen).toBe("the server saw 0 calls");
    const smuggle = await run("smuggle");
    expect(smuggle.decisions.at(-1)).toBe("export_secrets deny tool_smuggle");
    expect(smuggle.records).toContain("call deny tool_smuggle export_secrets");
  }, 60_000);

  it("needs nothing beyond its content security policy, and can be looked at", async () => {
    expect(violations).toEqual([]);
    const picture = await page.screenshot({ fullPage: true });
    expect(picture.length).toBeGreaterThan(10_000);
  });
});
