//! MessagePack bodies as text that a person can read and a scenario can compare.
//!
//! In: the bytes of a response. Out: one line per document, JSON-like, where a float always has a point or an
//! exponent (`1.0`), an integer never has, and InfluxDB's time extension (type 5: int64 seconds, int32
//! nanoseconds, big endian) reads `time(seconds.nanoseconds)`. The width in which an integer or a length was
//! encoded is not shown: every reader accepts all.

use super::json::quote;

/// Decodes all documents of `bytes`.
pub(crate) fn render(bytes: &[u8]) -> Result<String, String> {
    let mut reader = Reader { bytes, position: 0 };
    let mut lines = Vec::new();
    while reader.position < bytes.len() {
        lines.push(reader.value()?);
    }
    Ok(lines.join("\n"))
}

/// Application type of a timestamp in InfluxDB's responses.
const TIME_EXTENSION: u8 = 5;

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<String, String> {
        let tag = self.unsigned(1)? as u8;
        Ok(match tag {
            0x00..=0x7f => tag.to_string(),
            0x80..=0x8f => self.map(usize::from(tag & 0x0f))?,
            0x90..=0x9f => self.array(usize::from(tag & 0x0f))?,
            0xa0..=0xbf => self.string(usize::from(tag & 0x1f))?,
            0xc0 => "null".to_owned(),
            0xc2 => "false".to_owned(),
            0xc3 => "true".to_owned(),
            0xc4..=0xc6 => {
                let length = self.length(1 << (tag - 0xc4))?;
                format!("bytes({})", hex(self.take(length)?))
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (tag - 0xc7))?;
                self.extension(length)?
            }
            0xca => {
                let bits = self.unsigned(4)? as u32;
                format!("float32({:?})", f32::from_bits(bits))
            }
            0xcb => {
                let bits = self.unsigned(8)?;
                format!("{:?}", f64::from_bits(bits))
            }
            0xcc..=0xcf => self.unsigned(1 << (tag - 0xcc))?.to_string(),
            0xd0 => (self.unsigned(1)? as i8).to_string(),
            0xd1 => (self.unsigned(2)? as i16).to_string(),
            0xd2 => (self.unsigned(4)? as i32).to_string(),
            0xd3 => (self.unsigned(8)? as i64).to_string(),
            0xd4..=0xd8 => self.extension(1 << (tag - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(1 << (tag - 0xd9))?;
                self.string(length)?
            }
            0xdc | 0xdd => {
                let length = self.length(2 << (tag - 0xdc))?;
                self.array(length)?
            }
            0xde | 0xdf => {
                let length = self.length(2 << (tag - 0xde))?;
                self.map(length)?
            }
            0xe0..=0xff => (tag as i8).to_string(),
            0xc1 => return Err("msgpack: tag 0xc1 is never used".to_owned()),
        })
    }

    fn map(&mut self, length: usize) -> Result<String, String> {
        let mut members = Vec::new();
        for _ in 0..length {
            let key = self.value()?;
            members.push(format!("{key}: {}", self.value()?));
        }
        Ok(format!("{{{}}}", members.join(", ")))
    }

    fn array(&mut self, length: usize) -> Result<String, String> {
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(self.value()?);
        }
        Ok(format!("[{}]", items.join(", ")))
    }

    fn string(&mut self, length: usize) -> Result<String, String> {
        let bytes = self.take(length)?;
        Ok(quote(&String::from_utf8_lossy(bytes)))
    }

    fn extension(&mut self, length: usize) -> Result<String, String> {
        let kind = self.unsigned(1)? as u8;
        if kind == TIME_EXTENSION && length == 12 {
            let seconds = self.unsigned(8)? as i64;
            let nanoseconds = self.unsigned(4)? as i32;
            return Ok(format!("time({seconds}.{nanoseconds:09})"));
        }
        Ok(format!("extension({kind}, {})", hex(self.take(length)?)))
    }

    fn length(&mut self, width: usize) -> Result<usize, String> {
        self.unsigned(width).map(|length| length as usize)
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, String> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let end = self.position.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("msgpack: ends inside a value at byte {}", self.position))?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
