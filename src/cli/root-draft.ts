// The next trust root while operators are still signing it: `root.<N+1>.draft.json` in the home, an
// envelope like a root's. No guard reads it: the root in force stays until the draft is complete.
import { join } from "node:path";

import { LIMIT_SIGNATURES } from "../abi/limits.ts";
import { bytesEqual, utf8 } from "../bytes.ts";
import {
  LIMIT_ROOT_BYTES,
  parseRoot,
  ROOT_PAYLOAD_TYPE,
  type TrustRole,
  type TrustRoot,
} from "../catalog/root.ts";
import { verifyRootChain } from "../catalog/root-chain.ts";
import { createRoot, type RootSettings } from "../catalog/root-text.ts";
import { systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import {
  addSignatures,
  createEnvelope,
  type Envelope,
  parseEnvelope,
  serializeEnvelope,
  verifiedKeys,
} from "../sign/dsse.ts";
import type { PrivateKey } from "../sign/keys.ts";
import type { Arguments, Io } from "./command.ts";
import { readConfig, requiredPin } from "./config.ts";
import { inFile } from "./fault.ts";
import { assertAbsent, MODE_PUBLIC_FILE, readOptionalFile, writeFileAtomic } from "./files.ts";
import { assertHomeExists, guardHome } from "./home.ts";
import { rootExpiry, settingsOf } from "./root-edit.ts";
import { readRoots, rootFile, stateFile } from "./trust-files.ts";

/** WHY: an expired root is replaced by the next one like any other, so its expiry must not matter. */
const BEFORE_ANY_EXPIRY_MS = 0;

/** The trust root in force, and how it came to be. */
export interface RootHome {
  /** Absolute path of the home. */
  readonly path: string;
  readonly pin: string;
  /** The catalog id this host expects. */
  readonly id: string | undefined;
  /** Envelopes, oldest first. */
  readonly chain: readonly Uint8Array[];
  /** Verified, and perhaps expired. */
  readonly current: TrustRoot;
}

export interface RootDraft {
  readonly file: string;
  readonly envelope: Envelope;
  /** What it says; nothing of it is in force. */
  readonly root: TrustRoot;
}

/** How many keys of a role have signed, and how many must. */
export interface SignatureCount {
  readonly signed: number;
  readonly threshold: number;
}

/** The two thresholds of a next root: of the root in force, and its own. */
export interface DraftCounts {
  readonly old: SignatureCount;
  readonly new: SignatureCount;
}

/**
 * Verifies the chain of trust roots of a home; the last one may be expired.
 *
 * @throws {GuardError} HOME_UNSAFE, HOME_INCOMPLETE, CONFIG_INVALID, STATE_CORRUPT, and everything
 *   that `verifyRootChain` throws but ROOT_EXPIRED.
 */
export async function openRoots(args: Arguments, io: Io): Promise<RootHome> {
  const home = guardHome(args, io);
  assertHomeExists(home);
  const { path } = home;
  const config = readConfig(path);
  const pin = requiredPin(config, path);
  const chain = readRoots(path);
  const state = await stateFile(path).load();
  const current = verifyRootChain({ envelopes: chain, pin, state, nowMs: BEFORE_ANY_EXPIRY_MS });
  return { path, pin, id: config.id, chain, current };
}

/**
 * The draft of the next root, or `undefined` when there is none.
 *
 * @throws {GuardError} ROOT_SYNTAX, ROOT_SCHEMA, ROOT_KEY_INVALID, ROOT_ROLE when it is no root;
 *   ROOT_CHAIN when it is one of another version.
 */
export function readDraft(home: RootHome): RootDraft | undefined {
  const file = draftFile(home);
  const bytes = readOptionalFile(file, LIMIT_ROOT_BYTES);
  if (bytes === undefined) return undefined;
  return inFile(file, () => {
    const envelope = parseEnvelope(bytes, { code: "ROOT_SYNTAX", sizeBytesMax: LIMIT_ROOT_BYTES });
    if (envelope.payloadType !== ROOT_PAYLOAD_TYPE) {
      throw new GuardError("ROOT_SCHEMA", "expected a trust root, got another payload type");
    }
    const root = parseRoot(envelope.payload);
    const next = home.current.version + 1;
    if (root.version === next) return { file, envelope, root };
    const message = `expected a draft of trust root ${next}, got one of ${root.version}`;
    throw new GuardError("ROOT_CHAIN", `${message}; remove the file and draft again`);
  });
}

/** As `readDraft`. @throws {GuardError} HOME_INCOMPLETE when there is none */
export function requiredDraft(home: RootHome): RootDraft {
  const draft = readDraft(home);
  if (draft !== undefined) return draft;
  const message = "expected a draft of the next trust root, got none; make one, for example with";
  throw new GuardError("HOME_INCOMPLETE", `${message} \`portcullis root add-key\``, {
    at: { file: draftFile(home) },
  });
}

/**
 * Changes the draft, which is made from the root in force when there is none: the next version,
 * two years from now. Signatures of other bytes do not carry over.
 *
 * @returns the draft, and how many signatures the change has cost.
 * @throws {GuardError} what `edit` and `createRoot` throw; nothing is written then.
 */
export function editDraft(
  home: RootHome,
  edit: (settings: RootSettings) => RootSettings,
): { readonly draft: RootDraft; readonly dropped: number } {
  const old = readDraft(home);
  const settings =
    old === undefined
      ? {
          ...settingsOf(home.current),
          version: home.current.version + 1,
          expiresMs: rootExpiry(systemClock()),
        }
      : settingsOf(old.root);
  const payload = utf8(createRoot(edit(settings)));
  if (old !== undefined && bytesEqual(payload, old.envelope.payload)) {
    return { draft: old, dropped: 0 };
  }
  const envelope = createEnvelope(ROOT_PAYLOAD_TYPE, payload, []);
  const draft = { file: draftFile(home), envelope, root: parseRoot(payload) };
  writeDraft(draft);
  return { draft, dropped: old?.envelope.signatures.length ?? 0 };
}

/**
 * The draft with a signature of `key`, and with those that count towards one of the thresholds.
 *
 * @throws {GuardError} ROOT_ROLE when the key holds the role root neither in force nor in the draft.
 */
export function signDraft(home: RootHome, draft: RootDraft, key: PrivateKey): RootDraft {
  const holders = new Map(
    [...home.current.roles.root.keys, ...draft.root.roles.root.keys].map((one) => [one.keyid, one]),
  );
  if (!holders.has(key.keyid)) {
    const { version } = draft.root;
    const message = `expected a key with the role root in version ${version - 1} or ${version}`;
    throw new GuardError("ROOT_ROLE", `${message}, got one without it`);
  }
  const counted = new Set([key.keyid]);
  // WHY: one signature for each key that counts, so that no others can crowd them out
  const kept = draft.envelope.signatures.filter((signature) => {
    const one = { ...draft.envelope, signatures: [signature] };
    const [signer] = verifiedKeys(one, [...holders.values()]);
    if (signer === undefined || counted.has(signer)) return false;
    counted.add(signer);
    return true;
  });
  const signatures = kept.slice(0, LIMIT_SIGNATURES - 1);
  return { ...draft, envelope: addSignatures({ ...draft.envelope, signatures }, [key]) };
}

/** Writes a draft in place of the one before. @throws {GuardError} FILE_UNREADABLE */
export function writeDraft(draft: RootDraft): void {
  writeFileAtomic(draft.file, serializeEnvelope(draft.envelope), MODE_PUBLIC_FILE);
}

/**
 * Puts a complete draft in force: written whole, on disk, or not at all.
 *
 * @returns the file and the chain that ends with it.
 * @throws {GuardError} what `verifyRootChain` throws, ROOT_EXPIRED included, and FILE_EXISTS:
 *   nothing is written then.
 */
export function installDraft(
  home: RootHome,
  draft: RootDraft,
): { readonly file: string; readonly chain: readonly Uint8Array[] } {
  const bytes = utf8(serializeEnvelope(draft.envelope));
  const chain = [...home.chain, bytes];
  verifyRootChain({ envelopes: chain, pin: home.pin, nowMs: systemClock() });
  const file = rootFile(home.path, draft.root.version);
  assertAbsent(file);
  writeFileAtomic(file, bytes, MODE_PUBLIC_FILE);
  return { file, chain };
}

/** Who has signed a draft so far. */
export function countSignatures(home: RootHome, draft: RootDraft): DraftCounts {
  const count = ({ keys, threshold }: TrustRole): SignatureCount => ({
    signed: verifiedKeys(draft.envelope, keys).size,
    threshold,
  });
  return { old: count(home.current.roles.root), new: count(draft.root.roles.root) };
}

/** Signatures that are missing at least; 0 = the draft is complete. */
export function missingSignatures(counts: DraftCounts): number {
  const missing = ({ signed, threshold }: SignatureCount): number =>
    Math.max(0, threshold - signed);
  return Math.max(missing(counts.old), missing(counts.new));
}

/** Absolute path of the draft of the next root. */
export function draftFile(home: RootHome): string {
  return join(home.path, `root.${home.current.version + 1}.draft.json`);
}
