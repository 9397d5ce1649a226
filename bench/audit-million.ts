// `node build/bench/audit-million.js [--records N] [--keep DIR]`: a guard's log of a million decisions,
// written by the real gateway and file log, then read back by the real command line. By hand: it takes
// minutes and some 2 GB of disk.
//
// Ends with 1 when a goal is missed: 60-audit section 4 (30 000 records/s sustained), verification in
// 30 s, replay in 60 s, and memory that does not grow with the log.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { auditEvidence, createRequestIdentity, MCPGateway, TrustedCatalog } from "portcullis";
import { FileAuditLog, openSqliteStore, readAuditFolder } from "portcullis/node";
import { applyPins, type ItemPin } from "../esm/catalog/edit.js";
import { draftCatalog } from "../esm/cli/catalog-draft.js";
import { fingerprintTool } from "../esm/manifest/fingerprint.js";
import { readPrivateKey } from "../esm/sign/key-file.js";
import { FIXTURE_GRANTS, FIXTURE_TOOLS } from "../esm/testing/fixtures.js";

const MAIN = fileURLToPath(new URL("../esm/bin/main.js", import.meta.url));
const SERVER = "mock";
/** Every so many calls one is of a tool that nobody pinned: a refusal, with its statement. */
const REFUSED_EVERY = 100;
/** Calls that a guard decides before it looks at its connections again. */
const CALLS_PER_TURN = 32;
const GOALS = { writtenPerSecond: 30_000, verifySeconds: 30, replaySeconds: 60 };
/** Kilobytes that reading may need above what a small log needs. */
const MEMORY_GROWTH_KB = 96 * 1024;

