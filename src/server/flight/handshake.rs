//! The handshake: drivers that have a user and a password trade them for a token.
//!
//! As in InfluxDB 3 the user does not count and the password is the token.

use arrow_flight::{BasicAuth, HandshakeRequest};
use prost::Message;
use tonic::metadata::MetadataMap;

/// The token of who presents these credentials, if any: `authorization: Basic …`, else `BasicAuth` as payload.
pub(super) fn token(metadata: &MetadataMap, request: Option<&HandshakeRequest>) -> Option<String> {
    if let Some(header) = metadata.get("authorization") {
        return of_header(header.to_str().ok()?);
    }
    let credentials = BasicAuth::decode(request?.payload.as_ref()).ok()?;
    (!credentials.password.is_empty()).then_some(credentials.password)
}

fn of_header(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") {
        return Some(credentials.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(base64_bytes(credentials)?).ok()?;
    Some(text.split_once(':')?.1.to_owned())
}

/// The bytes that standard base64 stands for, with or without padding.
fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut bit_count, mut bytes) = (0_u32, 0, Vec::with_capacity(text.len() / 4 * 3));
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            bytes.push((bits >> bit_count & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::of_header;

    #[test]
    fn the_password_is_the_token() {
        for (header, token) in [
            ("Basic dXNlcjpzZWNyZXQ=", Some("secret")),
            ("basic dXNlcjpzZWNyZXQ", Some("secret")),
            ("Basic dTpwOnE=", Some("p:q")),
            ("Basic dTo=", Some("")),
            ("Basic dXNlcg==", None),
            ("Basic !", None),
            ("Bearer T", Some("T")),
            ("Token T", Some("T")),
            ("Digest x", None),
            ("", None),
        ] {
            assert_eq!(of_header(header).as_deref(), token, "{header}");
        }
    }
}
