// `npm run portable`: packs the package, installs it into a temporary project, and runs the
// conformance module in every host that is there. The digest of all lines must be equal in all of
// them. `--hosts` only lists them; `--json <file>` writes the results there as well.
//
// With PORTCULLIS_REQUIRE_ALL=1 a host that is not there is a failure.
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { makeConsumer, NotInstallable } from "./consumer.js";
import { firstDecisions, HOSTS, reasonToSkip } from "./hosts.js";

const FIRST_DECISION_ROUNDS = 7;

function digestOf(lines) {
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** The first line in which a report is not the reference. */
function difference(lines, reference) {
  const at = lines.findIndex((line, index) => line !== reference[index]);
  const index = at < 0 ? lines.length : at;
  return `line ${index}: ${lines[index] ?? "none"}, expected ${reference[index] ?? "none"}`;
}

/** Judges one host; the first report is the reference of the others. */
async function judge(host, world) {
  const start = performance.now();
  const took = () => Math.round(performance.now() - start);
  try {
    const { version, report } = await host.run(world);
    if (report === undefined) return { status: "passed", version, ms: took() };
    const { lines, mismatches, hostVerifier } = report;
    const digest = digestOf(lines);
    world.reference ??= lines;
    const wycheproof = lines.filter((line) => line.startsWith("signature wycheproof-")).length;
    const result = { version, digest, lines: lines.length, wycheproof, hostVerifier, ms: took() };
    if (mismatches.length > 0) return { ...result, status: "failed", reason: mismatches[0] };
    return digest === digestOf(world.reference)
      ? { ...result, status: "passed" }
      : { ...result, status: "failed", reason: difference(lines, world.reference) };
  } catch (error) {
    return { status: "failed", reason: error.message, ms: took() };
  }
}

/** Runs every host that is there. */
async function runAll() {
  let folder = "";
  try {
    folder = await makeConsumer();
  } catch (error) {
    if (!(error instanceof NotInstallable)) throw error;
    const { message: reason } = error;
    process.stdout.write(`skipped: all hosts: ${reason}\n`);
    return { results: HOSTS.map(({ name }) => ({ name, status: "skipped", reason })), times: [] };
  }
  const world = { folder };
  try {
    const results = [];
    for (const host of HOSTS) {
      const { name } = host;
      const reason = reasonToSkip(host);
      const result =
        reason === undefined ? await judge(host, world) : { status: "skipped", reason };
      results.push({ name, ...result });
      process.stdout.write(`${lineOf({ name, ...result })}\n`);
    }
    return { results, times: firstDecisions(folder, FIRST_DECISION_ROUNDS) };
  } finally {
    const browser = await world.browser?.catch(() => undefined);
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf({ name, status, version, digest, lines, wycheproof, hostVerifier, ms, reason }) {
  const parts = [
    version,
    digest === undefined ? undefined : `${lines} lines, sha256:${digest}`,
    wycheproof === 0 ? "without Wycheproof: ../shared/data is absent" : undefined,
    hostVerifier ? "host's Ed25519 and the equation" : undefined,
    ms === undefined ? undefined : `${ms} ms`,
    reason,
  ];
  return `${status}: ${name}: ${parts.filter(Boolean).join("; ")}`;
}

if (process.argv.includes("--hosts")) {
  const list = HOSTS.map((host) => ({ name: host.name, reason: reasonToSkip(host) }));
  process.stdout.write(`${JSON.stringify(list)}\n`);
} else {
  const { results, times } = await runAll();
  for (const { version, median, fastest } of times) {
    const took = `median ${median} ms, fastest ${fastest} ms`;
    process.stdout.write(`first decision after import, Node ${version}: ${took}\n`);
  }
  const file = process.argv[process.argv.indexOf("--json") + 1];
  if (process.argv.includes("--json")) writeFileSync(file, JSON.stringify(results));
  const count = (status) => results.filter((result) => result.status === status).length;
  const [passed, skipped] = [count("passed"), count("skipped")];
  const mustFail = process.env.PORTCULLIS_REQUIRE_ALL === "1" ? skipped : 0;
  const failed = count("failed") + mustFail;
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
