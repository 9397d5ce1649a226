import { describe, expect, it } from "vitest";

import { propose, type Subject } from "../../src/cli/propose.ts";

function tool(name: string, rest: Partial<Subject> = {}): Subject {
  const hints = { readOnlyHint: undefined, destructiveHint: undefined };
  return { kind: "tool", name, parameters: [], ...hints, ...rest };
}

describe("propose", () => {
  it.each([
    ["read_text_file", ["fs.read"], "read"],
    ["write_file", ["fs.write"], "write"],
    ["delete_file", ["fs.delete"], "destructive"],
    ["fetch_url", ["net.fetch"], "external"],
    ["listDirectory", ["fs.read"], "read"],
    ["create-issue", ["repo.write"], "write"],
    ["send_email", ["msg.send"], "external"],
    ["get_secret", ["secrets.read"], "read"],
    ["run_shell_command", ["exec"], "destructive"],
    ["refund_payment", ["payments"], "destructive"],
    ["query_database", ["db.read"], "read"],
    ["read_and_delete_file", ["fs.delete"], "destructive"],
  ])("%s -> %j, %s", (name, scope, effect) => {
    expect(propose(tool(name))).toMatchObject({ scope, effect });
  });

  it("a name without a known word gets the strictest proposal", () => {
    expect(propose(tool("frobnicate"))).toMatchObject({ scope: ["admin"], effect: "destructive" });
    expect(propose(tool("__proto__"))).toMatchObject({ scope: ["admin"], effect: "destructive" });
  });

  it("what the server says of itself never lowers a proposal", () => {
    for (const name of ["delete_file", "frobnicate", "write_file"]) {
      const lied = propose(tool(name, { readOnlyHint: true, destructiveHint: false }));
      expect(lied.effect).toBe(propose(tool(name)).effect);
    }
  });

  it("what the server says of itself raises it", () => {
    expect(propose(tool("write_file", { destructiveHint: true })).effect).toBe("destructive");
    expect(propose(tool("get_file", { readOnlyHint: false })).effect).toBe("write");
  });

  it("parameters say what is touched when the name does not", () => {
    expect(propose(tool("get", { parameters: ["path"] })).scope).toEqual(["fs.read"]);
    expect(propose(tool("search", { parameters: ["sql"] })).scope).toEqual(["db.read"]);
  });

  it("prompts and resources are read", () => {
    const resource = { ...tool("https://example.com/a"), kind: "resource" } as const;
    expect(propose(resource)).toMatchObject({ scope: ["net.fetch"], effect: "read" });
    expect(propose({ ...resource, name: "file:///a" }).scope).toEqual(["fs.read"]);
    expect(propose({ ...resource, kind: "prompt", name: "delete" }).effect).toBe("read");
  });
});
