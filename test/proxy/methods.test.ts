import { describe, expect, it } from "vitest";
import {
  AllowedMethods,
  CHANGED_KINDS,
  LISTINGS,
  METHODS,
  type Revision,
} from "../../src/proxy/methods.ts";
import { catalogToml, SERVER_ID, trust } from "./rig.ts";

const LEGACY_FIRST =
  "initialize notifications/initialized ping notifications/cancelled notifications/progress notifications/message resources/list resources/templates/list resources/read resources/subscribe resources/unsubscribe notifications/resources/list_changed notifications/resources/updated prompts/list prompts/get notifications/prompts/list_changed tools/list tools/call notifications/tools/list_changed logging/setLevel completion/complete sampling/createMessage roots/list notifications/roots/list_changed";
const TASKS = "tasks/get tasks/result tasks/cancel tasks/list notifications/tasks/status";
const MODERN =
  "server/discover subscriptions/listen notifications/subscriptions/acknowledged tools/list tools/call resources/list resources/templates/list resources/read prompts/list prompts/get completion/complete notifications/cancelled notifications/progress notifications/message notifications/tools/list_changed notifications/prompts/list_changed notifications/resources/list_changed notifications/resources/updated elicitation/create sampling/createMessage roots/list";
const MODERN_TASKS = "tasks/get tasks/update tasks/cancel notifications/tasks";

const PER_REVISION: readonly (readonly [Revision, string])[] = [
  ["2024-11-05", LEGACY_FIRST],
  ["2025-03-26", LEGACY_FIRST],
  ["2025-06-18", `${LEGACY_FIRST} elicitation/create`],
  ["2025-11-25", `${LEGACY_FIRST} elicitation/create notifications/elicitation/complete ${TASKS}`],
  ["2026-07-28", `${MODERN} ${MODERN_TASKS}`],
];

describe("METHODS", () => {
  it.each(PER_REVISION)("holds exactly the methods of %s", (revision, names) => {
    const found = [...METHODS].filter(
      ([, { since, until }]) => since <= revision && revision <= until,
    );
    expect(found.map(([name]) => name).sort()).toEqual(names.split(" ").sort());
  });

  it("knows the listings and the notifications that they have changed", () => {
    for (const { method } of LISTINGS) expect(METHODS.get(method)?.sender).toBe("client");
    for (const method of CHANGED_KINDS.keys()) expect(METHODS.get(method)?.sender).toBe("server");
    const kinds = [...CHANGED_KINDS.values()].flat();
    expect(kinds).toEqual(LISTINGS.map(({ kind }) => kind));
  });
});

describe("AllowedMethods", () => {
  it("without a server of the catalog allows nothing, not even a ping", () => {
    const none = new AllowedMethods(undefined);
    for (const method of METHODS.keys()) {
      expect(none.allows(method, "client") || none.allows(method, "server"), method).toBe(false);
    }
  });

  it("allows a feature in the direction of its methods, and core to everybody", async () => {
    const catalog = await trust(catalogToml({ allow: ["tools", "sampling"], methods: ["x/y"] }));
    const methods = new AllowedMethods(catalog.servers.get(SERVER_ID));
    for (const [method, { feature, sender }] of METHODS) {
      const isOn = ["core", "tools", "sampling"].includes(feature);
      for (const from of ["client", "server"] as const) {
        const expected = isOn && (sender === "both" || sender === from);
        expect(methods.allows(method, from), `${from} ${method}`).toBe(expected);
      }
    }
    expect(methods.allows("x/y", "client") && methods.allows("x/y", "server")).toBe(true);
    expect(methods.allows("toString", "client")).toBe(false);
  });
});
