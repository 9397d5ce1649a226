import { describe, expect, it } from "vitest";

import { utf8 } from "../../src/bytes.ts";
import { parseRoot, type TrustRoot } from "../../src/catalog/root.ts";
import { createRoot, type RootSettings } from "../../src/catalog/root-text.ts";
import {
  addKey,
  dropKey,
  rootChanges,
  rootExpiry,
  setFloor,
  setThreshold,
  settingsOf,
} from "../../src/cli/root-edit.ts";
import { alice, bob, carol, expectCode, rootSettings } from "../fixtures/trust.ts";

function rootOf(settings: RootSettings): TrustRoot {
  return parseRoot(utf8(createRoot(settings)));
}

const ROOT = rootOf(rootSettings());
const START = settingsOf(ROOT);

/** What an edit changes, as a reader is told it. */
function changesOf(edited: RootSettings): readonly string[] {
  return rootChanges(ROOT, rootOf(edited));
}

describe("settingsOf", () => {
  it("gives back what the root says, to the byte", () => {
    expect(createRoot(START)).toBe(createRoot(rootSettings()));
    const { audit: _, ...roles } = rootSettings().roles;
    const without = rootOf(rootSettings({ roles }));
    expect(createRoot(settingsOf(without))).toBe(createRoot(rootSettings({ roles })));
    expect(rootChanges(ROOT, ROOT)).toEqual([]);
  });
});

describe("addKey", () => {
  it("adds a key with its roles, or roles to a key", () => {
    expect(changesOf(addKey(START, "carol", carol.publicKey, ["root", "catalog"]))).toEqual([
      `+ key carol ${carol.keyid}`,
      "+ role root to carol",
      "+ role catalog to carol",
    ]);
    expect(changesOf(addKey(START, "bob", undefined, ["root", "catalog"]))).toEqual([
      "+ role root to bob",
    ]);
    expect(changesOf(addKey(START, "bob", bob.publicKey, ["root"]))).toEqual([
      "+ role root to bob",
    ]);
  });

  it("makes the role audit when there is none, with a threshold of 1", () => {
    const { audit: _, ...roles } = rootSettings().roles;
    const root = rootOf(rootSettings({ roles }));
    const edited = rootOf(addKey(settingsOf(root), "carol", carol.publicKey, ["audit"]));
    expect(edited.roles.audit).toMatchObject({ threshold: 1, keys: [{ keyid: carol.keyid }] });
  });

  it("refuses a taken name, a role that is held, and a key that is not there", () => {
    const bad = [
      () => addKey(START, "alice", carol.publicKey, ["root"]),
      () => addKey(START, "alice", undefined, ["root", "catalog"]),
      () => addKey(START, "carol", undefined, ["root"]),
    ];
    for (const edit of bad) expectCode(edit, "ARGUMENT_INVALID");
  });

  it("an audit key with another role, and a key under a second name, are ROOT_ROLE", () => {
    for (const edited of [
      addKey(START, "host-1", undefined, ["catalog"]),
      addKey(START, "bob", undefined, ["audit"]),
      addKey(START, "robert", bob.publicKey, ["root"]),
    ]) {
      expectCode(() => createRoot(edited), "ROOT_ROLE");
    }
  });
});

describe("dropKey", () => {
  it("takes all roles and the key, or one role", () => {
    expect(changesOf(dropKey(START, "bob", undefined))).toEqual([
      `- key bob ${bob.keyid}`,
      "- role catalog from bob",
    ]);
    expect(changesOf(dropKey(START, "alice", ["catalog"]))).toEqual(["- role catalog from alice"]);
    const unheld = rootOf({ ...START, keys: new Map([...START.keys, ["carol", carol.publicKey]]) });
    expect([...dropKey(settingsOf(unheld), "carol", undefined).keys.keys()]).not.toContain("carol");
  });

  it("never leaves a role with fewer keys than its threshold", () => {
    const two = setThreshold(START, "catalog", 2);
    const bad = [
      () => dropKey(START, "alice", undefined),
      () => dropKey(START, "alice", ["root"]),
      () => dropKey(two, "bob", undefined),
      () => dropKey(START, "host-1", undefined),
    ];
    for (const edit of bad) {
      expect(expectCode(edit, "ARGUMENT_INVALID").message).toContain("lower the threshold first");
    }
  });

  it("refuses an unknown name and a role that is not held", () => {
    const error = expectCode(() => dropKey(START, "mallory", undefined), "ARGUMENT_INVALID");
    expect(error.message).toContain("`alice`, `bob`, `host-1`");
    expectCode(() => dropKey(START, "__proto__", undefined), "ARGUMENT_INVALID");
    expectCode(() => dropKey(START, "bob", ["root"]), "ARGUMENT_INVALID");
  });
});

describe("setThreshold, setFloor, rootExpiry", () => {
  it("a threshold goes up to the number of keys", () => {
    expect(changesOf(setThreshold(START, "catalog", 2))).toEqual(["~ threshold of catalog 1 -> 2"]);
    expectCode(() => setThreshold(START, "catalog", 3), "ARGUMENT_INVALID");
    expectCode(() => setThreshold(START, "root", 2), "ARGUMENT_INVALID");
  });

  it("a floor never sinks", () => {
    const raised = setFloor(START, 9);
    expect(changesOf(raised)).toEqual(["~ catalog_version_floor 1 -> 9"]);
    expect(setFloor(raised, 9)).toEqual(raised);
    expectCode(() => setFloor(raised, 8), "ARGUMENT_INVALID");
  });

  it("a root expires two years later, in whole seconds, also from 29 February", () => {
    expect(new Date(rootExpiry(Date.UTC(2028, 1, 29, 1, 2, 3, 456))).toISOString()).toBe(
      "2030-03-01T01:02:03.000Z",
    );
    const later = rootExpiry(Date.UTC(2027, 0, 1));
    expect(changesOf({ ...START, expiresMs: later })).toEqual([
      "~ expires 2028-11-20T00:00:00.000Z -> 2029-01-01T00:00:00.000Z",
    ]);
  });

  it("a key that changes under its name is told as such", () => {
    const { keys, ...rest } = START;
    const swapped = new Map(keys).set("bob", carol.publicKey);
    expect(changesOf({ ...rest, keys: swapped })).toContain(
      `~ key bob ${bob.keyid} -> ${carol.keyid}`,
    );
    expect(alice.keyid).not.toBe(bob.keyid);
  });
});
