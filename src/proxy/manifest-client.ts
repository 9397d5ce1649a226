// Lists everything a server offers, for pinning: raw definitions, instructions, self-description.
import { READ_FLAG_LENIENT, READ_FLAG_LISTING } from "../abi/layout.ts";
import { utf8 } from "../bytes.ts";
import type { ItemKind } from "../catalog/types.ts";
import { randomUuid } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { type MalformedMessage, type MessageShape, readShape } from "../kernel/message.ts";
import { readerKernel } from "../kernel/shared.ts";
import { idOfKey, plainError, requestFrame } from "./answers.ts";
import { CompleteListing, GUARD_ID_PREFIX, type ListedItem } from "./complete-listing.ts";
import type { FramedLine } from "./framing.ts";
import {
  memberNamed,
  membersOf,
  readString,
  spanText,
  valueAt,
  wholeValue,
} from "./json-members.ts";
import { LIMIT_LISTING_RESTARTS } from "./limits.ts";
import { CHANGED_KINDS, LISTINGS } from "./methods.ts";

/** A connection to a server by lines. */
export interface ServerLines {
  /** Sends one line, its line feed included. */
  send(frame: Uint8Array): void;
  onLine(listener: (line: FramedLine) => void): void;
  /** Called once, with one line that says why. */
  onEnd(listener: (detail: string) => void): void;
}

/** What a server says about itself. */
export interface LiveManifest {
  readonly era: "legacy" | "modern";
  readonly protocolVersion: string;
  /** Raw JSON as sent; `undefined` when absent. */
  readonly serverInfo: string | undefined;
  readonly capabilities: string | undefined;
  /** Text as sent; `undefined` when absent. */
  readonly instructions: string | undefined;
  /** Definitions with their raw texts, in the order of the server. */
  readonly tools: readonly ListedItem[];
  readonly prompts: readonly ListedItem[];
  readonly resources: readonly ListedItem[];
  readonly resourceTemplates: readonly ListedItem[];
}

export interface ListServerOptions {
  /** `auto`: the handshake first, and the modern era where a server refuses it. Default `auto`. */
  readonly era?: "legacy" | "modern" | "auto";
  /** Milliseconds for each answer. Default 30 s. */
  readonly timeoutMs?: number;
  /** Milliseconds in which a server may still say that its lists change. Default 250. */
  readonly settleMs?: number;
}

const LEGACY_VERSION = "2025-11-25";
const LEGACY_VERSIONS: readonly string[] = [
  "2024-10-07",
  "2024-11-05",
  "2025-03-26",
  "2025-06-18",
  LEGACY_VERSION,
];
const MODERN_VERSION = "2026-07-28";
const SERVER_INFO_META = "io.modelcontextprotocol/serverInfo";
const TIMEOUT_MS_DEFAULT = 30_000;
const SETTLE_MS_DEFAULT = 250;

// WHY: some servers offer more to a client that can do more; the pins should cover all of it
const CLIENT_CAPABILITIES = '{"roots":{"listChanged":true},"sampling":{},"elicitation":{}}';
const CLIENT_INFO = '{"name":"portcullis","version":"1"}';
const MODERN_META = `{"io.modelcontextprotocol/protocolVersion":"${MODERN_VERSION}","io.modelcontextprotocol/clientCapabilities":${CLIENT_CAPABILITIES},"io.modelcontextprotocol/clientInfo":${CLIENT_INFO}}`;

/**
 * Introduces itself to a server and lists everything it declares, all pages.
 *
 * A server that speaks the modern era only refuses `initialize`; it is then asked with
 * `server/discover`, and each request carries `_meta` with the protocol version and the client's
 * capabilities.
 *
 * @throws {GuardError} SERVER_PROTOCOL when it speaks neither era, answers what cannot be read, or
 *   nothing within the time; SERVER_START when it ends before it is done
 */
export async function listServer(
  lines: ServerLines,
  options: ListServerOptions = {},
): Promise<LiveManifest> {
  return await new ManifestClient(lines, options).list();
}

/** One answer of the server. */
interface Answer {
  readonly line: Uint8Array;
  readonly shape: MessageShape;
}

