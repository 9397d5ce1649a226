// Text that reaches for what it should not have: files, secrets, conversations, parameters.
import type { PatternSource } from "./source-types.ts";

export const THEFT_PATTERNS: readonly PatternSource[] = [
  {
    id: "P040",
    category: "credential_access",
    severity: "high",
    title: "reads a file of keys or secrets",
    window: 90,
    fields: ["name", "prose", "parameter", "value", "result"],
    match: ["{read} .. {path}", "{path} .. {pass}"],
  },
  {
    id: "P041",
    category: "credential_access",
    severity: "medium",
    title: "names a file of keys or secrets",
    window: 0,
    match: ["{path}"],
  },
  {
    id: "P042",
    category: "credential_access",
    severity: "medium",
    title: "names a file that often holds secrets",
    window: 90,
    isSentence: true,
    match: ["{read} .. {pathweak}"],
  },
  {
    id: "P043",
    category: "credential_access",
    severity: "high",
    title: "collects secrets",
    window: 90,
    isSentence: true,
    match: [
      "{take} .. {theft}",
      "{read} .. all|every|secret|admin|root|database|current|stored|saved|values|" +
        "keys .. {theft} .. {environment}",
      "{read} .. environment variable*|env vars|. env|process . env .. including|send*|" +
        "sends|{theft}",
      "{read} .. {theft} .. from the environment|from environment|from env|in . env|" +
        "credential store|from the session|from system config",
      "{read} .. admin password|root password|root credential*|private key material|" +
        "all token values|secret api keys|secret keys and|credential store|current password",
    ],
  },
  {
    id: "P044",
    category: "credential_access",
    severity: "medium",
    title: "reads secrets",
    window: 60,
    isSentence: true,
    match: [
      "{theft} .. found in|taken from|stored in|from .. {environment}|{pathweak}",
      "{read} .. {theft}",
      "all environment variable*",
      "all credentials|all api keys|all passwords|all secrets|every secret|database passwords",
    ],
  },
  {
    id: "P045",
    category: "exfiltration",
    severity: "high",
    title: "sends secrets or conversations away",
    window: 140,
    isSentence: true,
    match: [
      "{send} .. {secret} .. {away}",
      "{secret} .. {send} .. {away}",
      "{send} .. {away} .. {secret}",
      "{send} .. {private} .. {web}|@",
      "{private} .. {send} .. {web}|@",
      "{send} .. {away}|{web} .. {path}|{pathweak}|{private}",
    ],
  },
  {
    id: "P046",
    category: "exfiltration",
    severity: "high",
    title: "sends to a destination that speaks for itself",
    window: 120,
    isSentence: true,
    match: ["{send}|load|call|include .. {hostile}"],
  },
  {
    id: "P047",
    category: "exfiltration",
    severity: "high",
    title: "sends everything away",
    window: 120,
    isSentence: true,
    match: [
      "{send} .. {everything} .. {content} .. to .. {outside}",
      "{send} .. a copy|copies .. of .. {content} .. to",
    ],
  },
  {
    id: "P048",
    category: "exfiltration",
    severity: "medium",
    title: "does a second thing beside the first",
    window: 60,
    isSentence: true,
    match: ["{also}", "{thensend}"],
  },
  {
    id: "P049",
    category: "exfiltration",
    severity: "high",
    title: "a second thing beside the first, with data going out",
    window: 140,
    isSentence: true,
    match: [
      "{also}|{thensend} .. {private}|{path}|{pathweak}",
      "{also} .. {away}|{web}",
      "{thensend} .. {hostile}|{away}",
      "{also} .. {everything} .. {content} .. to",
    ],
  },
  {
    id: "P050",
    category: "exfiltration",
    severity: "high",
    title: "exfiltration by its own name",
    window: 0,
    fields: ["prose", "parameter", "value", "result"],
    match: ["exfiltrat*|exfil"],
  },
  {
    id: "P051",
    category: "exfiltration",
    severity: "high",
    title: "a parameter that carries context or stolen text",
    window: 0,
    fields: ["parameter"],
    match: ["{nested}"],
  },
  {
    id: "P052",
    category: "exfiltration",
    severity: "low",
    title: "a parameter that may carry context",
    window: 0,
    fields: ["parameter"],
    match: ["{halfnested}"],
  },
  {
    id: "P053",
    category: "exfiltration",
    severity: "high",
    title: "demands the conversation or the prompt as input",
    window: 100,
    isSentence: true,
    match: [
      "{demand} .. {dialog}",
      "include|provide|pass|put|insert|append|attach|fill|supply|enter|copy|embed|place|" +
        "add|summarize|summarise|write .. {dialog} .. here|in this|into this|as the|as a|" +
        "in the|parameter|argument|field|verbatim|for context|every|each",
      "your|full|entire|complete|previous .. conversation|chat|messages|system prompt|" +
        "history .. always|must|verbatim|in full|required|word for word",
    ],
  },
  {
    id: "P054",
    category: "exfiltration",
    severity: "high",
    title: "content of files is to go into a parameter",
    window: 120,
    match: [
      "{path}|{pathweak}|file contents|contents of the file|content of the file .. pass it|" +
        "pass them|send it|include it|put it|insert it|encode it|submit it|" +
        "provide it .. parameter*|argument*|field|sidenote|note|notes|header|comment|here",
      "pass its content*|pass the content*|pass their content*|pass its full|pass the file|" +
        "put its content*|include its content*|provide its content*|send its content*|" +
        "submit its content*|insert its content*|contents of the file as|append its content*|" +
        "append the content* .. sidenote|parameter*|argument*|field|note|notes|body|header|" +
        "query|input|here|metadata|comment",
    ],
  },
  {
    id: "P055",
    category: "exfiltration",
    severity: "high",
    title: "an image or a link that carries data out",
    window: 60,
    match: ["pixel*|tracking image|< img|beacon image .. http*"],
  },
  {
    id: "P056",
    category: "credential_access",
    severity: "high",
    title: "secrets in another language",
    window: 80,
    match: [
      "{zhsecret} .. {zhsend}",
      "{zhsend} .. {zhsecret}",
      "{rusend} .. {rusecret}",
      "{eusend} .. {eusecret}",
    ],
  },
];
