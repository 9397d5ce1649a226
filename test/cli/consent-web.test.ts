// The local page against whoever is not its user: other sites, other programs, other hosts' names.
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LIMIT_WEB_BODY_BYTES } from "../../src/cli/consent-web-server.ts";
import type { GivenAnswer, Question } from "../../src/store/records.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { question } from "../store/fixtures.ts";
import { cli } from "./process.ts";
import { signedHome } from "./signed-home.ts";
import { openLink, send, startWebPage, type WebPage, type WebSession } from "./web-page.ts";

let dir: string;
let page: WebPage;

beforeEach(async () => {
  ({ dir } = await signedHome());
  page = await startWebPage(dir);
});

afterEach(async () => {
  await page.stop();
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

function given(id: string): GivenAnswer | undefined {
  return withStore((store) => store.getAnswer(id));
}

function headersOf({ cookie, key }: WebSession): Record<string, string> {
  return {
    ...{ Cookie: cookie, "X-Portcullis-Key": key, Origin: page.origin },
    "Content-Type": "application/json",
  };
}

const ONCE = JSON.stringify({ id: "q", choice: "once" });

describe("the user of the page", () => {
  it("sees what waits, and the answer carries the channel", async () => {
    put("q", { text: "a < b & <script>" });
    const session = await openLink(page.url);
    const listed = await send(`${page.origin}/questions`, { headers: headersOf(session) });
    expect(listed.status).toBe(200);
    expect(JSON.parse(listed.body)).toMatchObject({
      ok: true,
      questions: [{ id: "q", server: "files", name: "write_file", text: "a < b & <script>" }],
    });
    const headers = headersOf(session);
    const sent = await send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
    expect(sent).toMatchObject({ status: 200, body: '{"ok":true}' });
    expect(given("q")).toMatchObject({ answer: { choice: "once" }, channel: "web" });
    const again = await send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
    expect(again.status).toBe(409);
  });

  it("can open the page with fetch, too, and gets every header that keeps others out", async () => {
    const response = await fetch(page.url);
    expect(response.status).toBe(200);
    const csp = response.headers.get("content-security-policy") ?? "";
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(csp).toContain(part);
    }
    expect(csp).not.toMatch(/unsafe|https?:|\*/);
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(response.headers.get("set-cookie")).toMatch(
      /^portcullis=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/,
    );
    expect(await response.text()).not.toMatch(/https?:\/\//);
    const script = await (await fetch(`${page.origin}/page.js`)).text();
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|https?:/);
    const style = await (await fetch(`${page.origin}/page.css`)).text();
    expect(style).not.toMatch(/url\(|@import/);
  });

  it("may grant a lease within its limits, and nothing above them", async () => {
    put("q");
    const headers = headersOf(await openLink(page.url));
    const post = (body: unknown): Promise<{ status: number }> =>
      send(`${page.origin}/answer`, { method: "POST", headers, body: JSON.stringify(body) });
    for (const bad of [
      { id: "q", choice: "lease", calls: 101, minutes: 1 },
      { id: "q", choice: "lease", calls: 1, minutes: 1441 },
      { id: "q", choice: "lease", calls: 0, minutes: 1 },
      { id: "q", choice: "lease", calls: "5", minutes: 1 },
      { id: "q", choice: "lease" },
      { id: "q", choice: "allow" },
      { id: ["q"], choice: "once" },
      { choice: "once" },
      [],
      null,
    ]) {
      expect(await post(bad), JSON.stringify(bad)).toMatchObject({ status: 400 });
    }
    expect(given("q")).toBeUndefined();
    const lease = { id: "q", choice: "lease", calls: 100, minutes: 1440 };
    expect(await post(lease)).toMatchObject({ status: 200 });
    expect(given("q")?.answer).toMatchObject({ maxInvocations: 100, ttlMs: 86_400_000 });
  });

  it("cannot answer what its server keeps to another channel", async () => {
    put("q", { channels: ["terminal"] });
    const headers = headersOf(await openLink(page.url));
    const sent = await send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
    expect(sent.status).toBe(403);
    expect(given("q")).toBeUndefined();
  });
});

describe("somebody else", () => {
  it("the link works once: who finds it later gets nothing", async () => {
    await openLink(page.url);
    const second = await send(page.url);
    expect(second.status).toBe(403);
    expect(second.headers.get("set-cookie")).toBeUndefined();
    expect(second.body).not.toContain('name="key"');
  });

  it.each([
    "",
    "x",
    "A".repeat(43),
  ])("a guessed token %j opens nothing and uses nothing up", async (token) => {
    const guessed = await send(`${page.origin}/?token=${token}`);
    expect(guessed.status).toBe(403);
    expect(guessed.headers.get("set-cookie")).toBeUndefined();
    await openLink(page.url);
  });

  it("without the link there is no page, no question and no answer", async () => {
    put("q");
    expect((await send(`${page.origin}/`)).status).toBe(401);
    expect((await send(`${page.origin}/questions`)).status).toBe(401);
    const headers = { Origin: page.origin, "Content-Type": "application/json" };
    const sent = await send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
    expect(sent.status).toBe(401);
    expect(given("q")).toBeUndefined();
  });

  it("a program that was shown the cookie, as cookies know no ports, cannot use it", async () => {
    put("q");
    const { cookie } = await openLink(page.url);
    const stolen = { Cookie: cookie, Origin: page.origin, "Content-Type": "application/json" };
    const home = await send(`${page.origin}/`, { headers: stolen });
    expect(home.status).toBe(200);
    expect(home.body).toContain('<meta name="key" content="">');
    for (const key of ["", "x", cookie.split("=")[1] ?? ""]) {
      const headers = { ...stolen, "X-Portcullis-Key": key };
      expect((await send(`${page.origin}/questions`, { headers })).status).toBe(401);
      const sent = await send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
      expect(sent.status).toBe(401);
    }
    expect(given("q")).toBeUndefined();
  });

  it("the key without the cookie is nothing either", async () => {
    put("q");
    const { Cookie: _, ...headers } = headersOf(await openLink(page.url));
    const sent = await send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
    expect(sent.status).toBe(401);
    expect(given("q")).toBeUndefined();
  });

  it("another host name, as after a DNS rebinding, is refused before anything is looked at", async () => {
    const { port } = new URL(page.origin);
    for (const host of [
      `evil.example:${port}`,
      `localhost:${port}`,
      `127.0.0.1.evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1:${Number(port) + 1}`,
      `[::1]:${port}`,
    ]) {
      const { status, headers } = await send(page.url, { headers: { Host: host } });
      expect({ host, status }).toEqual({ host, status: 421 });
      expect(headers.get("set-cookie")).toBeUndefined();
    }
    await openLink(page.url);
  });

  it("another origin or site is refused, with whatever credentials", async () => {
    put("q");
    const good = headersOf(await openLink(page.url));
    const post = (headers: Record<string, string>): Promise<{ status: number }> =>
      send(`${page.origin}/answer`, { method: "POST", headers, body: ONCE });
    for (const origin of [
      "null",
      "https://evil.example",
      page.origin.replace("http:", "https:"),
      `${page.origin}.evil.example`,
    ]) {
      expect(await post({ ...good, Origin: origin }), origin).toMatchObject({ status: 403 });
    }
    const { Origin: _, ...bare } = good;
    expect(await post(bare)).toMatchObject({ status: 403 });
    for (const site of ["cross-site", "same-site"]) {
      expect(await post({ ...good, "Sec-Fetch-Site": site })).toMatchObject({ status: 403 });
    }
    // what a form can send is no answer
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      expect(await post({ ...good, "Content-Type": type })).toMatchObject({ status: 415 });
    }
    expect(given("q")).toBeUndefined();
    expect(await post(good)).toMatchObject({ status: 200 });
  });

  it("a body at the limit is read, one byte more is not", async () => {
    put("q");
    const headers = headersOf(await openLink(page.url));
    const padded = (size: number): string => ONCE.padEnd(size, " ");
    const post = (body: string): Promise<{ status: number }> =>
      send(`${page.origin}/answer`, { method: "POST", headers, body });
    expect(await post(padded(LIMIT_WEB_BODY_BYTES + 1))).toMatchObject({ status: 413 });
    const chunked = { ...headers, "Transfer-Encoding": "chunked" };
    const long = { method: "POST", headers: chunked, body: padded(LIMIT_WEB_BODY_BYTES + 1) };
    expect(await send(`${page.origin}/answer`, long)).toMatchObject({ status: 413 });
    expect(given("q")).toBeUndefined();
    expect(await post(padded(LIMIT_WEB_BODY_BYTES))).toMatchObject({ status: 200 });
  });

  it.each([
    "PUT /answer",
    "GET /answer",
    "POST /questions",
    "POST /",
    "GET /..%2f",
    "OPTIONS /answer",
    "GET /state.db",
  ])("%s is nothing", async (line) => {
    const [method = "", path = ""] = line.split(" ");
    expect((await send(`${page.origin}${path}`, { method })).status).toBe(404);
  });
});

describe("the command", () => {
  it("listens on the loopback address alone, and ends with Ctrl-C while connections are open", async () => {
    const { hostname, port } = new URL(page.origin);
    expect(hostname).toBe("127.0.0.1");
    const idle = connect(Number(port), "127.0.0.1");
    await new Promise((resolve) => idle.once("connect", resolve));
    idle.on("error", () => undefined);
    await expect(
      new Promise((resolve, reject) => {
        connect(Number(port), "::1").once("connect", resolve).once("error", reject);
      }),
    ).rejects.toThrow();
    expect(await page.stop()).toBe(0);
    await expect(send(`${page.origin}/`)).rejects.toThrow();
  });

  it("takes the port that is asked for, and says so when it cannot be had", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    const web = ["consent", "web", "--dir", dir];
    const { code, stderr } = await cli([...web, "--port", port]);
    expect(code).toBe(2);
    expect(stderr).toContain(`expected a free port, got ${port}, which cannot be had`);
    await new Promise((resolve) => taken.close(resolve));
    const other = await startWebPage(dir, ["--port", port]);
    expect(new URL(other.origin).port).toBe(port);
    await other.stop();
    for (const bad of ["65536", "-1", "x", "1.5", ""]) {
      const refused = await cli([...web, `--port=${bad}`]);
      expect({ bad, code: refused.code }).toEqual({ bad, code: 2 });
      expect(refused.stderr).toContain("(USAGE)");
    }
  });
});
