//! The file of one block in the disk tier: its name, and its bytes.
//!
//! ```text
//! ┌─────────────┬──────────────┬────────────────┬───────────────────────────────┬───────┐
//! │ "TGBLOCK1"  │ CRC-32C of   │ length of the  │ key: the store's address, the │ bytes │
//! │ 8 bytes     │ what follows │ key            │ object's path, the block's    │       │
//! │             │ u32          │ u32            │ number, a line each           │       │
//! └─────────────┴──────────────┴────────────────┴───────────────────────────────┴───────┘
//! ```
//!
//! Numbers are little-endian. A file that does not decode under its key, because it is torn, damaged or another store's, is no block:
//! the object is asked for again. Names are the object's path with `_` for `/`, and the number: `data_1_2_3_-5_….parquet.0.block`.

use super::super::layout;
use bytes::Bytes;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"TGBLOCK1";
const CHECKSUM_END: usize = 12;
const KEY_START: usize = 16;
const SUFFIX: &str = ".block";

/// Where a block comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockKey<'a> {
    /// The address of the store.
    pub(super) url: &'a str,
    /// The path of the object.
    pub(super) path: &'a str,
    /// The number of the block in it.
    pub(super) number: u64,
}

impl BlockKey<'_> {
    fn text(&self) -> String {
        format!("{}\n{}\n{}", self.url, self.path, self.number)
    }

    /// The name of its file; `None` for objects that are not named as data files are.
    pub(super) fn file_name(&self) -> Option<Arc<str>> {
        Some(format!("{}{}{SUFFIX}", file_prefix(self.path)?, self.number).into())
    }
}

/// What the names of the files of an object's blocks start with, and those of no other's.
pub(super) fn file_prefix(path: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/-.".contains(&byte);
    (layout::is_data_file(path) && path.bytes().all(is_plain)).then(|| format!("{}.", path.replace('/', "_")))
}

/// Whether a file of this name may have been made by [`BlockKey::file_name`].
pub(super) fn is_file_name(name: &str) -> bool {
    let number = name.strip_suffix(SUFFIX).and_then(|name| name.rsplit_once('.'));
    number.is_some_and(|(path, number)| {
        path.starts_with(layout::DATA_FOLDER) && number.parse::<u64>().is_ok_and(|n| n.to_string() == number)
    })
}

/// The bytes of a block's file.
pub(super) fn encode(key: BlockKey<'_>, bytes: &[u8]) -> Vec<u8> {
    let key = key.text();
    let mut file = Vec::with_capacity(KEY_START + key.len() + bytes.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&u32::try_from(key.len()).expect("paths are short").to_le_bytes());
    file.extend_from_slice(key.as_bytes());
    file.extend_from_slice(bytes);
    let checksum = crc32c::crc32c(&file[CHECKSUM_END..]);
    file[MAGIC.len()..CHECKSUM_END].copy_from_slice(&checksum.to_le_bytes());
    file
}

/// The block that a file has, or why it is not the one of this key.
pub(super) fn decode(key: BlockKey<'_>, file: &Bytes) -> Result<Bytes, &'static str> {
    let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    if file.get(..MAGIC.len()) != Some(MAGIC) {
        return Err("it does not start as a block does");
    }
    let (Some(checksum), Some(key_bytes)) = (number(MAGIC.len()), number(CHECKSUM_END)) else {
        return Err("it ends within its head");
    };
    if crc32c::crc32c(&file[CHECKSUM_END..]) != checksum {
        return Err("its checksum does not hold");
    }
    let key_end = KEY_START + usize::try_from(key_bytes).unwrap_or(usize::MAX - KEY_START);
    if file.get(KEY_START..key_end) != Some(key.text().as_bytes()) {
        return Err("it belongs to another object or store");
    }
    Ok(file.slice(key_end..))
}

#[cfg(test)]
mod tests {
    use super::{BlockKey, decode, encode, file_prefix, is_file_name};
    use bytes::Bytes;

    const PATH: &str = "data/1/2/3/-5/0198a3f0-0000-7000-8000-000000000001.parquet";
    const KEY: BlockKey<'static> = BlockKey { url: "s3://b/p", path: PATH, number: 7 };

    #[test]
    fn names_tell_objects_and_blocks_apart() {
        let name = KEY.file_name().expect("a data file");
        assert_eq!(&*name, "data_1_2_3_-5_0198a3f0-0000-7000-8000-000000000001.parquet.7.block");
        assert!(is_file_name(&name) && name.starts_with(&file_prefix(PATH).expect("a data file")));
        assert_ne!(BlockKey { number: 77, ..KEY }.file_name(), KEY.file_name());
        for path in [
            "manifest/latest.json",
            "data/x",
            "data/../../etc/passwd",
            &PATH.to_uppercase(),
            &PATH.replace("data/1", "data/1_1"),
        ] {
            assert_eq!(BlockKey { path, ..KEY }.file_name(), None, "{path}");
        }
        for name in ["lock", "x.block", "data_1.parquet.07.block", "data_1.parquet.x.block", "notes.txt"] {
            assert!(!is_file_name(name), "{name}");
        }
    }

    #[test]
    fn any_damage_makes_it_no_block() {
        for block in [&b""[..], b"some bytes of a file"] {
            let whole = encode(KEY, block);
            let decoded = decode(KEY, &Bytes::from(whole.clone())).expect("it is whole");
            assert_eq!(decoded, block);
            for at in 0..whole.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut damaged = whole.clone();
                    damaged[at] ^= flip;
                    decode(KEY, &damaged.into()).expect_err("it is damaged");
                }
                decode(KEY, &whole[..at].to_vec().into()).expect_err("it is cut");
            }
            decode(KEY, &[&whole[..], b"x"].concat().into()).expect_err("it is longer");
        }
    }

    #[test]
    fn blocks_of_other_objects_and_stores_are_not_taken() {
        let file = Bytes::from(encode(KEY, b"bytes"));
        let other = PATH.replace("/3/", "/4/");
        for key in [
            BlockKey { number: 8, ..KEY },
            BlockKey { url: "s3://b/other", ..KEY },
            BlockKey { path: &other, ..KEY },
        ] {
            assert_eq!(decode(key, &file), Err("it belongs to another object or store"));
        }
    }
}