/** Its peak memory, told by the process itself when it ends. */
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(
  'process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS+"\\n"))',
)}`;

interface Run {
  readonly seconds: number;
  readonly peakKb: number;
  readonly document: Readonly<Record<string, unknown>>;
}

/** One command of the built program; throws when it does not end well. */
function portcullis(args: readonly string[]): Run {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", TELL_PEAK, MAIN, ...args, "--json"],
    { encoding: "utf8", maxBuffer: 1 << 24 },
  );
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`expected ${args.join(" ")} to end with 0: ${stderr}${stdout}`);
  const peakKb = Number(/peak (\d+)/.exec(stderr)?.[1]);
  const document: Readonly<Record<string, unknown>> = JSON.parse(stdout);
  return { seconds, peakKb, document };
}

/** A home with keys, a trust root and a signed catalog of the fixture server. */
function makeHome(folder: string): string {
  const dir = join(folder, "home");
  const key = join(folder, "operator.pem");
  portcullis(["key", "new", "--out", key]);
  portcullis(["root", "init", "--key", key, "--dir", dir]);
  const tools = new Map(
    FIXTURE_TOOLS.map((tool): [string, ItemPin] => {
      const { scope, effect } = FIXTURE_GRANTS.get(tool.name) ?? { scope: [], effect: "read" };
      return [tool.name, { fingerprint: fingerprintTool(tool), scope, effect }];
    }),
  );
  const none = new Map<string, ItemPin>();
  const text = applyPins(draftCatalog("million", Date.now() - 60_000), SERVER, {
    ...{ tools, prompts: none, resources: none, resourceTemplates: none },
    server: {
      command: ["node", "server.js"],
      maxAllowedScope: ["fs.read", "fs.write", "fs.delete", "net.fetch"],
    },
  });
  writeFileSync(join(dir, "catalog.toml"), text);
  portcullis(["sign", "--key", key, "--dir", dir]);
  return dir;
}

/** Decides and records `count` calls; returns the seconds until the last is signed and on disk. */
async function writeLog(dir: string, count: number): Promise<number> {
  const envelope = readFileSync(join(dir, "catalog.dsse.json"));
  const root = readFileSync(join(dir, "root.1.dsse.json"));
  const store = openSqliteStore(join(dir, "state.db"));
  const log = FileAuditLog.open({
    folder: join(dir, "audit"),
    process: { host: "million", pid: process.pid, startMs: Date.now() },
    evidence: auditEvidence({ signed: { envelope }, roots: [root] }),
    auditKey: await readPrivateKey(readFileSync(join(dir, "keys", "audit.pem"), "utf8")),
    store,
  });
  const gateway = new MCPGateway({
    catalog: await TrustedCatalog.open({ envelope, root }),
    audit: log,
  });
  gateway.admitListing(SERVER, { tools: FIXTURE_TOOLS });
  const identity = createRequestIdentity({ principal: "agent:million", sessionId: "s" });
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const isSmuggled = index % REFUSED_EVERY === REFUSED_EVERY - 1;
    const decision = gateway.evaluate({
      identity,
      serverId: SERVER,
      tool: isSmuggled ? `run_command_${index}` : "read_text_file",
      args: { path: `/workspace/notes/${index}.md` },
    });
    const { decision: outcome, reason } = decision.invocation;
    if (outcome !== (isSmuggled ? "deny" : "allow")) throw new Error(`got ${outcome}: ${reason}`);
    if (index % CALLS_PER_TURN === CALLS_PER_TURN - 1) await turn();
  }
  await log.flush();
  const seconds = (performance.now() - start) / 1000;
  if (!log.isAvailable) throw new Error("expected every record to be written");
  await log.close();
  store.close();
  return seconds;
}

interface Measured {
  readonly written: number;
  readonly verify: Run;
  readonly replay: Run;
}

async function measure(folder: string, count: number): Promise<Measured> {
  const dir = makeHome(folder);
  const written = await writeLog(dir, count);
  const [log] = readAuditFolder(join(dir, "audit"));
  const bytes = (log?.files ?? []).reduce((sum, file) => sum + statSync(file).size, 0);
  const verify = portcullis(["audit", "verify", "--dir", dir]);
  const replay = portcullis(["audit", "replay", "--dir", dir]);
  const { records, checkpoints, refusals } = verify.document;
  const { frames, outputs } = replay.document;
  if (frames !== count) throw new Error(`expected ${count} frames, got ${String(frames)}`);
  const size = `${(bytes / 1e6).toFixed(0)} MB in ${log?.files.length} files`;
  const found = `${String(records)} records, ${String(checkpoints)} checkpoints, ${String(refusals)} refusals`;
  process.stdout.write(`${found}, ${size}
  decided and written  ${written.toFixed(1)} s, ${Math.round(count / written)} a second
  audit verify         ${verify.seconds.toFixed(1)} s, peak ${Math.round(verify.peakKb / 1024)} MB
  audit replay         ${replay.seconds.toFixed(1)} s, peak ${Math.round(replay.peakKb / 1024)} MB, outputs ${String(outputs)}
`);
  return { written, verify, replay };
}

const { values } = parseArgs({
  options: { records: { type: "string", default: "1000000" }, keep: { type: "string" } },
});
const count = Number(values.records);
const base = values.keep ?? mkdtempSync(join(tmpdir(), "portcullis-million-"));
try {
  const small = await measure(mkdtempSync(join(base, "small-")), Math.min(count, 20_000));
  const large = await measure(mkdtempSync(join(base, "large-")), count);
  const scale = count / 1_000_000;
  const missed = [
    count / large.written < GOALS.writtenPerSecond ? "records a second" : "",
    large.verify.seconds > Math.max(1, GOALS.verifySeconds * scale) ? "verify" : "",
    large.replay.seconds > Math.max(1, GOALS.replaySeconds * scale) ? "replay" : "",
    large.verify.peakKb > small.verify.peakKb + MEMORY_GROWTH_KB ? "memory of verify" : "",
    large.replay.peakKb > small.replay.peakKb + MEMORY_GROWTH_KB ? "memory of replay" : "",
  ].filter((goal) => goal !== "");
  process.stdout.write(missed.length === 0 ? "all goals met\n" : `missed: ${missed.join(", ")}\n`);
  if (missed.length > 0) process.exitCode = 1;
} finally {
  if (values.keep === undefined) rmSync(base, { recursive: true, force: true });
}
