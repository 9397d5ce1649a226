// One decision for an explanation: the frame a guard would decide by, decided once more with what the
// question leaves open. Words come out of here, and nothing that could be forwarded or taken.
import * as abi from "../abi/frame.ts";
import { SERVER_REFUSED } from "../abi/layout.ts";
import { fromHex } from "../bytes.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { GuardError } from "../errors.ts";
import { executeFrame } from "../kernel/decide.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type OutputFrame, readOutputFrame } from "../kernel/output-frame.ts";
import type { Drift } from "../store/records.ts";
import type { ConsentRecord } from "./consent-record.ts";
import { DecisionEngine } from "./engine.ts";
import type { EngineDecision } from "./engine-types.ts";
import { type GrantReads, GrantsView } from "./grants-view.ts";
import type { RequestIdentity } from "./identity.ts";
import { type LiveDefinition, liveDefinitionOf } from "./live-items.ts";
import type { ProtectedPaths } from "./protected-paths.ts";
import { ScopeGuard } from "./scope-guard.ts";
import { Validator } from "./validator.ts";

/** A call to explain. */
export interface ExplainedQuestion {
  readonly identity: RequestIdentity;
  readonly server: string;
  readonly tool: string;
  /** `undefined`: the tool's own. */
  readonly scopes: readonly string[] | undefined;
  /** Raw JSON of the arguments; `undefined`: not given, and no layer about them is run. */
  readonly args: Uint8Array | undefined;
  /** False: the strict reader refuses the arguments. */
  readonly isMessageRead: boolean;
  /** Raw JSON of the live definition; `undefined`: assumed to be the pinned one. */
  readonly definition: string | undefined;
  /** The text of the pinned definition, where it is at hand. */
  readonly pinned: Uint8Array | undefined;
  /** What drifted of this server under this catalog. */
  readonly drift: readonly Drift[];
  readonly protectedPaths: ProtectedPaths | undefined;
}

/** What the layers say. */
export interface ExplainedCall {
  readonly frame: OutputFrame;
  /** What it depended on, with arguments and vetting as they were judged. */
  readonly engine: EngineDecision;
  /** False where there is no text to vet. */
  readonly isVetted: boolean;
  /** One byte of the input frame each, as src/abi/frame.ts has them. */
  readonly arguments: number;
  readonly schema: number;
}

/**
 * Decides one call as a guard of this catalog would at this moment, without taking anything.
 *
 * @throws {GuardError} SCOPE_UNKNOWN when a scope is named that the catalog does not have; KERNEL_LOAD,
 *   KERNEL_CAPACITY or IMAGE_INVALID when the kernel cannot be had
 */
export function explainCall(
  trusted: TrustedCatalog,
  question: ExplainedQuestion,
  store: GrantReads,
): ExplainedCall {
  const { server: serverId, tool, definition, protectedPaths } = question;
  const guard = ScopeGuard.fromCatalog(trusted, { messageSizeMax: INPUT_SIZE_MAX });
  if (definition !== undefined) {
    guard.admit(new Validator(trusted).validate(serverId, `[${definition}]`));
  }
  const view = new GrantsView(store, { hidesBound: question.args === undefined });
  const engine = new DecisionEngine({ guard, store: view, protectedPaths });
  const call = {
    identity: question.identity,
    serverId,
    name: tool,
    item: guard.resolve(serverId, tool)?.item ?? -1,
    args: question.args,
    scopes: question.scopes,
    leaseId: undefined,
    definition: definition === undefined ? assumed(trusted, question) : undefined,
    isConsentRefused: false,
  };
  const decided = engine.decide(call, { audit: abi.AUDIT_AVAILABLE, keepsFrames: true });
  const { input, live, target } = decided;
  if (input === undefined) throw new GuardError("KERNEL_LOAD", "expected a frame, got none");
  const isVetted = live?.text !== undefined || target === undefined || definition !== undefined;
  const frame = input.slice();
  openQuestions(frame, trusted, question, isVetted);
  const { kernel } = ScopeGuard.partsOf(guard).guard;
  const consents =
    question.args !== undefined || live === undefined
      ? []
      : view.findConsents(question.identity.principalHash, serverId, live.fingerprint);
  return {
    frame: decideFrame(kernel, frame, consents, engine.items.serverIndexOf(serverId)),
    engine: decided,
    isVetted,
    arguments: input[abi.INPUT_OFFSET_ARGUMENTS] ?? 0,
    schema: input[abi.INPUT_OFFSET_SCHEMA] ?? 0,
  };
}

/** Nothing here reads messages. */
const INPUT_SIZE_MAX = 65_536;

