/** Words with a letter or a digit in them, or something beyond ASCII. */
export function countWords(text: string): i32 {
  let words = 0;
  let counted = false;
  for (let n = 0; n < text.length; n++) {
    const c = text.charCodeAt(n);
    if (c == 0x20 || (c >= 0x09 && c <= 0x0d)) {
      counted = false;
    } else if (!counted && isOfWord(c)) {
      words++;
      counted = true;
    }
  }
  return words;
}

/** The first heading; else what is to stand in for one. */
export function titleOf(text: string, otherwise: string): string {
  const lines = text.split("\n");
  for (let n = 0; n < lines.length; n++) {
    if (lines[n].startsWith("# ")) return lines[n].substring(2).trim();
  }
  return otherwise;
}

function isOfWord(c: i32): bool {
  const lower = c | 0x20;
  return c >= 0x80 || (c >= 0x30 && c <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}
