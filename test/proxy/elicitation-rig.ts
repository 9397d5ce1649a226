// A connected client of the legacy era that the guard asks by elicitation.
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { AskingRig, askingCatalog } from "./consent-rig.ts";
import { ALLOW_ALL } from "./rig.ts";

export const catalog: TrustedCatalog = await askingCatalog({ allow: ALLOW_ALL });

export function connected(): AskingRig {
  return new AskingRig({ catalog }).connect();
}
