// The Worker with the object: passes requests on to an object by name, or to another isolate.
import { PortcullisStore } from "../../build/esm/store/durable-object.js";

export { PortcullisStore };

export default {
  async fetch(request, env) {
    const [, kind, which, ...rest] = new URL(request.url).pathname.split("/");
    if (kind === "isolate")
      return env[`ISOLATE_${which}`].fetch(`http://isolate/${rest.join("/")}`);
    return env.STORE.get(env.STORE.idFromName(which)).fetch(request);
  },
};
