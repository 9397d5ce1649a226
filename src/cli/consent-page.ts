// The page of `portcullis consent web`: markup and style. Data only; nothing of a question is in it.

/**
 * The markup.
 *
 * @param key of the page's requests, base64url; empty for a reload
 */
export function pageHtml(key: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="key" content="${key}">
<title>portcullis</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<main>
<h1>portcullis</h1>
<p class="lead">An agent wants to do something that you are asked about. Read what it is, then decide.
Nothing is sent until you answer, and no answer is a refusal.</p>
<p id="status" role="status">Connecting …</p>
<section id="questions" aria-live="polite" aria-label="pending questions"></section>
<p id="empty" hidden>No questions are waiting.</p>
<noscript><p class="trouble">This page needs its script. In a terminal: portcullis consent watch</p></noscript>
</main>
</body>
</html>
`;
}

/** A page that says why there is nothing. @param message of this program's own words */
export function messageHtml(message: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>portcullis</title>
<link rel="stylesheet" href="/page.css">
</head>
<body><main><h1>portcullis</h1><p class="trouble">${message}</p></main></body>
</html>
`;
}

export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --ground: #f6f6f3;
  --card: #ffffff;
  --ink: #1d1f21;
  --soft: #5d6368;
  --line: #d9dad5;
  --code: #f1f1ec;
  --deny: #a8231b;
  --allow: #1f5f8b;
  --warn: #8a4b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181a;
    --card: #202326;
    --ink: #e9e9e6;
    --soft: #a2a8ad;
    --line: #3a3e42;
    --code: #191b1d;
    --deny: #ff8177;
    --allow: #7fc1ee;
    --warn: #f0b56a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif;
}
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.375rem; letter-spacing: -0.01em; }
.lead { margin: 0.25rem 0 1.5rem; color: var(--soft); }
#status:empty { display: none; }
#empty, .elsewhere { color: var(--soft); }
.trouble { color: var(--deny); }
.card {
  margin: 0 0 1.25rem;
  padding: 1.25rem;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
}
.card header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 0.75rem; }
.card h2 { margin: 0; font: 600 1.125rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.server { width: 100%; color: var(--soft); font-size: 0.875rem; overflow-wrap: anywhere; }
.kind { color: var(--soft); font-size: 0.875rem; }
.left { margin-left: auto; color: var(--warn); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
pre {
  margin: 0.875rem 0 1rem;
  padding: 0.875rem 1rem;
  background: var(--code);
  border-radius: 6px;
  font: 0.875rem/1.5 ui-monospace, monospace;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.choices, .lease { display: flex; flex-wrap: wrap; align-items: center; gap: 0.625rem; }
.lease { margin-top: 0.75rem; color: var(--soft); font-size: 0.9375rem; }
button, input {
  font: inherit;
  color: inherit;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 6px;
  padding: 0.4rem 0.875rem;
}
button { color: var(--allow); border-color: currentColor; cursor: pointer; }
button.deny { color: var(--card); background: var(--deny); border-color: var(--deny); font-weight: 600; }
button:hover:not(:disabled) { filter: brightness(1.1); text-decoration: underline; }
button:disabled, input:disabled { opacity: 0.5; cursor: default; }
:focus-visible { outline: 3px solid var(--allow); outline-offset: 2px; }
input { width: 5.5rem; }
`;
