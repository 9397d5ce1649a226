// The local page in a real browser: what a person sees, and what texts of others can do there.
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { GivenAnswer, Question } from "../../src/store/records.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { question } from "../store/fixtures.ts";
import { signedHome } from "./signed-home.ts";
import { startWebPage, type WebPage } from "./web-page.ts";

const EXECUTABLE = [
  process.env["PORTCULLIS_CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== "" && existsSync(path));

const HOSTILE = `tool <img src=x onerror="document.title='owned'"><script>alert(1)</script>
</pre><button class="deny">Deny</button> javascript:alert(1)`;

describe.skipIf(EXECUTABLE === undefined)("in Chromium", () => {
  let browser: Browser;
  let dir: string;
  let server: WebPage;
  let page: Page;
  let troubles: string[];

  beforeAll(async () => {
    const executablePath = EXECUTABLE ?? "";
    // WHY: containers that run as root have no user namespaces for the browser's own sandbox
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });

  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(async () => {
    ({ dir } = await signedHome());
    server = await startWebPage(dir);
    page = await (await browser.newContext()).newPage();
    troubles = [];
    page.on("console", (line) => troubles.push(line.text()));
    page.on("pageerror", (error) => troubles.push(error.message));
    page.on("dialog", (dialog) => {
      troubles.push(dialog.message());
      void dialog.dismiss();
    });
    return async () => {
      await page.context().close();
      await server.stop();
    };
  });

  function withStore<T>(action: (store: SyncStateStore) => T): T {
    const store = openSqliteStore(join(dir, "state.db"));
    try {
      return action(store);
    } finally {
      store.close();
    }
  }

  function put(id: string, changes: Partial<Question> = {}): void {
    const nowMs = Date.now();
    const live = { createdAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
    withStore((store) => store.putQuestion(question(id, { ...live, ...changes })));
  }

  /** The answer, once the page has given it. */
  async function answerTo(id: string): Promise<GivenAnswer> {
    return expect
      .poll(() => withStore((store) => store.getAnswer(id)), { timeout: 5000 })
      .toBeDefined()
      .then(() => withStore((store) => store.getAnswer(id)) ?? expect.fail("no answer"));
  }

  function card(id: string): ReturnType<Page["locator"]> {
    return page.locator(`article[data-id="${id}"]`);
  }

  /** Clicks once the page takes clicks again after something has moved. */
  async function press(id: string, name: string): Promise<void> {
    await page.waitForTimeout(700);
    await card(id).getByRole("button", { name, exact: true }).click();
  }

  it("shows a question that comes, whole, and gives each of the answers", async () => {
    await page.goto(server.url);
    await page.getByText("No questions are waiting.").waitFor();
    for (const id of ["q-1", "q-2", "q-3", "q-4"]) put(id);
    await card("q-4").waitFor();
    expect(await card("q-1").locator("pre").textContent()).toBe(question("q").text);
    expect(await card("q-1").textContent()).toMatch(/files.*write_file.*\d:\d\d left/);
    expect(await page.title()).toBe("(4) portcullis");
    await press("q-1", "Deny");
    expect(await answerTo("q-1")).toMatchObject({ answer: { choice: "deny" }, channel: "web" });
    await press("q-2", "Allow once");
    expect(await answerTo("q-2")).toMatchObject({ answer: { choice: "once" } });
    await press("q-3", "Allow in this session");
    expect(await answerTo("q-3")).toMatchObject({ answer: { choice: "session" } });
    await card("q-4").getByLabel("calls").fill("7");
    await card("q-4").getByLabel("minutes").fill("3");
    await press("q-4", "Allow these");
    expect(await answerTo("q-4")).toMatchObject({
      answer: { choice: "lease", maxInvocations: 7, ttlMs: 180_000 },
    });
    await page.getByText("No questions are waiting.").waitFor();
    expect(troubles).toEqual([]);
  });

  it("a text that is markup is shown as it is, and does nothing", async () => {
    put("q", { text: HOSTILE, serverId: "evil" });
    await page.goto(server.url);
    await card("q").waitFor();
    expect(await card("q").locator("pre").textContent()).toBe(HOSTILE);
    expect(await card("q").locator("pre *").count()).toBe(0);
    expect(await page.locator("img").count()).toBe(0);
    expect(await card("q").getByRole("button", { name: "Deny", exact: true }).count()).toBe(1);
    expect(await page.title()).toBe("(1) portcullis");
    expect(troubles).toEqual([]);
  });

  it("a click right after the questions moved is none: it was meant for another one", async () => {
    put("q-1");
    put("q-2");
    await page.goto(server.url);
    await card("q-2").waitFor();
    await page.waitForTimeout(700);
    withStore((store) => store.answerQuestion("q-1", { choice: "deny" }, "terminal", Date.now()));
    await card("q-1").waitFor({ state: "detached" });
    await card("q-2").getByRole("button", { name: "Allow once" }).click();
    await page.waitForTimeout(300);
    expect(withStore((store) => store.getAnswer("q-2"))).toBeUndefined();
    await press("q-2", "Allow once");
    expect(await answerTo("q-2")).toMatchObject({ answer: { choice: "once" } });
  });

  it("a reload of the tab goes on, the token is gone from the address, another browser gets nothing", async () => {
    put("q", { channels: ["terminal"] });
    await page.goto(server.url);
    await card("q").waitFor();
    expect(page.url()).toBe(`${server.origin}/`);
    await page.reload();
    await card("q").waitFor();
    expect(await card("q").textContent()).toContain("To be answered by terminal, not here.");
    expect(await card("q").getByRole("button").count()).toBe(0);
    const stranger = await (await browser.newContext()).newPage();
    await stranger.goto(server.url);
    expect(await stranger.textContent("main")).toContain("This link was used");
    await stranger.goto(server.origin);
    expect(await stranger.textContent("main")).toContain("Open the link");
    await stranger.context().close();
  });

  it("another site that the same browser shows cannot frame, read or answer it", async () => {
    put("q");
    await page.goto(server.url);
    await card("q").waitFor();
    const evil = await page.context().newPage();
    await evil.route("http://evil.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: "<h1>evil</h1>" }),
    );
    await evil.goto("http://evil.example/");
    const tried = await evil.evaluate(async (origin) => {
      const attempt = async (init: RequestInit): Promise<string> => {
        try {
          const response = await fetch(`${origin}/answer`, { ...init, credentials: "include" });
          return `status ${response.status}`;
        } catch {
          return "blocked";
        }
      };
      const body = JSON.stringify({ id: "q", choice: "once" });
      const headers = { "content-type": "application/json" };
      return [
        await attempt({ method: "POST", body }),
        await attempt({ method: "POST", body, headers }),
        await attempt({ method: "POST", body, mode: "no-cors" }),
      ];
    }, server.origin);
    expect(tried.slice(0, 2)).toEqual(["blocked", "blocked"]);
    await evil.setContent(`<iframe src="${server.origin}/"></iframe>`);
    await evil.waitForTimeout(500);
    const framed = evil.frames().map((frame) => frame.url());
    expect(framed).not.toContain(`${server.origin}/`);
    expect(withStore((store) => store.getAnswer("q"))).toBeUndefined();
  });

  it("says so when the command has ended", async () => {
    await page.goto(server.url);
    await page.getByText("No questions are waiting.").waitFor();
    await server.stop();
    await page.getByText("The guard's page has ended.").waitFor();
  });
});
