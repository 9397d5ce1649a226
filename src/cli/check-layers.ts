// The layers of one decision, in the order in which they are asked (30-kernel section 3).
import * as abi from "../abi/frame.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogItem, CatalogServer } from "../catalog/types.ts";
import { quote } from "../errors.ts";
import type { ExplainedCall } from "../guard/explained-call.ts";
import { matchedRuleIds } from "../kernel/output-frame.ts";
import { type Layer, VERDICTS } from "../verdict.ts";

/** What a layer looked at. */
export interface CheckedCall {
  readonly trusted: TrustedCatalog;
  readonly server: string;
  readonly tool: string;
  readonly principal: string;
  /** `undefined`: a new session. */
  readonly session: string | undefined;
  /** `undefined`: the tool's own. */
  readonly scopes: readonly string[] | undefined;
  readonly hasArguments: boolean;
  readonly isMessageRead: boolean;
  /** Where the definition comes from. */
  readonly definition: "given" | "locked" | "none";
  /** Names of the session's labels. */
  readonly labels: readonly string[];
  readonly explained: ExplainedCall;
}

/**
 * `ask` and `dry_run`: it alone would have that outcome; `not_given`: it needs input that was not
 * given; `not_evaluated`: a layer before it has refused, or it is no part of a check.
 */
export type LayerResult = "pass" | "refuse" | "ask" | "dry_run" | "not_given" | "not_evaluated";

export interface ExplainedLayer {
  readonly layer: Layer | "schema";
  readonly result: LayerResult;
  /** One line. */
  readonly detail: string;
}

interface Subject extends CheckedCall {
  readonly known: CatalogServer | undefined;
  readonly item: CatalogItem | undefined;
}

/** What a layer looks at, in one line. */
type Describe = (subject: Subject) => string;

const LAYERS: readonly (readonly [Layer | "schema", Describe])[] = [
  ["catalog", ({ trusted }) => describeCatalog(trusted)],
  ["message", () => "arguments are read strictly"],
  ["feature", ({ known }) => `allowed features: ${known?.allow.join(", ") ?? "none"}`],
  ["server", ({ server, known }) => `${quote(server)} is ${known ? "" : "not "}in the catalog`],
  ["item", ({ tool, item }) => `${quote(tool)} is ${item ? "" : "not "}pinned`],
  ["admission", describeAdmission],
  ["identity", describeIdentity],
  ["scope", describeScope],
  ["vetting", describeVetting],
  ["arguments", ({ item }) => `${item?.args.size ?? 0} constraints`],
  ["schema", ({ definition }) => describeSchema(definition)],
  ["rules", describeRules],
  ["lease", describeLease],
  ["taint", describeTaint],
  ["consent", describeConsent],
  ["audit", () => "a check is no call: nothing is recorded"],
];

/** One entry for each layer. Of a refused call the deciding layer is `refuse`. */
export function explainLayers(call: CheckedCall): readonly ExplainedLayer[] {
  const known = call.trusted.catalog.servers.get(call.server);
  const item = known?.tools.get(call.tool);
  const subject: Subject = { ...call, known, item };
  const { frame } = call.explained;
  const results = contributions(call.explained);
  const order = LAYERS.map(([layer]) => layer);
  const refusedAt =
    frame.outcome === "deny"
      ? order.findIndex((layer) => results.get(layer) === "refuse")
      : order.length;
  return LAYERS.map(([layer, describe], index) => {
    const result = results.get(layer) ?? silent(layer, subject, index > refusedAt);
    const isRefused = result === "refuse" || result === "ask" || result === "dry_run";
    const detail = isRefused ? reasonsAt(layer, subject).join("; ") : describe(subject);
    return { layer, result, detail };
  });
}

/** What each layer says that speaks against the call. */
function contributions({ frame, ...judged }: ExplainedCall): Map<Layer | "schema", LayerResult> {
  const results = new Map<Layer | "schema", LayerResult>();
  for (const reason of frame.dryRun) results.set(layerOf(reason), "dry_run");
  for (const reason of frame.askingLeft) results.set(layerOf(reason), "ask");
  for (const reason of frame.denying) results.set(layerOf(reason), "refuse");
  if (results.get("arguments") === "refuse") {
    // one verdict for both: what was judged tells them apart
    if (judged.arguments === abi.ARGUMENTS_HOLD) results.delete("arguments");
    if (judged.schema !== abi.SCHEMA_HOLDS) results.set("schema", "refuse");
  }
  return results;
}

