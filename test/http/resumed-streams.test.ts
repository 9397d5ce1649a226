// A client of the legacy era that comes back for what it has missed: beside its general stream, and not
// without end.
import { afterEach, describe, expect, it } from "vitest";
import { LIMIT_RESUMED_STREAMS } from "../../src/http/limits.ts";
import { GUARD_URL, HttpRig, TOKEN } from "./rig.ts";

let streams: ReadableStreamDefaultController<Uint8Array>[] = [];
const aborts: AbortController[] = [];

afterEach(() => {
  for (const abort of aborts.splice(0)) abort.abort();
  streams = [];
});

/** A server whose GET streams stay open. */
async function startOpenEnded(): Promise<{ rig: HttpRig; session: string }> {
  const rig = await HttpRig.start({ allow: ["tools", "logging"] });
  rig.upstream.override = ({ method }) => {
    if (method !== "GET") return undefined;
    const start = (stream: ReadableStreamDefaultController<Uint8Array>): void =>
      void streams.push(stream);
    const headers = { "content-type": "text/event-stream" };
    return Promise.resolve(new Response(new ReadableStream({ start }), { headers }));
  };
  return { rig, session: await rig.open() };
}

function get(
  rig: HttpRig,
  session: string,
  lastEventId?: string,
): { response: Promise<Response>; leave: () => void } {
  const abort = new AbortController();
  aborts.push(abort);
  const headers = {
    accept: "text/event-stream",
    authorization: `Bearer ${TOKEN}`,
    "mcp-session-id": session,
    ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
  };
  const request = new Request(GUARD_URL, { headers, signal: abort.signal });
  return { response: rig.guard(request), leave: () => abort.abort() };
}

describe("streams that a client opens", () => {
  it("what it has missed comes on a stream beside the general one", async () => {
    const { rig, session } = await startOpenEnded();
    const general = await get(rig, session).response;
    expect(general.status).toBe(200);
    const resumed = await get(rig, session, "7").response;
    expect(resumed.status).toBe(200);
    const asked = rig.upstream.seen.filter(({ method }) => method === "GET");
    expect(asked.map(({ headers }) => headers.get("last-event-id"))).toEqual([null, "7"]);
    const params = '{"level":"info","data":"missed"}';
    const told = `{"jsonrpc":"2.0","method":"notifications/message","params":${params}}`;
    streams[1]?.enqueue(new TextEncoder().encode(`id: 8\ndata: ${told}\n\n`));
    streams[1]?.close();
    expect(await resumed.text()).toBe(`event: message\nid: 8\ndata: ${told}\n\n`);
    expect(rig.reasons()).toEqual([]);
  });

  it("there is one general stream at a time", async () => {
    const { rig, session } = await startOpenEnded();
    const first = get(rig, session);
    expect((await first.response).status).toBe(200);
    expect((await get(rig, session).response).status).toBe(409);
    first.leave();
    expect((await get(rig, session).response).status).toBe(200);
  });

  it("at the limit of resumed streams another has to wait until one has ended", async () => {
    const { rig, session } = await startOpenEnded();
    const open = Array.from({ length: LIMIT_RESUMED_STREAMS }, (_, at) =>
      get(rig, session, String(at)),
    );
    for (const { response } of open) expect((await response).status).toBe(200);
    expect((await get(rig, session, "x").response).status).toBe(409);
    expect(streams).toHaveLength(LIMIT_RESUMED_STREAMS);
    open[0]?.leave();
    expect((await get(rig, session, "x").response).status).toBe(200);
  });
});
