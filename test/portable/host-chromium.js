// Chromium: the page as native modules under a strict content security policy, and as bundles.
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const TYPES = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".json", "application/json"],
]);
const NONCE = "cG9ydGFibGU";
const POLICY = `default-src 'none'; connect-src 'self'; script-src 'self' 'nonce-${NONCE}'`;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `specifier -> URL` of every bare import below the page's entry: what a page without bundler needs. */
async function importMap(folder) {
  const { metafile } = await build({
    entryPoints: [join(folder, "browser.js")],
    absWorkingDir: folder,
    bundle: true,
    write: false,
    format: "esm",
    metafile: true,
    logLevel: "warning",
  });
  const imports = {};
  for (const { imports: list } of Object.values(metafile.inputs)) {
    for (const { original, path } of list) {
      if (original !== undefined && !original.startsWith(".")) imports[original] = `/${path}`;
    }
  }
  return JSON.stringify({ imports });
}

function page(entry, map) {
  const mapElement =
    map === undefined ? "" : `<script type="importmap" nonce="${NONCE}">${map}</script>`;
  return `<!doctype html><title>portable</title>${mapElement}<script type="module" src="/${entry}"></script>`;
}

/** The page's three forms, and what each is served with. */
async function makePages(folder, vitePath) {
  const native = page("browser.js", await importMap(folder));
  writeFileSync(join(folder, "native.html"), native);
  await build({
    entryPoints: [join(folder, "browser.js")],
    outfile: join(folder, "esbuild.js"),
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    logLevel: "warning",
  });
  writeFileSync(join(folder, "esbuild.html"), page("esbuild.js"));
  if (vitePath === undefined) return;
  writeFileSync(join(folder, "index.html"), page("browser.js"));
  const vite = await import(pathToFileURL(vitePath));
  await vite.build({
    root: folder,
    base: "/vite/",
    configFile: false,
    logLevel: "error",
    build: { outDir: "vite" },
  });
}

/** A server of the consumer's folder on a free port. */
async function serve(folder) {
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url, "http://localhost");
    const path = join(folder, pathname);
    const wasm = search === "?without" ? "" : " 'wasm-unsafe-eval'";
    try {
      const content = relative(folder, path).startsWith("..") ? undefined : readFileSync(path);
      const type = TYPES.get(extname(path)) ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-security-policy": POLICY + wasm });
      response.end(content);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function open(browser, url) {
  const tab = await browser.newPage();
  const said = [];
  tab.on("console", (message) => said.push(message.text()));
  tab.on("pageerror", (error) => said.push(error.message));
  const told = async (run) => {
    try {
      return await run();
    } catch (error) {
      throw new Error(`${error.message}; the page said: ${said.join("; ")}`);
    }
  };
  // the modules of the page have run when it has loaded
  await told(() => tab.goto(url, { waitUntil: "load", timeout: 30_000 }));
  return {
    evaluate: (text) => told(async () => JSON.parse(await tab.evaluate(text))),
    close: () => tab.close(),
  };
}

async function ask(browser, url) {
  const tab = await open(browser, url);
  try {
    return await tab.evaluate("globalThis.portable()");
  } finally {
    await tab.close();
  }
}

/**
 * A browser with the consumer's pages.
 *
 * @returns `ask(path)` gives a page's report as JSON; `open(path)` a page that stays, and evaluates texts to
 *   JSON; `close` ends browser and server
 */
export async function openChromium({ program, vitePath, folder }) {
  await makePages(folder, vitePath);
  const server = await serve(folder);
  const browser = await chromium.launch({ executablePath: program, headless: true, args: FLAGS });
  const { port } = server.address();
  return {
    version: `Chromium ${browser.version()}`,
    ask: (path) => ask(browser, `http://127.0.0.1:${port}/${path}`),
    open: (path) => open(browser, `http://127.0.0.1:${port}/${path}`),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
