// A process that gets no more memory for a large message refuses that one with its id and a record, in
// both directions, and goes on with the next.
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { utf8Text } from "../../src/bytes.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { catalogToml } from "./rig.ts";

const READ = "read_text_file";

/** 200 pages of 64 KiB: 12.5 MiB for each memory, which the patterns nearly fill. */
const FLAGS = ["--wasm-max-mem-pages=200", "--input-type=module", "-e"];

const PROGRAM = `
  import { TrustedCatalog } from "./build/esm/index.js";
  import { LineSplitter } from "./build/esm/proxy/framing.js";
  import { GuardSession } from "./build/esm/proxy/session.js";
  import { FIXTURE_SERVER, MockMcpServer } from "./build/esm/testing/index.js";
  const { root, envelope, now, call } = JSON.parse(process.env.PARTS);
  const bytesOf = (text) => new TextEncoder().encode(text);
  const clock = () => now;
  const catalog = await TrustedCatalog.open({ root: bytesOf(root), envelope: bytesOf(envelope), clock });
  const told = [];
  function connect(options) {
    const mock = new MockMcpServer({ ...FIXTURE_SERVER, ...options });
    const framing = new LineSplitter(10_485_760);
    const work = [];
    const got = [];
    const records = [];
    const session = new GuardSession({
      catalog,
      serverId: "filesystem",
      clock,
      onRecord: ({ kind, reason, detail }) => records.push([kind, reason, detail]),
      toClient: (frame) => got.push(JSON.parse(new TextDecoder().decode(frame))),
      toServer: (frame) => work.push(frame.slice(0, -1)),
    });
    const send = (id, padding) => {
      const params = { ...call, _meta: { "example.com/padding": "x".repeat(padding) } };
      const text = JSON.stringify({ jsonrpc: "2.0", method: "tools/call", params, id });
      session.fromClient({ kind: "line", frame: bytesOf(text + "\\n") });
      for (let line = work.shift(); line !== undefined; line = work.shift()) {
        for (const { chunks } of mock.respond(line)) {
          for (const chunk of chunks) for (const framed of framing.push(chunk)) session.fromServer(framed);
        }
      }
      const answers = got.filter((message) => message.id === id);
      const reasons = answers.map(({ result, error }) => (result ? "allowed" : error.data.reason));
      told.push({ reasons, calls: mock.callsReceived, record: records.at(-1) });
    };
    return send;
  }
  const send = connect({});
  send(1, 10);
  send(2, 2_000_000);
  send(3, 10);
  connect({ resultText: "y".repeat(2_000_000) })(1, 10);
  connect({ fillerTools: 30_000 })(1, 10);
  console.log(JSON.stringify(told));
`;

describe("a session that gets no more memory", () => {
  it("answers what it cannot read by its id, and goes on", () => {
    const parts = {
      root: utf8Text(signedRoot(rootSettings())),
      envelope: utf8Text(signedCatalog(catalogToml())),
      now: NOW_MS,
      call: { name: READ, arguments: FIXTURE_ARGUMENTS.get(READ) },
    };
    const env = { ...process.env, PARTS: JSON.stringify(parts) };
    const { stdout, stderr } = spawnSync(process.execPath, [...FLAGS, PROGRAM], {
      encoding: "utf8",
      env,
    });
    expect(stderr).toBe("");
    const lost = expect.stringMatching(/^there is no memory for a line of \d+ bytes$/);
    expect(JSON.parse(stdout)).toEqual([
      { reasons: ["allowed"], calls: 1, record: ["decision", "allowed", null] },
      { reasons: ["malformed_message"], calls: 1, record: ["decision", "malformed_message", lost] },
      { reasons: ["allowed"], calls: 2, record: ["decision", "allowed", null] },
      // it was sent on; what came back is replaced, so that nobody waits
      { reasons: ["malformed_message"], calls: 1, record: ["replace", "malformed_message", lost] },
      // the guard's own listing
      { reasons: ["server_not_admitted"], calls: 0, record: ["drop", "malformed_message", lost] },
    ]);
  });
});
