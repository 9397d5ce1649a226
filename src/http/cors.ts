// For pages whose origin is named: what a browser asks before it sends, and lets the page read.
const ALLOWED_HEADER =
  /^(authorization|content-type|accept|last-event-id|mcp-(session-id|protocol-version|method|name|param-[a-z0-9_-]+)|traceparent|tracestate)$/;

/** The origin of a page that may read the response; `undefined` for other requests. */
export function namedOrigin(request: Request, allowed: readonly string[]): string | undefined {
  const origin = request.headers.get("origin");
  return origin !== null && allowed.includes(origin) ? origin : undefined;
}

/** Answers what a browser asks beforehand (Fetch standard, CORS-preflight). */
export function preflight(request: Request): Response {
  const asked = (request.headers.get("access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => ALLOWED_HEADER.test(name));
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "POST, GET, DELETE",
      "access-control-allow-headers": asked.join(", "),
      "access-control-max-age": "600",
    },
  });
}

/** Lets the page of that origin read the response. */
export function shareWith(response: Response, origin: string): Response {
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("access-control-expose-headers", "mcp-session-id");
  response.headers.append("vary", "origin");
  return response;
}
