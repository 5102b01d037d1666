//! JSON as Go's `encoding/json` decoder reads it: its words for what is wrong, numbers as they stand in the text,
//! and nothing said of what follows the first value.
//!
//! Written for the small objects of bind parameters, whose error texts clients see. The elements of arrays are
//! checked and dropped: no parameter is an array.

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    /// As it stands in the text.
    Number(&'a str),
    Text(String),
    Array,
    /// All members as they stand there. Of those with the same name the last one counts.
    Object(Vec<(String, Value<'a>)>),
}

/// Objects and arrays inside each other. A parameter has two.
const DEPTH_MAX: usize = 64;

/// The first value of `text`.
pub(super) fn parse(text: &str) -> Result<Value<'_>, String> {
    let mut reader = Reader { text, at: 0 };
    reader.skip_space();
    if reader.peek().is_none() {
        return Err("EOF".into());
    }
    reader.value(0)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no space, which stays.
    fn token(&mut self) -> Result<u8, String> {
        self.skip_space();
        self.peek().ok_or_else(end)
    }

    fn next(&mut self) -> Result<u8, String> {
        let byte = self.peek().ok_or_else(end)?;
        self.at += 1;
        Ok(byte)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, String> {
        if depth > DEPTH_MAX {
            return Err("exceeded max depth".into());
        }
        match self.token()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Value::Text),
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            b't' => self.literal("true").map(|()| Value::Boolean(true)),
            b'f' => self.literal("false").map(|()| Value::Boolean(false)),
            b'n' => self.literal("null").map(|()| Value::Null),
            other => Err(invalid(other, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, String> {
        self.at += 1;
        let mut members: Vec<(String, Value<'a>)> = Vec::new();
        if self.token()? == b'}' {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            match self.token()? {
                b'"' => {}
                other => return Err(invalid(other, "looking for beginning of object key string")),
            }
            let name = self.string()?;
            match self.token()? {
                b':' => self.at += 1,
                other => return Err(invalid(other, "after object key")),
            }
            let value = self.value(depth + 1)?;
            members.push((name, value));
            match self.token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                other => return Err(invalid(other, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, String> {
        self.at += 1;
        if self.token()? == b']' {
            self.at += 1;
            return Ok(Value::Array);
        }
        loop {
            self.value(depth + 1)?;
            match self.token()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(Value::Array);
                }
                other => return Err(invalid(other, "after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.bytes() {
            let byte = self.next()?;
            if byte != expected {
                let context = format!("in literal {word} (expecting {})", quoted(expected));
                return Err(invalid(byte, &context));
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.next()? {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            other => return Err(invalid(other, "in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.skip_digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.skip_digits();
        }
        Ok(&self.text[start..self.at])
    }

    fn digit(&mut self, context: &str) -> Result<(), String> {
        match self.next()? {
            b'0'..=b'9' => Ok(()),
            other => Err(invalid(other, context)),
        }
    }

    fn skip_digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            match self.next()? {
                b'"' => return Ok(out),
                b'\\' => self.escape(&mut out)?,
                control => return Err(invalid(control, "in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), String> {
        out.push(match self.next()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'u' => self.unicode()?,
            other => return Err(invalid(other, "in string escape code")),
        });
        Ok(())
    }

    /// What follows `\u`; a lone surrogate is U+FFFD.
    fn unicode(&mut self) -> Result<char, String> {
        let unit = self.hex_unit()?;
        if let 0xd800..=0xdbff = unit
            && self.text.as_bytes()[self.at..].starts_with(b"\\u")
        {
            let after_first = self.at;
            self.at += 2;
            let second = self.hex_unit()?;
            if let 0xdc00..=0xdfff = second {
                let c = char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00));
                return Ok(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_first;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex_unit(&mut self) -> Result<u32, String> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.next()?;
            let digit = char::from(byte).to_digit(16);
            unit = unit << 4 | digit.ok_or_else(|| invalid(byte, "in \\u hexadecimal character escape"))?;
        }
        Ok(unit)
    }
}

fn end() -> String {
    "unexpected EOF".into()
}

fn invalid(byte: u8, context: &str) -> String {
    format!("invalid character {} {context}", quoted(byte))
}

/// A byte as Go's scanner quotes it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'\\' => r"'\\'".into(),
        b'\n' => r"'\n'".into(),
        b'\r' => r"'\r'".into(),
        b'\t' => r"'\t'".into(),
        0x7 => r"'\a'".into(),
        0x8 => r"'\b'".into(),
        0xb => r"'\v'".into(),
        0xc => r"'\f'".into(),
        0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0x9f => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
