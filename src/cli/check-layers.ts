// The layers of one decision, in the order in which they are asked (40-gateway section 1).
import type { TrustedCatalog } from "../catalog/trusted.ts";
import type { CatalogItem, CatalogServer } from "../catalog/types.ts";
import { quote } from "../errors.ts";
import type { PrincipalMatch } from "../guard/principal-match.ts";
import type { Decision, Layer } from "../verdict.ts";

/** The call that `check` asks about. */
export interface CheckedCall {
  readonly server: string;
  readonly tool: string;
  /** `undefined`: the tool's own. */
  readonly scopes: readonly string[] | undefined;
  /** JSON text; `undefined` when not given. */
  readonly argumentsText: string | undefined;
  readonly principal: string;
  readonly match: PrincipalMatch;
  /** The live definition as text; `undefined`: assumed to be the pinned one. */
  readonly definition: string | undefined;
}

/** `not_given`: it needs input that was not given; `not_evaluated`: the answer came before it. */
export type LayerResult = "pass" | "refuse" | "not_given" | "not_evaluated";

export interface ExplainedLayer {
  readonly layer: Layer;
  readonly result: LayerResult;
  /** One line. */
  readonly detail: string;
}

interface Subject {
  readonly trusted: TrustedCatalog;
  readonly call: CheckedCall;
  readonly server: CatalogServer | undefined;
  readonly item: CatalogItem | undefined;
}

/** What a layer looks at, in one line. */
type Describe = (subject: Subject) => string;

const LAYERS: readonly (readonly [Layer, Describe])[] = [
  ["message", () => "arguments are read strictly"],
  ["feature", ({ server }) => `allowed features: ${server?.allow.join(", ") ?? "none"}`],
  ["catalog", ({ trusted }) => describeCatalog(trusted)],
  [
    "server",
    ({ call, server }) => `${quote(call.server)} is ${server ? "" : "not "}in the catalog`,
  ],
  ["item", ({ call, item }) => `${quote(call.tool)} is ${item ? "" : "not "}pinned`],
  ["admission", describeAdmission],
  ["identity", describeIdentity],
  ["scope", describeScope],
  ["vetting", () => "texts of definitions are not vetted by this version"],
  ["arguments", ({ item }) => `${item?.args.size ?? 0} constraints`],
  ["rules", describeRules],
  ["lease", ({ item }) => requires(item, "lease")],
  ["taint", ({ item }) => describeTaint(item)],
  ["consent", ({ item }) => requires(item, "consent")],
];

/** One entry for each layer; exactly the deciding one is `refuse` when the call is refused. */
export function explainLayers(
  trusted: TrustedCatalog,
  call: CheckedCall,
  decision: Decision,
): readonly ExplainedLayer[] {
  const server = trusted.catalog.servers.get(call.server);
  const item = server?.tools.get(call.tool);
  const subject: Subject = { trusted, call, server, item };
  const order = LAYERS.map(([layer]) => layer);
  const isAllowed = decision.outcome === "allow";
  const decidedAt = isAllowed ? order.length : order.indexOf(decision.layer);
  return LAYERS.map(([layer, describe], index) => {
    const detail = describe(subject);
    if (index === decidedAt) return { layer, result: "refuse", detail: decision.message };
    if (index > decidedAt) return { layer, result: "not_evaluated", detail };
    return { layer, result: passedOr(layer, subject), detail };
  });
}

/** What a layer before the deciding one says: it passes, unless it was not run at all. */
function passedOr(layer: Layer, { call, server }: Subject): LayerResult {
  const needsArguments = layer === "message" || layer === "arguments";
  if (needsArguments && call.argumentsText === undefined) return "not_given";
  if (layer === "vetting") return "not_evaluated";
  return layer === "feature" && server === undefined ? "not_evaluated" : "pass";
}

function describeCatalog({ id, version, expiresAt }: TrustedCatalog): string {
  return `${quote(id)} version ${version}, expires ${new Date(expiresAt).toISOString()}`;
}

function describeAdmission({ call, item }: Subject): string {
  if (call.definition === undefined) return "assumed: the live definition is the pinned one";
  return `the live definition against ${item?.fingerprints.length ?? 0} accepted digests`;
}

function describeIdentity({ trusted, call }: Subject): string {
  const { principals } = trusted.catalog;
  const known = principals === undefined ? "everybody is known" : `${principals.length} entries`;
  return `${quote(call.principal)}; ${known}`;
}

function describeScope({ call, item }: Subject): string {
  const asked = call.scopes?.join(", ") ?? "what the tool has";
  const cap = call.match.scopeCap;
  const capped = cap === undefined ? "" : `; the principal may use at most: ${cap.join(", ")}`;
  return `asked: ${asked}; granted: ${item?.scope.join(", ") ?? "nothing"}${capped}`;
}

function describeRules({ trusted, server }: Subject): string {
  const count = trusted.catalog.rules.length;
  const verified = server?.operatorVerified === false ? "not verified" : "verified";
  return `${count} rules; server ${verified} by the operator`;
}

function describeTaint(item: CatalogItem | undefined): string {
  const labels = item?.stopsTaint ?? [];
  return labels.length === 0 ? "no label stops it" : `stopped by: ${labels.join(", ")}`;
}

function requires(item: CatalogItem | undefined, what: "lease" | "consent"): string {
  return item?.requires.includes(what) === true ? "required" : "not required";
}
