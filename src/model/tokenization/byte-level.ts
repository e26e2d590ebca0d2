/** Bytes as printable characters, GPT-2's way: a vocabulary over bytes that is written as text. */

/** The character of each byte: itself where it prints, else one from U+0100 on. */
const characters: readonly string[] = (() => {
  const prints = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(prints(byte) ? byte : next++),
  );
})();
const bytes: ReadonlyMap<string, number> = new Map(characters.map((one, byte) => [one, byte]));
const space = characters[0x20];

/** The UTF-8 bytes of a text, each as its character. */
export function toByteLevel(text: string): string {
  if (/^[ -~]*$/.test(text)) return text.replaceAll(" ", space);
  let result = "";
  for (const byte of Buffer.from(text, "utf8")) result += characters[byte];
  return result;
}

/** The bytes that a token stands for; the UTF-8 bytes of one that has other characters too. */
export function bytesOf(token: string): Uint8Array {
  const result = new Uint8Array(token.length);
  for (let index = 0; index < token.length; index++) {
    const byte = bytes.get(token[index]);
    if (byte === undefined) return Buffer.from(token, "utf8");
    result[index] = byte;
  }
  return result;
}
