//! A JSON reader that loses nothing: members keep their order and numbers keep their text.
//!
//! In: a response body of one or more documents. Out: [`Json`] values. The JSON text is the contract that
//! scenarios pin (`1` is not `1.0`), so a reader that turns numbers into floats or sorts members would hide
//! differences.

/// A JSON value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The digits as they stood in the document.
    Number(String),
    /// A string, escapes resolved.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, members in the order of the document.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member `name` of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Reads all documents of `text`, which may stand on lines of their own (chunked responses).
pub(crate) fn parse_documents(text: &str) -> Result<Vec<Json>, String> {
    let mut reader = Reader { text, position: 0 };
    let mut documents = Vec::new();
    reader.skip_space();
    while reader.position < text.len() {
        documents.push(reader.value(0)?);
        reader.skip_space();
    }
    Ok(documents)
}

/// Writes `text` as a JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Deeper documents than any response has; keeps a broken server from overflowing the stack of the test.
const DEPTH_MAX: usize = 64;

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > DEPTH_MAX {
            return Err("json: nested too deep".to_owned());
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => Ok(Json::Number(self.number())),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.position += 1;
        let mut members = Vec::new();
        loop {
            self.skip_space();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !members.is_empty() {
                self.expect(b',')?;
                self.skip_space();
            }
            let key = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            members.push((key, self.value(depth + 1)?));
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        self.position += 1;
        let mut items = Vec::new();
        loop {
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !items.is_empty() {
                self.expect(b',')?;
            }
            items.push(self.value(depth + 1)?);
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.position..];
            let c = rest.chars().next().ok_or("json: string without end")?;
            self.position += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let c = self.peek().ok_or("json: string without end")?;
        self.position += 1;
        Ok(match c {
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let high = self.hex4()?;
                if (0xd800..0xdc00).contains(&high) && self.text[self.position..].starts_with("\\u") {
                    self.position += 2;
                    let low = self.hex4()?;
                    let point = 0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                    return char::from_u32(point).ok_or_else(|| "json: bad surrogate pair".to_owned());
                }
                char::from_u32(high).ok_or("json: lone surrogate")?
            }
            c => char::from(c),
        })
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.position..self.position + 4).ok_or("json: short \\u escape")?;
        self.position += 4;
        u32::from_str_radix(digits, 16).map_err(|_| format!("json: bad escape \\u{digits}"))
    }

    fn number(&mut self) -> String {
        let start = self.position;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.position += 1;
        }
        self.text[start..self.position].to_owned()
    }

    fn word(&mut self) -> Result<Json, String> {
        for (word, value) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if self.text[self.position..].starts_with(word) {
                self.position += word.len();
                return Ok(value);
            }
        }
        Err(format!("json: unexpected text at byte {}", self.position))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.take(byte) {
            return Ok(());
        }
        Err(format!("json: expected '{}' at byte {}", char::from(byte), self.position))
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.position += 1;
        }
    }
}
