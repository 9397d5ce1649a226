// The session of real guards under real clients: shells and package runners in between, names made
// to confuse, new processes.
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { parseStat, readLinuxProcess, readPsProcess } from "../../src/proxy/stdio-session.ts";
import { temporaryDirectory } from "../fixtures/tools.ts";

const BUILT = new URL("../../build/esm/proxy/stdio-session.js", import.meta.url).href;
const root = temporaryDirectory();
const node = process.execPath;

/** A guard, as far as its session goes. */
const GUARD = join(root, "guard.mjs");
writeFileSync(
  GUARD,
  `import { stdioSession } from ${JSON.stringify(BUILT)};
const [principal = "local", explicit] = process.argv.slice(2);
console.log(stdioSession({ principal, home: "/home/a", explicit }));`,
);

/** What stands between: npx is a Node that starts a shell that starts the program. */
const NPX = join(root, "npx-cli.js");
writeFileSync(
  NPX,
  `const { spawnSync } = require("node:child_process");
process.title = "npm exec portcullis";
spawnSync("sh", ["-c", process.argv.slice(2).join(" ") + "; true"], { stdio: "inherit" });`,
);

/** A client: starts one guard with each command line, and prints its own pid first. */
const CLIENT = join(root, "client.cjs");
writeFileSync(
  CLIENT,
  `const { spawnSync } = require("node:child_process");
console.log(process.pid);
for (const argv of JSON.parse(process.argv[2])) {
  const [file, ...args] = argv;
  const { stdout, stderr } = spawnSync(file, args, { encoding: "utf8" });
  process.stdout.write(stdout + stderr);
}`,
);

/** The sessions of the guards that one client starts. */
function sessions(commands: readonly (readonly string[])[], program: string = node): string[] {
  const ended = spawnSync(program, [CLIENT, JSON.stringify(commands)], { encoding: "utf8" });
  expect(ended.stderr).toBe("");
  const [pid = "", ...lines] = ended.stdout.trim().split("\n");
  expect(Number(pid)).toBeGreaterThan(1);
  expect(lines).toHaveLength(commands.length);
  return lines;
}

const quoted = `'${node}' '${GUARD}'`;
const DIRECT = [node, GUARD];

describe("guards of one client", () => {
  it("share a session, directly and through shells and npx, and keep it when started again", () => {
    const found = sessions([
      DIRECT,
      DIRECT,
      ["sh", "-c", `${quoted}; true`],
      ["bash", "-c", `sh -c "${quoted}; true"; true`],
      [node, NPX, node, GUARD],
      ["sh", "-c", `'${node}' '${NPX}' '${node}' '${GUARD}'; true`],
    ]);
    expect(new Set(found).size).toBe(1);
    expect(found[0]).toMatch(/^client:[0-9a-f]{64}$/);
  });

  it("another client has another session, and so has another principal", () => {
    const [mine] = sessions([DIRECT]);
    const [other, agent] = sessions([DIRECT, [...DIRECT, "agent:x"]]);
    expect(new Set([mine, other, agent]).size).toBe(3);
  });

  it("an explicit name is the session, whoever starts the guard", () => {
    expect(sessions([[...DIRECT, "local", "work"]])).toEqual(["work"]);
    expect(sessions([["sh", "-c", `${quoted} local work; true`]])).toEqual(["work"]);
  });

  it("a program between them that is no launcher is a client of its own", () => {
    const between = join(root, "agent.cjs");
    writeFileSync(
      between,
      `require("node:child_process").spawnSync(process.execPath, [${JSON.stringify(GUARD)}], { stdio: "inherit" });`,
    );
    const [direct, nested] = sessions([DIRECT, [node, between]]);
    expect(nested).toMatch(/^client:/);
    expect(nested).not.toBe(direct);
  });

  it("a client whose name holds spaces and parentheses is found all the same", () => {
    const folder = join(root, "strange");
    mkdirSync(folder);
    for (const name of ["my (client) 1", "a) S 1 (b", "x\n2 (y) "]) {
      const program = join(folder, name);
      symlinkSync(node, program);
      const found = sessions([DIRECT, ["sh", "-c", `${quoted}; true`]], program);
      expect(new Set(found).size, name).toBe(1);
      expect(found[0], name).toMatch(/^client:/);
    }
  });
});

describe("the readers", () => {
  it("parse the stat of Linux from its last parenthesis", () => {
    const tail = "S 41 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 1329857 3133440 390";
    expect(parseStat(`42 (a) R 1 (b) ${tail}`)).toEqual({
      parentPid: 41,
      start: "1329857",
      name: "a) R 1 (b",
    });
    for (const bad of ["", "42", "42 (a", "42 (a) S", "42 (a) S x", `42 ${tail}`]) {
      expect(parseStat(bad), bad).toBeUndefined();
    }
  });

  it("see this process, and nothing where there is none", () => {
    if (process.platform === "linux") {
      const facts = readLinuxProcess(process.pid);
      expect(facts).toMatchObject({ pid: process.pid, parentPid: process.ppid });
      expect(facts?.start).toMatch(/^\d+$/);
    }
    expect(readLinuxProcess(0x7fff_ffff)).toBeUndefined();
  });

  it("parse what ps says on macOS, where a program's name is a path with spaces", () => {
    const said = new Map([
      [
        "-ww -o ppid= -o lstart= -o comm= -p 42",
        "   41 Fri Nov 20 10:24:04 2026     /Applications/My Client.app/Contents/MacOS/My Client\n",
      ],
      ["-ww -o args= -p 42", "/Applications/My Client.app/Contents/MacOS/My Client --flag\n"],
    ]);
    const run = (args: readonly string[]): string => said.get(args.join(" ")) ?? "";
    expect(readPsProcess(42, run)).toEqual({
      pid: 42,
      parentPid: 41,
      start: "Fri Nov 20 10:24:04 2026",
      name: "/Applications/My Client.app/Contents/MacOS/My Client",
      args: ["/Applications/My", "Client.app/Contents/MacOS/My", "Client", "--flag"],
    });
    expect(readPsProcess(43, run)).toBeUndefined();
    const fails = (): string => {
      throw new Error("no such process");
    };
    expect(readPsProcess(42, fails)).toBeUndefined();
  });
});
