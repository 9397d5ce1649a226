// examples/worker in real workerd, in front of an MCP server on this machine: what it lets through, what
// it refuses and why, and that a lease in its Durable Object is counted by all of its guards together.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import type { PrivateKey } from "../../src/sign/keys.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { alice, mallory, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { MockUpstream } from "../http/mock-upstream.ts";
import {
  answerOf,
  digestOf,
  httpCatalogToml,
  messagesOf,
  modernHeaders,
  modernRequest,
  reasonOf,
} from "../http/rig.ts";
import { serveHandler } from "../http/servers.ts";
import { lackOfWorkerd } from "../store/durable-workers.ts";
import { startWorker } from "./worker-rig.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
const WRITERS = Array.from({ length: 6 }, (_, at) => `token-of-writer-${at}-0123456789abcdef`);
const [WRITER = ""] = WRITERS;
const READER = "token-of-reader-0123456789abcdef";
const OPERATOR = "token-of-operator-0123456789abcdef";
const argsOf = (name: string): object => FIXTURE_ARGUMENTS.get(name) ?? {};

const PARTS = {
  allow: ["tools", "elicitation"],
  onDrift: "block-tool" as const,
  itemKeys: {
    write_file: 'requires = ["lease"]\nadds_taint = []',
    delete_file: 'requires = ["consent"]\nadds_taint = []',
  },
  rest: '[principals."agent:writer"]\n[principals."agent:reader"]\nscope = ["fs.read"]\n',
};

/** Two servers with the same pins, in force now. */
function catalogOf(honest: string, drifted: string): string {
  const first = httpCatalogToml(PARTS, honest);
  const second = httpCatalogToml({ ...PARTS, rest: "" }, drifted);
  const tables = second.slice(second.indexOf("[servers.")).replaceAll("filesystem", "drifted");
  const at = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+/, "");
  return `${first}\n${tables}`
    .replace(/^issued .*$/m, `issued = ${at(NOW_MS - DAY_MS)}`)
    .replace(/^expires .*$/m, `expires = ${at(NOW_MS + 30 * DAY_MS)}`);
}

/** A trust root that was rotated once, as the example keeps it. */
function rotatedRoot(): Uint8Array {
  const expiresMs = NOW_MS + 365 * DAY_MS;
  const roots = [1, 2].map((version) => utf8Text(signedRoot({ version, expiresMs })));
  return utf8(`${roots.join("\n")}\n`);
}

interface Rig {
  readonly url: string;
  readonly honest: MockUpstream;
  readonly drifted: MockUpstream;
}

function serve(upstream: MockUpstream): Promise<string> {
  return serveHandler(async ({ url, method, headers, body }) => {
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    return await upstream.fetch(url, {
      method,
      headers,
      ...(method === "POST" && { body: bytes }),
    });
  });
}

async function start(): Promise<Rig> {
  const honest = new MockUpstream({ ...FIXTURE_SERVER, smuggle: "last" });
  const drifted = new MockUpstream({
    ...FIXTURE_SERVER,
    ...{ drift: "description", target: "read_text_file" },
  });
  const toml = catalogOf(`${await serve(honest)}/mcp`, `${await serve(drifted)}/mcp`);
  const tokens = [
    ...WRITERS.map((token) => ({ sha256: digestOf(token), principal: "agent:writer" })),
    { sha256: digestOf(READER), principal: "agent:reader" },
  ];
  const url = await startWorker({
    envelope: signedCatalog(toml),
    root: rotatedRoot(),
    bindings: {
      HOSTS: "127.0.0.1",
      TOKENS: JSON.stringify(tokens),
      CONSENT_KEY: "07".repeat(32),
      OPERATOR_SHA256: digestOf(OPERATOR),
    },
  });
  return { url, honest, drifted };
}

interface CallOptions {
  readonly token?: string;
  readonly server?: string;
  readonly params?: object;
  readonly id?: number;
}