/** The layer of a contributor. */
function layerOf(reason: string): Layer {
  const verdict = Object.values(VERDICTS).find((row) => row.reason === reason);
  // what has no verdict of its own is the operator's word or a rule of the host
  return verdict?.layer ?? "rules";
}

function reasonsAt(layer: Layer | "schema", { explained, trusted }: Subject): readonly string[] {
  const { frame, engine } = explained;
  const { detail } = engine;
  if ((layer === "arguments" || layer === "schema") && detail !== undefined) return [detail];
  const at = layer === "schema" ? "arguments" : layer;
  const reasons = [...frame.denying, ...frame.askingLeft, ...frame.dryRun];
  const matched = matchedRuleIds(frame, trusted.catalog.rules);
  return reasons
    .filter((reason) => layerOf(reason) === at)
    .map((reason) => sentence(reason, matched));
}

function sentence(reason: string, matched: readonly string[]): string {
  if (reason === "operator_unverified") return "no operator has verified this server";
  const rules = reason.startsWith("policy_") ? ` (${matched.map(quote).join(", ")})` : "";
  const verdict = Object.values(VERDICTS).find((row) => row.reason === reason);
  return `${reason}: ${verdict?.message ?? "the host asks"}${rules}`;
}

/** What a layer that says nothing against the call did. */
function silent(layer: Layer | "schema", subject: Subject, isBehind: boolean): LayerResult {
  const { hasArguments, isMessageRead, explained, known } = subject;
  if (layer === "audit") return "not_evaluated";
  const isAboutArguments = layer === "arguments" || layer === "schema";
  if (isBehind) return "not_evaluated";
  if ((isAboutArguments || layer === "message") && !hasArguments) return "not_given";
  if (isAboutArguments && !isMessageRead) return "not_evaluated";
  if (layer === "vetting" && !explained.isVetted) return "not_given";
  return layer === "feature" && known === undefined ? "not_evaluated" : "pass";
}

function describeCatalog({ id, version, expiresAt }: TrustedCatalog): string {
  return `${quote(id)} version ${version}, expires ${new Date(expiresAt).toISOString()}`;
}

function describeAdmission({ definition, item }: Subject): string {
  if (definition !== "given") return "assumed: the live definition is the pinned one";
  return `the live definition against ${item?.fingerprints.length ?? 0} accepted digests`;
}

function describeIdentity({ trusted, principal }: Subject): string {
  const { principals } = trusted.catalog;
  const known = principals === undefined ? "everybody is known" : `${principals.length} entries`;
  return `${quote(principal)}; ${known}`;
}

function describeScope({ scopes, item }: Subject): string {
  const asked = scopes?.join(", ") ?? "what the tool has";
  return `asked: ${asked}; granted: ${item?.scope.join(", ") ?? "nothing"}`;
}

function describeVetting({ explained }: Subject): string {
  const { vetting } = explained.engine;
  if (vetting === undefined) return "no text of the definition is at hand";
  return `level ${vetting.level}, ${vetting.findings.length} findings`;
}

function describeSchema(definition: CheckedCall["definition"]): string {
  if (definition === "none") return "no input schema is at hand";
  return `the input schema of the ${definition} definition`;
}

function describeRules({ trusted, known, explained }: Subject): string {
  const count = trusted.catalog.rules.length;
  const verified = known?.operatorVerified === false ? "not verified" : "verified";
  const matched = matchedRuleIds(explained.frame, trusted.catalog.rules);
  const names =
    matched.length === 0 ? "none matches" : `matching: ${matched.map(quote).join(", ")}`;
  return `${count} rules, ${names}; server ${verified} by the operator`;
}

function describeLease({ item, explained }: Subject): string {
  const covered = explained.frame.isLeaseConsumed ? "; a lease covers it" : "";
  return `${requires(item, "lease")}${covered}`;
}

function describeTaint({ item, labels, session }: Subject): string {
  const who = session === undefined ? "a new session" : `session ${quote(session)}`;
  const carries = labels.length === 0 ? "carries no label" : `carries ${labels.join(", ")}`;
  const stops = item?.stopsTaint ?? [];
  const by = stops.length === 0 ? "no label stops it" : `stopped by: ${stops.join(" and ")}`;
  return `${who} ${carries}; ${by}`;
}

function describeConsent({ item, explained }: Subject): string {
  const { asking, askingLeft } = explained.frame;
  const covered = asking.length > 0 && askingLeft.length === 0 ? "; an approval covers it" : "";
  return `${requires(item, "consent")}${covered}`;
}

function requires(item: CatalogItem | undefined, what: "lease" | "consent"): string {
  return item?.requires.includes(what) === true ? "required" : "not required";
}
