// `POST /leases`: the operator grants a lease, which all guards then count together.
import { createRequestIdentity, createScopeLease, GuardError, MCPGateway } from "portcullis";

/** Lower-case hex SHA-256 of a text. */
export async function digestOf(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Takes `{ principal, server, tools, seconds, calls }`; gives the id of the lease. */
export async function grantLease(request, { catalog, store, operatorSha256 }) {
  const [, token = ""] = /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  // WHY: digests are compared; how long that takes says nothing of the token
  const isOperator = /^[0-9a-f]{64}$/.test(operatorSha256 ?? "");
  if (!isOperator || (await digestOf(token)) !== operatorSha256) {
    return new Response("authentication is required\n", { status: 401 });
  }
  if (request.method !== "POST") return new Response("expected POST\n", { status: 405 });
  try {
    const { principal, server, tools, seconds, calls } = await request.json();
    const pinned = catalog.servers.get(server)?.tools;
    const unknown = tools.find((tool) => !pinned?.has(tool));
    if (unknown !== undefined) return refused("expected a server and tools of the catalog");
    // WHY: what is missing would be a lease for any number of calls
    if (!(seconds > 0 && calls > 0)) return refused("expected seconds and calls above 0");
    const { principalHash } = createRequestIdentity({ principal, sessionId: "operator" });
    const lease = createScopeLease({
      ...{ principalHash, serverId: server, grantedTools: tools, stateChanging: true },
      ...{ ttlSeconds: seconds, maxInvocations: calls },
    });
    await new MCPGateway({ catalog, store }).grantLease(lease);
    return Response.json({ lease: lease.leaseId, expires: lease.expiresAt });
  } catch (fault) {
    const { code, message } = fault instanceof GuardError ? fault : {};
    if (code === "STORE_UNAVAILABLE") return new Response(`${message}\n`, { status: 503 });
    return refused(message ?? "expected { principal, server, tools, seconds, calls } as JSON");
  }
}

function refused(why) {
  return new Response(`${why}\n`, { status: 400 });
}
