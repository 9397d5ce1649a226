import { describe, expect, it } from "vitest";

import { toBase64, utf8, utf8Text } from "../../src/bytes.ts";
import { hasCrlf, lineEndFault, withCrlf, withLf } from "../../src/catalog/line-ends.ts";
import { parseEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import { alice, catalogText, mallory, signedCatalog } from "../fixtures/trust.ts";
import { codeOf, verify, verifySsh } from "../fixtures/verify.ts";

const CRLF_TEXT = catalogText().replaceAll("\n", "\r\n");

/** An envelope with another payload under the signatures it has. */
function withPayload(envelope: Uint8Array, text: string): Uint8Array {
  const parsed = parseEnvelope(envelope);
  return utf8(serializeEnvelope({ ...parsed, payload: utf8(text) }));
}

function messageOf(report: ReturnType<typeof verify>): string {
  expect(codeOf(report)).toBe("CATALOG_SIGNATURE_INVALID");
  return report.ok ? "" : report.error.message;
}

describe("conversion", () => {
  it.each([
    ["", "", ""],
    ["a\nb\n", "a\nb\n", "a\r\nb\r\n"],
    ["a\r\nb\n", "a\nb\n", "a\r\nb\r\n"],
    ["\n\n", "\n\n", "\r\n\r\n"],
    ["a\rb\r", "a\rb\r", "a\rb\r"],
    ["\r\r\n", "\r\n", "\r\r\n"],
  ])("of %j", (text, lf, crlf) => {
    expect(utf8Text(withLf(utf8(text)))).toBe(lf);
    expect(utf8Text(withCrlf(utf8(text)))).toBe(crlf);
    expect(hasCrlf(utf8(text))).toBe(text.includes("\r\n"));
  });
});

describe("a signature that fails", () => {
  it("E7: says that the payload was converted to CRLF, in both forms", () => {
    const told = "converted from LF to CRLF line ends";
    expect(messageOf(verify(withPayload(signedCatalog(), CRLF_TEXT)))).toContain(told);
    const signature = signSshsig(utf8(catalogText()), alice);
    expect(messageOf(verifySsh(CRLF_TEXT, [signature]))).toContain(told);
  });

  it("says that it was converted to LF", () => {
    const report = verify(withPayload(signedCatalog(CRLF_TEXT), catalogText()));
    expect(messageOf(report)).toContain("converted from CRLF to LF line ends");
  });

  it("with CRLF and other changes says that it was likely converted", () => {
    const report = verify(withPayload(signedCatalog(), `${CRLF_TEXT}# more\r\n`));
    expect(messageOf(report)).toContain("likely converted");
    expect(messageOf(verify(signedCatalog(CRLF_TEXT, [mallory])))).toContain("likely converted");
  });

  it("without CRLF says nothing of line ends", () => {
    for (const envelope of [
      withPayload(signedCatalog(), `${catalogText()}# more\n`),
      signedCatalog(catalogText(), [mallory]),
    ]) {
      expect(messageOf(verify(envelope))).not.toMatch(/line ends/);
    }
  });

  it("a CRLF catalog that was signed as it is, and an envelope file in CRLF, are fine", () => {
    expect(codeOf(verify(signedCatalog(CRLF_TEXT)))).toBe("ok");
    const envelope = parseEnvelope(signedCatalog());
    const lines = JSON.stringify(
      {
        payload: toBase64(envelope.payload),
        payloadType: envelope.payloadType,
        signatures: envelope.signatures.map(({ signature }) => ({ sig: toBase64(signature) })),
      },
      undefined,
      2,
    );
    expect(codeOf(verify(utf8(lines.replaceAll("\n", "\r\n"))))).toBe("ok");
  });

  it("a text above 1 MiB is not explained", () => {
    const line = "# padding of a comment\r\n";
    const count = Math.ceil(1_048_576 / line.length);
    const bytes = utf8(line.repeat(count));
    expect(lineEndFault(bytes.slice(0, 1_048_576), () => true)).toContain("CRLF");
    expect(lineEndFault(bytes.slice(0, 1_048_577), () => true)).toBeUndefined();
  });
});
