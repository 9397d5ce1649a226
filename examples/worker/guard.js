// One guard: the catalog that is bundled with the Worker, decided with the grants of the shared store.
import { TrustedCatalog } from "portcullis";
import { createGuardHandler } from "portcullis/http";
import { openDurableObjectStore } from "portcullis/store/durable-object";
import { grantLease } from "./operator.js";
import { readSettings } from "./settings.js";
import envelope from "./trust/catalog.txt";
import root from "./trust/root.txt";

export class Guard {
  #env;
  #guard;

  constructor(_context, env) {
    this.#env = env;
  }

  async fetch(request) {
    const opened = await this.#open();
    if (opened === undefined) {
      return new Response("the guard could not start: see its log\n", { status: 503 });
    }
    const { pathname } = new URL(request.url);
    if (pathname === "/leases") return await grantLease(request, opened);
    opened.handle.dropIdle();
    return await opened.handle(request);
  }

  /** Nothing is served by a guard without its catalog; the next request tries again. */
  async #open() {
    this.#guard ??= openGuard(this.#env);
    try {
      return await this.#guard;
    } catch (fault) {
      this.#guard = undefined;
      console.error(`${fault.code ?? "fault"}: ${fault.message}`);
      return undefined;
    }
  }
}

async function openGuard(env) {
  const settings = readSettings(env);
  const store = openDurableObjectStore(env.STORE.get(env.STORE.idFromName("guards")));
  const catalog = await TrustedCatalog.open({
    envelope,
    // one envelope a line, the oldest first
    root: root.split("\n").filter((line) => line.trim() !== ""),
    // an older catalog than the newest that was ever served is refused
    state: { load: store.loadCatalogState, save: store.saveCatalogState },
  });
  const { tokens, hosts, consentKey, variables, operatorSha256 } = settings;
  const handle = createGuardHandler({
    ...{ catalog, store, consentKey },
    auth: { tokens },
    allowedHosts: hosts,
    env: variables,
    onRecord: (record) => {
      if (record.outcome !== "allow") console.log(JSON.stringify(record));
    },
    onFault: (fault) => console.error(fault),
  });
  return { handle, catalog, store, operatorSha256 };
}