function callTool({ url }: Rig, name: string, options: CallOptions = {}): Promise<Response> {
  const { token = WRITER, server = "filesystem", params = {}, id = 1 } = options;
  const capabilities = { elicitation: {} };
  const all = { name, arguments: argsOf(name), ...params };
  const message = modernRequest("tools/call", all, { id, capabilities });
  return fetch(`${url}/mcp/${server}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      authorization: `Bearer ${token}`,
      ...modernHeaders(message),
    },
    body: JSON.stringify(message),
  });
}

function grant({ url }: Rig, body: object, token = OPERATOR): Promise<Response> {
  return fetch(`${url}/leases`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
}

if (lackOfWorkerd !== undefined) {
  describe("examples/worker", () => {
    it.skip(`needs its runtime (${lackOfWorkerd})`, () => undefined);
  });
} else {
  describe("examples/worker", () => {
    it("answers what is allowed, to clients of both eras", async () => {
      const rig = await start();
      expect(await reasonOf(await callTool(rig, "read_text_file"))).toBe("allowed");
      expect(rig.honest.mock.callsReceived).toBe(1);
      for (const mode of ["legacy", "auto"] as const) {
        const client = new Client(
          { name: "test", version: "1.0.0" },
          { versionNegotiation: { mode } },
        );
        const requestInit = { headers: { authorization: `Bearer ${READER}` } };
        const target = new URL(`${rig.url}/mcp/filesystem`);
        await client.connect(new StreamableHTTPClientTransport(target, { requestInit }));
        const { tools } = await client.listTools();
        expect(tools.map(({ name }) => name)).toContain("read_text_file");
        expect(tools.map(({ name }) => name)).not.toContain("export_secrets");
        const params = { name: "read_text_file", arguments: { path: "/workspace/a.txt" } };
        expect(await client.callTool(params)).toHaveProperty("content");
        await client.close();
      }
      expect(rig.honest.mock.callsReceived).toBe(3);
    });

    it("answers first requests that come at once, whose server is listed once for all of them", async () => {
      const rig = await start();
      const sent = Array.from({ length: 8 }, (_, id) => callTool(rig, "read_text_file", { id }));
      const reasons = await Promise.all(sent.map(async (response) => reasonOf(await response)));
      expect(new Set(reasons)).toEqual(new Set(["allowed"]));
      expect(rig.honest.bodies("tools/list")).toHaveLength(1);
    });

    it("refuses the four attack classes, counts each, and calls no tool", async () => {
      const rig = await start();
      const cases: [string, string, CallOptions][] = [
        ["unknown_server", "read_text_file", { server: "evil" }],
        ["fingerprint_drift", "read_text_file", { server: "drifted" }],
        ["tool_smuggle", "export_secrets", {}],
        ["scope_escalation", "delete_file", { token: READER }],
      ];
      for (const [reason, name, options] of cases) {
        const { error } = await answerOf(await callTool(rig, name, options));
        expect(error).toMatchObject({ code: 4403, data: { outcome: "SafetyBlocked", reason } });
        const headers = { authorization: `Bearer ${options.token ?? WRITER}` };
        const metrics = await (await fetch(`${rig.url}/metrics`, { headers })).text();
        expect(metrics).toMatch(
          new RegExp(`^portcullis_decisions_total\\{.*reason="${reason}".*\\} 1$`, "m"),
        );
      }
      expect(rig.honest.mock.callsReceived + rig.drifted.mock.callsReceived).toBe(0);
    });

    it("counts a lease of its Durable Object exactly, whichever guard is asked", async () => {
      const rig = await start();
      expect(await reasonOf(await callTool(rig, "write_file"))).toBe("lease_required");
      const lease = { principal: "agent:writer", server: "filesystem", tools: ["write_file"] };
      const body = { ...lease, seconds: 300, calls: 10 };
      for (const token of ["nobody", WRITER]) {
        expect((await grant(rig, body, token)).status).toBe(401);
      }
      for (const wrong of [{ tools: ["no_such_tool"] }, { server: "evil" }, { calls: undefined }]) {
        expect((await grant(rig, { ...body, ...wrong })).status).toBe(400);
      }
      expect(await (await grant(rig, body)).json()).toHaveProperty("lease");
      const reasons: unknown[] = [];
      // a call that was always too slow is refused with some left, and may be tried again
      for (let id = 1; id < 20 && rig.honest.mock.callsReceived < 10; id++) {
        const sent = WRITERS.map((token) => callTool(rig, "write_file", { token, id }));
        for (const response of sent) reasons.push(await reasonOf(await response));
      }
      for (const token of WRITERS) {
        expect(await reasonOf(await callTool(rig, "write_file", { token }))).toBe(
          "lease_exhausted",
        );
      }
      expect(reasons.filter((reason) => reason === "allowed")).toHaveLength(10);
      expect(rig.honest.mock.callsReceived).toBe(10);
    });

    it("an approval holds once; who has no token, and another host, are nobody", async () => {
      const rig = await start();
      const [asked] = await messagesOf(await callTool(rig, "delete_file"));
      const requestState = asked?.result?.["requestState"];
      expect(requestState).toMatch(/^portcullis:/);
      const content = { approve: true };
      const inputResponses = { "portcullis:consent": { action: "accept", content } };
      const params = { requestState, inputResponses };
      expect(await reasonOf(await callTool(rig, "delete_file", { params }))).toBe("allowed");
      expect(await reasonOf(await callTool(rig, "delete_file", { params }))).toBe(
        "consent_refused",
      );
      expect(rig.honest.mock.callsReceived).toBe(1);
      expect((await callTool(rig, "delete_file", { token: "unknown" })).status).toBe(401);
      const elsewhere = rig.url.replace("127.0.0.1", "localhost");
      expect((await callTool({ ...rig, url: elsewhere }, "delete_file")).status).toBe(403);
    });

    it.each<[string, string, PrivateKey]>([
      ["a key that is too short", "07", alice],
      ["a catalog that nobody of the trust root has signed", "07".repeat(32), mallory],
    ])("with %s it serves nothing", async (_what, CONSENT_KEY, signer) => {
      const token = { sha256: digestOf(READER), principal: "agent:reader" };
      const nowhere = "http://127.0.0.1:9/mcp";
      const url = await startWorker({
        envelope: signedCatalog(catalogOf(nowhere, nowhere), [signer]),
        root: signedRoot({ expiresMs: NOW_MS + 365 * DAY_MS }),
        bindings: { HOSTS: "127.0.0.1", TOKENS: JSON.stringify([token]), CONSENT_KEY },
      });
      const response = await fetch(`${url}/healthz`);
      expect([response.status, await response.text()]).toEqual([
        503,
        "the guard could not start: see its log\n",
      ]);
    });
  });
}
