// The page's own script; runs in the browser. Texts of others become text nodes and nothing else.

interface PageQuestion {
  readonly id: string;
  readonly server: string;
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  readonly channels: readonly string[];
  /** Milliseconds until it expires. */
  readonly leftMs: number;
}

interface Card {
  readonly element: HTMLElement;
  readonly left: HTMLElement;
  endsMs: number;
}

const POLL_MS = 1000;
/** Milliseconds without clicks after questions came or went, and with them the buttons moved. */
const QUIET_MS = 600;
const KEY_NAME = "portcullis-key";
const cards = new Map<string, Card>();
let movedMs = 0;

/** The key of the first page; a reload finds it where no other site and no other port can look. */
function takeKey(): string {
  const given = document.querySelector<HTMLMetaElement>("meta[name=key]")?.content ?? "";
  if (given !== "") sessionStorage.setItem(KEY_NAME, given);
  // the token is used up; it need not stay in the history
  history.replaceState(null, "", "/");
  return sessionStorage.getItem(KEY_NAME) ?? "";
}

const key = takeKey();

function make(tag: string, className: string, text = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element ${id}`);
  return element;
}

async function ask(path: string, body?: object): Promise<{ status: number; value: unknown }> {
  const headers: Record<string, string> = { "x-portcullis-key": key };
  if (body !== undefined) headers["content-type"] = "application/json";
  const init: RequestInit = { headers, method: body === undefined ? "GET" : "POST" };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(path, init);
  const value: unknown = await response.json();
  return { status: response.status, value };
}

function say(text: string, isTrouble = false): void {
  const status = byId("status");
  status.textContent = text;
  status.classList.toggle("trouble", isTrouble);
}

async function answer(card: Card, id: string, body: object): Promise<void> {
  for (const control of card.element.querySelectorAll<HTMLButtonElement>("button, input")) {
    control.disabled = true;
  }
  const { status, value } = await ask("/answer", { id, ...body });
  if (status !== 200) say(`Not taken: ${errorOf(value)}`, true);
  remove(id);
}

function errorOf(value: unknown): string {
  const isReport = typeof value === "object" && value !== null && "error" in value;
  return isReport ? String(value.error) : "the answer could not be read";
}

function button(text: string, className: string, act: () => void): HTMLElement {
  const element = make("button", className, text);
  element.addEventListener("click", () => {
    // WHY: a click that was meant for the question that stood here a moment ago
    if (performance.now() - movedMs >= QUIET_MS) act();
  });
  return element;
}

function numberInput(label: string, value: string, max: string): HTMLInputElement {
  const input = document.createElement("input");
  Object.assign(input, { type: "number", min: "1", max, value });
  input.setAttribute("aria-label", label);
  return input;
}

function leaseControls(give: (body: object) => void): HTMLElement {
  const calls = numberInput("calls", "5", "100");
  const minutes = numberInput("minutes", "10", "1440");
  const row = make("div", "lease");
  const act = (): void => {
    if (!calls.reportValidity() || !minutes.reportValidity()) return;
    give({ choice: "lease", calls: calls.valueAsNumber, minutes: minutes.valueAsNumber });
  };
  row.append(calls, make("span", "", "calls in"), minutes, make("span", "", "minutes"));
  row.append(button("Allow these", "", act));
  return row;
}

function addCard(question: PageQuestion): void {
  const { id, server, kind, name, text, channels, leftMs } = question;
  const element = make("article", "card");
  element.dataset["id"] = id;
  const head = make("header", "");
  const title = make("h2", "", name);
  const left = make("span", "left");
  head.append(
    make("span", "server", server),
    title,
    make("span", "kind", kind.replace("_", " ")),
    left,
  );
  element.append(head, make("pre", "", text));
  const card: Card = { element, left, endsMs: performance.now() + leftMs };
  if (channels.includes("web")) {
    const give = (body: object): void => void answer(card, id, body);
    const row = make("div", "choices");
    row.append(button("Deny", "deny", () => give({ choice: "deny" })));
    row.append(button("Allow once", "", () => give({ choice: "once" })));
    row.append(button("Allow in this session", "", () => give({ choice: "session" })));
    element.append(row, leaseControls(give));
  } else {
    element.append(make("p", "elsewhere", `To be answered by ${channels.join(" or ")}, not here.`));
  }
  cards.set(id, card);
  movedMs = performance.now();
  byId("questions").append(element);
}

function remove(id: string): void {
  cards.get(id)?.element.remove();
  cards.delete(id);
  movedMs = performance.now();
  showTimes();
}

function isQuestion(value: unknown): value is PageQuestion {
  return typeof value === "object" && value !== null && "id" in value && "text" in value;
}

function showTimes(): void {
  for (const { left, endsMs } of cards.values()) {
    const seconds = Math.max(0, Math.ceil((endsMs - performance.now()) / 1000));
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
  }
  const count = cards.size;
  document.title = count === 0 ? "portcullis" : `(${count}) portcullis`;
  byId("empty").hidden = count > 0;
}

async function poll(): Promise<void> {
  try {
    const { status, value } = await ask("/questions");
    if (status !== 200) {
      say(`Nothing can be answered here: ${errorOf(value)}`, true);
      return;
    }
    const listed: unknown =
      typeof value === "object" && value !== null && "questions" in value ? value.questions : [];
    const questions = Array.isArray(listed) ? listed.filter(isQuestion) : [];
    const ids = new Set(questions.map(({ id }) => id));
    for (const id of [...cards.keys()]) if (!ids.has(id)) remove(id);
    for (const question of questions) {
      const card = cards.get(question.id);
      if (card === undefined) addCard(question);
      else card.endsMs = performance.now() + question.leftMs;
    }
    if (byId("status").textContent === "Connecting …") say("");
    showTimes();
  } catch {
    say("The guard's page has ended. Start it again with: portcullis consent web", true);
  }
}

await poll();
setInterval(() => void poll(), POLL_MS);
