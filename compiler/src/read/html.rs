//! The HTML that DRAKON editors keep in icons.
//!
//! Nothing in a file tells HTML from plain text, so a text is taken for HTML only when every tag in it is one that those
//! editors write and every such element is closed: `List<T>` and `a < b` stay as they are.

const BLOCKS: [&str; 13] = ["p", "div", "ul", "ol", "li", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"];
const INLINE: [&str; 13] = ["strong", "em", "b", "i", "u", "s", "span", "code", "a", "font", "sub", "sup", "small"];
const VOID: [&str; 2] = ["br", "hr"];

/// The text as people see it.
pub(crate) fn plain_text(content: &str) -> String {
    match tokens(content) {
        Some(tokens) => flow(&tokens),
        None => content.replace("\r\n", "\n").replace('\u{a0}', " "),
    }
}

enum Token<'a> {
    Text(&'a str),
    Open(&'static str),
    Close(&'static str),
}

/// The tokens of an HTML text; `None` when it is not one.
fn tokens(content: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut open: Vec<&'static str> = Vec::new();
    let mut tags = 0;
    let mut text_start = 0;
    let mut position = 0;
    while let Some(at) = content[position..].find('<').map(|offset| position + offset) {
        let after = &content[at + 1..];
        let closing = after.starts_with('/');
        let name_start = at + 1 + usize::from(closing);
        let name_length = content[name_start..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        if name_length == 0 {
            // A bare `<`: text in lenient HTML, and text in plain text.
            position = at + 1;
            continue;
        }
        let end = at + content[at..].find('>')?;
        let name = known(&content[name_start..name_start + name_length])?;
        let attributes = &content[name_start + name_length..end];
        if attributes.contains('<') || !(attributes.is_empty() || attributes.starts_with([' ', '/', '\n', '\t'])) {
            return None;
        }
        if text_start < at {
            tokens.push(Token::Text(&content[text_start..at]));
        }
        let void = VOID.contains(&name) || attributes.ends_with('/');
        if closing {
            // `<p>` need not be closed.
            while open.last().is_some_and(|last| *last == "p" && name != "p") {
                open.pop();
            }
            if !VOID.contains(&name) && open.pop() != Some(name) {
                return None;
            }
            tokens.push(Token::Close(name));
        } else {
            if !void {
                open.push(name);
            }
            tokens.push(Token::Open(name));
        }
        tags += 1;
        position = end + 1;
        text_start = position;
    }
    if tags == 0 || open.iter().any(|name| *name != "p") {
        return None;
    }
    tokens.push(Token::Text(&content[text_start..]));
    Some(tokens)
}

fn known(name: &str) -> Option<&'static str> {
    BLOCKS.iter().chain(&INLINE).chain(&VOID).find(|known| known.eq_ignore_ascii_case(name)).copied()
}

fn flow(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    let mut preformatted = 0_usize;
    for token in tokens {
        match token {
            Token::Text(part) if preformatted > 0 => text.push_str(&unescape(part)),
            Token::Text(part) => {
                // White space in HTML is one space, and none at the start of a line.
                for character in part.chars() {
                    if !character.is_ascii_whitespace() {
                        text.push(character);
                    } else if !text.is_empty() && !text.ends_with(['\n', ' ']) {
                        text.push(' ');
                    }
                }
            }
            Token::Open("br") | Token::Close("br") => text.push('\n'),
            Token::Open(name) | Token::Close(name) if BLOCKS.contains(name) || *name == "hr" => {
                match (token, *name) {
                    (Token::Open(_), "pre") => preformatted += 1,
                    (Token::Close(_), "pre") => preformatted = preformatted.saturating_sub(1),
                    _ => {}
                }
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
            }
            Token::Open(_) | Token::Close(_) => {}
        }
    }
    let lines: Vec<_> = text.split('\n').map(|line| unescape(line).trim_end().to_owned()).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Replaces the character references that editors write; others stay as they are.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (character, length) = reference(rest).unwrap_or(('&', 1));
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "laquo" => '«',
        "raquo" => '»',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "larr" => '←',
        "rarr" => '→',
        "le" => '≤',
        "ge" => '≥',
        "ne" => '≠',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            match char::from_u32(code)? {
                '\u{a0}' => ' ',
                character => character,
            }
        }
    };
    Some((character, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_breaks_and_lists_are_lines() {
        assert_eq!(plain_text("<p>a ← 1</p><p>b&nbsp;&lt; 2<br>c</p>"), "a ← 1\nb < 2\nc");
        assert_eq!(plain_text("<ul><li>one</li><li> two </li></ul><ol><li>three</li></ol>"), "one\ntwo\nthree");
        assert_eq!(plain_text("<P class=\"x\">big  <strong>bold</strong>\n text</P>"), "big bold text");
        assert_eq!(plain_text("<div>a</div><pre>x\n  y</pre>"), "a\nx\n  y");
        assert_eq!(plain_text("<p>open"), "open");
    }

    #[test]
    fn what_is_not_html_stays() {
        for text in ["<T> x = new List<T>", "a < b && c > d", "x &lt; 5", "<b> is a tag", "if a <p then", "a</p>", "<"]
        {
            assert_eq!(plain_text(text), text);
        }
    }

    #[test]
    fn references_are_decoded_once() {
        assert_eq!(
            plain_text("<p>&amp;lt; &#1111; &#x456; &unknown; &#xFFFFFFFF;</p>"),
            "&lt; ї і &unknown; &#xFFFFFFFF;"
        );
    }
}
