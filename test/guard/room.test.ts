// A guard begins with room for short messages and takes more with the first larger one: what it
// knew stays, and where there is no memory for more it refuses.
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import { createEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import { oracleCatalogText } from "../fixtures/oracle-catalog.ts";
import { alice, expectCode, signedRoot } from "../fixtures/trust.ts";
import { EXPIRES_MS, LISTING, open, serverOf } from "./guarded.ts";

const LIMIT = 10_485_760;
/** Below and above every step that a guard takes, in an order in which each step is also skipped. */
const SIZES = [100, 65_536, 65_537, 200, 262_145, 1_048_577, 300, 4_194_305, LIMIT, 400];

/** A call of `size` bytes, with arguments as deep and as dense as they may be. */
function call(tool: string, size: number): Uint8Array {
  const head = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}"`;
  const start = `${head},"arguments":{"a":[`;
  const end = "]}}}";
  const cell = '{"":{"":[]}},';
  const count = Math.floor((size - start.length - end.length) / cell.length);
  if (count < 1) return utf8(`${head}}}`.padEnd(size));
  return utf8(`${start}${cell.repeat(count).slice(0, -1)}${end}`.padEnd(size));
}

async function guardOf(): Promise<ScopeGuard> {
  const catalog = await open(serverOf({ onDrift: "block-tool" }));
  const clock = (): number => EXPIRES_MS - 1;
  return ScopeGuard.fromCatalog(catalog, { clock, scopeCap: ["fs.read"] });
}

describe("a guard that takes more room", () => {
  it.each(["read", "write", "evil"])("decides %s as one that never did", async (tool) => {
    const guard = await guardOf();
    guard.admit(new Validator(guard.catalog).validate("files", LISTING));
    const reasons = SIZES.map((size) => guard.checkMessage("files", call(tool, size)).reason);
    const other = await guardOf();
    other.admit(new Validator(other.catalog).validate("files", LISTING));
    const { reason } = other.check({ server: "files", tool });
    expect(reasons).toEqual(SIZES.map(() => reason));
    expect(guard.checkMessage("files", call(tool, LIMIT + 1)).reason).toBe("malformed_message");
    expect(guard.checkMessage("files", call(tool, 100)).reason).toBe(reason);
  });

  it("keeps what has drifted, and who was admitted to what", async () => {
    const guard = await guardOf();
    const validator = new Validator(guard.catalog);
    guard.admit(validator.validate("files", LISTING.replace('"read"', '"read","x":1')));
    const reason = (size: number): string => guard.checkMessage("files", call("read", size)).reason;
    expect(SIZES.map(reason)).toEqual(SIZES.map(() => "fingerprint_drift"));
    // it stays, also where the definition is the pinned one again
    guard.admit(validator.validate("files", LISTING));
    expect(reason(LIMIT)).toBe("fingerprint_drift");
    expect(guard.server("files").check("write").reason).toBe("scope_escalation");
  });

  it("may be told of up to 64 MiB and not of a byte more", async () => {
    const catalog = await open(serverOf());
    const made = (messageSizeMax: number) => ScopeGuard.fromCatalog(catalog, { messageSizeMax });
    expect(made(67_108_864)).toBeInstanceOf(ScopeGuard);
    for (const size of [67_108_865, 2 ** 32 + 100, Number.POSITIVE_INFINITY, Number.NaN, -1]) {
      const { message } = expectCode(() => made(size), "KERNEL_CAPACITY");
      expect(message).toContain(`texts of ${size} bytes (at most 67108864)`);
    }
  });

  it("reads a shape, and the same one again in a longer message", async () => {
    const bound = (await guardOf()).server("files");
    for (const size of SIZES) {
      const shape = bound.readMessage(call("read", size));
      expect(shape).toMatchObject({ kind: "request", name: "read" });
    }
    const { kind, message } = { message: "", ...bound.readMessage(call("read", LIMIT + 1)) };
    expect([kind, message]).toEqual([
      "malformed",
      "expected a text within the size limit, got a larger one (byte 0)",
    ]);
  });

  it("never takes what stands there for a message of more than 4 GiB", async () => {
    const bound = (await guardOf()).server("files");
    const before = call("read", 100);
    expect(bound.readMessage(before)).toMatchObject({ kind: "request", name: "read" });
    // as long as the one before when it is counted in 32 bits
    const size = 2 ** 32 + before.length;
    const endless = Object.defineProperty(new Uint8Array(1), "length", { value: size });
    expect(bound.readMessage(endless)).toMatchObject({ kind: "malformed", id: undefined });
    expect(bound.checkMessage(endless).reason).toBe("malformed_message");
  });

  it("refuses a message that there is no memory for, and decides the next one", () => {
    const program = `
      import { ScopeGuard, TrustedCatalog, Validator } from "./build/esm/index.js";
      const { root, envelope, listing, now } = JSON.parse(process.env.PARTS);
      const clock = () => now;
      const bytesOf = (text) => new TextEncoder().encode(text);
      const signed = { root: bytesOf(root), envelope: bytesOf(envelope) };
      const catalog = await TrustedCatalog.open({ ...signed, clock });
      const guard = ScopeGuard.fromCatalog(catalog, { clock });
      guard.admit(new Validator(catalog).validate("files", listing));
      const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}';
      const bytes = (size) => bytesOf(call.padEnd(size));
      const bound = guard.server("files");
      const answers = [100, 200_000, 500_000, 9_000_000, 100].map((size) => [
        bound.checkMessage(bytes(size)).reason,
        bound.readMessage(bytes(size)).kind,
      ]);
      console.log(JSON.stringify(answers));
    `;
    const catalog = { expiresMs: EXPIRES_MS, operatorScopes: [], servers: [serverOf()] };
    const payload = utf8(oracleCatalogText(catalog));
    const envelope = serializeEnvelope(createEnvelope(CATALOG_PAYLOAD_TYPE, payload, [alice]));
    const root = utf8Text(signedRoot());
    const parts = { root, envelope, listing: LISTING, now: EXPIRES_MS - 1 };
    const env = { ...process.env, PARTS: JSON.stringify(parts) };
    // 160 pages of 64 KiB: 10 MiB for everything
    const args = ["--wasm-max-mem-pages=160", "--input-type=module", "-e", program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([
      ["allowed", "request"],
      ["allowed", "request"],
      // there is no memory for four times the room that it has now, but for this one there is
      ["allowed", "request"],
      ["malformed_message", "malformed"],
      ["allowed", "request"],
    ]);
  });
});
