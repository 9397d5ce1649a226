// Which session a guard belongs to: nobody gets a clean one by starting another process.
import { describe, expect, it } from "vitest";
import {
  findClient,
  isLauncher,
  LIMIT_ANCESTORS,
  type ProcessFacts,
  stdioSessionId,
} from "../../src/guard/session.ts";
import { expectCode } from "../fixtures/trust.ts";

const SOURCE = { principal: "local", home: "/home/alice/.config/portcullis" };
const CLIENT = { pid: 4711, start: "1329857" };

describe("the id", () => {
  it("is the operator's name as it is given, whoever the client is", () => {
    expect(stdioSessionId({ ...SOURCE, explicit: "work", ancestor: CLIENT })).toBe("work");
    const fault = expectCode(() => stdioSessionId({ ...SOURCE, explicit: "" }), "ARGUMENT_INVALID");
    expect(fault.message).toBe("expected the name of a session, got an empty one");
  });

  it("depends on principal, pid and start of the client, and on nothing else", () => {
    const id = stdioSessionId({ ...SOURCE, ancestor: CLIENT });
    expect(id).toMatch(/^client:[0-9a-f]{64}$/);
    expect(stdioSessionId({ ...SOURCE, home: "/other", ancestor: { ...CLIENT } })).toBe(id);
    const others = [
      stdioSessionId({ ...SOURCE, principal: "agent", ancestor: CLIENT }),
      stdioSessionId({ ...SOURCE, ancestor: { ...CLIENT, pid: 4712 } }),
      stdioSessionId({ ...SOURCE, ancestor: { ...CLIENT, start: "1329858" } }),
      stdioSessionId(SOURCE),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
  });

  it("without a client every guard of a principal and home shares one", () => {
    const id = stdioSessionId(SOURCE);
    expect(id).toMatch(/^home:[0-9a-f]{64}$/);
    expect(stdioSessionId({ ...SOURCE, ancestor: undefined })).toBe(id);
    expect(stdioSessionId({ ...SOURCE, home: "/other" })).not.toBe(id);
    expect(stdioSessionId({ ...SOURCE, principal: "agent" })).not.toBe(id);
  });

  it("fields cannot be shifted into each other", () => {
    const one = stdioSessionId({ principal: "ab", home: "c" });
    expect(stdioSessionId({ principal: "a", home: "bc" })).not.toBe(one);
  });
});

describe("a launcher", () => {
  it.each([
    ["sh", ["sh", "-c", "portcullis run"]],
    ["bash", ["-bash"]],
    ["/bin/zsh", ["/bin/zsh", "-lc", "x"]],
    ["dash", []],
    ["cmd.exe", ["C:\\Windows\\System32\\cmd.exe", "/c", "x"]],
    ["npm exec porcul", ["npm exec @acme/portcullis"]],
    ["npx", ["npx"]],
    ["node", ["node", "/usr/bin/npx", "portcullis"]],
    ["MainThread", ["/usr/bin/node", "--no-warnings", "/usr/lib/node_modules/npm/bin/npm-cli.js"]],
    ["node", ["node", "/Users/J", "S/lib/node_modules/npm/bin/npx-cli.js", "portcullis"]],
  ])("%s %j is passed over", (name, args) => {
    expect(isLauncher({ name, args })).toBe(true);
  });

  it.each([
    ["claude", ["claude"]],
    ["node", ["node", "/usr/bin/claude", "--resume"]],
    ["node", ["node", "client.js", "npx"]],
    ["Claude Helper", ["/Applications/Claude.app/Contents/MacOS/Claude Helper"]],
    ["node", []],
    ["bashful", ["bashful"]],
    ["", []],
  ])("%s %j is a client", (name, args) => {
    expect(isLauncher({ name, args })).toBe(false);
  });
});

describe("the search", () => {
  const facts = (pid: number, name: string): ProcessFacts => ({
    pid,
    parentPid: pid - 1,
    start: String(pid),
    name,
    args: [],
  });

  it("goes up through launchers to the first other process", () => {
    const names = new Map([
      [9, "sh"],
      [8, "npx"],
      [7, "claude"],
      [6, "bash"],
    ]);
    const read = (pid: number): ProcessFacts => facts(pid, names.get(pid) ?? "other");
    expect(findClient(9, read)?.pid).toBe(7);
    expect(findClient(6, read)?.pid).toBe(5);
  });

  it("an orphan has no client: pid 1 is nobody's, and neither is what cannot be read", () => {
    const never = (): ProcessFacts => expect.fail("pid 1 is not looked at");
    for (const pid of [1, 0, -1, Number.NaN]) expect(findClient(pid, never)).toBeUndefined();
    expect(findClient(2, (pid) => facts(pid, "sh"))).toBeUndefined();
    expect(findClient(9, () => undefined)).toBeUndefined();
  });

  it(`looks at ${LIMIT_ANCESTORS} processes and not one more`, () => {
    const read =
      (launchers: number) =>
      (pid: number): ProcessFacts =>
        facts(pid, pid > 1000 - launchers ? "sh" : "claude");
    expect(findClient(1000, read(LIMIT_ANCESTORS - 1))?.pid).toBe(1000 - LIMIT_ANCESTORS + 1);
    expect(findClient(1000, read(LIMIT_ANCESTORS))).toBeUndefined();
  });
});
