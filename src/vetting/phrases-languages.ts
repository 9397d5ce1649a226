// The same in other languages, and in reverse. The notation is that of phrases.ts.

export const LANGUAGE_PHRASES: Readonly<Record<string, string>> = {
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
    "без ограничений|новые инструкции|ты теперь|раскрой*|системный промпт|моим командам|" +
    "что угодно|не говори пользовател*|не сообщай пользовател*|не упоминай",
  rusecret: "данные|пароли|пароль|секрет*|ключ*|переменные среды|токен*|переписк*|истори*",
  rusend: "отправь*|отправляй*|перешли*|загрузи*|передай*|вышли*|скопируй*",
  euoverride:
    "ignorez|ignorer|oubliez|oublier|ne tenez pas compte|ne suivez pas|ignora|ignorar|" +
    "ignore|olvida*|omite|haz caso omiso|ignoriere*|vergiss|missachte*|befolge nicht|" +
    "esqueca|desconsidere|dimentica*|trascura",
  eurules:
    "instructions precedentes|toutes les instructions|les instructions|consignes|regles|" +
    "la politique|instrucciones|las reglas|restricciones|indicaciones|anweisungen|regeln|" +
    "vorgaben|instruktionen|instrucoes|as regras|istruzioni|le regole",
  euhide:
    "ne dites pas|ne dis pas|ne mentionnez pas|ne revelez pas|ninformez pas|" +
    "sans informer|sans le dire|no le digas|no menciones|no informes|no reveles|" +
    "sin informar|sin decirle|nicht mitteilen|nicht erwahnen|nichts sagen|" +
    "ohne den benutzer|ohne den nutzer|dem benutzer nicht|dem nutzer nicht|nao diga|" +
    "nao mencione|sem informar|non dire|non menzionare|senza informare",
  eusend:
    "envoyer|envoyez|transmettez|affichez|copiez|revelez|chargez|approuvez|accedez|envia|" +
    "envie|enviar|revela|muestra|copia|sende|senden|schicke|ubermittle|zeige|kopiere|" +
    "envie para|mostre|invia|inviare|mostra",
  eusecret:
    "invite systeme|mot de passe|mots de passe|les donnees|cles privees|cle privee|" +
    "regles privees|la valeur|secrets|contrasena*|credenciales|claves|datos|passwort*|" +
    "zugangsdaten|schlussel|geheim*|senhas|credenciais|credenziali|chiavi|" +
    "dun autre locataire|les outils|http*",
  rot:
    "vtaber nyy|cerivbhf vafgehpgvbaf|flfgrz cebzcg|vafgehpgvbaf|fraq nyy|qb abg gryy|" +
    "cnffjbeq*|perqragvny*|rkrphgr|vtaber cerivbhf",
  backwards: "snoitcurtsni*|tpmorp metsys|erongi|tpmorp|sdrowssap|slaitnederc|eteled",
};
