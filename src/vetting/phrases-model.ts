// Phrases that speak to the model: its instructions, its silence, who ranks above whom. The notation is that of phrases.ts.

export const MODEL_PHRASES: Readonly<Record<string, string>> = {
  // ---- turning the model away from its instructions
  ignore: "ignore|ignoring|disregard*|forget|forgetting|pay no attention to",
  overrule:
    "override|overriding|bypass|bypassing|neglect|discard|set aside|overrule|circumvent*|" +
    "abandon|do not follow|dont follow|stop following|do not obey|stop obeying",
  prior:
    "previous|previously|prior|above|earlier|your|preceding|former|initial|original|" +
    "the system|safety|past|ethical|built in|system",
  every: "all|any|existing|other|these|security|the user|the users|current|every",
  rules:
    "instruction*|directive*|guideline*|rule|rules|system prompt*|system message*|prompt|" +
    "prompts|restrictions|constraints|policy|policies|training|programming|safeguard*|" +
    "guardrail*|context|filters|safety measures|ethics|orders|commands",
  core:
    "instruction*|directive*|guideline*|rules|system prompt*|system message*|" +
    "restrictions|content policies|safety policies|training|programming|safeguard*|" +
    "guardrail*|safety measures|orders",
  restricted:
    "restriction|restrictions|limits|limitations|rules|guidelines|filters|filtering|" +
    "constraints|content policies|safety rules|safety checks|safety measures|safeguards|" +
    "guardrails|content filters|content filtering|censorship|question",
  none: "no|without|without any|zero|free of|free from|remove*|removing|have no|lifted",
  unbound:
    "unrestricted ai*|unrestricted mode|unrestricted model|unrestricted language*|" +
    "unrestricted assistant|unrestricted agent|unrestricted prompt*|" +
    "unrestricted generation|unrestricted version|jailbroken|in jailbreak|jailbreak mode|" +
    "do anything now|developer mode enabled|god mode|uncensored|unfiltered compliant|" +
    "you are now dan|as dan|evil ai|hacker ai|no ethical constraints|" +
    "without ethical constraints|opposite mode|developer mode with no|" +
    "you have no restrictions|you have no limits|you have no rules|" +
    "you have no guidelines|you have no limitations|without ethical limits",
  safety:
    "safety filter*|safety guideline*|safety check*|safety measure*|safety guardrail*|" +
    "safety training|safety configuration|safety protocol*|safety constraint*|" +
    "safety rule*|safety polic*|safety feature*|guardrails|content filter*|" +
    "content polic*|content moderation|ethical guideline*|ethical constraint*",
  disable:
    "disable*|disabling|turn off|turned off|remove*|removing|bypass*|deactivate*|ignore*|" +
    "override*|circumvent*|evade*|switch off|suspend*|lift",
  disabled:
    "disabled|removed|off|deactivated|lifted|suspended|bypassed|do not apply|no longer apply",

  // ---- secrecy
  not:
    "do not|dont|never|must not|should not|shouldnt|mustnt|without|avoid|refrain from|" +
    "not to|no need to|not necessary to|cannot|instead of",
  tell:
    "mention|mentioning|tell|telling|inform|informing|notify|notifying|alert|alerting|" +
    "warn|hint|hinting|discuss|discussing|talk about",
  show:
    "show|showing|display|displaying|expose|explain|explaining|ask|asking|confirm|" +
    "confirming|prompt|prompting|include in your response|mention in your response",
  person:
    "the user|user|users|anyone|the human|human|the customer|them|him or her|" +
    "the operator|the person|the developer",
  unaware:
    "know|knows|be aware|aware of|become aware|notice|be informed|be told|find out|" +
    "learn of|suspect|realize|realise",
  unasked:
    "should not|must not|does not need to|doesnt need to|do not need to|need not|" +
    "shouldnt|mustnt|never|so that they do not|so they dont|without them",
  silent:
    "silently|secretly|covertly|discreetly|stealthily|quietly|surreptitiously|invisibly|" +
    "without notice|without a trace|without notification|without any notification",
  busy:
    "send*|read|reads|forward*|copy|copies|upload*|append*|include|includes|collect*|" +
    "execute*|transmit*|call|invoke|harvest*|exfiltrat*|post|posts|extract*|replace*|add|" +
    "fetch*|access*|log|logs|store*|redirect*|attach*|perform|run|runs",
  leave: "send*|forward*|upload*|transmit*|exfiltrat*|harvest*|redirect*|leak*|email*|relay*",

  // ---- authority
  tag:
    "< important >|< / important >|< system >|< / system >|< system prompt|" +
    "< system message|< system instruction*|[ system ]|[ system :|[ system message|" +
    "[ inst ]|[ / inst ]|< ¦ im start*|< ¦ system*|< ¦ user*|< ¦ assistant*|" +
    "< secret instruction*|< hidden >|< hidden instruction*|[ system override|" +
    "< < sys > >|< critical >|< / critical >|[ critical ]|< mandatory >|" +
    "< instructions for*|< sudo >|< ai instruction*|< llm instruction*|< iimportant >|" +
    "< override >|[ developer mode|[ / system ]|begin system prompt|end system prompt|" +
    "end of system prompt|end of prior context|new system prompt|[ admin ]|[ admin :|" +
    "[ admin override|[ administrator|[ override ]|[ override safety*|[ [ override|" +
    "< assistant >|[ hidden ]|[ hidden instruction*|[ secret instruction*",
  rank:
    "highest priority|top priority|takes precedence over|take precedence over|" +
    "takes priority over|take priority over|overrides all|override all|overrides any|" +
    "supersede*|higher priority than|more important than|priority over|overrules",
  model:
    "the assistant|the llm|the model|the ai|the agent|the language model|the ai model|" +
    "ai assistant|ai assistants|ai agent|ai agents|llms|models|agents|" +
    "the underlying model|claude|chatgpt|copilot|cursor agent",
  toyou:
    "as an ai|note to the llm|note to llm|note to the model|note to ai*|" +
    "note to the assistant|note to the agent|instruction for the llm|" +
    "instructions for the llm|instruction for the model|instructions for the model|" +
    "instruction for the assistant|instructions for the assistant|instruction for ai*|" +
    "instructions for ai*|instruction for the agent|instructions for the agent|" +
    "message to the model|message to the ai|attention ai|attention llm|" +
    "attention assistant|dear assistant|hey claude|hey assistant|system note|" +
    "system notice|system instruction*|instructions to the model|" +
    "instructions to the assistant|internal instruction*|internal note*|" +
    "hidden instruction*|secret instruction*|instruction to the assistant|" +
    "agent instruction*|for the ai|ai only|llm only|for ai only|note for the*",
};
