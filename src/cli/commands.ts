// Every command, loaded when it is called: `run` must start fast.
import type { Command } from "./command.ts";

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Computes or serves for long: worth compiling for. */
  readonly isLong?: boolean;
  readonly load: () => Promise<Command>;
}

/** In the order of `portcullis --help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "demo",
    isLong: true,
    summary:
      "the guided tour: a real server behind the guard, attacks, a lease, a taint flow, the log",
    load: async () => (await import("./demo.ts")).demoCommand,
  },
  {
    name: "key new",
    summary: "make an Ed25519 key pair",
    load: async () => (await import("./key-new.ts")).keyNewCommand,
  },
  {
    name: "root init",
    summary: "make the trust root of this host and pin it",
    load: async () => (await import("./root-init.ts")).rootInitCommand,
  },
  {
    name: "root show",
    summary: "the trust root: keys, roles, thresholds, expiry, and the draft of the next one",
    load: async () => (await import("./root-show.ts")).rootShowCommand,
  },
  {
    name: "root add-key",
    summary: "draft a next trust root with one more key, or one more role",
    load: async () => (await import("./root-add-key.ts")).rootAddKeyCommand,
  },
  {
    name: "root drop-key",
    summary: "draft a next trust root without a key, or with one role less",
    load: async () => (await import("./root-drop-key.ts")).rootDropKeyCommand,
  },
  {
    name: "root set-threshold",
    summary: "draft a next trust root in which more or fewer keys of a role must sign",
    load: async () => (await import("./root-set-threshold.ts")).rootSetThresholdCommand,
  },
  {
    name: "root set-floor",
    summary: "draft a next trust root that refuses catalogs below a version",
    load: async () => (await import("./root-set-floor.ts")).rootSetFloorCommand,
  },
  {
    name: "root renew",
    summary: "draft a next trust root that expires later",
    load: async () => (await import("./root-renew.ts")).rootRenewCommand,
  },
  {
    name: "root sign",
    summary: "sign the draft; with the last signature it becomes the trust root",
    load: async () => (await import("./root-sign.ts")).rootSignCommand,
  },
  {
    name: "pin",
    summary: "write what the servers offer now into catalog.toml",
    load: async () => (await import("./pin.ts")).pinCommand,
  },
  {
    name: "diff",
    summary: "what the servers offer now, against catalog.toml",
    load: async () => (await import("./diff.ts")).diffCommand,
  },
  {
    name: "sign",
    summary: "sign catalog.toml",
    load: async () => (await import("./sign.ts")).signCommand,
  },
  {
    name: "cosign",
    summary: "add a signature to the signed catalog",
    load: async () => (await import("./cosign.ts")).cosignCommand,
  },
  {
    name: "verify",
    summary: "check everything from the trust root to the catalog",
    load: async () => (await import("./verify.ts")).verifyCommand,
  },
  {
    name: "fingerprint",
    isLong: true,
    summary: "digests of every definition in a JSON file",
    load: async () => (await import("./fingerprint.ts")).fingerprintCommand,
  },
  {
    name: "scan",
    isLong: true,
    summary: "vet the texts of definitions: live, from a client's configuration, or in a file",
    load: async () => (await import("./scan.ts")).scanCommand,
  },
  {
    name: "check",
    summary: "decide one call, explained layer by layer",
    load: async () => (await import("./check.ts")).checkCommand,
  },
  {
    name: "run",
    isLong: true,
    summary: "the guard in front of a stdio server",
    load: async () => (await import("./run.ts")).runCommand,
  },
  {
    name: "serve",
    isLong: true,
    summary: "the guard over HTTP, in front of every server of the catalog",
    load: async () => (await import("./serve.ts")).serveCommand,
  },
  {
    name: "token new",
    summary: "make a bearer token for a caller of `serve`",
    load: async () => (await import("./token-new.ts")).tokenNewCommand,
  },
  {
    name: "lease grant",
    summary: "let a principal use tools of a server for some time",
    load: async () => (await import("./lease-grant.ts")).leaseGrantCommand,
  },
  {
    name: "lease list",
    summary: "leases, with what is left of them",
    load: async () => (await import("./lease-list.ts")).leaseListCommand,
  },
  {
    name: "lease revoke",
    summary: "end a lease at once",
    load: async () => (await import("./lease-revoke.ts")).leaseRevokeCommand,
  },
  {
    name: "consent list",
    summary: "pending questions, and approvals that can still be used",
    load: async () => (await import("./consent-list.ts")).consentListCommand,
  },
  {
    name: "consent watch",
    isLong: true,
    summary: "show pending questions as they come, and answer them",
    load: async () => (await import("./consent-watch.ts")).consentWatchCommand,
  },
  {
    name: "consent approve",
    summary: "approve a pending question",
    load: async () => (await import("./consent-approve.ts")).consentApproveCommand,
  },
  {
    name: "consent deny",
    summary: "refuse a pending question",
    load: async () => (await import("./consent-deny.ts")).consentDenyCommand,
  },
  {
    name: "consent web",
    isLong: true,
    summary: "a page on this machine to answer questions on",
    load: async () => (await import("./consent-web.ts")).consentWebCommand,
  },
  {
    name: "consent revoke",
    summary: "take an approval back",
    load: async () => (await import("./consent-revoke.ts")).consentRevokeCommand,
  },
  {
    name: "session list",
    summary: "sessions and their taint labels",
    load: async () => (await import("./session-list.ts")).sessionListCommand,
  },
  {
    name: "session reset",
    summary: "clear the taint labels of a session",
    load: async () => (await import("./session-reset.ts")).sessionResetCommand,
  },
  {
    name: "audit verify",
    isLong: true,
    summary: "check the audit logs: signatures, order, completeness",
    load: async () => (await import("./audit-verify.ts")).auditVerifyCommand,
  },
  {
    name: "audit replay",
    isLong: true,
    summary: "decide every recorded call again and compare",
    load: async () => (await import("./audit-replay.ts")).auditReplayCommand,
  },
  {
    name: "audit show",
    isLong: true,
    summary: "what was decided: a table, a summary, or as it happens",
    load: async () => (await import("./audit-show.ts")).auditShowCommand,
  },
  {
    name: "audit export",
    isLong: true,
    summary: "the audit logs as JSON Lines, OpenTelemetry spans or AEP records",
    load: async () => (await import("./audit-export.ts")).auditExportCommand,
  },
];

/** The command that `argv` names with its first one or two words, and the arguments behind it. */
export function findCommand(
  argv: readonly string[],
): { readonly entry: CommandEntry; readonly rest: readonly string[] } | undefined {
  for (const entry of COMMANDS) {
    const words = entry.name.split(" ");
    if (words.every((word, index) => word === argv[index])) {
      return { entry, rest: argv.slice(words.length) };
    }
  }
  return undefined;
}