class ManifestClient {
  readonly #lines: ServerLines;
  readonly #options: ListServerOptions;
  readonly #waiting = new Map<string, (answer: Answer | GuardError) => void>();
  #listing: CompleteListing | undefined;
  #onListed: (() => void) | undefined;
  #hasChanged = false;
  #ended: GuardError | undefined;

  constructor(lines: ServerLines, options: ListServerOptions) {
    this.#lines = lines;
    this.#options = options;
    lines.onLine((line) => this.#take(line));
    lines.onEnd((detail) => this.#end(new GuardError("SERVER_START", detail)));
  }

  async list(): Promise<LiveManifest> {
    const { era = "auto" } = this.#options;
    const legacy = era === "modern" ? undefined : await this.#initialize();
    if (legacy?.shape.result !== undefined) return await this.#listAs("legacy", legacy);
    if (era === "legacy") throw protocolFault("the server refused initialize");
    const modern = await this.#ask("server/discover", `{"_meta":${MODERN_META}}`);
    if (modern.shape.result !== undefined) return await this.#listAs("modern", modern);
    throw protocolFault("the server refused initialize and server/discover");
  }

  #initialize(): Promise<Answer> {
    const params = `{"protocolVersion":"${LEGACY_VERSION}","capabilities":${CLIENT_CAPABILITIES},"clientInfo":${CLIENT_INFO}}`;
    return this.#ask("initialize", params);
  }

  async #listAs(era: "legacy" | "modern", { line, shape }: Answer): Promise<LiveManifest> {
    const { result } = shape;
    const at = (...path: string[]): string | undefined => {
      const span = valueAt(line, result, ...path);
      return span === undefined ? undefined : spanText(line, span);
    };
    const asked = readString(line, valueAt(line, result, "protocolVersion"));
    if (era === "legacy" && (asked === undefined || !LEGACY_VERSIONS.includes(asked))) {
      const got = quote(asked ?? "none");
      throw protocolFault(`expected a protocol version up to ${LEGACY_VERSION}, got ${got}`);
    }
    const instructions = valueAt(line, result, "instructions");
    const text = readString(line, instructions);
    if (instructions !== undefined && text === undefined) {
      throw protocolFault("expected instructions to be text");
    }
    const declared = valueAt(line, result, "capabilities");
    const names = new Set(
      (declared === undefined ? [] : (membersOf(line, declared) ?? [])).map(({ name }) => name),
    );
    const kinds = LISTINGS.filter(({ feature }) => names.has(feature)).map(({ kind }) => kind);
    if (era === "legacy") {
      this.#lines.send(utf8('{"jsonrpc":"2.0","method":"notifications/initialized"}\n'));
    }
    const found = await this.#listSettled(kinds, era === "modern" ? MODERN_META : undefined);
    const itemsOf = (kind: ItemKind): readonly ListedItem[] => found.get(kind)?.items ?? [];
    return {
      era,
      protocolVersion: era === "legacy" ? (asked ?? LEGACY_VERSION) : MODERN_VERSION,
      serverInfo: at("serverInfo") ?? at("_meta", SERVER_INFO_META),
      capabilities: at("capabilities"),
      instructions: text,
      tools: itemsOf("tool"),
      prompts: itemsOf("prompt"),
      resources: itemsOf("resource"),
      resourceTemplates: itemsOf("resource_template"),
    };
  }