/** The pinned definition as if the server had just sent it. */
function assumed(
  trusted: TrustedCatalog,
  { server, tool, pinned }: ExplainedQuestion,
): LiveDefinition | undefined {
  const [first] = trusted.catalog.servers.get(server)?.tools.get(tool)?.fingerprints ?? [];
  return first === undefined ? undefined : liveDefinitionOf(first, pinned);
}

/** Writes what an engine does not judge, and what the question leaves open. */
function openQuestions(
  frame: Uint8Array,
  trusted: TrustedCatalog,
  question: ExplainedQuestion,
  isVetted: boolean,
): void {
  const { server: serverId, tool, isMessageRead, drift } = question;
  const server = trusted.catalog.servers.get(serverId);
  if (!isMessageRead) frame[abi.INPUT_OFFSET_MESSAGE] = 0;
  if (server !== undefined && !server.allow.includes("tools")) {
    frame[abi.INPUT_OFFSET_FEATURE] = 0;
  }
  if (question.args === undefined || !isMessageRead) {
    frame[abi.INPUT_OFFSET_ARGUMENTS] = abi.ARGUMENTS_HOLD;
    frame[abi.INPUT_OFFSET_SCHEMA] = abi.SCHEMA_HOLDS;
  }
  if (!isVetted) frame[abi.INPUT_OFFSET_VETTING] = abi.VETTING_NONE;
  if (server === undefined || drift.length === 0) return;
  const isDrifted = drift.some(({ kind, name }) => kind === "tool" && name === tool);
  const flags = new DataView(frame.buffer, frame.byteOffset + abi.INPUT_OFFSET_FLAGS, 4);
  if (isDrifted) flags.setUint32(0, flags.getUint32(0, true) | abi.INPUT_FLAG_STICKY_DRIFT, true);
  if (server.onDrift === "block-server") frame[abi.INPUT_OFFSET_SERVER_STATE] = SERVER_REFUSED;
}

/**
 * Decides the frame; where it is no allow, with each approval in its place: the kernel alone says
 * which one covers the call.
 */
function decideFrame(
  kernel: Kernel,
  frame: Uint8Array,
  consents: readonly ConsentRecord[],
  serverIndex: number,
): OutputFrame {
  const first = execute(kernel, frame);
  if (first.outcome === "allow") return first;
  for (const consent of consents) {
    const other = execute(kernel, withConsent(frame, consent, serverIndex));
    if (other.outcome === "allow") return other;
  }
  return first;
}

function execute(kernel: Kernel, frame: Uint8Array): OutputFrame {
  const output = readOutputFrame(executeFrame(kernel, frame));
  if (output !== undefined) return output;
  throw new GuardError("KERNEL_LOAD", "expected an output frame of this version, got another");
}

/** @param consent for any arguments */
function withConsent(frame: Uint8Array, consent: ConsentRecord, server: number): Uint8Array {
  const copy = frame.slice();
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
  view.setUint32(
    abi.INPUT_OFFSET_FLAGS,
    view.getUint32(abi.INPUT_OFFSET_FLAGS, true) | abi.INPUT_FLAG_CONSENT,
    true,
  );
  const put = (at: number, hex: string): void => copy.set(fromHex(hex) ?? new Uint8Array(32), at);
  put(abi.INPUT_OFFSET_CONSENT_PRINCIPAL, consent.principalHash);
  put(abi.INPUT_OFFSET_CONSENT_SESSION, consent.sessionHash);
  put(abi.INPUT_OFFSET_CONSENT_ITEM, consent.itemFingerprint.slice("sha256:".length));
  put(abi.INPUT_OFFSET_CONSENT_IMAGE, consent.imageDigest);
  copy.fill(0, abi.INPUT_OFFSET_CONSENT_ARGUMENTS, abi.INPUT_OFFSET_CONSENT_ARGUMENTS + 32);
  view.setBigUint64(abi.INPUT_OFFSET_CONSENT_EXPIRES, BigInt(consent.expiresAtMs), true);
  view.setUint32(abi.INPUT_OFFSET_CONSENT_ASKING, consent.asking, true);
  view.setUint32(abi.INPUT_OFFSET_CONSENT_TAINT, consent.taint, true);
  const leased = consent.hadLease ? abi.CONSENT_FLAG_LEASE : 0;
  view.setUint32(abi.INPUT_OFFSET_CONSENT_FLAGS, abi.CONSENT_FLAG_ANY_ARGUMENTS | leased, true);
  view.setInt32(abi.INPUT_OFFSET_CONSENT_SERVER, server, true);
  return copy;
}
