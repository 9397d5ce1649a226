// A server on a pipe knows no HTTP: the guard in front of it says with the status what its errors mean.
import { afterEach, describe, expect, it } from "vitest";
import { utf8Text } from "../../src/bytes.ts";
import { createGuardHandler } from "../../src/http/handler.ts";
import { childLinks } from "../../src/http/node-child-link.ts";
import { catalogOf } from "../fixtures/catalog.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { SERVER_ID, trust } from "../proxy/rig.ts";
import { answerOf, GUARD_URL, initialize, MODERN, modernRequest } from "./rig.ts";

const METHOD = "vendor/execute";

/** Answers `vendor/execute` with the error it is asked for, and anything else with an empty result. */
const SERVER = `
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, params } = JSON.parse(line);
  if (id === undefined) return;
  const { code } = params ?? {};
  const outcome = code === undefined ? { result: {} } : { error: { code, message: "as asked" } };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...outcome }) + "\\n");
});
`;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function startGuard(): Promise<(message: object, headers: object) => Promise<Response>> {
  const text = catalogOf(`[servers.${SERVER_ID}]
command = ${JSON.stringify([process.execPath, "-e", SERVER])}
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
methods = ["${METHOD}"]
`);
  const guard = createGuardHandler({
    catalog: await trust(utf8Text(text) ?? ""),
    startCommand: childLinks(),
    auth: "none",
    clock: () => NOW_MS,
  });
  closers.push(() => guard.close());
  return (message, headers) =>
    guard(
      new Request(GUARD_URL, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
        body: JSON.stringify(message),
      }),
    );
}

const CASES: readonly [string, number, number][] = [
  ["a method that it does not have", -32601, 404],
  ["a capability that the client lacks", -32021, 400],
  ["a version that it does not speak", -32022, 400],
  ["parameters that it refuses", -32602, 200],
  ["an error of its own", 17, 200],
];

describe("errors of a server on a pipe", () => {
  it.each(CASES)("modern: %s (%d) is HTTP %d", async (_what, code, status) => {
    const post = await startGuard();
    const headers = { "mcp-protocol-version": MODERN, "mcp-method": METHOD };
    const response = await post(modernRequest(METHOD, { code }, { id: 3 }), headers);
    expect(await answerOf(response)).toMatchObject({ id: 3, error: { code, message: "as asked" } });
    expect(response.status).toBe(status);
    const fine = await post(modernRequest(METHOD, {}, { id: 4 }), headers);
    expect([fine.status, (await answerOf(fine)).result]).toEqual([200, {}]);
  });

  it.each(CASES)("legacy: %s (%d) is HTTP 200", async (_what, code) => {
    const post = await startGuard();
    const opened = await post(initialize(), {});
    const headers = { "mcp-session-id": opened.headers.get("mcp-session-id") ?? "" };
    const message = { jsonrpc: "2.0", id: 3, method: METHOD, params: { code } };
    const response = await post(message, headers);
    expect((await answerOf(response)).error?.code).toBe(code);
    expect(response.status).toBe(200);
  });
});
