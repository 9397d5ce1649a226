// The MCP server behind the proxies: one tool that answers at once. Speaks stdio, one line a message.
import process from "node:process";

/** Its only tool, as it lists it. */
export const ECHO_TOOL =
  '{"name":"echo","description":"Returns its text","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}';

interface Request {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly arguments?: { readonly text?: string } };
}

function resultOf({ method, params }: Request): string {
  if (method === "initialize") {
    return '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}';
  }
  if (method === "tools/list") return `{"tools":[${ECHO_TOOL}]}`;
  if (method !== "tools/call") return "{}";
  return JSON.stringify({ content: [{ type: "text", text: params?.arguments?.text ?? "" }] });
}

function serve(): void {
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    let answers = "";
    for (const line of lines) {
      const request: Request = JSON.parse(line);
      if (request.id === undefined) continue;
      const id = JSON.stringify(request.id);
      answers += `{"jsonrpc":"2.0","id":${id},"result":${resultOf(request)}}\n`;
    }
    if (answers !== "") process.stdout.write(answers);
  });
}

if (process.argv[2] === "serve") serve();
