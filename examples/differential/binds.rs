//! Bind parameters: a statement with literals taken out of it.
//!
//! ```text
//! SELECT f FROM m WHERE host = 'a' AND f > 1.5
//! SELECT f FROM m WHERE host = $p0 AND f > $p1      {"p0": "a", "p1": 1.5}
//! ```
//!
//! In: a statement's text. Out: the text that asks for the same, and the value of `params`. Only what stands on the right of a
//! comparison is taken out, and no text that JSON or a scenario would have to escape.

/// Takes literals out of a statement.
pub(crate) fn bind(statement: &str) -> (String, String) {
    let mut text = String::new();
    let mut values = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => delimited_length(rest, first),
            '/' if !rest[1..].starts_with(' ') => delimited_length(rest, '/'),
            '0'..='9' => number_length(rest),
            _ => first.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        let is_compared = ["= ", "< ", "> "].iter().any(|end| text.ends_with(end));
        match json(token).filter(|_| is_compared && is_end(tail)) {
            Some(value) => {
                text += &format!("$p{}", values.len());
                values.push(format!("\"p{}\": {value}", values.len()));
            }
            None => text += token,
        }
        rest = tail;
    }
    (text, format!("{{{}}}", values.join(", ")))
}

/// How long a name, a text or a regular expression is that begins here; to the end where a statement was cut.
fn delimited_length(text: &str, delimiter: char) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == delimiter {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn number_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len())
}

/// Whether a literal ends before this: no unit or name follows.
fn is_end(tail: &str) -> bool {
    tail.is_empty() || tail.starts_with([' ', ')'])
}

/// A literal as JSON has it, if both write it in the same way.
fn json(token: &str) -> Option<String> {
    if let Some(text) = token.strip_prefix('\'').and_then(|token| token.strip_suffix('\'')) {
        return (!text.contains(['\\', '"', '\''])).then(|| format!("\"{text}\""));
    }
    let is_whole = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = match token.split_once('.') {
        Some((whole, fraction)) => is_whole(whole) && is_whole(fraction),
        None => is_whole(token) && token.parse::<i64>().is_ok(),
    };
    // JSON has no zeros in front.
    let has_zeros = token.len() > 1 && token.starts_with('0') && !token.starts_with("0.");
    (is_number && !has_zeros).then(|| token.to_owned())
}
