// What a request has to be before its body is read (50-proxy section 5): for a host that is meant,
// from an origin that may, in a form that can be judged.
import { LIMIT_HEADER_CHARACTERS } from "./limits.ts";

/** Names of this machine for itself; any port. */
export const LOOPBACK_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Headers of a client that its server gets; nothing else of them does. */
const FORWARDED: ReadonlySet<string> = new Set([
  "mcp-protocol-version",
  "mcp-method",
  "mcp-name",
  "last-event-id",
  "traceparent",
  "tracestate",
]);
export const PARAM_PREFIX = "mcp-param-";

/** A request that is refused as HTTP. */
export interface HttpRefusal {
  readonly status: number;
  /** One line, for the client and the record. */
  readonly detail: string;
}

/**
 * True for a host that is in the list: names with a port hold for that port, others for any.
 *
 * @param host as in a `Host` header
 */
export function isHostAllowed(host: string, allowed: readonly string[]): boolean {
  const lower = host.toLowerCase();
  // WHY: the name alone decides for entries without a port; nothing but digits is one
  const [, name] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(lower) ?? [];
  if (name === undefined) return false;
  return allowed.some((entry) => entry.toLowerCase() === lower || entry.toLowerCase() === name);
}

/** DNS rebinding: both the header and the URL must name a host that is meant. */
export function hostRefusal(request: Request, allowed: readonly string[]): HttpRefusal | undefined {
  const { host } = new URL(request.url);
  const header = request.headers.get("host") ?? host;
  if (isHostAllowed(header, allowed) && isHostAllowed(host, allowed)) return undefined;
  return { status: 403, detail: "a host that this guard does not serve" };
}

/**
 * A page may speak to the guard only when its origin is named, or is the guard's own.
 *
 * @param allowed serialised origins, `https://app.example.com`
 */
export function originRefusal(
  request: Request,
  allowed: readonly string[],
): HttpRefusal | undefined {
  const origin = request.headers.get("origin");
  if (origin === null || allowed.includes(origin)) return undefined;
  if (origin === new URL(request.url).origin) return undefined;
  return { status: 403, detail: "an origin that may not speak to this guard" };
}

/** The type and subtype of the content, in lower case; empty without one. */
export function mediaTypeOf(headers: Headers): string {
  const [essence = ""] = (headers.get("content-type") ?? "").split(";");
  return essence.trim().toLowerCase();
}

/** What is wrong with the form of a POST, its body aside. */
export function postRefusal({ headers }: Request): HttpRefusal | undefined {
  if (mediaTypeOf(headers) !== "application/json") {
    return { status: 415, detail: "a content type that is not application/json" };
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(headers.get("content-type") ?? "")?.[1];
  if (charset !== undefined && charset.toLowerCase() !== "utf-8") {
    return { status: 415, detail: "a charset that is not utf-8" };
  }
  const coding = headers.get("content-encoding") ?? "identity";
  if (coding.trim().toLowerCase() !== "identity") {
    return { status: 415, detail: "a body that is compressed" };
  }
  const isBoth = accepts(headers, "application/json") && accepts(headers, "text/event-stream");
  if (isBoth) return undefined;
  const detail = "a client that does not accept both application/json and text/event-stream";
  return { status: 406, detail };
}

export function accepts(headers: Headers, type: string): boolean {
  const [family] = type.split("/");
  const ranges = (headers.get("accept") ?? "").split(",");
  return ranges.some((range) => {
    const [essence = ""] = range.split(";");
    return [type, "*/*", `${family}/*`].includes(essence.trim().toLowerCase());
  });
}

/** Headers without those of the modern era that repeat one message: what goes with any other. */
export function withoutNames(headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    [...headers].filter(
      ([name]) => name !== "mcp-method" && name !== "mcp-name" && !name.startsWith(PARAM_PREFIX),
    ),
  );
}

/** Headers that go on to the server; `undefined` when one is too long. */
export function forwardedOf(headers: Headers): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (!FORWARDED.has(lower) && !lower.startsWith(PARAM_PREFIX)) continue;
    if (value.length > LIMIT_HEADER_CHARACTERS) return undefined;
    found.set(lower, value);
  }
  return found;
}
