// A connection whose catalog asks for what a test is about, and the reasons that its calls get.
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { type CatalogParts, catalogToml, Rig, trust } from "./rig.ts";

/** A connected client, in the session `s`. */
export async function rigOf(
  parts: CatalogParts,
  extra: Partial<GuardSessionOptions> = {},
): Promise<Rig> {
  const rig = new Rig(await trust(catalogToml(parts)), FIXTURE_SERVER, {
    sessionId: "s",
    ...extra,
  });
  return rig.connect();
}

/** The reasons of these calls, in order. */
export function reasons(rig: Rig, ...messages: readonly object[]): unknown[] {
  return messages.map((message) => {
    const id = Number(Reflect.get(message, "id"));
    return rig.send(message).reason(id);
  });
}
