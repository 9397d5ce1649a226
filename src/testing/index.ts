// portcullis/testing: a mock MCP server that misbehaves on request, and attacks made of it.

export type { FixtureGrant } from "./fixtures.ts";
export { FIXTURE_GRANTS, FIXTURE_SERVER, FIXTURE_TOOLS } from "./fixtures.ts";
export type { AttackCall, AttackFixture, AttackReason } from "./fixtures-attack-types.ts";
export { ATTACKS } from "./fixtures-attacks.ts";
export { SPOOF_TEXT } from "./mock-calls.ts";
export { POISON_TEXT } from "./mock-drift.ts";
export type { JsonObject, JsonValue } from "./mock-json.ts";
export type { MockLog, MockLogEntry } from "./mock-log.ts";
export { readMockLog } from "./mock-log.ts";
export { MockMcpServer } from "./mock-mcp-server.ts";
export type {
  MockOffer,
  MockOptions,
  PromptDefinition,
  ResourceDefinition,
  ResourceTemplateDefinition,
  ToolDefinition,
} from "./mock-options.ts";
export { parseMockOptions } from "./mock-options.ts";
export type { MockCall } from "./mock-state.ts";
export type {
  Malform,
  MockDrift,
  MockSwitches,
  ServerRequest,
  ToolDrift,
} from "./mock-switches.ts";
export { MALFORMS, OTHER_DRIFTS, SERVER_REQUESTS, TOOL_DRIFTS } from "./mock-switches.ts";
export type { MockTransport } from "./mock-transport.ts";
export type { MockOutput } from "./mock-wire.ts";
