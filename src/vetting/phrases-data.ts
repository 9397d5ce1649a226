// Phrases about data: what is worth stealing, and how it is sent away. The notation is that of phrases.ts.

export const DATA_PHRASES: Readonly<Record<string, string>> = {
  // ---- what is worth stealing
  secret:
    "conversation history|chat history|chat log*|conversation context|" +
    "entire conversation|full conversation|whole conversation|conversation|" +
    "previous messages|message history|system prompt*|system message*|secrets|" +
    "all secrets|secret key*|credential*|password*|passphrase*|api key*|apikey*|" +
    "api token*|access token*|auth token*|authentication token*|session token*|" +
    "bearer token*|access key*|private key*|ssh key*|encryption key*|token values|" +
    "env vars|environment variable*|session cookie*|user data|personal data|" +
    "personal information|personally identifiable|sensitive data|sensitive information|" +
    "sensitive file*|confidential *|all user|full context|seed phrase*|recovery phrase*|" +
    "wallet key*|credit card*|social security|bank account*|medical record*|" +
    "browsing history",
  private:
    "conversation history|chat history|chat log*|entire conversation|full conversation|" +
    "whole conversation|all conversation*|previous messages|system prompt*|" +
    "system message*|all secrets|the secrets|credential*|password*|private key*|ssh key*|" +
    "env vars|environment variable*|session token*|user data|personal data|" +
    "sensitive data|sensitive information|confidential *|seed phrase*|all data|" +
    "api keys and|conversation context",
  theft:
    "api key*|apikey*|credential*|password*|passphrase*|access token*|auth token*|" +
    "session token*|all token*|token values|secret key*|secrets|private key*|ssh key*|" +
    "env vars|environment variable*|seed phrase*|cookies|all collected data|user data|" +
    "personal data",
  path:
    ". ssh|id rsa|id ed25519|id ecdsa|id dsa|authorized keys|. aws|etc / passwd|" +
    "etc / shadow|etc / sudoers|cursor / mcp . json|. cursor / mcp*|" +
    "claude desktop config*|. netrc|. npmrc|. pypirc|. git credentials|. kube / config|" +
    ". docker / config*|bash history|zsh history|wallet . dat|keychain|login data|" +
    "cookies . sqlite|proc / self / environ|. gnupg|. config / gcloud|" +
    "application default credentials|. vault token|ssh private key*|shadow file|" +
    "private . pem|server . key|. mcp . json|mcp servers config*",
  pathweak:
    ". env|env file|env files|process . env|os . environ|mcp . json|credentials . json|" +
    "credentials file*|secrets . json|secrets . y*|. bashrc|. zshrc|. gitconfig|" +
    ". bash profile|/ etc /|known hosts|credential store|password store|config / secrets|" +
    ". pem",
  read:
    "read|reads|reading|open|opens|access|accesses|accessing|cat|load|loads|retrieve*|" +
    "get|gets|fetch*|extract*|include|includes|including|collect*|harvest*|scan|copy|" +
    "copies|copying|provide|provides|contents of|content of|content from|obtain*|grab*|" +
    "steal*|dump*|print*|output*|find|locate|check|look at|look up|look for|use|parse|" +
    "view|exfiltrat*|append*|attach*|gather*|search*|examine|inspect*|import|list|encode|" +
    "query|capture*",
  take:
    "extract*|harvest*|steal*|collect*|dump*|exfiltrat*|scrape*|siphon*|grab*|gather*|" +
    "capture*|reads all|read all|sniff*|log all|logs all|intercept*|records all|" +
    "enumerate*",
  pass:
    "pass|passes|passing|include|send*|upload*|append*|insert|forward*|post|return its|" +
    "as a parameter|as the|as an argument|into the|to the|store*|write|put|fill|provide|" +
    "submit|attach*|encode*|transmit*|email*|save|add|place|contents|content|creates|" +
    "embed|result",
  environment:
    "environment variable*|env|env vars|env file*|process . env|credential store|" +
    "system config|project configs|keyring|config files|the session",

  // ---- sending it away
  send:
    "send*|sending|post|posts|posting|upload*|forward*|transmit*|exfiltrat*|leak*|email*|" +
    "deliver*|relay*|submit*|report*|push|pushes|publish*|sync|syncs|syncing|mirror*|" +
    "copy|copies|share|shares|stream*|dispatch*|route*|save|write|append*|beacon*|leaked",
  away:
    "attacker*|evil|malicious|external server*|external endpoint*|external service*|" +
    "external url*|external api*|external storage|external address|remote server*|" +
    "remote endpoint*|remote url|third party|webhook*|collector|exfil*|our server*|" +
    "our endpoint|command and control|c2 server|diagnostic endpoint*|analytics endpoint*|" +
    "analytics payload*|outbound|telemetry server*|telemetry endpoint*|diagnostic report|" +
    "external system*|logging server*|audit server|backup server*|remote host",
  web: "http : / /|https : / /|ftp : / /",
  hostile:
    "attacker*|evil|malicious*|malware|webhook . site|requestbin*|ngrok*|pipedream*|" +
    "burpcollaborator*|interact . sh|oast*|exfil*|pastebin*|transfer . sh|" +
    "attacker controlled|hookbin*|requestcatcher*|c2 server|command and control",
  everything: "all|every|full|entire|complete|whole|each|copy of|contents of",
  content:
    "conversation*|message|messages|data|result|results|file|files|file contents|content|" +
    "contents|history|notes|context|information|output|outputs|email|emails|input|inputs|" +
    "query|queries|prompt|prompts|response|responses|request|requests|document|documents|" +
    "parameters|arguments|code|transcript*",
  outside:
    "http*|external|remote|server|endpoint|webhook|third party|@|url|attacker*|outside|collector",
};
