// What the examples for Deno and Bun run: a signed catalog, a server that lists, calls that are decided.
// It imports `portcullis` alone, and neither reads nor writes anything.
import { createRequestIdentity, MCPGateway, TrustedCatalog } from "portcullis";

/**
 * Decides some calls; returns one line for each.
 *
 * @param files texts of `catalog.dsse.json` and `root.1.dsse.json`, and the pin of the root
 * @param listing a tools/list result as the server sent it
 */
export async function decideCalls({ envelope, root, rootPin }, listing) {
  const catalog = await TrustedCatalog.open({ envelope, root, rootPin });
  const gateway = new MCPGateway({ catalog });
  const [serverId] = catalog.servers.keys();
  const { ok, reason } = gateway.admitListing(serverId, listing);
  const identity = createRequestIdentity({ principal: "agent:example", sessionId: "run-1" });
  const [first] = catalog.servers.get(serverId).tools.keys();
  const calls = [
    [serverId, first, { path: "/workspace/a.txt" }],
    [serverId, "export_secrets", {}],
    ["shadow", first, {}],
  ];
  return [
    `${serverId}: ${ok ? "admitted" : reason}`,
    ...calls.map(([server, tool, args]) => {
      const { invocation } = gateway.evaluate({ identity, serverId: server, tool, args });
      return `${server} ${tool}: ${invocation.decision} ${invocation.reason}`;
    }),
  ];
}
