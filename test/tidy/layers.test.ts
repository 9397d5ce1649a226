// ARCHITECTURE.md as a test: who may import whom, and who alone may touch what.
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, type SourceFile, sourceFiles } from "./sources.ts";

/** Layer of each folder of src; a file imports its own layer or a lower one. */
const LAYERS: ReadonlyMap<string, number> = new Map([
  ["abi", 0],
  ["host", 0],
  ["kernel", 1],
  ["sign", 1],
  ["catalog", 2],
  ["manifest", 2],
  ["vetting", 2],
  ["audit", 2],
  ["store", 2],
  ["guard", 3],
  ["proxy", 4],
  ["http", 4],
  ["testing", 4],
  ["cli", 5],
]);
const LAYER_OF_FILE: ReadonlyMap<string, number> = new Map([
  ["src/errors.ts", 0],
  ["src/bytes.ts", 0],
  ["src/clock.ts", 0],
  ["src/verdict.ts", 1],
  ["src/index.ts", 4],
  ["src/node.ts", 5],
]);

function layerOf(path: string): number {
  const layer = LAYER_OF_FILE.get(path) ?? LAYERS.get(path.split("/")[1] ?? "");
  if (layer === undefined) throw new Error(`${path} has no layer`);
  return layer;
}

function localImports({ path, text }: SourceFile): string[] {
  return importsOf(text)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => posix.join(posix.dirname(path), specifier));
}

const src = sourceFiles("src");
const assembly = sourceFiles("assembly");

/** Files outside `allowed` in which `pattern` occurs. */
function intruders(pattern: RegExp, allowed: RegExp): string[] {
  return src
    .filter(({ path, text }) => pattern.test(text) && !allowed.test(path))
    .map((f) => f.path);
}

describe("layers", () => {
  it("a file imports its own layer or a lower one", () => {
    for (const file of src) {
      for (const target of localImports(file)) {
        expect(layerOf(target), `${file.path} imports ${target}`).toBeLessThanOrEqual(
          layerOf(file.path),
        );
      }
    }
  });

  it("the kernel's sources import each other and src/abi alone", () => {
    for (const file of assembly) {
      for (const target of localImports(file)) {
        expect(target, file.path).toMatch(/^(assembly|src\/abi)\//);
      }
      expect(importsOf(file.text).filter((name) => !name.startsWith("."))).toEqual([]);
    }
  });

  it("there is no import cycle", () => {
    const targets = new Map(src.map((file) => [file.path, localImports(file)]));
    const done = new Set<string>();
    const visit = (path: string, open: readonly string[]): void => {
      expect(open, `cycle: ${[...open, path].join(" -> ")}`).not.toContain(path);
      if (done.has(path)) return;
      for (const target of targets.get(path) ?? []) visit(target, [...open, path]);
      done.add(path);
    };
    for (const { path } of src) visit(path, []);
  });
});

describe("exclusive rights", () => {
  it("WebAssembly and its loader stay in kernel/", () => {
    expect(intruders(/WebAssembly\.|@assemblyscript\/loader/, /^src\/kernel\//)).toEqual([]);
  });

  it("smol-toml has one importer", () => {
    expect(intruders(/from "smol-toml"/, /^src\/catalog\/toml\.ts$/)).toEqual([]);
  });

  it("the schema validator stays behind the schema check", () => {
    expect(intruders(/from "@cfworker\//, /^src\/guard\/schema(-[a-z]+)?\.ts$/)).toEqual([]);
  });

  it("@noble stays in sign/, the MCP SDK in testing/", () => {
    expect(intruders(/from "@noble\//, /^src\/sign\//)).toEqual([]);
    expect(intruders(/from "@modelcontextprotocol\//, /^src\/testing\//)).toEqual([]);
  });

  it("jose has one importer", () => {
    expect(intruders(/from "jose"/, /^src\/http\/auth-jwt\.ts$/)).toEqual([]);
  });

  it("redis has one importer", () => {
    expect(intruders(/(?:from|import\() ?"@?redis/, /^src\/store\/redis-url\.ts$/)).toEqual([]);
  });

  it("node's modules stay at the edge", () => {
    const edge =
      /^src\/(cli\/|host\/node\.ts|node\.ts|proxy\/stdio|proxy\/manifest-client|http\/node-|store\/sqlite|testing\/stdio-|testing\/mock-log|audit\/file)/;
    expect(intruders(/from "node:/, edge)).toEqual([]);
  });

  it("clock.ts alone reads time and randomness", () => {
    const pattern =
      /Date\.now|new Date\(\)|performance\.now|getRandomValues|randomUUID|Math\.random/;
    // the script of the consent page runs in a browser, not in the guard
    expect(intruders(pattern, /^src\/(clock|cli\/consent-page-script)\.ts$/)).toEqual([]);
  });

  it.each([
    ["src/index.ts", 20],
    ["src/http/index.ts", 20],
    ["src/store/redis.ts", 10],
    ["src/store/durable-object.ts", 10],
  ])("what %s reaches is free of node's modules", (entry, countMin) => {
    const byPath = new Map(src.map((file) => [file.path, file]));
    const reached = new Set<string>();
    const visit = (path: string): void => {
      const file = byPath.get(path);
      if (file === undefined || reached.has(path)) return;
      reached.add(path);
      expect(
        importsOf(file.text).filter((name) => name.startsWith("node:")),
        path,
      ).toEqual([]);
      for (const target of localImports(file)) visit(target);
    };
    visit(entry);
    expect(reached.size).toBeGreaterThan(countMin);
    expect([...reached].some((path) => path.startsWith("src/cli/"))).toBe(false);
  });
});
