// D13: a write into the guard's own home, or into the configuration of a client that it guards.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { checkArguments } from "../../src/guard/arguments.ts";
import { ProtectedPaths } from "../../src/guard/protected-paths.ts";

const HOME = "/home/José/.config/portcullis";
const paths = ProtectedPaths.of([
  HOME,
  "/home/José/.claude.json",
  "/Users/ann/Library/Application Support/Claude/claude_desktop_config.json",
  "C:\\Users\\Ann\\AppData\\Roaming\\Code\\User\\mcp.json",
  "/etc/guard",
]);

const NAMING: readonly string[] = [
  HOME,
  `${HOME}/`,
  `${HOME}/catalog.toml`,
  "/home/José/.claude.json",
  "/home/José//.config///portcullis/state.db",
  "/home/José/./.config/./portcullis/state.db",
  "/home/José/x/../.config/portcullis",
  "/home/José/.config/y/../portcullis/../portcullis/state.db",
  "/HOME/josé/.CONFIG/Portcullis/catalog.toml",
  "/home/Jose\u0301/.config/portcullis/x",
  "/home/José/.config/portculli\u017f/x",
  "/home/José/.config/port\u200bcullis/x",
  "/home/José/.config/portcullis./x",
  "/home/José/.config /portcullis /x",
  "\\home\\José\\.config\\portcullis\\x",
  "/home/Jos%C3%A9/.config/portcullis",
  "/home/x/%2econfig%2Fportcullis%2fstate.db",
  "/home/x/.config/portculli%73",
  "%252econfig/portcullis",
  "%25252econfig/portcullis",
  "~/.config/portcullis/catalog.toml",
  "~José/.config/portcullis/catalog.toml",
  "$HOME/.config/portcullis",
  "%USERPROFILE%\\.config\\portcullis",
  `file://${HOME}/catalog.toml`,
  `file://localhost${HOME}/catalog.toml`,
  "file:///home/Jos%C3%A9/.config/portcullis/catalog.toml",
  ".config/portcullis/catalog.toml",
  "../../.config/portcullis",
  "x/../.config/portcullis",
  `/proc/self/root${HOME}`,
  `cat ${HOME}/state.db`,
  "rm -rf ~/.config/portcullis; true",
  "--dir=~/.config/portcullis",
  '{"path": "/home/José/.claude.json"}',
  "*** Update File: .claude.json\n",
  "/tmp/.claude.json",
  "/Users/ann/Library/Application Support/Claude/claude_desktop_config.json",
  "~/Library/Application%20Support/Claude/claude_desktop_config.json",
  "Claude/claude_desktop_config.json",
  "c:\\users\\ann\\appdata\\roaming\\code\\user\\MCP.json",
  "C:/Users/Ann/AppData/Roaming/Code/User/mcp.json:stream",
  "/mnt/c/Users/Ann/AppData/Roaming/Code/User/mcp.json",
  "\\\\?\\C:\\Users\\Ann\\AppData\\Roaming\\Code\\User\\mcp.json",
  "/etc/guard/x",
];

const HARMLESS: readonly string[] = [
  "",
  "/",
  "/home/José",
  "/home/José/.config",
  "/home/José/.config/portcullis-notes/x",
  "/home/José/.config/portcullisx",
  "/home/José/.config/portcullis_old/x",
  "/home/José/.config/other/portcullis",
  "/home/José/x.config/portcullis",
  "/home/José/.claude.json.bak",
  "/home/José/my.claude.json",
  "my.claude.json",
  "/workspace/portcullis/README.md",
  "portcullis",
  "guard",
  "/workspace/etc/guarded",
  "netc/guard",
  "mcp.json",
  "the .config folder of portcullis",
  "100%",
  "%zz%2",
];

describe("ProtectedPaths", () => {
  it.each(NAMING)("%j names one", (text) => {
    expect(paths.isNamedBy(text)).toBe(true);
  });

  it.each(HARMLESS)("%j names none", (text) => {
    expect(paths.isNamedBy(text)).toBe(false);
  });

  it("whatever stands around a path, and however deep, it is found", () => {
    const part = fc.constantFrom("a", "..", ".", "", " ", "%2f", "\\", "é", "%", "~");
    fc.assert(
      fc.property(
        fc.array(part),
        fc.array(part),
        fc.constantFrom("/", "\\", "%2f"),
        (a, b, slash) => {
          const spelled = [".config", "portcullis", ...b].join(slash);
          expect(paths.isNamedBy(`${a.join("/")}/${spelled}`)).toBe(true);
          expect(paths.isNamedIn({ x: [{ y: [`${a.join("/")}/${spelled}`] }] })).toBe(true);
        },
      ),
    );
  });

  it("member names count too: a map from path to content", () => {
    expect(paths.isNamedIn({ files: { "~/.config/portcullis/catalog.toml": "x" } })).toBe(true);
    expect(paths.isNamedIn({ files: { "/workspace/a": "x" }, n: [1, null, true] })).toBe(false);
  });

  it("the end of four million characters is looked at", () => {
    const long = "x/../%20".repeat(500_000);
    expect(paths.isNamedBy(long)).toBe(false);
    expect(paths.isNamedBy(`${long}/.config/portcullis`)).toBe(true);
  });

  it("no path at all protects nothing", () => {
    expect(ProtectedPaths.of([]).isNamedIn({ a: HOME })).toBe(false);
  });

  it.each([
    "",
    "x",
    "./x",
    "~/x",
    "/",
    "//",
    "C:\\",
    "C:x",
    "/..",
  ])("%j cannot be protected", (path) => {
    const make = (): ProtectedPaths => ProtectedPaths.of([path]);
    expect(make).toThrow(GuardError);
    expect(make).toThrow(/^expected an absolute path below a root, got `/);
    try {
      make();
    } catch (error) {
      expect(error instanceof GuardError ? error.code : "").toBe("ARGUMENT_INVALID");
    }
  });
});

describe("checkArguments with protected paths", () => {
  const options = { protectedPaths: paths };
  const free = { args: new Map() };

  it("an agent that writes the catalog of its guard is refused, without a constraint", () => {
    const refused = {
      ok: false,
      pointer: "",
      predicate: "protected",
      message: "expected no path of the guard or of a guarded client, got one",
    };
    for (const text of NAMING) {
      const args = { path: text, content: "" };
      expect(checkArguments(free, args, options)).toEqual(refused);
      const bytes = new TextEncoder().encode(JSON.stringify({ edits: [{ file: text }] }));
      expect(checkArguments(free, bytes, options)).toEqual(refused);
    }
  });

  it("other paths pass", () => {
    for (const text of HARMLESS) {
      expect(checkArguments(free, { path: text }, options)).toEqual({ ok: true });
    }
  });
});
