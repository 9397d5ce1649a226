// `portcullis verify`: every check from the trust root to the compiled catalog, by name. It only
// looks: the state stays as it is.
import type { TrustState } from "../catalog/state.ts";
import { type VerifiedCatalog, type VerifyCheckName, verifyCatalog } from "../catalog/verify.ts";
import type { SignedCatalog } from "../catalog/verify-checks.ts";
import { systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { readConfig, requiredPin } from "./config.ts";
import { type FaultReport, reportFault } from "./fault.ts";
import { assertHomeExists, DIR_OPTION, guardHome } from "./home.ts";
import { columns, type Style, visible } from "./style.ts";
import { readRoots, readSigned, stateFile } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "verify",
  summary: "check everything from the trust root to the catalog",
  usage: "[--explain] [--dir DIR]",
  options: {
    explain: { type: "boolean", help: "show every check, not only the one that fails" },
    ...DIR_OPTION,
  },
  notes: [
    "Exit 1 when a check fails: `run` would refuse to start. The checks are made in the order in\n" +
      "which --explain shows them, and end with the first that fails.",
  ],
  examples: ["portcullis verify --explain"],
};

type CheckName = "state" | VerifyCheckName;

/** What each check is about, in the order in which they are made. */
const CHECKS: Readonly<Record<CheckName, string>> = {
  state: "what this host accepted before is readable and undamaged",
  envelope: "there is one signed container, and it is well-formed",
  root: "the chain of trust roots, from the pin to one in force",
  signature: "a key of the trust root signed exactly these bytes",
  role: "a key that holds the role catalog did",
  threshold: "enough different ones did",
  type: "they signed it as a catalog",
  schema: "it is a catalog, and its fingerprints are those of its pins",
  expiry: "it is not expired",
  lifetime: "it does not live longer than the trust root allows",
  issued: "it is not from the future",
  version: "it is not older than what was accepted, nor another of one version",
  id: "it is the catalog of this host",
  image: "the kernel can load it",
};

interface Check {
  readonly name: CheckName;
  readonly ok: boolean;
  readonly detail: string;
}

interface Report {
  readonly checks: readonly Check[];
  readonly verified?: VerifiedCatalog;
  readonly error?: GuardError;
}

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = guardHome(args, io);
  assertHomeExists(home);
  const config = readConfig(home.path);
  const rootPin = requiredPin(config, home.path);
  const report = await verifyHome(home.path, rootPin, config.id);
  const error = report.error === undefined ? undefined : await reportFault(report.error);
  const json = error === undefined ? {} : { error };
  return {
    exitCode: error === undefined ? 0 : 1,
    json: { checks: report.checks, ...json },
    text: describe(report, error, args.flag("explain"), io.style),
  };
}

/** The state first, since every later check is made against it; then as `verifyCatalog`. */
async function verifyHome(
  path: string,
  rootPin: string,
  expectId: string | undefined,
): Promise<Report> {
  const checks: Check[] = [];
  let name: CheckName = "state";
  let state: TrustState | undefined;
  let signed: SignedCatalog;
  let roots: readonly Uint8Array[];
  try {
    state = await stateFile(path).load();
    checks.push({ name, ok: true, detail: describeState(state) });
    name = "envelope";
    signed = readSigned(path);
    name = "root";
    roots = readRoots(path);
  } catch (error) {
    if (!(error instanceof GuardError) || error.code === "FILE_UNREADABLE") throw error;
    return { checks: [...checks, { name, ok: false, detail: error.message }], error };
  }
  const nowMs = systemClock();
  const report = verifyCatalog({ signed, roots, rootPin, state, expectId, nowMs });
  const all = [...checks, ...report.checks];
  return report.ok
    ? { checks: all, verified: report.verified }
    : { checks: all, error: report.error };
}

function describeState(state: TrustState | undefined): string {
  if (state === undefined) return "nothing was accepted before";
  return `accepted before: root ${state.rootVersion}, catalog ${state.catalogVersion}`;
}

function describe(
  report: Report,
  error: FaultReport | undefined,
  explains: boolean,
  style: Style,
): string {
  const code = error?.code ?? "";
  const rows = report.checks
    .filter(({ ok }) => explains || !ok)
    .map(({ name, ok, detail }) => [
      ok ? style.green("ok") : style.red("FAILED"),
      name,
      ok ? visible(detail) : `${visible(detail)} (${code})`,
    ]);
  const made = new Set<string>(report.checks.map(({ name }) => name));
  const left = Object.entries(CHECKS).filter(([name]) => explains && !made.has(name));
  rows.push(...left.map(([name, what]) => ["-", name, style.dim(`not checked: ${what}`)]));
  const { verified } = report;
  const last =
    verified === undefined
      ? style.red(`not verified: ${code}`)
      : style.green(
          `verified: ${visible(verified.catalog.id)} version ${verified.catalog.version}, ` +
            `${verified.catalog.servers.size} servers, expires ` +
            new Date(verified.catalog.expiresMs).toISOString(),
        );
  return [...columns(rows), last].join("\n");
}

export const verifyCommand: ReportCommand = { spec, run };
