// One conversation with the HTTP guard, the same in every host: what it answers, as lines of text.
// `guard` is `portcullis`, `http` is `portcullis/http`, `data` is made by hosts.test.ts.

const VERSION = "2026-07-28";
const TOKEN = "token-of-agent-a-0123456789abcdef";

function request(id, method, params, headers = {}) {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return new Request("http://localhost/mcp/filesystem", {
    method: "POST",
    headers: {
      authorization: `Bearer ${TOKEN}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": VERSION,
      "mcp-method": method,
      ...(params.name !== undefined && { "mcp-name": params.name }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } }),
  });
}

/** A server that answers listings as JSON, and calls as events. */
function upstream(data, seen) {
  return async (_url, init) => {
    const { id, method } = JSON.parse(new TextDecoder().decode(init.body));
    seen.push(method);
    const result = data.results[method] ?? {};
    const text = JSON.stringify({ jsonrpc: "2.0", id, result });
    const isCall = method === "tools/call";
    const type = isCall ? "text/event-stream" : "application/json";
    return new Response(isCall ? `data: ${text}\r\n\r\n` : text, {
      headers: { "content-type": type },
    });
  };
}

export async function converse({ TrustedCatalog }, { createGuardHandler }, data) {
  const seen = [];
  const lines = [];
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const clock = () => data.nowMs;
  const catalog = await TrustedCatalog.open({
    envelope: bytes(data.envelope),
    root: bytes(data.root),
    clock,
  });
  const handler = createGuardHandler({
    catalog,
    auth: { tokens: [{ sha256: data.tokenSha256, principal: "agent:a" }] },
    fetch: upstream(data, seen),
    clock,
  });
  const ask = async (what, asked) => {
    const response = await handler(asked);
    const text = (await response.text()).replace(/"traceId":"[^"]*"/, '"traceId":""');
    lines.push(`${what}: ${response.status} ${response.headers.get("content-type")} ${text}`);
  };
  const { name, args } = data.call;
  const call = { name, arguments: args };
  await ask("allowed", request(1, "tools/call", call));
  await ask("listed", request(2, "tools/list", {}));
  await ask("smuggled", request(3, "tools/call", { name: "evil", arguments: {} }));
  await ask("other header", request(4, "tools/call", call, { "mcp-name": "evil" }));
  await ask("other origin", request(5, "tools/call", call, { origin: "https://evil.example" }));
  await ask("no token", request(6, "tools/call", call, { authorization: "" }));
  await ask("health", new Request("http://localhost/healthz"));
  handler.close();
  lines.push(`server: ${seen.join(" ")}`);
  return lines.join("\n");
}
