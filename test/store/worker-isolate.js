// A Worker in an isolate of its own. `/lease/NAME` uses the invocations of the one lease of an object
// until none is left, and says which it got. `/gateway/NAME` is a whole guard: it decides a row of calls
// under the lease that is named, and says what came of each.
import {
  buildServerCard,
  createRequestIdentity,
  createScopeLease,
  MCPGateway,
} from "../../build/esm/index.js";
import { openDurableObjectStore } from "../../build/esm/store/durable-object.js";

const CALLS = 30;
const TOOL = {
  name: "fs_write",
  description: "Writes a file.",
  inputSchema: { type: "object", properties: { path: { type: "string" } } },
};

async function takeLease(store) {
  const [{ id }] = await store.listLeases();
  const taken = [];
  for (;;) {
    const { remaining } = await store.getLease(id);
    if (remaining === 0) return taken;
    if (await store.consumeLease(id, remaining)) taken.push(remaining);
  }
}

function gatewayOf(store) {
  const card = buildServerCard({ serverId: "files", tools: [TOOL], operatorVerified: true });
  return new MCPGateway({ serverCards: [card], store });
}

function who() {
  return createRequestIdentity({ principal: "agent:a", sessionId: "s" });
}

async function decideCalls(store, leaseId) {
  const gateway = gatewayOf(store);
  const call = { identity: who(), serverId: "files", tool: TOOL, args: { path: "/a" }, leaseId };
  const reasons = [];
  for (let at = 0; at < CALLS; at++) {
    const { invocation } = await gateway.evaluateAsync(call);
    reasons.push(invocation.decision === "allow" ? "allow" : invocation.reason);
  }
  return reasons;
}

async function grantLease(store, maxInvocations) {
  const lease = createScopeLease({
    principalHash: who().principalHash,
    serverId: "files",
    grantedTools: [TOOL.name],
    stateChanging: true,
    maxInvocations,
  });
  await gatewayOf(store).grantLease(lease);
  return lease.leaseId;
}

export default {
  async fetch(request, env) {
    const [, what, name, more] = new URL(request.url).pathname.split("/");
    const stub = env.STORE.get(env.STORE.idFromName(name));
    const store = openDurableObjectStore(stub, { timeoutMs: 20_000 });
    if (what === "lease") return Response.json(await takeLease(store));
    if (what === "grant") return Response.json(await grantLease(store, Number(more)));
    return Response.json(await decideCalls(store, more));
  },
};
