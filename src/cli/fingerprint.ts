// `portcullis fingerprint`: digests of every definition in a file, and the manifest's.
import { resolve } from "node:path";
import process from "node:process";

import { LIMIT_LIST_BYTES, LIMIT_MESSAGE_BYTES_MAX } from "../abi/limits.ts";
import { concatBytes } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { fingerprintInstructions, manifestFingerprint } from "../manifest/fingerprint.ts";
import { readManifest } from "../manifest/read.ts";
import { type LiveItem, type Manifest, manifestItems } from "../manifest/types.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { inFile } from "./fault.ts";
import { readRequiredFile } from "./files.ts";
import { columns, type Style, visible } from "./style.ts";

const spec: CommandSpec = {
  name: "fingerprint",
  summary: "digests of every definition in a JSON file",
  usage: "FILE.json",
  options: {},
  positionals: "FILE.json",
  notes: [
    "FILE is a tools/list result, an array of tools, or an object with any of tools, prompts,\n" +
      "resources, resourceTemplates and instructions; `-` is standard input. Exit 1 when a\n" +
      "definition is refused: then the manifest has no fingerprint.",
  ],
  examples: ["portcullis fingerprint tools.json"],
};

const STANDARD_INPUT = "-";
const MEMBERS: ReadonlySet<string> = new Set([
  "tools",
  "prompts",
  "resources",
  "resourceTemplates",
  "instructions",
]);

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const [name, extra] = args.positionals;
  if (name === undefined || extra !== undefined) {
    throw usageFault(spec, "one FILE.json", `${args.positionals.length}`);
  }
  const file = name === STANDARD_INPUT ? "standard input" : resolve(io.cwd, name);
  const bytes =
    name === STANDARD_INPUT
      ? await readStandardInput()
      : readRequiredFile(file, LIMIT_MESSAGE_BYTES_MAX);
  const manifest = inFile(file, () => readDefinitions(bytes));
  const digest = manifestFingerprint(manifest);
  return {
    exitCode: digest === undefined ? 1 : 0,
    json: toJson(manifest, digest),
    text: describe(manifest, digest, io.style),
  };
}

/**
 * WHY: every member of a manifest is optional, so any object is an empty one; a whole JSON-RPC
 * response, or another file by mistake, must not get the fingerprint of a server without tools.
 *
 * @throws {GuardError} MANIFEST_INVALID, MANIFEST_LIMIT.
 */
function readDefinitions(bytes: Uint8Array): Manifest {
  const manifest = readManifest(bytes);
  const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return manifest;
  const names = Object.keys(value);
  if (names.length === 0 || names.some((name) => MEMBERS.has(name))) return manifest;
  const message = `expected one of ${[...MEMBERS].join(", ")}, got none of them`;
  throw new GuardError("MANIFEST_INVALID", `${message}; of a response, give its \`result\``);
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size > LIMIT_LIST_BYTES) {
      const message = `expected at most ${LIMIT_LIST_BYTES} bytes of definitions, got more`;
      throw new GuardError("MANIFEST_LIMIT", message);
    }
    chunks.push(chunk);
  }
  return concatBytes(...chunks);
}

function toJson(manifest: Manifest, digest: string | undefined): Record<string, unknown> {
  const { prompts, resources, resourceTemplates, instructions } = manifest;
  return {
    ...(digest === undefined ? {} : { manifest: digest }),
    tools: manifest.tools.map(itemJson),
    ...(prompts.length === 0 ? {} : { prompts: prompts.map(itemJson) }),
    ...(resources.length === 0 ? {} : { resources: resources.map(itemJson) }),
    ...(resourceTemplates.length === 0
      ? {}
      : { resourceTemplates: resourceTemplates.map(itemJson) }),
    ...(instructions === undefined ? {} : { instructions: fingerprintInstructions(instructions) }),
  };
}

function itemJson(item: LiveItem): Record<string, unknown> {
  const name = item.name ?? null;
  if (item.fingerprint !== undefined) return { name, fingerprint: item.fingerprint };
  return { name, error: item.error ?? "unreadable" };
}

function describe(manifest: Manifest, digest: string | undefined, style: Style): string {
  const rows = manifestItems(manifest).map((item) => [
    item.kind,
    item.name === undefined ? style.dim("(no name)") : visible(item.name),
    item.fingerprint ?? style.red(`refused: ${item.error ?? "unreadable"}`),
  ]);
  if (manifest.instructions !== undefined) {
    rows.push(["instructions", "", fingerprintInstructions(manifest.instructions)]);
  }
  rows.push([
    style.bold("manifest"),
    "",
    digest ?? style.red("none, because a definition is refused"),
  ]);
  return columns(rows).join("\n");
}

export const fingerprintCommand: ReportCommand = { spec, run };
