// `portcullis root sign`: one operator's signature under the draft; with the last one it is in force.
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { digestFault } from "../catalog/names.ts";
import { type VerifyReport, verifyCatalog } from "../catalog/verify.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { inFile } from "./fault.ts";
import { DIR_OPTION } from "./home.ts";
import { loadPrivateKey } from "./private-key.ts";
import {
  countSignatures,
  installDraft,
  missingSignatures,
  openRoots,
  type RootDraft,
  type RootHome,
  requiredDraft,
  signDraft,
  writeDraft,
} from "./root-draft.ts";
import { rootChanges } from "./root-edit.ts";
import { describeCounts } from "./root-report.ts";
import { readSigned, stateFile } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "root sign",
  summary: "sign the draft; with the last signature it becomes the trust root",
  usage: "--key FILE [--expect sha256:...] [--dir DIR]",
  options: {
    key: { type: "string", value: "FILE", help: "a key of the role root, old or new" },
    expect: {
      type: "string",
      value: "sha256:...",
      help: "the digest of the draft that was reviewed",
    },
    ...DIR_OPTION,
  },
  notes: [
    "Operators sign one after the other: each gets root.<N+1>.draft.json from the one before, looks\n" +
      "at it with `portcullis root show`, signs it and hands it on. When the threshold of the root in\n" +
      "force and that of the draft are met, it is written as root.<N+1>.dsse.json; until then the\n" +
      "root in force stays. The pin stays too: it is of the first root.",
  ],
  examples: ["portcullis root sign --key bob.pem"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const keyFile = resolve(io.cwd, requiredText(spec, args, "key"));
  const home = await openRoots(args, io);
  const draft = requiredDraft(home);
  assertExpected(args, draft);
  const key = await loadPrivateKey(io, keyFile);
  const signed = inFile(keyFile, () => signDraft(home, draft, key));
  const counts = countSignatures(home, signed);
  const missing = missingSignatures(counts);
  const { version, sha256 } = signed.root;
  const changes = rootChanges(home.current, signed.root);
  const outcome = missing === 0 ? await install(home, signed) : undefined;
  if (outcome === undefined) writeDraft(signed);
  const json = {
    version,
    sha256: `sha256:${sha256}`,
    keyid: key.keyid,
    changes,
    signatures: counts,
    missing,
    complete: missing === 0,
    file: outcome?.file ?? signed.file,
    ...(outcome === undefined ? {} : { catalog: outcome.catalog }),
  };
  const { style } = io;
  const last =
    outcome === undefined
      ? [`next     the other operators sign ${signed.file}`]
      : [
          style.green(`in force: ${outcome.file}; give it to every host`),
          ...outcome.advice.map(style.yellow),
        ];
  return {
    exitCode: 0,
    json,
    text: [
      `root     version ${version}, sha256:${sha256}`,
      ...changes.map((line) => `  ${line}`),
      `with     ${key.keyid}`,
      describeCounts(version, counts, style),
      ...last,
    ].join("\n"),
  };
}

/** @throws {GuardError} USAGE when it is no digest; ROOT_SIGNATURE when it is another draft's. */
function assertExpected(args: Arguments, draft: RootDraft): void {
  const expected = args.text("expect");
  if (expected === undefined) return;
  if (digestFault(expected) !== undefined) {
    throw usageFault(spec, "--expect sha256: and 64 lower-case hex digits", quote(expected));
  }
  const actual = `sha256:${draft.root.sha256}`;
  if (actual === expected) return;
  const message = `expected the reviewed draft ${expected}, got ${actual}; nothing was signed`;
  throw new GuardError("ROOT_SIGNATURE", message, { at: { file: draft.file } });
}

interface Installed {
  readonly file: string;
  /** Whether the signed catalog counts under the new root; `null` when there is none. */
  readonly catalog: { readonly ok: boolean; readonly code?: string } | null;
  readonly advice: readonly string[];
}

async function install(home: RootHome, draft: RootDraft): Promise<Installed> {
  const { file, chain } = installDraft(home, draft);
  rmSync(draft.file, { force: true });
  const report = await verifyUnder(home, chain);
  if (report === undefined) return { file, catalog: null, advice: [] };
  if (report.ok) return { file, catalog: { ok: true }, advice: [] };
  const { code, message } = report.error;
  const advice = [
    `the signed catalog does not count under it (${code}): ${message}`,
    "no guard starts until a catalog is signed again: `portcullis sign --renew`",
  ];
  return { file, catalog: { ok: false, code }, advice };
}

/** The signed catalog of the home under a chain of roots; `undefined` when there is none. */
async function verifyUnder(
  home: RootHome,
  roots: readonly Uint8Array[],
): Promise<VerifyReport | undefined> {
  try {
    const signed = readSigned(home.path);
    const state = await stateFile(home.path).load();
    const nowMs = systemClock();
    return verifyCatalog({ signed, roots, rootPin: home.pin, state, expectId: home.id, nowMs });
  } catch (fault) {
    // the root is in force; what else is wrong with the home, `verify` tells
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
}

export const rootSignCommand: ReportCommand = { spec, run };
