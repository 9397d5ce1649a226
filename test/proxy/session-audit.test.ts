// The audit log of a connection: which event each decision, listing and question becomes, and what is
// refused when it cannot be written.
import { describe, expect, it } from "vitest";
import type { AuditEvent, AuditSink } from "../../src/audit/event.ts";
import { utf8Text } from "../../src/bytes.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";
import { reasons, rigOf } from "./layers-rig.ts";
import { call, request } from "./rig.ts";

describe("the audit log", () => {
  class Sink implements AuditSink {
    isAvailable = true;
    keeps = true;
    readonly events: AuditEvent[] = [];
    append(event: AuditEvent): boolean {
      if (this.keeps) this.events.push(event);
      return this.keeps;
    }
    flush(): void {}
    close(): void {}
  }

  it("gets every decided dispatch with its frames, refusals of the first look included", async () => {
    const audit = new Sink();
    const rig = await rigOf({}, { audit });
    rig
      .send(call(1, "echo"))
      .send(call(2, "export_secrets"))
      .send(call(3, "echo", {}));
    expect(rig.mock.callsReceived).toBe(1);
    const calls = audit.events.filter(({ kind }) => kind === "call");
    expect(calls).toMatchObject([
      { kind: "call", tool: "echo", decision: "allow", era: "legacy", server: "filesystem" },
      { kind: "call", tool: "export_secrets", reason: "tool_smuggle" },
      { kind: "call", tool: "echo", reason: "argument_denied" },
    ]);
    for (const { input, output, principalHash: who, sessionHash: where } of calls) {
      expect([input?.length, (output?.length ?? 0) >= 64]).toEqual([576, true]);
      expect([who, where]).toEqual([principalHash("local"), sessionHash("s")]);
    }
    expect(utf8Text(calls[0]?.args ?? new Uint8Array())).toBe('{"message":"x"}');
  });

  it("gets every digest that was listed, what was refused before it was a call, and questions", async () => {
    const audit = new Sink();
    const itemKeys = { echo: 'requires = ["consent"]' };
    const rig = await rigOf({ itemKeys }, { audit });
    rig.send(call(1, "echo")).send("[]").send(request(2, "vendor/x"));
    const question = rig.messages().find(({ method }) => method === "elicitation/create");
    rig.send({ jsonrpc: "2.0", id: question?.id, result: { action: "decline" } });
    rig.serverSends({ jsonrpc: "2.0", id: 77, result: {} });
    expect(audit.events.map(({ kind, reason }) => [kind, reason])).toEqual([
      ["list", "allowed"],
      // capabilities were cut out of the introduction
      ["result", "allowed"],
      ["list", "allowed"],
      ["call", "consent_required"],
      ["consent", "consent_required"],
      ["call", "malformed_message"],
      ["call", "feature_denied"],
      ["consent", "consent_required"],
      ["call", "consent_refused"],
      ["result", "malformed_message"],
    ]);
    const [introduction, listing] = audit.events.filter(({ kind }) => kind === "list");
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
    expect(introduction?.items).toEqual([{ kind: "instructions", name: "", digest }]);
    expect(listing?.items).toHaveLength(8);
    expect(listing?.items).toContainEqual({ kind: "tool", name: "echo", digest });
  });

  it("that cannot write refuses what changes state, and reads unless they may pass without", async () => {
    for (const [auditMode, reads] of [
      ["required", "audit_unavailable"],
      ["best-effort", "allowed"],
    ] as const) {
      for (const broken of [{ isAvailable: false }, { keeps: false }]) {
        const audit = Object.assign(new Sink(), { keeps: false }, broken);
        const rig = await rigOf({}, { audit, auditMode });
        expect(reasons(rig, call(1, "write_file"), call(2, "echo"))).toEqual([
          "audit_unavailable",
          reads,
        ]);
        expect(rig.mock.calls.some(({ name }) => name === "write_file")).toBe(false);
      }
    }
  });
});
