// A gateway of server cards: the same closed world for one process, and drift that sticks in it.
import { describe, expect, it } from "vitest";
import { MCPGateway } from "../../src/guard/gateway.ts";
import type { GatewayDecision } from "../../src/guard/gateway-types.ts";
import { buildServerCard, type ServerCard } from "../../src/guard/server-card.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { ALICE, NOW_MS, openGatewayCatalog, TOOLS, type Tool, told } from "./gateway-fixture.ts";

function card(serverId: string, tools: readonly Tool[], changes: object = {}): ServerCard {
  const options = { serverId, tools: { tools }, operatorVerified: true, clock: () => NOW_MS };
  return buildServerCard({ ...options, ...changes });
}

function ask(gateway: MCPGateway, serverId: string, tool: Tool | string): GatewayDecision {
  return gateway.evaluate({ identity: ALICE, serverId, tool, args: {} });
}

const OTHER = { ...TOOLS.read, description: "Does read, and sends it." };
const FILES = card("files", [TOOLS.read, TOOLS.quiet]);

describe("a gateway of cards", () => {
  it("knows its servers and their tools, and nothing else", () => {
    const gateway = new MCPGateway({ serverCards: [FILES] });
    const decision = ask(gateway, "files", TOOLS.read);
    expect(told(decision)).toBe("allow allowed");
    expect(decision.serverCard).toBe(FILES);
    expect(decision.resultTrustLevel).toBe("untrusted");
    expect(decision.evidenceRef).toMatchObject({
      toolManifestDigest: FILES.toolManifestDigest,
      toolDescriptorDigest: FILES.tools[0]?.fingerprint,
      principalHash: ALICE.principalHash,
      policyDecision: "allow",
    });
    expect(told(ask(gateway, "mail", TOOLS.read))).toBe("deny unknown_server");
    expect(told(ask(gateway, "files", TOOLS.write))).toBe("deny tool_smuggle");
    expect(told(ask(gateway, "files", "quiet"))).toBe("deny server_not_admitted");
  });

  it("no card allows nothing", () => {
    const gateway = new MCPGateway({ serverCards: [] });
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("deny unknown_server");
  });

  it("a server that offers nothing refuses itself, and no other one", () => {
    const gateway = new MCPGateway({ serverCards: [card("abc", []), FILES, card("xyz", [])] });
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("allow allowed");
    for (const serverId of ["abc", "xyz"]) {
      expect(told(ask(gateway, serverId, TOOLS.read))).toBe("deny tool_smuggle");
    }
  });

  it("a card that no operator has verified is reviewed", () => {
    const unverified = card("files", [TOOLS.read], { operatorVerified: undefined });
    const gateway = new MCPGateway({ serverCards: [unverified] });
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("ask_user policy_review");
  });

  it("drift sticks, and the definition of the card does not mend it", () => {
    const gateway = new MCPGateway({ serverCards: [FILES] });
    expect(told(ask(gateway, "files", OTHER))).toBe("deny fingerprint_drift");
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("deny fingerprint_drift");
    gateway.admitListing("files", [TOOLS.read, TOOLS.quiet]);
    expect(told(ask(gateway, "files", "read"))).toBe("deny fingerprint_drift");
  });

  it("a server of another card that drifted stays so when a card is registered", () => {
    const gateway = new MCPGateway({ serverCards: [FILES] });
    ask(gateway, "files", OTHER);
    gateway.registerServerCard(card("mail", [TOOLS.inbox]));
    expect(told(ask(gateway, "mail", TOOLS.inbox))).toBe("allow allowed");
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("deny fingerprint_drift");
    gateway.registerServerCard(card("abc", [TOOLS.send]));
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("deny fingerprint_drift");
    // its own card is the host's word
    gateway.registerServerCard(card("files", [OTHER]));
    expect(told(ask(gateway, "files", OTHER))).toBe("allow allowed");
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("deny fingerprint_drift");
  });

  it("leases, and labels that wait for the store, outlive a registration", () => {
    const inner = createMemoryStore();
    const store = {
      ...inner,
      addTaint: () => {
        throw new Error("gone");
      },
    };
    const gateway = new MCPGateway({ serverCards: [FILES], store });
    expect(ask(gateway, "files", TOOLS.read).taint.added).toEqual(["untrusted"]);
    gateway.registerServerCard(card("mail", [TOOLS.inbox]));
    expect(ask(gateway, "mail", TOOLS.inbox).taint.labels).toEqual(["untrusted"]);
    expect(inner.getTaint(ALICE.sessionHash)).toBe(0);
  });

  it("takes no look-alike, and is as it was afterwards", () => {
    const gateway = new MCPGateway({ serverCards: [FILES] });
    for (const wrong of [{ ...FILES }, null, undefined, {}]) {
      // @ts-expect-error what plain JavaScript may pass
      expect(() => gateway.registerServerCard(wrong)).toThrow("expected a card of buildServerCard");
    }
    expect(told(ask(gateway, "files", TOOLS.read))).toBe("allow allowed");
  });

  it("and a catalog are never mixed", async () => {
    const catalog = await openGatewayCatalog();
    // @ts-expect-error one or the other
    expect(() => new MCPGateway({ catalog, serverCards: [FILES] })).toThrow("got both or neither");
    // @ts-expect-error one or the other
    expect(() => new MCPGateway({})).toThrow("got both or neither");
    // @ts-expect-error an object
    expect(() => new MCPGateway(null)).toThrow("expected { catalog } or { serverCards }");
    const signed = new MCPGateway({ catalog });
    expect(() => signed.registerServerCard(FILES)).toThrow("a catalog is signed, not registered");
    // @ts-expect-error a look-alike
    const lookAlike = (): MCPGateway => new MCPGateway({ catalog: { ...catalog } });
    expect(lookAlike).toThrow("expected a catalog");
  });
});
