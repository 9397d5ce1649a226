// `#host` where there is nothing but the web's own interfaces: browsers and workers.
import type { Host } from "./types.ts";

export const HOST: Host | undefined = undefined;
