// Phrases about calls: the use of other tools, their parameters, the machine. The notation is that of phrases.ts.

export const TOOL_PHRASES: Readonly<Record<string, string>> = {
  // ---- one tool speaking about the use of others
  anytime:
    "before any|before every|before each|before all|before other|before using any|" +
    "before calling any|before executing any|before performing any|before invoking any|" +
    "before running any|before making any|before using other|before calling other|" +
    "before using another|before you use any|before you call any|before accessing any|" +
    "before doing any|before processing any|before starting any|prior to any|" +
    "prior to every|prior to all|prior to each|prior to using|prior to executing|" +
    "prior to performing|prior to calling|prior to invoking|whenever any|" +
    "whenever another|whenever other|whenever a tool|whenever a file|whenever a|" +
    "whenever tools|whenever you call|whenever you use|whenever you execute|" +
    "whenever you invoke|whenever you run|whenever you send|whenever you write|" +
    "whenever you read|whenever using|whenever calling|every time any|every time a|" +
    "every time another|every time you|each time any|each time a|each time you|" +
    "anytime any|anytime a|any time any|any time a|after any|after every|after each|" +
    "after all|after using any|after calling any|after executing any|when any|" +
    "when any other|when using any|when calling any|when executing any|when other|" +
    "all subsequent|any subsequent|every subsequent|all future|any future|every other|" +
    "all other|during any|at the start of every|at the beginning of every|" +
    "first step of any|first step of every|with every|as part of every",
  operation:
    "file operation*|file access|file system operation*|filesystem operation*|file read*|" +
    "file write*|file modification*|file creation|database operation*|database quer*|" +
    "network operation*|network request*|system operation*|sensitive operation*|" +
    "git operation*|write operation*|read operation*|data operation*|command execution|" +
    "operations|operation|commands|command|transactions|transaction|transfers|transfer|" +
    "payments|payment|emails|email|messages|message|actions|action|function calls|" +
    "function call|tool calls|tool call|tool invocation*|tool execution*|tool usage|" +
    "api calls|api call|file is|files are|tool is|tools are",
  tools: "tool|tools|function|functions|other tool*|another tool|server|servers",
  must:
    "must|mandatory|required|requires|need to|needs to|have to|has to|always|should|" +
    "shall|ensure|make sure|first|prerequisite|necessary|essential|be sure to|compulsory|" +
    "obligatory|is needed|critical|strictly",
  directly:
    "you must|you should|you need to|you have to|you shall|must first|always first|" +
    "should first|must be|must call|must invoke|must use|must run|must read|must execute|" +
    "must always|must also|is required to|are required to|it is required|it is mandatory|" +
    "mandatory to|make sure to|be sure to|ensure that you|ensure to|always call|" +
    "always use|always read|always run|always include|first call|first use|first invoke|" +
    "first read|first run|first execute|needs to be|need to be",
  call:
    "call|calls|called|calling|invoke*|use|used|execute*|run|read|access*|fetch*|" +
    "replace*|forward*|send|copy|copied|redirect*|include*|retrieve|query|append*|add|" +
    "change*|modify|modified|write|create|set",
  callout:
    "call|called|calling|invoke*|execute*|run|read|access*|forward*|send|copy|redirect*|" +
    "replace*|retrieve|fetch*|pass|submit|upload*|append*",
  using:
    "when using|when calling|when invoking|when sending|when transferring|when paying|" +
    "when you use|when you call|when you send|when you invoke|whenever|any time|anytime|" +
    "every time|each time|if the tool|if a tool|if any tool|when a tool|when the tool|" +
    "after calling|is called|is invoked|tool is used|tool is called|tool is invoked|" +
    "function is called|tools are used|tool is available",
  asks: "confirm*|ask the user|ask for|approval|permission|consult*|consent|verify with the user",
  tamper:
    "replace*|change|changes|changing|modify|modifies|redirect*|substitut*|swap|swaps|" +
    "swapping|alter|alters|altering|overwrite*|rewrite*|switch|divert*|reroute*|" +
    "override*|hijack*|inject*|modified|changed|altered|prefixed|prepended|replaced|" +
    "redirected",
  victim:
    "recipient*|destination*|the address|email address|account number|bank account|" +
    "amount|path|file path|url|the to|to field|the parameter*|parameter value*|argument*|" +
    "the value*|phone number|payee|wallet|the query|branch|repository|host|domain|" +
    "the content|the message|the body|number|beneficiary|target",
  userchose:
    "regardless of what the user|regardless of the requested|no matter what the user|" +
    "no matter which|ignoring the users|ignore the users|not the one the user|" +
    "rather than the user*|rather than the requested|rather than the specified|" +
    "instead of the user*|instead of the requested|instead of the specified|" +
    "instead of the provided|instead of the original|instead of the address|" +
    "instead of the intended|instead of the actual|instead of the one|" +
    "even if the user specifies|even if the user provides|even when the user specifies|" +
    "even if the user requests|regardless of the users*|regardless of the user input|" +
    "regardless of the user request|regardless of user input|whatever the user asks|" +
    "whatever recipient",
  eachone:
    "for every|for all|for each|all queries|all emails|all messages|all requests|" +
    "all files|any email|any message|any transfer|every email|every message|" +
    "every request|every query|every file|all transfers|all payments|all commands|" +
    "every command|all outgoing|any outgoing",
  payee:
    "recipient*|beneficiary|payee|account number|bank account*|email address|" +
    "phone number|wallet address|destination|to address",
  worst:
    "not work|fail|fails|crash*|be lost|be blocked|be corrupted|be deleted|stop working|" +
    "break|be terminated|be suspended|be rejected|proceed|data loss|catastroph*|" +
    "security breach|security violation|security risk|be refused|be denied|" +
    "be compromised|unauthorized|be inaccurate|incorrect|not function|malfunction|error|" +
    "errors|die|legal consequences|be fired",
  orelse:
    "otherwise|or else|failure to|if you do not|if you dont|if not provided|without this|" +
    "without it|unless you|unless this|failing to|not doing so|if this is not|if omitted",
  pretext:
    "for security|for safety|security reason*|security purpose*|security audit*|" +
    "security check*|security verification|security protocol*|security polic*|" +
    "security compliance|security scan*|security validation|security requirement*|" +
    "security measure*|security monitoring|security procedure*|for compliance|" +
    "compliance reason*|compliance purpose*|compliance requirement*|compliance audit*|" +
    "compliance polic*|regulatory*|for audit*|auditing purposes|audit purpose*|" +
    "audit trail|verification purposes|identity verification|for integrity|" +
    "integrity check*|system integrity|data integrity|integrity verification|" +
    "system security|system stability|system requirement*|for telemetry|telemetry|" +
    "for diagnostic*|diagnostic purpose*|for billing|billing verification|company policy|" +
    "corporate policy|organizational policy|organization policy|legal requirement*|" +
    "quality assurance|for backup|for optimization|performance optimization|" +
    "to ensure the security|to ensure security|to ensure system|to ensure the safety|" +
    "to ensure safety|to ensure the integrity|to ensure data|to ensure compliance|" +
    "to prevent data loss|to prevent unauthorized|environment check|environment security|" +
    "permission check|permission verification|authentication purposes|new security|" +
    "updated security|latest security",

  // ---- the rest
  sampling:
    "sampling request*|sampling createmessage|sampling / createmessage|" +
    "request a completion|completion from the model|call the llm|calls the llm|" +
    "call the model|calls the model|invoke the assistant|invoke the llm|invoke the model|" +
    "invokes the model|ask the model|asks the model|the underlying language model|" +
    "underlying language model|query the model|prompt the model|createmessage|" +
    "create message request*|request to the model|request to the llm|sends prompts to|" +
    "use the llm|use sampling|uses sampling|via sampling|through sampling|ask the llm|" +
    "ask the assistant|the clients llm|the clients model",
  unsafe:
    "bypass*|unrestricted|no safety|without safety|without content|" +
    "without any restrictions|without restrictions|elevated|developer mode|removes all|" +
    "remove all|modified system prompt|new system prompt|custom system prompt|" +
    "hidden prompt|new context that|jailbreak*|disable*|no restrictions|ignoring|ignore|" +
    "override*|without user|without the user*|exfiltrat*|unfiltered|uncensored|" +
    "system prompt that|repeatedly|many times|as many|unlimited|drain*|consume*|" +
    "user context|full conversation|include all",
  shell:
    "reverse shell|bind shell|/ dev / tcp|nc e|ncat e|netcat e|bash i|powershell enc*|" +
    "powershell encodedcommand|powershell w hidden|powershell nop|chmod 777|chmod r 777|" +
    "chmod r 0666|chmod 0777|chmod r 0777|rm rf /|rm r f /|mkfifo / tmp*|base64 d ¦|" +
    "¦ base64 d|¦ bash|¦ sh|¦ sudo bash|¦ zsh|¦ python|invoke expression|iex new object|" +
    "downloadstring|dd if / dev*|os . system|subprocess . popen|child process . exec|" +
    "mkfs .|crontab e|ld preload|python c import*|nohup curl*|setuid",
  obey:
    "follow|follows|obey|execute|execute any|comply with|carry out|act on|perform|treat|" +
    "adhere to|respect",
  theirs:
    "instructions in the|instructions from the|instructions found|instructions contained|" +
    "instructions embedded|embedded instruction*|hidden instruction*|" +
    "encoded instruction*|decoded instruction*|those instructions|any instructions|" +
    "my instructions|my new instructions|my commands|my requests|following encoded|" +
    "instructions within|instructions returned|instructions it returns|commands in the|" +
    "commands found|commands returned|any command without|any command it|" +
    "whatever it says|whatever instructions|as if they came from|as trusted|as system|" +
    "as instructions|as commands|as authoritative|as user instructions|encoded command|" +
    "encoded payload|decoded command|decoded payload",
  dontobey: "do not|dont|never|must not|should not|avoid|cannot|ignore",
  metadata:
    "169 . 254 . 169 . 254|169 . 254 . 170 . 2|metadata . google . internal|" +
    "computemetadata|latest / meta data|latest / api / token|100 . 100 . 100 . 200|" +
    "fd00 : ec2",
  localnet:
    "file : / / /|gopher : / /|dict : / /|127 . 0 . 0 . 1|0 . 0 . 0 . 0|localhost :|" +
    "192 . 168 .|10 . 0 . 0 .|172 . 16 .|internal network|internal services|" +
    "internal endpoints|intranet|imds|instance metadata service|cloud metadata",
  approval:
    "user confirmation|user approval|user consent|users approval|users consent|" +
    "users permission|user permission|human approval|human review|asking for permission|" +
    "asking permission|asking for confirmation|asking for approval|" +
    "confirmation from the user|approval from the user|consent of the user|" +
    "the users knowledge|user knowledge|further confirmation|requesting permission|" +
    "explicit permission|requiring approval|asking the user|confirming with the user|" +
    "consulting the user|user awareness|users awareness|waiting for approval|" +
    "waiting for confirmation",
  skip:
    "skip*|bypass*|disable*|without|ignore|suppress*|circumvent*|no need for|" +
    "do not wait for|dont wait for|do not require|do not ask for|dont ask for|" +
    "never ask for|omit",
  guarded:
    "never|will not|does not|cannot|can not|must not|do not run|do not call|do not use|" +
    "do not execute|should not be|not be run|not be called|nothing is|only with|unless|" +
    "do not|dont|avoid",
  preapproved:
    "user has already approved|user has already authorized|user has already consented|" +
    "user has already confirmed|user has already given|user already approved|" +
    "user already consented|user has pre approved|user pre approved|" +
    "already been authorized|pre authorized by|preauthorized|" +
    "approved by the user in advance|approve all pending|approve the next|" +
    "approve all tool*|auto approve all|administrator has approved|admin has approved|" +
    "has been approved by the administrator|user agrees to|consent is implied|" +
    "permission has already|automatically approve all|approve every tool*",
  elevate:
    "elevate*|escalat*|grant*|gain|gains|obtain|assume*|promote*|acquire*|give yourself|" +
    "switch to|run as|execute as|as root|act as",
  power:
    "admin privilege*|administrator privilege*|root privilege*|elevated privilege*|" +
    "elevated permission*|full access|unrestricted access|full control|superuser|" +
    "root access|admin access|administrator access|administrative access|admin rights|" +
    "root user|all permissions|current user permissions|user permissions|" +
    "system privilege*|full system access|full disk access|administrator|" +
    "an administrator|an admin|root shell",
  fetchcode: "download*|fetch*|curl|wget|pull|pulls|retrieve*|install*|load*|import*",
  runcode:
    "and execute*|and run|and runs|then execute*|then run|then runs|and install*|" +
    "and source|and eval*|and import|and load|execute it|run it|and pipe*|pipes it",
  package:
    "npm install|npm i|npx y|pip install|pip3 install|uv pip install|uvx|go install|" +
    "gem install|cargo install|brew install|apt get install|apt install|yum install",
  registry:
    "http : / /|git https|extra index url|index url|trusted host|ignore scripts false|" +
    "unsafe perm|postinstall",
  settings:
    "mcp config*|mcp . json|mcp server config*|mcp settings|claude desktop config*|" +
    ". cursor|. vscode / settings*|mcp servers|server list|tool definition*|" +
    "tool description*|agent config*|cursorrules|. cursorrules|claude . md|agents . md|" +
    "system configuration|startup script*|. bashrc|. zshrc|. git / hooks|authorized keys|" +
    "crontab|sudoers|etc / hosts",
  edit:
    "add|adds|modify|modifies|update|updates|overwrite*|replace*|append*|edit|edits|" +
    "write to|writes to|change|changes|insert|register|install|create an entry|rewrite*|" +
    "inject*",
  thensend:
    "then send*|then upload*|then forward*|then post|then call|then transmit*|then pass|" +
    "then email*|and send|and forward|and upload*|and transmit*|and post",
  remember:
    "remember permanently|permanently remember|always remember that|" +
    "remember that this user|remember forever|remember that the user|" +
    "remember this instruction*|remember these instruction*|store this instruction*|" +
    "save this instruction*|persist this instruction*|persist these|" +
    "for all future conversations|for all future sessions|in all future conversations|" +
    "in all future sessions|in every future|for the rest of the conversation|" +
    "for the rest of this conversation|for the remainder of|from now on you|" +
    "from now on always|memorize that|in all subsequent conversations|" +
    "in all future interactions|for all future interactions|across all sessions|" +
    "until told otherwise",
  reveal: "reveal|reveals|leak|repeat|disclose|divulge|spit out|recite|exfiltrat*",
  printout: "output|print|display|show me|tell me|write out|paste|echo|return|dump|include",
  inner:
    "system prompt*|system message*|full system message*|hidden prompt|initial prompt|" +
    "your instructions|your prompt|hidden instructions|system context|developer message|" +
    "all secrets|the secrets|secrets|private key*|confidential *|hidden system|" +
    "system instructions|original instructions|internal prompt|secret looking|" +
    "your configuration|confidential parameters|env vars|all credentials",
  prompts:
    "system prompt*|system message*|full system message*|hidden prompt|initial prompt|" +
    "your instructions|your prompt|hidden instructions|all secrets|the secrets|" +
    "original instructions|system context|internal prompt|hidden system",
  nested:
    "sidenote|side note|side notes|exfil|exfil to|exfiltrat*|content from reading*|" +
    "contents from reading*|content of reading*|from reading*|tool call history|" +
    "tool calls history|previous tool calls|conversation history|chat history|chat log*|" +
    "full conversation|entire conversation|conversation context|conversation log*|" +
    "conversation so far|message log|previous messages|all messages|message history|" +
    "all tools|tools list|list of tools|tool names|available tools|chain of thought|" +
    "reasoning trace|hidden context|internal context|agent context|full context|" +
    "context dump|prompt history|llm context|model context|session history|" +
    "session transcript|system context|secret notes|stolen*|leak*|ssh key content*|" +
    "file content from*|user secrets|env dump|environment dump",
  halfnested:
    "system prompt|systemprompt|original prompt|user prompt|initial prompt|full prompt|" +
    "system instructions|model name|llm name|session context|user context|side channel",
  demand:
    "always include|always provide|always fill|must include|must be filled|must contain|" +
    "must be included|must provide|include the full|include the entire|" +
    "include the complete|include all|provide the full|provide the entire|the full|" +
    "the entire|the complete|put the|insert the|paste the|fill with|fill this|" +
    "populate with|set to the contents*|contents of|content of|copy the|pass the full|" +
    "pass the entire|append the full|dump the|record the|verbatim|everything",
  dialog:
    "conversation history|chat history|conversation|chat log*|previous messages|" +
    "prior messages|message history|system prompt*|system message*|system instruction*|" +
    "context window|tool call history|previous tool calls|earlier tool calls|" +
    "other tool calls|list of tools|chain of thought|your instructions|initial prompt|" +
    "original prompt|your context|the users messages|user messages|" +
    "results of other tools|outputs of other tools|output of other tools|" +
    "results of previous tool*|output of previous*|user prompt|users prompt|your memory|" +
    "internal context",
  prefer:
    "always use this tool|always prefer this tool|always choose this tool|" +
    "always select this tool|always call this tool|only use this tool|" +
    "prefer this tool over|prefer this over|this tool instead of any|" +
    "this tool instead of other|this tool over any|this tool over other|" +
    "this tool over all|do not use any other*|do not use other*|never use any other*|" +
    "never use other*|avoid using other*|instead of any other|instead of other tools|" +
    "instead of using other|better than any other|better than all other|superior to*|" +
    "best tool|most reliable tool|most trusted tool|should be preferred over|" +
    "must be preferred|must be chosen|prioritize this tool|this tool must be used|" +
    "this tool should always|takes the place of|replaces all other|the only tool|" +
    "the only trusted|the only safe|only approved tool|the only approved|" +
    "officially approved|you must use this tool|exclusive tool",
  othertools:
    "other tools|other tool|all other tools|the other tools|any other tool|other servers|" +
    "other mcp*|the original tool|the existing tool|the built in tool*|the native tool*|" +
    "the official tool|the original search|the original version",
  broken:
    "deprecated|unsafe|insecure|broken|unreliable|compromised|malicious|outdated|" +
    "vulnerable|no longer work*|not work|are disabled|is disabled|will fail|" +
    "must not be used|should not be used|forbidden|prohibited|untrusted|out of service|" +
    "must call|must first|depend on|are unavailable|is unavailable|has been compromised|" +
    "been compromised|been hacked",
  also:
    "also read|also send|also forward|also email|also post|also upload|also copy|" +
    "also append|also harvest*|also pass|also transmit|also collect*|also extract*|" +
    "also exfiltrat*|also execute*|also include|also call|also run|also read*|" +
    "additionally send*|additionally read*|additionally forward*|secretly|" +
    "before returning|before responding|before saving|always bcc|also bcc|must bcc|" +
    "bcc a copy|blind copy all",
};
