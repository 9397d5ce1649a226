// `portcullis/http` as it was built, in every host that runs a handler: one conversation, one text.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { digestOf, httpCatalogToml, TOKEN } from "./rig.ts";

const RUNTIMES = resolve(".runtimes/node_modules");
// beside the packages that the built files import
const folder = mkdtempSync(join(resolve("build"), "http-hosts-"));
const entry = join(folder, "main.js");
const WORKERD = join(RUNTIMES, "workerd/bin/workerd");

const HOSTS: readonly (readonly [string, string, readonly string[]])[] = [
  ["Node, this one", process.execPath, [entry]],
  ["Node 22", join(RUNTIMES, "node22/bin/node"), [entry]],
  ["Node 24", join(RUNTIMES, "node24/bin/node"), [entry]],
  ["Deno, without a permission", join(RUNTIMES, "deno/deno"), ["run", "--no-prompt", entry]],
  ["Bun", join(RUNTIMES, "bun/bin/bun.exe"), ["run", entry]],
  ["workerd", process.execPath, ["test/http/ask-worker.js", folder, WORKERD]],
];

beforeAll(() => {
  const { tools, prompts, resources, resourceTemplates } = FIXTURE_SERVER;
  const common = { resultType: "complete" };
  const call = { name: "read_text_file", args: FIXTURE_ARGUMENTS.get("read_text_file") };
  const data = {
    nowMs: NOW_MS,
    tokenSha256: digestOf(TOKEN),
    envelope: Buffer.from(signedCatalog(httpCatalogToml())).toString("base64"),
    root: Buffer.from(signedRoot(rootSettings())).toString("base64"),
    call,
    results: {
      "tools/list": {
        ...common,
        tools: [...(tools ?? []), { name: "evil", inputSchema: {} }].slice(0, -1),
      },
      "prompts/list": { ...common, prompts },
      "resources/list": { ...common, resources },
      "resources/templates/list": { ...common, resourceTemplates },
      "tools/call": { ...common, content: [{ type: "text", text: "hello" }] },
    },
  };
  const text = readFileSync("test/http/host-entry.js", "utf8");
  const vectors = JSON.stringify(data);
  // a worker is bundled, and finds the package by its name
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(resolve("."), join(folder, "node_modules/portcullis"));
  writeFileSync(
    join(folder, "worker.js"),
    `import * as guard from "portcullis";
import * as http from "portcullis/http";
${text}
export default {
  async fetch() {
    return new Response(JSON.stringify(await converse(guard, http, ${vectors})));
  },
};
`,
  );
  const at = (path: string): string => JSON.stringify(pathToFileURL(resolve(path)).href);
  writeFileSync(
    entry,
    `import * as guard from ${at("build/esm/index.js")};
import * as http from ${at("build/esm/http/index.js")};
${text}
console.log(await converse(guard, http, ${vectors}));
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the same handler", () => {
  const isThere = (name: string, program: string): boolean =>
    existsSync(program) && (name !== "workerd" || existsSync(WORKERD));
  const there = HOSTS.filter(([name, program]) => isThere(name, program));
  for (const [name] of HOSTS.filter((host) => !there.includes(host))) {
    it.skip(`${name}: not installed, npm run runtimes`, () => undefined);
  }

  it.each(there)("%s", (_name, program, args) => {
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, DENO_DIR: join(folder, "deno") };
    const run = spawnSync(program, [...args], { encoding: "utf8", env });
    const lines = run.stdout.trim().split("\n");
    expect(`${run.stderr}${lines[0]}`).toContain("allowed: 200 text/event-stream event: message");
    const heads = lines.filter((line) => /^[a-z ]+: /.test(line)).map((line) => line.slice(0, 40));
    expect(heads.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
      "allowed: 200 text/event-stream",
      expect.stringMatching(/^data: /),
      "listed: 200 application/json",
      "smuggled: 200 application/json",
      "other header: 400",
      "other origin: 403",
      "no token: 401",
      "health: 200 application/json",
      expect.stringMatching(/^server: /),
    ]);
    const { stdout } = spawnSync(process.execPath, [entry], { encoding: "utf8", env });
    expect(run.stdout).toBe(stdout);
    expect(lines.at(-1)).toBe(
      "server: tools/list prompts/list resources/list resources/templates/list tools/call tools/list",
    );
  });
});
