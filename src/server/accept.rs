//! Which format a client wants: the `Accept` header.
//!
//! As InfluxDB 1.12: the header is a list of media ranges with weights; the heaviest one that names a known
//! format wins, the first among equals, and wildcards mean JSON. Nothing known means JSON as well.

use crate::encode::v1::Format;
use axum::http::{HeaderMap, header};

/// The format for these request headers.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(f32, Format)> = None;
    for range in values.flat_map(|value| value.split(',')) {
        let Some((weight, format)) = media_range(range) else { continue };
        if weight > 0.0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, format));
        }
    }
    best.map(|(_, format)| format).unwrap_or_default()
}

/// Weight and format of one range; `None` when no format of ours lies in it.
fn media_range(text: &str) -> Option<(f32, Format)> {
    let mut parts = text.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" | "application/*" | "*/*" => Format::Json,
        "text/csv" | "application/csv" | "text/*" => Format::Csv,
        "application/x-msgpack" => Format::MessagePack,
        _ => return None,
    };
    let weight = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().ok())?
    });
    Some((weight.unwrap_or(1.0), format))
}

#[cfg(test)]
mod tests {
    use super::{Format, format};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn accept_is_a_weighted_list() {
        for (accept, expected) in [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("text/html", Format::Json),
            ("text/csv", Format::Csv),
            ("application/csv", Format::Csv),
            ("application/x-msgpack", Format::MessagePack),
            ("Application/X-Msgpack", Format::MessagePack),
            ("text/html, text/csv;q=0.5, application/x-msgpack;q=0.4", Format::Csv),
            ("application/json;q=0.1, text/csv; q=0.2", Format::Csv),
            ("text/csv;q=0, application/json", Format::Json),
            ("text/csv, */*;q=0.1", Format::Csv),
            ("application/x-msgpack;q=nonsense", Format::MessagePack),
            (";;,,q=1", Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(format(&headers), expected, "{accept}");
        }
    }
}
