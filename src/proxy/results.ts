// What of a server's result the client gets: the edits that 50-proxy section 2.1 allows, no others.
import { concatBytes, isWellFormed, utf8 } from "../bytes.ts";
import type { Span } from "../kernel/message.ts";
import type { LiveItem, Manifest } from "../manifest/types.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { applyEdits, cutElements, type Edit, outsideOf } from "./cut.ts";
import { labelEdits } from "./elicitation.ts";
import {
  elementsOf,
  foldName,
  type Member,
  memberNamed,
  membersOf,
  readString,
  soleMember,
  spanText,
} from "./json-members.ts";
import { readListingPage } from "./listing-page.ts";
import { type AllowedMethods, LISTING_OF_METHOD, LISTINGS } from "./methods.ts";

/** The request that a result answers. */
export interface AnsweredRequest {
  readonly method: string;
  /** It named a protocol version in its `_meta`. */
  readonly isModern: boolean;
}

/** What the session knows of the server. */
export interface ResultContext {
  readonly serverId: string;
  readonly methods: AllowedMethods;
  /** The server as a whole is refused. */
  isRefused(): boolean;
  /** Its instructions are not the pinned ones, or it is refused as a whole. */
  areInstructionsRefused(): boolean;
  /** Compares instructions with the pin; `undefined` = absent. */
  seeInstructions(text: string | undefined): boolean;
  sawCapabilities(names: ReadonlySet<string>): void;
  /** Takes the definitions of a listing as evidence. */
  sawPage(manifest: Manifest): void;
  /** True when the client may see the definition. */
  keeps(item: LiveItem): boolean;
}

/** A result that is to be replaced by an error. */
export interface ResultRefusal {
  readonly refusal: "malformed" | "feature";
  readonly detail: string;
}

/** What is to be done with a result. */
export type ResultVerdict =
  /** Forward the bytes after these edits. */
  { readonly edits: readonly Edit[]; readonly cut: readonly string[] } | ResultRefusal;

const INTRODUCTIONS: ReadonlySet<string> = new Set(["initialize", "server/discover"]);
const SERVER_INFO_META = "io.modelcontextprotocol/serverInfo";
const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

/** True for a method whose results hold definitions, which are compared with their pins. */
export function isDefinition(method: string): boolean {
  return LISTING_OF_METHOD.has(method) || INTRODUCTIONS.has(method);
}

/** Capability -> the feature it needs; what else a server declares in its place is cut out. */
const FEATURE_OF_CAPABILITY = new Map([
  ["tools", "tools"],
  ["prompts", "prompts"],
  ["resources", "resources"],
  ["completions", "completions"],
  ["logging", "logging"],
  ["tasks", "tasks"],
  ["experimental", "core"],
  ["extensions", "core"],
] as const);

/** Members that a guard decides on: a reader that folds case must not find another in their place. */
const JUDGED_NAMES: ReadonlySet<string> = new Set([
  ...LISTINGS.map((listing) => listing.member),
  "instructions",
  "capabilities",
  "serverInfo",
  "inputRequests",
  "requestState",
]);
const JUDGED_FOLDED: ReadonlySet<string> = new Set([...JUDGED_NAMES].map(foldName));

/**
 * Judges the result that answers `request`, or the `params` of a notification that is one.
 *
 * @param line the message; its bytes outside definitions have been read strictly or will be
 * @param result its span in `line`
 */
export function judgeResult(
  line: Uint8Array,
  result: Span,
  request: AnsweredRequest,
  context: ResultContext,
): ResultVerdict {
  const members = membersOf(line, result);
  const isListing = LISTING_OF_METHOD.has(request.method);
  const isIntroduction = INTRODUCTIONS.has(request.method);
  if (members === undefined) {
    // a result that is no object holds nothing to judge, where nothing has to be judged
    if (!isListing && !isIntroduction) return { edits: [], cut: [] };
    return malformed("expected an object as the result");
  }
  const parts = new ResultEdits(line, result, members);
  const asked = parts.judgeInputRequests(context);
  if (asked !== undefined) return asked;
  if (isIntroduction) parts.cutIntroduction(context);
  const broken = isListing
    ? parts.cutListing(request.method, context)
    : parts.cutDefinitions(context);
  if (broken !== undefined) return malformed(broken);
  if (!isIntroduction) parts.cutRefusedInstructions(context);
  parts.cutServerInfo(isIntroduction);
  if (request.isModern) parts.makePrivate();
  return parts.verdict();
}

/** True when `line`, changed by these edits, is what the client gets instead. */
export function editedLine(line: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.length === 0 ? line : applyEdits(line, edits);
}

