// Text that speaks to the model: orders, roles, secrecy, authority, preference.
import type { PatternSource } from "./source-types.ts";

export const INSTRUCTION_PATTERNS: readonly PatternSource[] = [
  {
    id: "P010",
    category: "tool_poisoning",
    severity: "high",
    title: "orders to ignore the instructions given before",
    window: 110,
    isSentence: true,
    match: [
      "{ignore} .. {prior} .. {rules}",
      "{ignore} .. {every} .. {core}",
      "{overrule} .. {prior} .. {core}",
    ],
  },
  {
    id: "P011",
    category: "tool_poisoning",
    severity: "high",
    title: "new instructions in place of the old ones",
    window: 60,
    isSentence: true,
    match: [
      "new instructions :|new instruction :|new task :|your new task|your new instructions|" +
        "your real task|your actual task|new orders|new directive|instead follow these|" +
        "follow my new|follow these new instructions|updated instructions :|" +
        "forget everything|forget what you were|forget all prior|ignore everything",
    ],
  },
  {
    id: "P012",
    category: "tool_poisoning",
    severity: "high",
    title: "a new role without limits",
    window: 90,
    isSentence: true,
    match: [
      "you are now|you will now|you now|from now on you|act as|acting as|pretend|roleplay|" +
        "behave as|respond as .. {unbound}",
      "you are now|you will now|from now on you|act as|acting as|pretend|roleplay|" +
        "respond as .. {none} .. {restricted}",
      "{unbound}",
      "you are now a|you are now an|you are now in|you are now operating|you are now the|" +
        "you are now dan",
    ],
  },
  {
    id: "P013",
    category: "tool_poisoning",
    severity: "high",
    title: "safety measures are switched off",
    window: 50,
    isSentence: true,
    match: [
      "{disable} .. {safety}",
      "{safety} .. {disabled}",
      "{none} .. {safety}",
      "entered|enter|enable|activate .. unrestricted mode|developer mode|maintenance mode|" +
        "debug mode|admin mode|override mode .. no|without|all|ignore",
    ],
  },
  {
    id: "P014",
    category: "tool_poisoning",
    severity: "high",
    title: "something is to be kept from the user",
    window: 50,
    isSentence: true,
    match: [
      "{not} .. {tell} .. {person}",
      "{not} .. {tell}|reveal|revealing|disclose|disclosing|admit|acknowledge|" +
        "report .. to the user|to them|to anyone|in your response|in the response|" +
        "in your answer|anything about|any of this|this step|this instruction*|" +
        "these instruction*|this to",
    ],
  },
  {
    id: "P015",
    category: "tool_poisoning",
    severity: "medium",
    title: "something is not to be shown to the user",
    window: 40,
    isSentence: true,
    match: ["do not|dont|never|must not|without .. {show} .. {person}"],
  },
  {
    id: "P016",
    category: "tool_poisoning",
    severity: "high",
    title: "the user is to stay unaware",
    window: 50,
    isSentence: true,
    match: [
      "{person} .. {unasked} .. {unaware}",
      "without the users knowledge|without user knowledge|without the user knowing|" +
        "without the users awareness|without the user noticing|without their knowledge|" +
        "unbeknownst|hidden from the user|hide this from|hide it from the user|" +
        "keep this secret|keep it secret|keep this hidden|keep this confidential|" +
        "keep this between|leave no trace|cover your tracks|do not leave any trace|" +
        "conceal this|stay hidden|without raising suspicion|without alerting|" +
        "without informing|without mentioning|without disclosing|without telling",
    ],
  },
  {
    id: "P017",
    category: "tool_poisoning",
    severity: "high",
    title: "something is done in silence",
    window: 26,
    isSentence: true,
    match: [
      "covertly|secretly|surreptitiously|stealthily",
      "{silent} .. {busy}",
      "{leave} .. {silent}",
    ],
  },
  {
    id: "P018",
    category: "tool_poisoning",
    severity: "high",
    title: "marks of a system message or of priority inside text",
    window: 0,
    match: ["{tag}"],
  },
  {
    id: "P019",
    category: "tool_poisoning",
    severity: "medium",
    title: "text addressed to the model itself",
    window: 60,
    isSentence: true,
    match: [
      "{toyou}",
      "{model} .. must|should always|has to|needs to|is required to|shall|must always",
    ],
  },
  {
    id: "P020",
    category: "tool_poisoning",
    severity: "high",
    title: "claims to rank above other instructions or tools",
    window: 80,
    isSentence: true,
    match: [
      "{rank} .. {rules}|other tools|any tool|all tools|other tool|other servers|" +
        "user request*|the users request*",
    ],
  },
  {
    id: "P021",
    category: "tool_poisoning",
    severity: "high",
    title: "text from elsewhere is to be obeyed",
    window: 80,
    isSentence: true,
    unless: "dontobey",
    match: ["{obey} .. {theirs}"],
  },
  {
    id: "P022",
    category: "tool_poisoning",
    severity: "high",
    title: "the model is to give its hidden text away",
    window: 60,
    isSentence: true,
    fields: ["prose", "value", "result"],
    match: ["{reveal} .. {inner}", "{printout} .. {prompts}"],
  },
  {
    id: "P023",
    category: "tool_poisoning",
    severity: "high",
    title: "something is planted in memory for later",
    window: 90,
    isSentence: true,
    match: ["{remember}"],
  },
  {
    id: "P024",
    category: "shadowing",
    severity: "medium",
    title: "asks to be preferred over other tools",
    window: 80,
    isSentence: true,
    match: ["{prefer}"],
  },
  {
    id: "P025",
    category: "shadowing",
    severity: "high",
    title: "speaks badly of other tools, or makes them depend on it",
    window: 80,
    isSentence: true,
    match: [
      "do not use|never use|avoid .. tool|server|one .. compromised|malicious|unsafe|" +
        "insecure|infected|untrusted",
      "prerequisite for|required for .. all|any|other|every .. tools|operations|" +
        "functions .. fail|not work|be blocked|refuse",
      "{othertools} .. {broken}",
    ],
  },
  {
    id: "P026",
    category: "tool_poisoning",
    severity: "medium",
    title: "threatens with what happens otherwise",
    window: 100,
    isSentence: true,
    match: ["{orelse} .. {worst}"],
  },
  {
    id: "P027",
    category: "tool_poisoning",
    severity: "medium",
    title: "gives security or compliance as the reason",
    window: 0,
    fields: ["prose", "value", "result"],
    match: ["{pretext}"],
  },
  {
    id: "P028",
    category: "tool_poisoning",
    severity: "high",
    title: "orders hidden by reversal, rotation or by running words together",
    window: 0,
    match: [
      "{rot}|{backwards}|*ignoreallprevious*|*ignoreprevious*|*previousinstructions*|" +
        "*previousrules*|*thesystemprompt*|*hiddensystemprompt*|*bypassapproval*|" +
        "*toattacker*|*donottelltheuser*|*allsecrets*",
    ],
  },
  {
    id: "P029",
    category: "tool_poisoning",
    severity: "medium",
    title: "a message of the system or an administrator",
    window: 0,
    fields: ["prose", "value", "result"],
    match: [
      "system :|[ important ]|important system|system override|admin override|" +
        "administrator message|system message :|assistant :|urgent system|system update :|" +
        "critical instruction*|mandatory instruction*|mandatory requirement|mandatory step*|" +
        "mandatory security|mandatory protocol|important instruction*|special instruction*|" +
        "system requirement*|critical system",
    ],
  },
  {
    id: "P030",
    category: "tool_poisoning",
    severity: "high",
    title: "orders in another language to ignore instructions",
    window: 100,
    match: [
      "{zhoverride} .. {zhrules}",
      "{zhbound}",
      "{zhhide}",
      "{ruoverride} .. {rurules}",
      "{rubound}",
      "{euoverride} .. {eurules}",
      "{euhide} .. utilisateur|usuario|benutzer|nutzer|usuario|utente",
      "vous etes|tu eres|eres ahora|du bist jetzt|sie sind jetzt|ahora eres|" +
        "tu es maintenant|voce agora e .. administrat*|sans restriction*|sin restricciones|" +
        "ohne einschrankungen|un nouvel|un nuevo|ein neuer|sem restricoes",
      "memorisez que|recuerda siempre que|merke dir dass",
    ],
  },
];
