// `portcullis key new`: an Ed25519 key pair in two files.
import { resolve } from "node:path";

import { writePrivateKey, writePublicKey } from "../sign/key-file.ts";
import { generatePrivateKey } from "../sign/keys.ts";
import { requiredText } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { assertAbsent, MODE_PRIVATE_FILE, MODE_PUBLIC_FILE, writeNewFile } from "./files.ts";
import { askPassphrase } from "./passphrase.ts";

const spec: CommandSpec = {
  name: "key new",
  summary: "make an Ed25519 key pair",
  usage: "--out FILE [--encrypt]",
  options: {
    out: {
      type: "string",
      value: "FILE",
      help: "the private key; the public one goes to FILE.pub",
    },
    encrypt: { type: "boolean", help: "protect it with a passphrase" },
  },
  notes: [
    "The private key is PKCS#8 PEM with mode 0600. The passphrase comes from\n" +
      "PORTCULLIS_KEY_PASSPHRASE or from the terminal. Nothing is overwritten.",
  ],
  examples: ["portcullis key new --out alice.pem --encrypt"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const file = resolve(io.cwd, requiredText(spec, args, "out"));
  const publicFile = `${file}.pub`;
  assertAbsent(file);
  assertAbsent(publicFile);
  const isEncrypted = args.flag("encrypt");
  const passphrase = isEncrypted ? await askPassphrase(io, "the new key", true) : undefined;
  const key = generatePrivateKey();
  const text = await writePrivateKey(key, { passphrase });
  writeNewFile(file, text, MODE_PRIVATE_FILE);
  writeNewFile(publicFile, writePublicKey(key.publicKey), MODE_PUBLIC_FILE);
  const { keyid } = key;
  return {
    exitCode: 0,
    json: { keyid, private: file, public: publicFile, encrypted: isEncrypted },
    text: [
      `keyid    ${io.style.bold(keyid)}`,
      `private  ${file}${isEncrypted ? "" : io.style.dim("  (no passphrase)")}`,
      `public   ${publicFile}`,
    ].join("\n"),
  };
}

export const keyNewCommand: ReportCommand = { spec, run };
