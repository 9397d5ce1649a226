// `fetch` that stays with the origin it was given: a redirect elsewhere is not followed, whoever asks
// for it, and so none to a private address either.
import { LIMIT_REDIRECTS } from "./limits.ts";

/** As much of `fetch` as the guard uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** That of the runtime, as it is when it is called. */
export const runtimeFetch: Fetch = (url, init) => globalThis.fetch(url, init);

export interface GuardedRequest {
  readonly fetch: Fetch;
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** Redirects that keep the method and the body (RFC 9110, section 15.4). */
const KEEPING: ReadonlySet<number> = new Set([307, 308]);

/** @returns the response; a redirect itself where it leads elsewhere, or too far */
export async function guardedFetch(request: GuardedRequest): Promise<Response> {
  const { fetch, method, headers, body, signal } = request;
  let { url } = request;
  for (let hops = 0; ; hops++) {
    const response = await fetch(url.href, {
      method,
      headers,
      signal,
      redirect: "manual",
      ...(body !== undefined && { body: new Uint8Array(body) }),
    });
    if (!KEEPING.has(response.status) || hops >= LIMIT_REDIRECTS) return response;
    const next = locationOf(response, url);
    if (next?.origin !== request.url.origin || next.username !== "" || next.password !== "") {
      return response;
    }
    await response.body?.cancel();
    url = next;
  }
}

function locationOf(response: Response, base: URL): URL | undefined {
  const location = response.headers.get("location");
  if (location === null || !URL.canParse(location, base)) return undefined;
  return new URL(location, base);
}
