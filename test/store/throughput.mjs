// How many invocations of one lease two processes use in a second: `node test/store/throughput.mjs`,
// after a build. Prints one line a process.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SPAN_MS = 3_000;
const PROCESSES = 2;
const INVOCATIONS = 4_294_967_295;
const ID = "ab".repeat(32);

async function use(path) {
  const { openSqliteStore } = await import("../../build/esm/store/sqlite.js");
  const store = openSqliteStore(path);
  const bounds = { maxInvocations: INVOCATIONS, remaining: INVOCATIONS };
  const times = { createdAtMs: 0, expiresAtMs: Number.MAX_SAFE_INTEGER };
  const who = { id: ID, principalHash: ID, serverId: "s", grantedTools: ["t"] };
  store.putLease({
    ...who,
    ...times,
    ...bounds,
    stateChanging: false,
    argsDigest: null,
    revoked: false,
  });
  const spans = [];
  let conflicts = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < SPAN_MS) {
    const { remaining } = store.getLease(ID);
    const beforeMs = performance.now();
    if (!store.consumeLease(ID, remaining)) conflicts += 1;
    spans.push(performance.now() - beforeMs);
  }
  store.close();
  const sorted = spans.sort((a, b) => a - b);
  const us = (part) => Math.round((sorted[Math.floor(sorted.length * part)] ?? 0) * 1000);
  const rate = Math.round(((spans.length - conflicts) / SPAN_MS) * 1000);
  console.log(`${rate} a second, median ${us(0.5)} us, p99 ${us(0.99)} us, ${conflicts} conflicts`);
}

const [path] = process.argv.slice(2);
if (path !== undefined) {
  await use(path);
} else {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-throughput-"));
  const self = fileURLToPath(import.meta.url);
  const children = Array.from({ length: PROCESSES }, () => fork(self, [join(folder, "state.db")]));
  await Promise.all(children.map((child) => new Promise((resolve) => child.on("close", resolve))));
  rmSync(folder, { recursive: true });
}
