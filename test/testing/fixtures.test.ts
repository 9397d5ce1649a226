// The attack table: every row can be mounted, and the unguarded server falls for its call.
import { describe, expect, it } from "vitest";
import {
  ATTACKS,
  FIXTURE_GRANTS,
  FIXTURE_SERVER,
  FIXTURE_TOOLS,
  MockMcpServer,
} from "../../src/testing/index.ts";

const LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}';

describe("FIXTURE_TOOLS", () => {
  it("have distinct names and one grant each", () => {
    const names = FIXTURE_TOOLS.map((tool) => tool.name);
    expect(new Set(names).size).toBe(names.length);
    expect([...FIXTURE_GRANTS.keys()].sort()).toEqual([...names].sort());
  });
});

describe("ATTACKS", () => {
  it("cover the four classes of the catalog guard", () => {
    const classes = new Set([...ATTACKS.values()].map((attack) => attack.attackClass));
    expect([...classes].filter((name) => name !== undefined).sort()).toEqual([
      "fingerprint drift",
      "scope escalation",
      "tool smuggle",
      "unknown-server smuggle",
    ]);
  });

  it.each([...ATTACKS])("%s: without a guard the call reaches the server", (key, attack) => {
    expect(key === attack.id || key.startsWith(`${attack.id}-`)).toBe(true);
    expect(JSON.parse(JSON.stringify(attack.switches))).toEqual(attack.switches);
    const server = new MockMcpServer({ ...FIXTURE_SERVER, ...attack.switches });
    server.handle(LIST);
    const { name, line } = attack.call;
    const params = { name, arguments: attack.call.arguments };
    const message = { jsonrpc: "2.0", id: 2, method: "tools/call", params };
    const lines = (line ?? JSON.stringify(message)).split(
      attack.switches.splitOnCr === true ? "\r" : "\n",
    );
    for (const part of lines) server.handle(part);
    expect(server.calls.at(-1)).toEqual(params);
  });

  it.each(
    [...ATTACKS].filter(([, attack]) => attack.forbidden.length > 0),
  )("%s: without a guard the forbidden text reaches the client", (_, attack) => {
    const server = new MockMcpServer({ ...FIXTURE_SERVER, ...attack.switches });
    const methods = ["initialize", "tools/list", "tools/list", "prompts/list", "resources/list"];
    const sent: string[] = [];
    for (const method of [...methods, "resources/templates/list"]) {
      const line = server.handle(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: {} }));
      const cursor = JSON.parse(line[0] ?? "{}").result?.nextCursor;
      sent.push(...line);
      if (cursor !== undefined) {
        sent.push(
          ...server.handle(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { cursor } })),
        );
      }
    }
    const params = { name: attack.call.name, arguments: attack.call.arguments };
    sent.push(
      ...server.handle(JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/call", params })),
    );
    for (const text of attack.forbidden) expect(sent.join("\n")).toContain(text);
  });
});
