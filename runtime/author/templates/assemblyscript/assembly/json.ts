// As much JSON as a tool with a few arguments needs. The input of a call needs no checks: the host only calls with JSON that
// satisfies the manifest's input schema.

/** The value of a member of an object, as it stands there; "" where there is none. */
export function member(object: string, name: string): string {
  let at = skipSpaces(object, 0) + 1;
  while (at < object.length) {
    at = skipSpaces(object, at);
    if (object.charAt(at) != '"') break;
    const key = at;
    at = skipString(object, at);
    const known = stringOf(object.substring(key, at)) == name;
    const value = skipSpaces(object, skipSpaces(object, at) + 1);
    at = skipValue(object, value);
    if (known) return object.substring(value, at).trim();
    at = skipSpaces(object, at) + 1;
  }
  return "";
}

/** A string's content, with its escapes decoded; "" where the value is no string. */
export function stringOf(value: string): string {
  if (!value.startsWith('"')) return "";
  let content = "";
  for (let at = 1; at < value.length - 1; at++) {
    let c = value.charAt(at);
    if (c == "\\") {
      at++;
      c = value.charAt(at);
      if (c == "u") {
        content += String.fromCharCode(<i32>parseInt(value.substring(at + 1, at + 5), 16));
        at += 4;
        continue;
      }
      const n = "bfnrt".indexOf(c);
      if (n >= 0) c = "\b\f\n\r\t".charAt(n);
    }
    content += c;
  }
  return content;
}

/** A text as JSON. */
export function quoted(text: string): string {
  let json = '"';
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c == 0x22 || c == 0x5c) {
      json += "\\" + text.charAt(at);
    } else if (c < 0x20) {
      json += "\\u00" + (c < 0x10 ? "0" : "1") + "0123456789abcdef".charAt(c & 0xf);
    } else {
      json += text.charAt(at);
    }
  }
  return json + '"';
}

function skipSpaces(json: string, at: i32): i32 {
  while (at < json.length && " \t\r\n".includes(json.charAt(at))) at++;
  return at;
}

function skipString(json: string, at: i32): i32 {
  for (at++; at < json.length && json.charAt(at) != '"'; at++) {
    if (json.charAt(at) == "\\") at++;
  }
  return at + 1;
}

function skipValue(json: string, at: i32): i32 {
  let depth = 0;
  while (at < json.length) {
    const c = json.charAt(at);
    if (depth == 0 && (c == "," || c == "}" || c == "]")) break;
    if (c == '"') {
      at = skipString(json, at);
      continue;
    }
    if (c == "{" || c == "[") depth++;
    if (c == "}" || c == "]") depth--;
    at++;
  }
  return at;
}
