import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fingerprintFile, fingerprintItem, kindRoot, merkleTreeHash } from "./fingerprint.ts";
import { generateManifest } from "./generate-manifest.ts";
import { hasShared, readShared, sharedPath } from "./shared-data.ts";

function report(text: string): ReturnType<typeof fingerprintFile> {
  return fingerprintFile(Buffer.from(text));
}

function errors(text: string): (string | undefined)[] {
  return (report(text).items.get("tool") ?? []).map(({ error }) => error);
}

/** A tool whose definition has exactly `size` bytes. */
function toolOfSize(size: number): string {
  const shell = '{"name":"a","x":""}';
  return `{"name":"a","x":"${"y".repeat(size - shell.length)}"}`;
}

describe("fingerprint oracle", () => {
  it("gives the worked vector of the design page", () => {
    const b = '{"name":"b","inputSchema":{"type":"object"}}';
    const a = '{"inputSchema":{"type":"object"},"name":"a","description":"\u00e9"}';
    const file = report(`{"tools":[${b},${a}],"instructions":"hi"}`);
    const tools = file.items.get("tool") ?? [];
    expect(tools.map(({ fingerprint }) => fingerprint)).toEqual([
      "sha256:4a5be628e60b3d447fa0ffec51d38748e32fde74ac89dc8220ae5fb1598c7fa3",
      "sha256:4c49f9bcfbf98faa274eed625a4252c609b7f09f1e60419ca503e3533125724a",
    ]);
    const digests = tools.map(({ name, fingerprint }) => ({
      name: name ?? "",
      digest: Buffer.from((fingerprint ?? "").slice(7), "hex"),
    }));
    expect(kindRoot(digests)).toBe(
      "41fe4482ef0c79d5924e63849113d35c031ab6dc2f40c8469f2ba84469dd4d2f",
    );
    expect(file.manifest).toBe(
      "sha256:cbb2dcf23401d92f547db5fd17febec091dada4d49ed429c15d2a235e9befe71",
    );
  });

  it("has the Merkle tree hashes of Certificate Transparency's published test tree", () => {
    const leaves = "|00|10|2021|3031|40414243|5051525354555657|606162636465666768696a6b6c6d6e6f"
      .split("|")
      .map((text) => Buffer.from(text, "hex"));
    const roots = [
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    roots.forEach((root, count) => {
      const hash = Buffer.from(merkleTreeHash(leaves.slice(0, count))).toString("hex");
      expect(hash, `${count} leaves`).toBe(root);
    });
  });

  it("refuses every definition of a name that is listed twice", () => {
    expect(errors('[{"name":"a"},{"name":"b"},{"n":1,"name":"a"}]')).toEqual([
      "duplicate_name",
      undefined,
      "duplicate_name",
    ]);
    // a definition that cannot be read still claims the name it shows
    expect(errors('[{"name":"a"},{"name":"\\u0061","n":1e400}]')).toEqual([
      "duplicate_name",
      "number",
    ]);
  });

  it("refuses the definition, not the file, for what only the strict reader refuses", () => {
    const file = report('{"tools":[{"name":"a","x":1e400},{"name":"b"}]}');
    expect(file).toMatchObject({ ok: false });
    expect(file.error).toBeUndefined();
    expect(file.manifest).toBeUndefined();
    expect(file.items.get("tool")?.[1]?.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(errors('[{"name":1},{},7,{"name":"a","name":"a"},{"name":"\\ud800"}]')).toEqual([
      "name",
      "name",
      "shape",
      "duplicate",
      "surrogate",
    ]);
  });

  it("refuses the file for what leaves no boundary or no meaning", () => {
    expect(report('{"tools":[{"name":"a"').error).toBe("syntax");
    expect(report('{"tools":[],"tools":[]}').error).toBe("duplicate");
    expect(report('{"tools":{}}').error).toBe("shape");
    expect(report('{"tools":[],"instructions":null}').error).toBe("shape");
    expect(report('{"tools":[],"ttlMs":1e400}').error).toBe("number");
    expect(report('"tools"').error).toBe("shape");
    expect(report("{}").ok).toBe(true);
  });

  it("holds names, definitions and lists to their limits", () => {
    const named = (kind: "tool" | "resource", member: string, size: number): unknown =>
      fingerprintItem(kind, Buffer.from(`{"${member}":"${"n".repeat(size)}"}`)).error;
    expect(named("tool", "name", 128)).toBeUndefined();
    expect(named("tool", "name", 129)).toBe("name");
    expect(named("resource", "uri", 2048)).toBeUndefined();
    expect(named("resource", "uri", 2049)).toBe("name");
    expect(errors(`[{"name":"${"\u00e9".repeat(64)}"}]`)).toEqual([undefined]);
    expect(errors(`[{"name":"${"\u00e9".repeat(64)}n"}]`)).toEqual(["name"]);
    expect(errors(`[${toolOfSize(1_048_576)}]`)).toEqual([undefined]);
    expect(errors(`[${toolOfSize(1_048_577)}]`)).toEqual(["size"]);
    const deep = (count: number): string =>
      `{"name":"a","x":${"[".repeat(count)}${"]".repeat(count)}}`;
    expect(errors(`[${deep(63)}]`)).toEqual([undefined]);
    expect(errors(`[${deep(64)}]`)).toEqual(["depth"]);
    expect(report(`{"tools":[${deep(63)}]}`).ok).toBe(true);
    const padded = (size: number): string => `{"tools":[]${" ".repeat(size - 12)}}`;
    expect(report(padded(16_777_216)).ok).toBe(true);
    expect(report(padded(16_777_217)).error).toBe("size");
  });

  it("the generated manifests reach every outcome", () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 5_000; seed++) {
      const { ok, error, items } = fingerprintFile(generateManifest(seed));
      const labels = [...items.values()].flat().map((item) => `item ${item.error ?? "ok"}`);
      labels.push(ok ? "ok" : `file ${error ?? "item"}`);
      for (const label of labels) seen.set(label, (seen.get(label) ?? 0) + 1);
    }
    expect(seen.get("ok")).toBeGreaterThan(1_500);
    const faults = ["duplicate", "surrogate", "number", "depth", "shape", "name", "duplicate_name"];
    for (const fault of faults) expect(seen.get(`item ${fault}`), fault).toBeGreaterThan(10);
    for (const fault of ["item", "syntax", "utf8", "duplicate", "shape"]) {
      expect(seen.get(`file ${fault}`), fault).toBeGreaterThan(5);
    }
  });

  const files = hasShared("tools") ? readdirSync(sharedPath("tools")) : ["(absent)"];
  it.skipIf(!hasShared("tools")).each(files)("reads the real tools of %s", (file) => {
    const { ok, manifest, items } = fingerprintFile(readShared(`tools/${file}`));
    expect(ok).toBe(true);
    expect(manifest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(items.get("tool")?.length).toBeGreaterThan(0);
  });
});
