import { describe, expect, it } from "vitest";
import { childEnvironment, spawnLine } from "../../src/proxy/stdio-child.ts";
import { expectCode } from "../fixtures/trust.ts";

describe("spawnLine", () => {
  it("is the argv itself where programs are programs", () => {
    const plain = { file: "npx", args: ["-y", "a b"], isVerbatim: false };
    expect(spawnLine(["npx", "-y", "a b"], "linux")).toEqual(plain);
    expect(spawnLine(["node", "%PATH%"], "win32").file).toBe("node");
  });

  it("goes through cmd.exe for npx on Windows, every argument in quotes", () => {
    expect(spawnLine(["npx", "-y", "@scope/server@1.0.0", "C:\\My Files"], "win32")).toEqual({
      file: "cmd.exe",
      args: ["/d", "/s", "/c", '"npx.cmd "-y" "@scope/server@1.0.0" "C:\\My Files""'],
      isVerbatim: true,
    });
  });

  it.each([
    'a"b',
    "%PATH%",
    "a&b",
    "a|b",
    "a^b",
    "a\nb",
    "!x!",
    "(a)",
  ])("refuses %j there, which cmd.exe would take for more than text", (argument) => {
    const error = expectCode(() => spawnLine(["npx", argument], "win32"), "SERVER_START");
    expect(error.message).toContain("cmd.exe");
  });

  it("needs a program", () => {
    expectCode(() => spawnLine([], "linux"), "SERVER_START");
    expectCode(() => spawnLine([""], "linux"), "SERVER_START");
  });
});

describe("childEnvironment", () => {
  const from = { PATH: "/bin", HOME: "/h", TOKEN: "t", FUNCTION: "() { :; }", APPDATA: "a" };

  it("holds the basic variables and the named ones that are set", () => {
    const names = ["TOKEN", "UNSET", "FUNCTION"];
    expect(childEnvironment(names, from, "linux")).toEqual({
      PATH: "/bin",
      HOME: "/h",
      TOKEN: "t",
    });
    expect(childEnvironment([], from, "win32")).toEqual({ PATH: "/bin", APPDATA: "a" });
  });
});
