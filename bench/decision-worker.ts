// The Worker of P13: `/decision` opens the catalog of its bindings and decides; `/empty` does nothing.
import { ScopeGuard, TrustedCatalog, Validator } from "portcullis";

interface Environment {
  /** DecisionFiles as JSON. */
  readonly FILES: string;
}

export default {
  async fetch(request: Request, { FILES }: Environment): Promise<Response> {
    if (new URL(request.url).pathname === "/empty") return new Response("");
    const { root, rootPin, envelope, nowMs, server, tool, listing } = JSON.parse(FILES);
    const clock = (): number => nowMs;
    const catalog = await TrustedCatalog.open({ root, rootPin, envelope, clock });
    const guard = ScopeGuard.fromCatalog(catalog, { clock });
    guard.admit(new Validator(catalog).validate(server, listing));
    return new Response(guard.check({ server, tool }).outcome);
  },
};
