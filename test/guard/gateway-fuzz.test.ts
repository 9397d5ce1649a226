// Whatever a request is made of: a decision, and never an exception but SCOPE_UNKNOWN.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import type { EvaluateRequest, GatewayDecision } from "../../src/guard/gateway-types.ts";
import { anything } from "./anything.ts";
import { ALICE, type Rig, rigOf, TOOLS } from "./gateway-fixture.ts";

const RUNS = 400;

/** A request whose members are often fine, so that every layer is reached. */
const requests = fc.record(
  {
    identity: fc.oneof({ weight: 4, arbitrary: fc.constant(ALICE) }, anything),
    serverId: fc.oneof({ weight: 4, arbitrary: fc.constantFrom("files", "mail") }, anything),
    tool: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...Object.values(TOOLS)) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.keys(TOOLS)) },
      anything,
    ),
    args: fc.oneof({ weight: 2, arbitrary: fc.object() }, anything),
    scopes: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(undefined, ["fs.read"], []) },
      anything,
      fc.array(anything),
    ),
    leaseId: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, anything),
  },
  { requiredKeys: [] },
);

/** The decision; SCOPE_UNKNOWN is the one fault, and only where scopes were given. */
function decide(rig: Rig, request: EvaluateRequest): GatewayDecision | undefined {
  try {
    return rig.gateway.evaluate(request);
  } catch (fault) {
    if (fault instanceof GuardError && fault.code === "SCOPE_UNKNOWN") return undefined;
    throw fault;
  }
}

describe("any request", () => {
  it("is decided or has an unknown scope, and what is not whole is never allowed", async () => {
    const rig = await rigOf();
    fc.assert(
      fc.property(requests, (request) => {
        // @ts-expect-error what plain JavaScript may pass
        const decision = decide(rig, request);
        if (decision === undefined) {
          expect(request.scopes).not.toBeUndefined();
          return;
        }
        const { decision: outcome } = decision.invocation;
        expect(["allow", "deny", "ask_user", "dry_run"]).toContain(outcome);
        if (outcome !== "allow") return;
        expect(request.identity).toBe(ALICE);
        expect(["files", "mail"]).toContain(request.serverId);
        expect(Object.values<unknown>(TOOLS)).toContain(request.tool);
      }),
      { numRuns: RUNS },
    );
    expect(rig.sink.events.some(({ decision }) => decision === "allow")).toBe(true);
  });

  it("comes to the same answer when it is asked later", async () => {
    const options = { requiredKeys: [] };
    const plain = fc.record(
      { tool: fc.constantFrom(...Object.values(TOOLS)), args: anything },
      options,
    );
    await fc.assert(
      fc.asyncProperty(plain, async (members) => {
        const request = { identity: ALICE, serverId: "files", ...members };
        const [atOnce, later] = [await rigOf(), await rigOf()];
        // @ts-expect-error what plain JavaScript may pass
        const expected = atOnce.gateway.evaluate(request).invocation;
        // @ts-expect-error what plain JavaScript may pass
        const decision = await later.gateway.evaluateAsync(request);
        expect(decision.invocation).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    undefined,
    null,
    1,
    "x",
    [],
    Symbol("x"),
    () => 1,
  ])("%s is no request", async (request) => {
    const rig = await rigOf();
    // @ts-expect-error what plain JavaScript may pass
    expect(rig.gateway.evaluate(request).invocation.decision).toBe("deny");
    // @ts-expect-error what plain JavaScript may pass
    expect((await rig.gateway.evaluateAsync(request)).invocation.decision).toBe("deny");
  });

  it("what wrapResult is given is never trusted for its shape", async () => {
    const rig = await rigOf();
    fc.assert(
      fc.property(anything, anything, anything, (name, result, decision) => {
        // @ts-expect-error what plain JavaScript may pass
        expect(rig.gateway.wrapResult(name, result, decision).trust).toBe("untrusted");
      }),
      { numRuns: RUNS },
    );
  });
});