  /** Lists until nothing changes while it lists, nor shortly after. */
  async #listSettled(
    kinds: readonly ItemKind[],
    metaText: string | undefined,
  ): Promise<CompleteListing["found"]> {
    for (let round = 0; round <= LIMIT_LISTING_RESTARTS; round++) {
      this.#hasChanged = false;
      const listing = await this.#listOnce(kinds, metaText);
      if (listing.failure !== undefined) throw protocolFault(listing.failure);
      await new Promise((resolve) => {
        setTimeout(resolve, this.#options.settleMs ?? SETTLE_MS_DEFAULT);
      });
      if (this.#ended !== undefined) throw this.#ended;
      if (!this.#hasChanged) return listing.found;
    }
    throw protocolFault("expected the lists to settle, got list_changed again and again");
  }

  #listOnce(kinds: readonly ItemKind[], metaText: string | undefined): Promise<CompleteListing> {
    const send = (frame: Uint8Array): void => this.#lines.send(frame);
    const listing = new CompleteListing({ kinds, metaText, uuid: randomUuid, send });
    this.#listing = listing;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        listing.fail("the server did not answer a listing in time");
        this.#onListed?.();
      }, this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT);
      this.#onListed = () => {
        if (listing.isRunning && this.#ended === undefined) return;
        clearTimeout(timer);
        if (this.#ended === undefined) resolve(listing);
        else reject(this.#ended);
      };
      listing.start();
      this.#onListed();
    });
  }

  #ask(method: string, paramsText: string): Promise<Answer> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = `${GUARD_ID_PREFIX}${randomUuid()}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(`s:${id}`, protocolFault(`expected an answer to ${method}, got none in time`));
      }, this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT);
      this.#waiting.set(`s:${id}`, (answer) => {
        clearTimeout(timer);
        if (answer instanceof GuardError) reject(answer);
        else resolve(answer);
      });
      this.#lines.send(requestFrame(id, method, paramsText));
    });
  }

  #settle(key: string, answer: Answer | GuardError): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.(answer);
  }

  #end(error: GuardError): void {
    this.#ended = error;
    for (const key of [...this.#waiting.keys()]) this.#settle(key, error);
    this.#onListed?.();
  }

  #take(framed: FramedLine): void {
    if (framed.kind === "too-long") {
      this.#end(protocolFault(`expected a line within the limit, got ${framed.sizeBytes} bytes`));
      return;
    }
    const line = framed.frame.slice(0, -1);
    const shape = readLine(line);
    if (shape.kind === "malformed") this.#malformed(line, shape);
    else if (shape.kind === "request") this.#answerServer(shape);
    else if (shape.kind === "notification") {
      if (CHANGED_KINDS.has(shape.method ?? "")) this.#hasChanged = true;
    } else {
      const key = shape.id?.key ?? "null";
      if (this.#listing?.owns(key) === true) this.#listing.answer(line, shape);
      else this.#settle(key, { line, shape });
    }
    this.#onListed?.();
  }

  /** A listing keeps its place when only definitions in it are malformed; they say so. */
  #malformed(line: Uint8Array, shape: MalformedMessage): void {
    const key = shape.id?.key ?? "null";
    if (this.#listing?.owns(key) === true) {
      const members = membersOf(line, wholeValue(line)) ?? [];
      const result = memberNamed(members, "result")?.value;
      if (result === undefined) this.#listing.fail(shape.message);
      else this.#listing.answer(line, { result, failure: undefined });
      return;
    }
    // other lines are no messages: some servers print to stdout
    this.#settle(key, protocolFault(`expected a readable answer: ${shape.message}`));
  }

  /** A pin answers no questions: no roots, nothing sampled, nothing filled in. */
  #answerServer(shape: MessageShape): void {
    const id = JSON.stringify(idOfKey(shape.id?.key ?? "null"));
    const result = RESULT_OF_METHOD.get(shape.method ?? "");
    const frame =
      result === undefined
        ? plainError(idOfKey(shape.id?.key ?? "null"), -32601, "not available while pinning")
        : utf8(`{"jsonrpc":"2.0","id":${id},"result":${result}}\n`);
    this.#lines.send(frame);
  }
}

const RESULT_OF_METHOD: ReadonlyMap<string, string> = new Map([
  ["ping", "{}"],
  ["roots/list", '{"roots":[]}'],
  ["elicitation/create", '{"action":"decline"}'],
]);

function readLine(line: Uint8Array): MessageShape | MalformedMessage {
  const kernel = readerKernel(line.length);
  kernel.writeInput(line);
  return readShape(kernel, line.length, READ_FLAG_LENIENT | READ_FLAG_LISTING);
}

function protocolFault(message: string): GuardError {
  return new GuardError("SERVER_PROTOCOL", message);
}
