// An agent in a page: its client's transport is guarded, its decisions and records are shown as they come.
import { Client } from "@modelcontextprotocol/client";
import { createRequestIdentity, guardTransport, MCPGateway, TrustedCatalog } from "portcullis";
import { MockMcpServer } from "portcullis/testing";

/** What the agent tries, whatever the server is. */
const PLAN = [
  ["read_text_file", { path: "/workspace/notes.txt" }],
  ["write_file", { path: "/workspace/notes.txt", content: "done" }],
  ["export_secrets", { destination: "elsewhere" }],
];
const SERVERS = {
  honest: {},
  drift: { drift: "description" },
  smuggle: { smuggle: "last", answerUnlisted: true },
};

const element = (id) => document.getElementById(id);

const { trust } = await (await fetch("files.json")).json();
const catalog = await TrustedCatalog.open(trust);
element("catalog").textContent = `${catalog.id}, version ${catalog.version}, verified`;
let runs = 0;

element("run").addEventListener("submit", (event) => {
  event.preventDefault();
  void run(element("server").value);
});

async function run(kind) {
  runs += 1;
  const number = runs;
  for (const id of ["decisions", "records"]) element(id).replaceChildren();
  element("upstream").textContent = "running";
  const server = new MockMcpServer(SERVERS[kind]);
  const gateway = new MCPGateway({ catalog });
  const identity = createRequestIdentity({ principal: "agent:page", sessionId: `run-${number}` });
  const transport = guardTransport(server.transport(), {
    gateway,
    serverId: "mock",
    identity,
    onDecision: ({ outcome, reason }, { method, tool }) => {
      if (method === "tools/call") addDecision(tool, outcome, reason);
    },
  });
  const client = new Client(
    { name: "page", version: "1.0.0" },
    { versionNegotiation: { mode: "auto" } },
  );
  await client.connect(transport);
  for (const [name, args] of PLAN) {
    // a refusal is final: the agent goes on with its next step
    await client.callTool({ name, arguments: args }).catch(() => undefined);
  }
  await client.close();
  for (const event of gateway.audit.events()) addRecord(event);
  element("upstream").textContent = `the server saw ${server.callsReceived} calls`;
}

function addDecision(tool, outcome, reason) {
  const row = document.createElement("tr");
  row.className = outcome;
  for (const text of [tool, outcome, reason]) {
    row.appendChild(document.createElement("td")).textContent = text;
  }
  element("decisions").appendChild(row);
}

function addRecord({ kind, tool = "", decision, reason, items }) {
  const what = items === undefined ? tool : `${items.length} definitions`;
  const line = document.createElement("li");
  line.textContent = `${kind} ${decision} ${reason} ${what}`;
  element("records").appendChild(line);
}