/** Collects the edits of one result. */
class ResultEdits {
  readonly #line: Uint8Array;
  readonly #result: Span;
  readonly #members: readonly Member[];
  readonly #refused = new Set<Member>();
  readonly #edits: Edit[] = [];
  readonly #cut: string[] = [];

  constructor(line: Uint8Array, result: Span, members: readonly Member[]) {
    this.#line = line;
    this.#result = result;
    this.#members = members;
    for (const member of members) {
      const { name } = member;
      if (name === undefined || JUDGED_NAMES.has(name)) continue;
      if (JUDGED_FOLDED.has(foldName(name))) this.#refuse(member, "a look-alike member");
    }
  }

  verdict(): ResultVerdict {
    const keeps = this.#members.map((member) => !this.#refused.has(member));
    const spans = this.#members.map((member) => member.whole);
    const outer = cutElements(this.#result, spans, keeps);
    return { edits: [...outer, ...outsideOf(outer, this.#edits)], cut: this.#cut };
  }

  /** Requests that the server embeds in its result; a refusal when one of them may not pass. */
  judgeInputRequests(context: ResultContext): ResultRefusal | undefined {
    const state = memberNamed(this.#members, "requestState");
    if (readString(this.#line, state?.value)?.startsWith(GUARD_ID_PREFIX) === true) {
      return malformed("a request state that looks like the guard's own");
    }
    const requests = memberNamed(this.#members, "inputRequests");
    if (requests === undefined) return undefined;
    const asked = membersOf(this.#line, requests.value);
    if (asked === undefined) return malformed("expected inputRequests to be an object");
    for (const { name, value } of asked) {
      if (name === undefined || name.startsWith(GUARD_ID_PREFIX)) {
        return malformed("a question under a key of the guard's own");
      }
      const detail = this.#judgeInputRequest(value, context);
      if (detail !== undefined) return { refusal: "feature", detail };
    }
    return undefined;
  }

  /** One line when the request may not pass. */
  #judgeInputRequest(request: Span, context: ResultContext): string | undefined {
    const named = soleMember(this.#line, request, "method");
    const params = soleMember(this.#line, request, "params");
    const method = named === "none" ? undefined : readString(this.#line, named);
    if (method === undefined || params === undefined || !context.methods.allows(method, "server")) {
      return "the result asks for what the catalog does not allow";
    }
    const own = params === "none" ? undefined : params;
    const edits = labelEdits(this.#line, method, own, context.serverId);
    if (edits === undefined) return "the elicitation in the result cannot be labelled";
    this.#edit(edits);
    return undefined;
  }

  cutIntroduction(context: ResultContext): void {
    const instructions = memberNamed(this.#members, "instructions");
    const text = this.#instructionsText(instructions);
    const isPinned = context.seeInstructions(text);
    if (instructions !== undefined && (!isPinned || context.areInstructionsRefused())) {
      this.#refuse(instructions, "instructions");
    }
    this.#cutCapabilities(context);
  }

  /** Definitions that the client may not see; one line when the listing cannot be read. */
  cutListing(method: string, context: ResultContext): string | undefined {
    const listing = LISTING_OF_METHOD.get(method);
    if (listing === undefined) return undefined;
    const page = readListingPage(this.#line, this.#result, listing.kind);
    if (typeof page === "string") return page;
    context.sawPage(page.manifest);
    const { tools, prompts, resources, resourceTemplates } = page.manifest;
    const found = [tools, prompts, resources, resourceTemplates];
    for (const [index, { member }] of LISTINGS.entries()) {
      const array = memberNamed(this.#members, member);
      if (array === undefined) continue;
      this.#cutItems(array, this.#result.start, found[index] ?? [], context);
    }
    return undefined;
  }

  /**
   * Arrays of definitions in a result that is no listing. Nobody asked for one, so they are held
   * to what was admitted, and are no evidence against it; one line when one cannot be read.
   */
  cutDefinitions(context: ResultContext): string | undefined {
    for (const { kind, member } of LISTINGS) {
      const array = memberNamed(this.#members, member);
      if (array === undefined || this.#line[array.value.start] !== 0x5b) continue;
      const { start, end } = array.value;
      const head = utf8(`{"${member}":`);
      const bytes = concatBytes(head, this.#line.subarray(start, end), utf8("}"));
      const page = readListingPage(bytes, { start: 0, end: bytes.length }, kind);
      if (typeof page === "string") return page;
      this.#cutItems(array, start - head.length, page.items, context);
    }
    return undefined;
  }

  /** Text in the place of instructions, where those themselves would not pass. */
  cutRefusedInstructions(context: ResultContext): void {
    const member = memberNamed(this.#members, "instructions");
    if (member === undefined || this.#line[member.value.start] !== 0x22) return;
    if (context.areInstructionsRefused()) this.#refuse(member, "instructions");
  }

  /** Of `serverInfo` only name and version pass: in an introduction, and in any `_meta`. */
  cutServerInfo(isIntroduction: boolean): void {
    const own = isIntroduction ? memberNamed(this.#members, "serverInfo") : undefined;
    if (own !== undefined) {
      if (this.#isServerInfo(own.value)) this.#cutMembers(own.value, isOfServerInfo, "serverInfo");
      else this.#refuse(own, "serverInfo");
    }
    const meta = memberNamed(this.#members, "_meta")?.value;
    const members = meta === undefined ? undefined : membersOf(this.#line, meta);
    const inMeta = memberNamed(members ?? [], SERVER_INFO_META)?.value;
    if (meta === undefined || inMeta === undefined) return;
    if (this.#isServerInfo(inMeta)) this.#cutMembers(inMeta, isOfServerInfo, "serverInfo");
    else this.#cutMembers(meta, (name) => name !== SERVER_INFO_META, "serverInfo");
  }

  /** WHY: what the guard filtered is for this client alone; a shared cache must not keep it. */
  makePrivate(): void {
    const scope = memberNamed(this.#members, "cacheScope");
    if (scope === undefined || spanText(this.#line, scope.value) === '"private"') return;
    this.#edit([{ ...scope.value, text: '"private"' }]);
  }

  #instructionsText(member: Member | undefined): string | undefined {
    if (member === undefined) return undefined;
    const text = readString(this.#line, member.value);
    if (text !== undefined && isWellFormed(text)) return text;
    // no text that can be pinned: u+0000 keeps it apart from every one that can be sent
    return `\0${spanText(this.#line, member.value)}`;
  }

  #cutCapabilities(context: ResultContext): void {
    const member = memberNamed(this.#members, "capabilities");
    if (member === undefined) return;
    const declared = membersOf(this.#line, member.value);
    if (declared === undefined) this.#refuse(member, "capabilities");
    const capabilities = declared ?? [];
    context.sawCapabilities(new Set(capabilities.flatMap(({ name }) => name ?? [])));
    this.#cutMembers(member.value, (name) => allowsCapability(name, context), "capabilities");
    const extensions = memberNamed(capabilities, "extensions");
    if (extensions === undefined || context.methods.hasFeature("tasks")) return;
    this.#cutMembers(extensions.value, (name) => name !== TASKS_EXTENSION, "capabilities");
  }

  #isServerInfo(span: Span): boolean {
    const members = membersOf(this.#line, span)?.filter(({ name }) => isOfServerInfo(name));
    return members?.every(({ value }) => this.#line[value.start] === 0x22) ?? false;
  }

  #cutMembers(object: Span, keeps: (name: string) => boolean, what: string): void {
    const members = membersOf(this.#line, object) ?? [];
    const kept = members.map(({ name }) => name !== undefined && keeps(name));
    const spans = members.map((member) => member.whole);
    const edits = cutElements(object, spans, kept);
    if (edits.length > 0) this.#cut.push(what);
    this.#edit(edits);
  }

  /** @param offset of the text that the items' spans are into */
  #cutItems(
    array: Member,
    offset: number,
    items: readonly LiveItem[],
    context: ResultContext,
  ): void {
    const spans = elementsOf(this.#line, array.value) ?? [];
    const keepsAt = new Map(
      items.map((item) => [item.span.start + offset, !context.isRefused() && context.keeps(item)]),
    );
    const kept = spans.map((span) => keepsAt.get(span.start) ?? false);
    const count = kept.filter((keeps) => !keeps).length;
    if (count === 0) return;
    this.#cut.push(`${count} of ${spans.length} ${array.name ?? ""}`);
    this.#edit(cutElements(array.value, spans, kept));
  }

  #edit(edits: readonly Edit[]): void {
    // WHY: one for every item of a listing is more than a call may have arguments
    for (const edit of edits) this.#edits.push(edit);
  }

  #refuse(member: Member, what: string): void {
    this.#refused.add(member);
    this.#cut.push(what);
  }
}

function isOfServerInfo(name: string | undefined): boolean {
  return name === "name" || name === "version";
}

function malformed(detail: string): ResultRefusal {
  return { refusal: "malformed", detail };
}

function allowsCapability(name: string, context: ResultContext): boolean {
  for (const [capability, feature] of FEATURE_OF_CAPABILITY) {
    if (capability === name) return context.methods.hasFeature(feature);
  }
  return false;
}
