// Server cards as a catalog, so that one image, one kernel and one decision serve both.
import { compareUtf8, fromHex, utf8 } from "../bytes.ts";
import { foldAscii } from "../catalog/names.ts";
import { assignBits, BUILT_IN_SCOPES, BUILT_IN_TAINTS } from "../catalog/scope-names.ts";
import type { Catalog, CatalogItem, CatalogServer } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { frameFields, u32le } from "../kernel/framed.ts";

import { isServerCard, type ServerCard, type ServerCardTool } from "./server-card.ts";

/** Server cards of one gateway. */
export const LIMIT_SERVER_CARDS = 4096;
/** 9999-12-31T23:59:59Z: a card lives as long as its process, and no expiry is infinite. */
export const CARDS_EXPIRE_MS = 253_402_300_799_000;
export const CARDS_CATALOG_ID = "server-cards";

/**
 * The catalog that says what the cards say.
 *
 * Every tool is pinned by its digest. A card knows no scopes: each tool has all 16 built-in ones,
 * so that any of them may be requested and none is a boundary. Effects are `read` or `write` by
 * the words of the definition; results are `untrusted`; nothing but tools is allowed; an unverified
 * card is `policy_review`. No principals, no rules.
 *
 * @throws {GuardError} ARGUMENT_INVALID for what `buildServerCard` did not make, two cards of one
 *   server id (compared without case), or more than 4 096 cards
 */
export function serverCardsCatalog(cards: readonly ServerCard[]): Catalog {
  return {
    id: CARDS_CATALOG_ID,
    version: 1,
    issuedMs: 0,
    expiresMs: CARDS_EXPIRE_MS,
    scopeBits: assignBits(BUILT_IN_SCOPES, []),
    taintBits: assignBits(BUILT_IN_TAINTS, []),
    scopes: new Map(),
    taints: new Map(),
    servers: new Map(checkCards(cards).map((card) => [card.serverId, serverOf(card)])),
    principals: undefined,
    rules: [],
  };
}

/**
 * What stands for the catalog's SHA-256 in images and records: SHA-256 over
 * TAG("portcullis:cards:v1") and the framed fields of the cards, in the order of their ids.
 *
 * @returns 32 bytes; the order of cards and of their tools does not change it
 * @throws {GuardError} ARGUMENT_INVALID as `serverCardsCatalog`
 */
export function serverCardsSha256(cards: readonly ServerCard[]): Uint8Array<ArrayBuffer> {
  const fields = inOrder(checkCards(cards), (card) => card.serverId).flatMap(cardFields);
  return sha256(frameFields("portcullis:cards:v1", ...fields));
}

function checkCards(cards: readonly ServerCard[]): readonly ServerCard[] {
  if (!Array.isArray(cards) || cards.length > LIMIT_SERVER_CARDS) {
    throw invalid(`expected at most ${LIMIT_SERVER_CARDS} cards of buildServerCard`);
  }
  const copy: ServerCard[] = [];
  const ids = new Set<string>();
  for (const card of cards) {
    if (!isServerCard(card)) throw invalid("expected a card of buildServerCard, got a look-alike");
    const id = foldAscii(card.serverId);
    if (ids.has(id)) {
      throw invalid(`expected one card for each server, got two for ${quote(card.serverId)}`);
    }
    ids.add(id);
    copy.push(card);
  }
  return copy;
}

function cardFields(card: ServerCard): Uint8Array[] {
  const { serverId, operatorVerified, onDrift, instructions, tools } = card;
  const flags = Uint8Array.of(operatorVerified ? 1 : 0, onDrift === "block-tool" ? 1 : 0);
  const head = [utf8(serverId), flags, digestBytes(instructions), u32le(tools.length)];
  const body = inOrder(tools, (tool) => tool.name).flatMap((tool) => [
    utf8(tool.name),
    digestBytes(tool.fingerprint),
    Uint8Array.of(tool.stateChanging ? 1 : 0),
  ]);
  return [...head, ...body];
}

function inOrder<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareUtf8(nameOf(a), nameOf(b)));
}

function digestBytes(digest: string | undefined): Uint8Array {
  return fromHex(digest?.slice(7) ?? "") ?? new Uint8Array(0);
}

function serverOf(card: ServerCard): CatalogServer {
  return {
    id: card.serverId,
    command: undefined,
    url: undefined,
    headerEnv: new Map(),
    env: [],
    fingerprint: card.fingerprint,
    maxAllowedScope: BUILT_IN_SCOPES,
    operatorVerified: card.operatorVerified,
    allow: ["tools"],
    methods: [],
    onDrift: card.onDrift,
    instructions: card.instructions,
    consentChannels: ["elicitation", "terminal", "web"],
    tools: new Map(card.tools.map((tool) => [tool.name, itemOf(tool)])),
    prompts: new Map(),
    resources: new Map(),
    resourceTemplates: new Map(),
  };
}

function itemOf(tool: ServerCardTool): CatalogItem {
  return {
    kind: "tool",
    name: tool.name,
    fingerprints: [tool.fingerprint],
    scope: BUILT_IN_SCOPES,
    effect: tool.stateChanging ? "write" : "read",
    requires: [],
    addsTaint: ["untrusted"],
    stopsTaint: [],
    taintOutcome: "ask_user",
    vettingAccept: [],
    args: new Map(),
  };
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
