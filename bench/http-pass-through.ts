// An HTTP proxy that does nothing: `node http-pass-through.js PORT` copies requests to that port of this
// machine, and the answers back. Prints its own port.
import { Agent, createServer, request } from "node:http";
import process from "node:process";

const agent = new Agent({ keepAlive: true });
const port = Number(process.argv[2]);
const server = createServer((incoming, outgoing) => {
  const { method, url: path, headers } = incoming;
  const upstream = request({ host: "127.0.0.1", port, method, path, headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on("error", () => outgoing.destroy());
  incoming.pipe(upstream);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : undefined}\n`);
});
