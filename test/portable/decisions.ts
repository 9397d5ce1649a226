// Catalogs, messages, frames and the gateway: what is decided on a signed catalog.
import {
  argumentsDigest,
  createRequestIdentity,
  createScopeLease,
  type GatewayDecision,
  MCPGateway,
  ScopeGuard,
  TrustedCatalog,
  Validator,
} from "portcullis";
import { AEPEmitter, executeFrame, loadImage, PrivateKey, toHex } from "./inner.ts";
import { answerOf, bytesOf, faultOf, hexBytes, type Reporter } from "./report.ts";
import type { CatalogCase, GatewayStep, GuardCase, Vectors } from "./vectors-type.ts";

const MESSAGE_SIZE_MAX = 1 << 20;

async function reportCatalog(test: CatalogCase, report: Reporter): Promise<void> {
  const { id, want, roots, envelope, toml, signatures, nowMs, ...rest } = test;
  const { rootPin, expectId, minVersion } = rest;
  const settings = { root: roots, rootPin, expectId, minVersion, clock: () => nowMs };
  const signed =
    envelope === undefined ? { toml: toml ?? "", signatures: signatures ?? [] } : { envelope };
  try {
    const trusted = await TrustedCatalog.open({ ...settings, ...signed });
    const answer = `ok ${trusted.id} ${trusted.version} ${trusted.sha256} ${toHex(trusted.image)}`;
    report.add("catalog", id, answer, want);
  } catch (error) {
    report.add("catalog", id, faultOf(error), want);
  }
}

function reportGuard(test: GuardCase, catalog: TrustedCatalog, report: Reporter): void {
  const clock = (): number => test.nowMs;
  const guard = ScopeGuard.fromCatalog(catalog, { clock, messageSizeMax: MESSAGE_SIZE_MAX });
  const validator = new Validator(catalog);
  const bound = guard.server(test.server);
  const checkAll = (phase: string): void => {
    for (const { id, server, tool, scopes, want } of test.checks) {
      const request = scopes === undefined ? { server, tool } : { server, tool, scopes };
      const answer = answerOf(() => guard.check(request).reason);
      report.add(`check ${phase}`, id, answer, phase === "admitted" ? want : undefined);
    }
  };
  checkAll("unseen");
  const admission = validator.validate(test.server, test.listing);
  report.add("admission", "listing", JSON.stringify(admission));
  guard.admit(admission);
  checkAll("admitted");
  for (const { id, source, flags, want } of test.messages) {
    const bytes = bytesOf(source);
    const shape = bound.readMessage(bytes, flags);
    report.add("message", id, `${shape.kind} ${JSON.stringify(shape)}`, want);
    report.add("decision", id, bound.checkMessage(bytes, flags).reason);
  }
  const drift = validator.validate(test.server, test.drifted);
  report.add("admission", "drifted", JSON.stringify(drift));
  guard.admit(drift);
  checkAll("drifted");
}

function stable(decision: GatewayDecision): string {
  const { invocation, evidenceRef, ...rest } = decision;
  // the one member that is made to differ
  const { decisionId: _, ...evidence } = evidenceRef;
  const { decision: outcome, reason } = invocation;
  return `${outcome} ${reason} ${JSON.stringify({ invocation, evidence, ...rest })}`;
}

async function reportGateway(
  test: GuardCase,
  catalog: TrustedCatalog,
  report: Reporter,
): Promise<void> {
  const clock = (): number => test.nowMs;
  let answer: GatewayStep["answer"];
  const gateway = new MCPGateway({
    catalog,
    clock,
    consentProvider: {
      channel: "elicitation",
      ask: async (question) => {
        report.add("question", "text", JSON.stringify(question));
        return { choice: answer ?? "deny" };
      },
    },
  });
  gateway.admitListing(test.server, test.listing);
  const signer = new PrivateKey(new Uint8Array(32).fill(42));
  const emitter = new AEPEmitter({ run_id: "portable", created_at_ms: test.nowMs, signer, clock });
  for (const step of test.steps) {
    const { principal, session, server, tool, args, scopes, lease } = step;
    const identity = createRequestIdentity({ principal, sessionId: session, clock });
    const { principalHash } = identity;
    if (lease !== undefined) {
      const { tools: grantedTools, ...terms } = lease;
      const random = (size: number): Uint8Array => new Uint8Array(size).fill(7);
      const grant = { principalHash, serverId: server, grantedTools, clock, random, ...terms };
      await gateway.grantLease(createScopeLease(grant));
    }
    const request = { identity, serverId: server, tool, args, scopes };
    answer = step.answer;
    const isAsked = answer !== undefined;
    const decision = isAsked ? await gateway.evaluateAsync(request) : gateway.evaluate(request);
    report.add("gateway", step.id, stable(decision), step.want);
    const { toolName, decision: outcome, reason } = decision.invocation;
    emitter.addAction({
      tool_name: toolName,
      state_changing: decision.stateChanging,
      arguments_digest: argumentsDigest({ args }),
      capability_decision: {
        capability: toolName,
        subject: principalHash,
        resource: server,
        decision: outcome,
        reason_code: reason,
      },
    });
  }
  report.add("aep", "record", JSON.stringify(emitter.build()));
}

export async function reportDecisions(vectors: Vectors, report: Reporter): Promise<void> {
  for (const test of vectors.catalogs) await reportCatalog(test, report);
  const { root, envelope, nowMs } = vectors.guard;
  const catalog = await TrustedCatalog.open({ root, envelope, clock: () => nowMs });
  reportGuard(vectors.guard, catalog, report);
  await reportGateway(vectors.guard, catalog, report);
  for (const { image, frames } of vectors.images) {
    const kernel = loadImage(hexBytes(image), 64);
    for (const { id, input, want } of frames) {
      report.add("frame", id, toHex(executeFrame(kernel, hexBytes(input))), want);
    }
  }
}
