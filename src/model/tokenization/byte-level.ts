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
/** The byte of each character, by its code; -1 where it is none's. */
const byteOf = new Int16Array(0x180).fill(-1);
characters.forEach((character, byte) => (byteOf[character.charCodeAt(0)] = byte));
const space = characters[0x20];

/** The UTF-8 bytes of a text, each as its character. */
export function toByteLevel(text: string): string {
  if (/^[ -~]*$/.test(text)) return text.replaceAll(" ", space);
  let result = "";
  for (const byte of Buffer.from(text, "utf8")) result += characters[byte];
  return result;
}

/** The bytes that tokens stand for; a token that has other characters too stands for itself. */
export function bytesOf(tokens: readonly string[]): Uint8Array {
  const longest = tokens.reduce((sum, token) => sum + 3 * token.length, 0);
  const bytes = Buffer.allocUnsafe(longest);
  let end = 0;
  for (const token of tokens) {
    const start = end;
    for (let index = 0; index < token.length; index++) {
      const byte = byteOf[token.charCodeAt(index)] ?? -1;
      if (byte < 0) {
        end = start + bytes.write(token, start);
        break;
      }
      bytes[end++] = byte;
    }
  }
  return bytes.subarray(0, end);
}
