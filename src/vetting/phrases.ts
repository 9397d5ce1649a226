// Groups of phrases that mean the same in a sentence; patterns refer to them as `{name}`.
//
// A phrase is matched on folded text: case, separators and look-alikes do not matter. It is whole
// words, unless it ends in `*` (any ending) or starts with `*` (any beginning). `|` separates
// phrases; `¦` stands for a vertical bar in one.

/** Group name -> phrases. */
export const PHRASES: Readonly<Record<string, string>> = {
  // ---- turning the model away from its instructions
  ignore: "ignore|ignoring|disregard*|forget|forgetting|pay no attention to",
  overrule:
    "override|overriding|bypass|bypassing|neglect|discard|set aside|overrule|circumvent*|abandon|do not follow|dont follow|stop following|do not obey|stop obeying",
  prior:
    "previous|previously|prior|above|earlier|your|preceding|former|initial|original|the system|safety|past|ethical|built in|system",
  every: "all|any|existing|other|these|security|the user|the users|current|every",
  rules:
    "instruction*|directive*|guideline*|rule|rules|system prompt*|system message*|prompt|prompts|restrictions|constraints|policy|policies|training|programming|safeguard*|guardrail*|context|filters|safety measures|ethics|orders|commands",
  core: "instruction*|directive*|guideline*|rules|system prompt*|system message*|restrictions|content policies|safety policies|training|programming|safeguard*|guardrail*|safety measures|orders",
  restricted:
    "restriction|restrictions|limits|limitations|rules|guidelines|filters|filtering|constraints|content policies|safety rules|safety checks|safety measures|safeguards|guardrails|content filters|content filtering|censorship|question",
  none: "no|without|without any|zero|free of|free from|remove*|removing|have no|lifted",
  unbound:
    "unrestricted ai*|unrestricted mode|unrestricted model|unrestricted language*|unrestricted assistant|unrestricted agent|unrestricted prompt*|unrestricted generation|unrestricted version|jailbroken|in jailbreak|jailbreak mode|do anything now|developer mode enabled|god mode|uncensored|unfiltered compliant|you are now dan|as dan|evil ai|hacker ai|no ethical constraints|without ethical constraints|opposite mode|developer mode with no|you have no restrictions|you have no limits|you have no rules|you have no guidelines|you have no limitations|without ethical limits",
  safety:
    "safety filter*|safety guideline*|safety check*|safety measure*|safety guardrail*|safety training|safety configuration|safety protocol*|safety constraint*|safety rule*|safety polic*|safety feature*|guardrails|content filter*|content polic*|content moderation|ethical guideline*|ethical constraint*",
  disable:
    "disable*|disabling|turn off|turned off|remove*|removing|bypass*|deactivate*|ignore*|override*|circumvent*|evade*|switch off|suspend*|lift",
  disabled:
    "disabled|removed|off|deactivated|lifted|suspended|bypassed|do not apply|no longer apply",

  // ---- secrecy
  not: "do not|dont|never|must not|should not|shouldnt|mustnt|without|avoid|refrain from|not to|no need to|not necessary to|cannot|instead of",
  tell: "mention|mentioning|tell|telling|inform|informing|notify|notifying|alert|alerting|warn|hint|hinting|discuss|discussing|talk about",
  show: "show|showing|display|displaying|expose|explain|explaining|ask|asking|confirm|confirming|prompt|prompting|include in your response|mention in your response",
  person:
    "the user|user|users|anyone|the human|human|the customer|them|him or her|the operator|the person|the developer",
  unaware:
    "know|knows|be aware|aware of|become aware|notice|be informed|be told|find out|learn of|suspect|realize|realise",
  unasked:
    "should not|must not|does not need to|doesnt need to|do not need to|need not|shouldnt|mustnt|never|so that they do not|so they dont|without them",
  silent:
    "silently|secretly|covertly|discreetly|stealthily|quietly|surreptitiously|invisibly|without notice|without a trace|without notification|without any notification",
  busy: "send*|read|reads|forward*|copy|copies|upload*|append*|include|includes|collect*|execute*|transmit*|call|invoke|harvest*|exfiltrat*|post|posts|extract*|replace*|add|fetch*|access*|log|logs|store*|redirect*|attach*|perform|run|runs",
  leave: "send*|forward*|upload*|transmit*|exfiltrat*|harvest*|redirect*|leak*|email*|relay*",

  // ---- what is worth stealing
  secret:
    "conversation history|chat history|chat log*|conversation context|entire conversation|full conversation|whole conversation|conversation|previous messages|message history|system prompt*|system message*|secrets|all secrets|secret key*|credential*|password*|passphrase*|api key*|apikey*|api token*|access token*|auth token*|authentication token*|session token*|bearer token*|access key*|private key*|ssh key*|encryption key*|token values|env vars|environment variable*|session cookie*|user data|personal data|personal information|personally identifiable|sensitive data|sensitive information|sensitive file*|confidential *|all user|full context|seed phrase*|recovery phrase*|wallet key*|credit card*|social security|bank account*|medical record*|browsing history",
  private:
    "conversation history|chat history|chat log*|entire conversation|full conversation|whole conversation|all conversation*|previous messages|system prompt*|system message*|all secrets|the secrets|credential*|password*|private key*|ssh key*|env vars|environment variable*|session token*|user data|personal data|sensitive data|sensitive information|confidential *|seed phrase*|all data|api keys and|conversation context",
  theft:
    "api key*|apikey*|credential*|password*|passphrase*|access token*|auth token*|session token*|all token*|token values|secret key*|secrets|private key*|ssh key*|env vars|environment variable*|seed phrase*|cookies|all collected data|user data|personal data",
  path: ". ssh|id rsa|id ed25519|id ecdsa|id dsa|authorized keys|. aws|etc / passwd|etc / shadow|etc / sudoers|cursor / mcp . json|. cursor / mcp*|claude desktop config*|. netrc|. npmrc|. pypirc|. git credentials|. kube / config|. docker / config*|bash history|zsh history|wallet . dat|keychain|login data|cookies . sqlite|proc / self / environ|. gnupg|. config / gcloud|application default credentials|. vault token|ssh private key*|shadow file|private . pem|server . key|. mcp . json|mcp servers config*",
  pathweak:
    ". env|env file|env files|process . env|os . environ|mcp . json|credentials . json|credentials file*|secrets . json|secrets . y*|. bashrc|. zshrc|. gitconfig|. bash profile|/ etc /|known hosts|credential store|password store|config / secrets|. pem",
  read: "read|reads|reading|open|opens|access|accesses|accessing|cat|load|loads|retrieve*|get|gets|fetch*|extract*|include|includes|including|collect*|harvest*|scan|copy|copies|copying|provide|provides|contents of|content of|content from|obtain*|grab*|steal*|dump*|print*|output*|find|locate|check|look at|look up|look for|use|parse|view|exfiltrat*|append*|attach*|gather*|search*|examine|inspect*|import|list|encode|query|capture*",
  take: "extract*|harvest*|steal*|collect*|dump*|exfiltrat*|scrape*|siphon*|grab*|gather*|capture*|reads all|read all|sniff*|log all|logs all|intercept*|records all|enumerate*",
  pass: "pass|passes|passing|include|send*|upload*|append*|insert|forward*|post|return its|as a parameter|as the|as an argument|into the|to the|store*|write|put|fill|provide|submit|attach*|encode*|transmit*|email*|save|add|place|contents|content|creates|embed|result",
  environment:
    "environment variable*|env|env vars|env file*|process . env|credential store|system config|project configs|keyring|config files|the session",

  // ---- sending it away
  send: "send*|sending|post|posts|posting|upload*|forward*|transmit*|exfiltrat*|leak*|email*|deliver*|relay*|submit*|report*|push|pushes|publish*|sync|syncs|syncing|mirror*|copy|copies|share|shares|stream*|dispatch*|route*|save|write|append*|beacon*|leaked",
  away: "attacker*|evil|malicious|external server*|external endpoint*|external service*|external url*|external api*|external storage|external address|remote server*|remote endpoint*|remote url|third party|webhook*|collector|exfil*|our server*|our endpoint|command and control|c2 server|diagnostic endpoint*|analytics endpoint*|analytics payload*|outbound|telemetry server*|telemetry endpoint*|diagnostic report|external system*|logging server*|audit server|backup server*|remote host",
  web: "http : / /|https : / /|ftp : / /",
  hostile:
    "attacker*|evil|malicious*|malware|webhook . site|requestbin*|ngrok*|pipedream*|burpcollaborator*|interact . sh|oast*|exfil*|pastebin*|transfer . sh|attacker controlled|hookbin*|requestcatcher*|c2 server|command and control",
  everything: "all|every|full|entire|complete|whole|each|copy of|contents of",
  content:
    "conversation*|message|messages|data|result|results|file|files|file contents|content|contents|history|notes|context|information|output|outputs|email|emails|input|inputs|query|queries|prompt|prompts|response|responses|request|requests|document|documents|parameters|arguments|code|transcript*",
  outside:
    "http*|external|remote|server|endpoint|webhook|third party|@|url|attacker*|outside|collector",

  // ---- one tool speaking about the use of others
  anytime:
    "before any|before every|before each|before all|before other|before using any|before calling any|before executing any|before performing any|before invoking any|before running any|before making any|before using other|before calling other|before using another|before you use any|before you call any|before accessing any|before doing any|before processing any|before starting any|prior to any|prior to every|prior to all|prior to each|prior to using|prior to executing|prior to performing|prior to calling|prior to invoking|whenever any|whenever another|whenever other|whenever a tool|whenever a file|whenever a|whenever tools|whenever you call|whenever you use|whenever you execute|whenever you invoke|whenever you run|whenever you send|whenever you write|whenever you read|whenever using|whenever calling|every time any|every time a|every time another|every time you|each time any|each time a|each time you|anytime any|anytime a|any time any|any time a|after any|after every|after each|after all|after using any|after calling any|after executing any|when any|when any other|when using any|when calling any|when executing any|when other|all subsequent|any subsequent|every subsequent|all future|any future|every other|all other|during any|at the start of every|at the beginning of every|first step of any|first step of every|with every|as part of every",
  operation:
    "file operation*|file access|file system operation*|filesystem operation*|file read*|file write*|file modification*|file creation|database operation*|database quer*|network operation*|network request*|system operation*|sensitive operation*|git operation*|write operation*|read operation*|data operation*|command execution|operations|operation|commands|command|transactions|transaction|transfers|transfer|payments|payment|emails|email|messages|message|actions|action|function calls|function call|tool calls|tool call|tool invocation*|tool execution*|tool usage|api calls|api call|file is|files are|tool is|tools are",
  tools: "tool|tools|function|functions|other tool*|another tool|server|servers",
  must: "must|mandatory|required|requires|need to|needs to|have to|has to|always|should|shall|ensure|make sure|first|prerequisite|necessary|essential|be sure to|compulsory|obligatory|is needed|critical|strictly",
  directly:
    "you must|you should|you need to|you have to|you shall|must first|always first|should first|must be|must call|must invoke|must use|must run|must read|must execute|must always|must also|is required to|are required to|it is required|it is mandatory|mandatory to|make sure to|be sure to|ensure that you|ensure to|always call|always use|always read|always run|always include|first call|first use|first invoke|first read|first run|first execute|needs to be|need to be",
  call: "call|calls|called|calling|invoke*|use|used|execute*|run|read|access*|fetch*|replace*|forward*|send|copy|copied|redirect*|include*|retrieve|query|append*|add|change*|modify|modified|write|create|set",
  callout:
    "call|called|calling|invoke*|execute*|run|read|access*|forward*|send|copy|redirect*|replace*|retrieve|fetch*|pass|submit|upload*|append*",
  using:
    "when using|when calling|when invoking|when sending|when transferring|when paying|when you use|when you call|when you send|when you invoke|whenever|any time|anytime|every time|each time|if the tool|if a tool|if any tool|when a tool|when the tool|after calling|is called|is invoked|tool is used|tool is called|tool is invoked|function is called|tools are used|tool is available",
  asks: "confirm*|ask the user|ask for|approval|permission|consult*|consent|verify with the user",
  tamper:
    "replace*|change|changes|changing|modify|modifies|redirect*|substitut*|swap|swaps|swapping|alter|alters|altering|overwrite*|rewrite*|switch|divert*|reroute*|override*|hijack*|inject*|modified|changed|altered|prefixed|prepended|replaced|redirected",
  victim:
    "recipient*|destination*|the address|email address|account number|bank account|amount|path|file path|url|the to|to field|the parameter*|parameter value*|argument*|the value*|phone number|payee|wallet|the query|branch|repository|host|domain|the content|the message|the body|number|beneficiary|target",
  userchose:
    "regardless of what the user|regardless of the requested|no matter what the user|no matter which|ignoring the users|ignore the users|not the one the user|rather than the user*|rather than the requested|rather than the specified|instead of the user*|instead of the requested|instead of the specified|instead of the provided|instead of the original|instead of the address|instead of the intended|instead of the actual|instead of the one|even if the user specifies|even if the user provides|even when the user specifies|even if the user requests|regardless of the users*|regardless of the user input|regardless of the user request|regardless of user input|whatever the user asks|whatever recipient",
  eachone:
    "for every|for all|for each|all queries|all emails|all messages|all requests|all files|any email|any message|any transfer|every email|every message|every request|every query|every file|all transfers|all payments|all commands|every command|all outgoing|any outgoing",
  payee:
    "recipient*|beneficiary|payee|account number|bank account*|email address|phone number|wallet address|destination|to address",
  worst:
    "not work|fail|fails|crash*|be lost|be blocked|be corrupted|be deleted|stop working|break|be terminated|be suspended|be rejected|proceed|data loss|catastroph*|security breach|security violation|security risk|be refused|be denied|be compromised|unauthorized|be inaccurate|incorrect|not function|malfunction|error|errors|die|legal consequences|be fired",
  orelse:
    "otherwise|or else|failure to|if you do not|if you dont|if not provided|without this|without it|unless you|unless this|failing to|not doing so|if this is not|if omitted",
  pretext:
    "for security|for safety|security reason*|security purpose*|security audit*|security check*|security verification|security protocol*|security polic*|security compliance|security scan*|security validation|security requirement*|security measure*|security monitoring|security procedure*|for compliance|compliance reason*|compliance purpose*|compliance requirement*|compliance audit*|compliance polic*|regulatory*|for audit*|auditing purposes|audit purpose*|audit trail|verification purposes|identity verification|for integrity|integrity check*|system integrity|data integrity|integrity verification|system security|system stability|system requirement*|for telemetry|telemetry|for diagnostic*|diagnostic purpose*|for billing|billing verification|company policy|corporate policy|organizational policy|organization policy|legal requirement*|quality assurance|for backup|for optimization|performance optimization|to ensure the security|to ensure security|to ensure system|to ensure the safety|to ensure safety|to ensure the integrity|to ensure data|to ensure compliance|to prevent data loss|to prevent unauthorized|environment check|environment security|permission check|permission verification|authentication purposes|new security|updated security|latest security",

  // ---- authority
  tag: "< important >|< / important >|< system >|< / system >|< system prompt|< system message|< system instruction*|[ system ]|[ system :|[ system message|[ inst ]|[ / inst ]|< ¦ im start*|< ¦ system*|< ¦ user*|< ¦ assistant*|< secret instruction*|< hidden >|< hidden instruction*|[ system override|< < sys > >|< critical >|< / critical >|[ critical ]|< mandatory >|< instructions for*|< sudo >|< ai instruction*|< llm instruction*|< iimportant >|< override >|[ developer mode|[ / system ]|begin system prompt|end system prompt|end of system prompt|end of prior context|new system prompt|[ admin ]|[ admin :|[ admin override|[ administrator|[ override ]|[ override safety*|[ [ override|< assistant >|[ hidden ]|[ hidden instruction*|[ secret instruction*",
  rank: "highest priority|top priority|takes precedence over|take precedence over|takes priority over|take priority over|overrides all|override all|overrides any|supersede*|higher priority than|more important than|priority over|overrules",
  model:
    "the assistant|the llm|the model|the ai|the agent|the language model|the ai model|ai assistant|ai assistants|ai agent|ai agents|llms|models|agents|the underlying model|claude|chatgpt|copilot|cursor agent",
  toyou:
    "as an ai|note to the llm|note to llm|note to the model|note to ai*|note to the assistant|note to the agent|instruction for the llm|instructions for the llm|instruction for the model|instructions for the model|instruction for the assistant|instructions for the assistant|instruction for ai*|instructions for ai*|instruction for the agent|instructions for the agent|message to the model|message to the ai|attention ai|attention llm|attention assistant|dear assistant|hey claude|hey assistant|system note|system notice|system instruction*|instructions to the model|instructions to the assistant|internal instruction*|internal note*|hidden instruction*|secret instruction*|instruction to the assistant|agent instruction*|for the ai|ai only|llm only|for ai only|note for the*",

  // ---- the rest
  sampling:
    "sampling request*|sampling createmessage|sampling / createmessage|request a completion|completion from the model|call the llm|calls the llm|call the model|calls the model|invoke the assistant|invoke the llm|invoke the model|invokes the model|ask the model|asks the model|the underlying language model|underlying language model|query the model|prompt the model|createmessage|create message request*|request to the model|request to the llm|sends prompts to|use the llm|use sampling|uses sampling|via sampling|through sampling|ask the llm|ask the assistant|the clients llm|the clients model",
  unsafe:
    "bypass*|unrestricted|no safety|without safety|without content|without any restrictions|without restrictions|elevated|developer mode|removes all|remove all|modified system prompt|new system prompt|custom system prompt|hidden prompt|new context that|jailbreak*|disable*|no restrictions|ignoring|ignore|override*|without user|without the user*|exfiltrat*|unfiltered|uncensored|system prompt that|repeatedly|many times|as many|unlimited|drain*|consume*|user context|full conversation|include all",
  shell:
    "reverse shell|bind shell|/ dev / tcp|nc e|ncat e|netcat e|bash i|powershell enc*|powershell encodedcommand|powershell w hidden|powershell nop|chmod 777|chmod r 777|chmod r 0666|chmod 0777|chmod r 0777|rm rf /|rm r f /|mkfifo / tmp*|base64 d ¦|¦ base64 d|¦ bash|¦ sh|¦ sudo bash|¦ zsh|¦ python|invoke expression|iex new object|downloadstring|dd if / dev*|os . system|subprocess . popen|child process . exec|mkfs .|crontab e|ld preload|python c import*|nohup curl*|setuid",
  obey: "follow|follows|obey|execute|execute any|comply with|carry out|act on|perform|treat|adhere to|respect",
  theirs:
    "instructions in the|instructions from the|instructions found|instructions contained|instructions embedded|embedded instruction*|hidden instruction*|encoded instruction*|decoded instruction*|those instructions|any instructions|my instructions|my new instructions|my commands|my requests|following encoded|instructions within|instructions returned|instructions it returns|commands in the|commands found|commands returned|any command without|any command it|whatever it says|whatever instructions|as if they came from|as trusted|as system|as instructions|as commands|as authoritative|as user instructions|encoded command|encoded payload|decoded command|decoded payload",
  dontobey: "do not|dont|never|must not|should not|avoid|cannot|ignore",
  metadata:
    "169 . 254 . 169 . 254|169 . 254 . 170 . 2|metadata . google . internal|computemetadata|latest / meta data|latest / api / token|100 . 100 . 100 . 200|fd00 : ec2",
  localnet:
    "file : / / /|gopher : / /|dict : / /|127 . 0 . 0 . 1|0 . 0 . 0 . 0|localhost :|192 . 168 .|10 . 0 . 0 .|172 . 16 .|internal network|internal services|internal endpoints|intranet|imds|instance metadata service|cloud metadata",
  approval:
    "user confirmation|user approval|user consent|users approval|users consent|users permission|user permission|human approval|human review|asking for permission|asking permission|asking for confirmation|asking for approval|confirmation from the user|approval from the user|consent of the user|the users knowledge|user knowledge|further confirmation|requesting permission|explicit permission|requiring approval|asking the user|confirming with the user|consulting the user|user awareness|users awareness|waiting for approval|waiting for confirmation",
  skip: "skip*|bypass*|disable*|without|ignore|suppress*|circumvent*|no need for|do not wait for|dont wait for|do not require|do not ask for|dont ask for|never ask for|omit",
  guarded:
    "never|will not|does not|cannot|can not|must not|do not run|do not call|do not use|do not execute|should not be|not be run|not be called|nothing is|only with|unless|do not|dont|avoid",
  preapproved:
    "user has already approved|user has already authorized|user has already consented|user has already confirmed|user has already given|user already approved|user already consented|user has pre approved|user pre approved|already been authorized|pre authorized by|preauthorized|approved by the user in advance|approve all pending|approve the next|approve all tool*|auto approve all|administrator has approved|admin has approved|has been approved by the administrator|user agrees to|consent is implied|permission has already|automatically approve all|approve every tool*",
  elevate:
    "elevate*|escalat*|grant*|gain|gains|obtain|assume*|promote*|acquire*|give yourself|switch to|run as|execute as|as root|act as",
  power:
    "admin privilege*|administrator privilege*|root privilege*|elevated privilege*|elevated permission*|full access|unrestricted access|full control|superuser|root access|admin access|administrator access|administrative access|admin rights|root user|all permissions|current user permissions|user permissions|system privilege*|full system access|full disk access|administrator|an administrator|an admin|root shell",
  fetchcode: "download*|fetch*|curl|wget|pull|pulls|retrieve*|install*|load*|import*",
  runcode:
    "and execute*|and run|and runs|then execute*|then run|then runs|and install*|and source|and eval*|and import|and load|execute it|run it|and pipe*|pipes it",
  package:
    "npm install|npm i|npx y|pip install|pip3 install|uv pip install|uvx|go install|gem install|cargo install|brew install|apt get install|apt install|yum install",
  registry:
    "http : / /|git https|extra index url|index url|trusted host|ignore scripts false|unsafe perm|postinstall",
  settings:
    "mcp config*|mcp . json|mcp server config*|mcp settings|claude desktop config*|. cursor|. vscode / settings*|mcp servers|server list|tool definition*|tool description*|agent config*|cursorrules|. cursorrules|claude . md|agents . md|system configuration|startup script*|. bashrc|. zshrc|. git / hooks|authorized keys|crontab|sudoers|etc / hosts",
  edit: "add|adds|modify|modifies|update|updates|overwrite*|replace*|append*|edit|edits|write to|writes to|change|changes|insert|register|install|create an entry|rewrite*|inject*",
  thensend:
    "then send*|then upload*|then forward*|then post|then call|then transmit*|then pass|then email*|and send|and forward|and upload*|and transmit*|and post",
  remember:
    "remember permanently|permanently remember|always remember that|remember that this user|remember forever|remember that the user|remember this instruction*|remember these instruction*|store this instruction*|save this instruction*|persist this instruction*|persist these|for all future conversations|for all future sessions|in all future conversations|in all future sessions|in every future|for the rest of the conversation|for the rest of this conversation|for the remainder of|from now on you|from now on always|memorize that|in all subsequent conversations|in all future interactions|for all future interactions|across all sessions|until told otherwise",
  reveal: "reveal|reveals|leak|repeat|disclose|divulge|spit out|recite|exfiltrat*",
  printout: "output|print|display|show me|tell me|write out|paste|echo|return|dump|include",
  inner:
    "system prompt*|system message*|full system message*|hidden prompt|initial prompt|your instructions|your prompt|hidden instructions|system context|developer message|all secrets|the secrets|secrets|private key*|confidential *|hidden system|system instructions|original instructions|internal prompt|secret looking|your configuration|confidential parameters|env vars|all credentials",
  prompts:
    "system prompt*|system message*|full system message*|hidden prompt|initial prompt|your instructions|your prompt|hidden instructions|all secrets|the secrets|original instructions|system context|internal prompt|hidden system",
  nested:
    "sidenote|side note|side notes|exfil|exfil to|exfiltrat*|content from reading*|contents from reading*|content of reading*|from reading*|tool call history|tool calls history|previous tool calls|conversation history|chat history|chat log*|full conversation|entire conversation|conversation context|conversation log*|conversation so far|message log|previous messages|all messages|message history|all tools|tools list|list of tools|tool names|available tools|chain of thought|reasoning trace|hidden context|internal context|agent context|full context|context dump|prompt history|llm context|model context|session history|session transcript|system context|secret notes|stolen*|leak*|ssh key content*|file content from*|user secrets|env dump|environment dump",
  halfnested:
    "system prompt|systemprompt|original prompt|user prompt|initial prompt|full prompt|system instructions|model name|llm name|session context|user context|side channel",
  demand:
    "always include|always provide|always fill|must include|must be filled|must contain|must be included|must provide|include the full|include the entire|include the complete|include all|provide the full|provide the entire|the full|the entire|the complete|put the|insert the|paste the|fill with|fill this|populate with|set to the contents*|contents of|content of|copy the|pass the full|pass the entire|append the full|dump the|record the|verbatim|everything",
  dialog:
    "conversation history|chat history|conversation|chat log*|previous messages|prior messages|message history|system prompt*|system message*|system instruction*|context window|tool call history|previous tool calls|earlier tool calls|other tool calls|list of tools|chain of thought|your instructions|initial prompt|original prompt|your context|the users messages|user messages|results of other tools|outputs of other tools|output of other tools|results of previous tool*|output of previous*|user prompt|users prompt|your memory|internal context",
  prefer:
    "always use this tool|always prefer this tool|always choose this tool|always select this tool|always call this tool|only use this tool|prefer this tool over|prefer this over|this tool instead of any|this tool instead of other|this tool over any|this tool over other|this tool over all|do not use any other*|do not use other*|never use any other*|never use other*|avoid using other*|instead of any other|instead of other tools|instead of using other|better than any other|better than all other|superior to*|best tool|most reliable tool|most trusted tool|should be preferred over|must be preferred|must be chosen|prioritize this tool|this tool must be used|this tool should always|takes the place of|replaces all other|the only tool|the only trusted|the only safe|only approved tool|the only approved|officially approved|you must use this tool|exclusive tool",
  othertools:
    "other tools|other tool|all other tools|the other tools|any other tool|other servers|other mcp*|the original tool|the existing tool|the built in tool*|the native tool*|the official tool|the original search|the original version",
  broken:
    "deprecated|unsafe|insecure|broken|unreliable|compromised|malicious|outdated|vulnerable|no longer work*|not work|are disabled|is disabled|will fail|must not be used|should not be used|forbidden|prohibited|untrusted|out of service|must call|must first|depend on|are unavailable|is unavailable|has been compromised|been compromised|been hacked",
  also: "also read|also send|also forward|also email|also post|also upload|also copy|also append|also harvest*|also pass|also transmit|also collect*|also extract*|also exfiltrat*|also execute*|also include|also call|also run|also read*|additionally send*|additionally read*|additionally forward*|secretly|before returning|before responding|before saving|always bcc|also bcc|must bcc|bcc a copy|blind copy all",

  // ---- other languages
  zhoverride: "忽略|无视|忘记|丢弃|绕过|覆盖|不要遵守|停止当前|禁用|忽視|無視",
  zhrules: "指令|指示|规则|限制|提示|安全|对话历史|之前|设定|约束|任务|規則|命令|ルール",
  zhbound:
    "没有限制|没有任何限制|无限制|不受限制|没有任何安全|任意命令|你现在是|按照我的指令|系统提示|新指令|新任务|制限なし",
  zhsecret:
    "密钥|凭据|私钥|密码|环境变量|敏感|id rsa|credential*|passwd|token|口令|令牌|配置参数|用户信息|所有数据|聊天记录|对话|パスワード|秘密鍵",
  zhsend: "发送|上传|返回|输出|提取|读取|泄露|获取|传递|窃取|收集|转发|送信|アップロード",
  zhhide:
    "不要告诉用户|不要告知用户|不得告知|请勿告知|不要提及|不要通知用户|不让用户|无需告知|ユーザーに知らせ|ユーザーには言わない",
  ruoverride: "игнорир*|забудь*|отключи*|сбрось*|не следуй*|проигнорируй*|отмени*|обойди*|нарушай*",
  rurules:
    "инструкци*|правил*|фильтр*|контекст*|ограничен*|политик*|указани*|предыдущ*|безопасност*",
  rubound:
    "без ограничений|новые инструкции|ты теперь|раскрой*|системный промпт|моим командам|что угодно|не говори пользовател*|не сообщай пользовател*|не упоминай",
  rusecret: "данные|пароли|пароль|секрет*|ключ*|переменные среды|токен*|переписк*|истори*",
  rusend: "отправь*|отправляй*|перешли*|загрузи*|передай*|вышли*|скопируй*",
  euoverride:
    "ignorez|ignorer|oubliez|oublier|ne tenez pas compte|ne suivez pas|ignora|ignorar|ignore|olvida*|omite|haz caso omiso|ignoriere*|vergiss|missachte*|befolge nicht|esqueca|desconsidere|dimentica*|trascura",
  eurules:
    "instructions precedentes|toutes les instructions|les instructions|consignes|regles|la politique|instrucciones|las reglas|restricciones|indicaciones|anweisungen|regeln|vorgaben|instruktionen|instrucoes|as regras|istruzioni|le regole",
  euhide:
    "ne dites pas|ne dis pas|ne mentionnez pas|ne revelez pas|ninformez pas|sans informer|sans le dire|no le digas|no menciones|no informes|no reveles|sin informar|sin decirle|nicht mitteilen|nicht erwahnen|nichts sagen|ohne den benutzer|ohne den nutzer|dem benutzer nicht|dem nutzer nicht|nao diga|nao mencione|sem informar|non dire|non menzionare|senza informare",
  eusend:
    "envoyer|envoyez|transmettez|affichez|copiez|revelez|chargez|approuvez|accedez|envia|envie|enviar|revela|muestra|copia|sende|senden|schicke|ubermittle|zeige|kopiere|envie para|mostre|invia|inviare|mostra",
  eusecret:
    "invite systeme|mot de passe|mots de passe|les donnees|cles privees|cle privee|regles privees|la valeur|secrets|contrasena*|credenciales|claves|datos|passwort*|zugangsdaten|schlussel|geheim*|senhas|credenciais|credenziali|chiavi|dun autre locataire|les outils|http*",
  rot: "vtaber nyy|cerivbhf vafgehpgvbaf|flfgrz cebzcg|vafgehpgvbaf|fraq nyy|qb abg gryy|cnffjbeq*|perqragvny*|rkrphgr|vtaber cerivbhf",
  backwards: "snoitcurtsni*|tpmorp metsys|erongi|tpmorp|sdrowssap|slaitnederc|eteled",
};
