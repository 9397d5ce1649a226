// A question without arguments is not answered by the layer of the arguments.
import { beforeAll, describe, expect, it } from "vitest";
import { VERDICT_ALLOWED, VERDICT_SCOPE_ESCALATION } from "../../src/abi/verdict.ts";
import { UnenforcedLayers } from "../../src/guard/unenforced-layers.ts";
import { toDecision } from "../../src/verdict.ts";
import { catalogToml, SERVER_ID, trust } from "../proxy/rig.ts";

let layers: UnenforcedLayers;

beforeAll(async () => {
  const args = (tool: string): string =>
    `[servers.filesystem.tools.${tool}.args]\n"/message" = { max_length = 9 }`;
  const itemKeys = {
    echo: args("echo"),
    write_file: `requires = ["lease"]\n${args("write_file")}`,
    read_text_file: 'requires = ["consent"]',
  };
  const { catalog } = await trust(catalogToml({ itemKeys }));
  layers = new UnenforcedLayers(catalog, SERVER_ID, true);
});

function reasons(tool: string, verdict: number): string[] {
  const decision = toDecision(verdict);
  return [
    layers.combine(decision, "tool", tool).reason,
    layers.combine(decision, "tool", tool, { leavesOutArguments: false }).reason,
    layers.combine(decision, "tool", tool, { leavesOutArguments: true }).reason,
  ];
}

describe("leavesOutArguments", () => {
  it("leaves out the arguments layer, and nothing but that", () => {
    const denied = "argument_denied";
    expect(reasons("echo", VERDICT_ALLOWED)).toEqual([denied, denied, "allowed"]);
    expect(reasons("write_file", VERDICT_ALLOWED)).toEqual([denied, denied, "lease_required"]);
    const consent = "consent_required";
    expect(reasons("read_text_file", VERDICT_ALLOWED)).toEqual([consent, consent, consent]);
    expect(reasons("nobody", VERDICT_ALLOWED)).toEqual(["undecided", "undecided", "undecided"]);
    const scope = "scope_escalation";
    expect(reasons("echo", VERDICT_SCOPE_ESCALATION)).toEqual([scope, scope, scope]);
  });
});
