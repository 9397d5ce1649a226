// A guard at the edge, in front of remote MCP servers. Every request goes to a Guard object: what one
// request of a client waits for another may bring, and only an object shares its connections between
// requests.
import { PortcullisStore } from "portcullis/store/durable-object";
import { Guard } from "./guard.js";
import { digestOf } from "./operator.js";

export { Guard, PortcullisStore };

/** Guards that work side by side; they share one store. */
const GUARDS = 8;

export default {
  async fetch(request, env) {
    // WHY: all requests with one token come to one guard, which holds the sessions that it opened
    const digest = await digestOf(request.headers.get("authorization") ?? "");
    const name = `guard-${Number.parseInt(digest.slice(0, 8), 16) % GUARDS}`;
    return await env.GUARD.get(env.GUARD.idFromName(name)).fetch(request);
  },
};
