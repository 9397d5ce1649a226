// A guard in a process of its own, behind a shared Redis, in front of a mock server: lines of a client
// on standard input; on standard output, line by line, what the client and the server get.
import { readFileSync, writeSync } from "node:fs";
import { TrustedCatalog } from "../../build/esm/catalog/trusted.js";
import { LineSplitter } from "../../build/esm/proxy/framing.js";
import { GuardSession } from "../../build/esm/proxy/session.js";
import { openRedisStore } from "../../build/esm/store/redis.js";
import { FIXTURE_SERVER } from "../../build/esm/testing/fixtures.js";
import { MockMcpServer } from "../../build/esm/testing/index.js";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { url, timeoutMs, serverId, sessionId, envelope, root, nowMs, key } = settings;
const clock = () => nowMs;
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

/** WHY: what was said is in the pipe before anything else happens, also when this is killed next. */
function say(to, text) {
  let rest = Buffer.from(`${to} ${text}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (fault) {
      if (fault.code !== "EAGAIN") throw fault;
    }
  }
}

const catalog = await TrustedCatalog.open({ envelope: bytes(envelope), root: bytes(root), clock });
const mock = new MockMcpServer(FIXTURE_SERVER);
const fromServer = new LineSplitter(1 << 20);
const session = await GuardSession.open({
  catalog,
  serverId,
  sessionId,
  clock,
  store: await openRedisStore({ url, timeoutMs }),
  consentKey: bytes(key),
  toClient: (frame) => say("client", Buffer.from(frame.subarray(0, -1)).toString()),
  toServer: (frame) => {
    const line = frame.slice(0, -1);
    say("server", Buffer.from(line).toString());
    setImmediate(() => {
      for (const { chunks } of mock.respond(line)) {
        for (const chunk of chunks)
          for (const one of fromServer.push(chunk)) session.fromServer(one);
      }
    });
  },
});
say("ready", "");
const fromClient = new LineSplitter(1 << 20);
for await (const chunk of process.stdin) {
  for (const line of fromClient.push(new Uint8Array(chunk))) session.fromClient(line);
}
