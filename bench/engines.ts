// Policy engines that a user could put in the guard's place, when they are installed in bench/compare.
// Each gets the same grants in its own language, indexed as well as its documentation allows.
import type { PlainTool } from "./catalogs.js";
import { exported, loadInstalled } from "./installed.js";

export interface PolicyEngine {
  readonly name: string;
  /** Whether `scope` is granted on the tool. */
  readonly allows: (server: string, tool: string, scope: string) => boolean;
}

const SCOPE_OF = (tool: PlainTool): string => (tool.isReadable ? "fs.read" : "fs.write");
const CASBIN_MODEL = `[request_definition]
r = server, tool, scope
[policy_definition]
p = server, tool, scope
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.server == p.server && r.tool == p.tool && r.scope == p.scope
`;

interface CasbinEnforcer {
  addPolicies(rules: readonly (readonly string[])[]): Promise<boolean>;
  enforceSync(...request: readonly string[]): boolean;
}

/** casbin: a list of policies, matched one after the other. */
async function casbin(tools: readonly PlainTool[]): Promise<PolicyEngine | undefined> {
  const module = await loadInstalled("casbin");
  if (module === undefined) return undefined;
  const newModel = exported<(text: string) => object>(module, "newModelFromString");
  const newEnforcer = exported<(model: object) => Promise<CasbinEnforcer>>(module, "newEnforcer");
  const enforcer = await newEnforcer(newModel(CASBIN_MODEL));
  await enforcer.addPolicies(tools.map((tool) => [tool.server, tool.tool, SCOPE_OF(tool)]));
  return {
    name: "casbin",
    allows: (server, tool, scope) => enforcer.enforceSync(server, tool, scope),
  };
}

interface Ability {
  can(action: string, subject: string): boolean;
}

/** CASL: rules indexed by subject type and action in JavaScript Maps. */
async function casl(tools: readonly PlainTool[]): Promise<PolicyEngine | undefined> {
  const module = await loadInstalled("@casl/ability");
  if (module === undefined) return undefined;
  const create = exported<(rules: readonly object[]) => Ability>(module, "createMongoAbility");
  const ability = create(
    tools.map((tool) => ({ action: SCOPE_OF(tool), subject: `${tool.server}/${tool.tool}` })),
  );
  return {
    name: "casl",
    allows: (server, tool, scope) => ability.can(scope, `${server}/${tool}`),
  };
}

interface CedarAnswer {
  readonly type: string;
  readonly response?: { readonly decision: string };
}

/**
 * Cedar: a prepared policy set, and with each request the entity it is about, which the host finds in a
 * Map: one policy a tool would be searched from end to end, 25 times slower at 200 tools.
 */
async function cedar(tools: readonly PlainTool[]): Promise<PolicyEngine | undefined> {
  const module = await loadInstalled("@cedar-policy/cedar-wasm/nodejs");
  if (module === undefined) return undefined;
  const prepare = exported<(id: string, policies: object) => CedarAnswer>(
    module,
    "preparsePolicySet",
  );
  const isAuthorized = exported<(call: object) => CedarAnswer>(module, "statefulIsAuthorized");
  const staticPolicies = ["fs.read", "fs.write"]
    .map(
      (scope) => `permit(principal, action == Action::"${scope}", resource in Grant::"${scope}");`,
    )
    .join("\n");
  if (prepare("bench", { staticPolicies }).type !== "success") {
    throw new Error("expected Cedar to take the policies");
  }
  const entities = new Map(
    tools.map((tool) => {
      const uid = { type: "Tool", id: `${tool.server}/${tool.tool}` };
      return [uid.id, { uid, attrs: {}, parents: [{ type: "Grant", id: SCOPE_OF(tool) }] }];
    }),
  );
  return {
    name: "Cedar",
    allows: (server, tool, scope) => {
      const id = `${server}/${tool}`;
      const entity = entities.get(id);
      return (
        isAuthorized({
          principal: { type: "Agent", id: "bench" },
          action: { type: "Action", id: scope },
          resource: { type: "Tool", id },
          context: {},
          preparsedPolicySetId: "bench",
          entities: entity === undefined ? [] : [entity],
        }).response?.decision === "allow"
      );
    },
  };
}

/** Tools that an engine must answer for before it is timed. WHY: casbin takes 2 ms an answer at 5 000. */
const PROVEN_MAX = 512;

/**
 * The engines that are installed, each of which has given the right answers: for the tool, and for a
 * tool and a server of another name.
 *
 * @throws {Error} when one of them answers wrongly
 */
export async function loadEngines(tools: readonly PlainTool[]): Promise<PolicyEngine[]> {
  const loaded = [await cedar(tools), await casbin(tools), await casl(tools)];
  const engines = loaded.flatMap((one) => one ?? []);
  const step = Math.ceil(tools.length / PROVEN_MAX);
  // every step-th run of 16, of which one is not readable
  const proven = tools.filter((_, index) => Math.floor(index / 16) % step === 0);
  for (const { name, allows } of engines) {
    const wrong = proven.find(
      (tool) =>
        allows(tool.server, tool.tool, "fs.read") !== tool.isReadable ||
        allows(tool.server, `${tool.tool}x`, "fs.read") ||
        allows(`${tool.server}x`, tool.tool, "fs.read"),
    );
    if (wrong !== undefined) throw new Error(`expected the truth of ${wrong.tool} from ${name}`);
  }
  return engines;
}
