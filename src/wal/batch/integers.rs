//! Integers in as few bytes as their range needs: offsets from a base, 0, 1, 2, 4 or 8 bytes each.
//!
//! Everything is `u64` with wrapping arithmetic here; whether a value is signed is the caller's business.

/// The powers of ten that timestamps are commonly multiples of, as exponents: second, millisecond and
/// microsecond precision of nanoseconds. Widest first.
const SCALES: [u8; 3] = [9, 6, 3];

/// The bytes that an unsigned value of at most `max` needs: 0, 1, 2, 4 or 8.
pub(super) const fn width_of(max: u64) -> u8 {
    match max {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// Appends `values` with `width` bytes each; every value must fit.
pub(super) fn push_narrow(out: &mut Vec<u8>, width: u8, values: impl ExactSizeIterator<Item = u64>) {
    let start = out.len();
    match width {
        0 => {}
        1 => out.extend(values.map(|v| v as u8)),
        2 => {
            out.resize(start + values.len() * 2, 0);
            for (to, v) in out[start..].chunks_exact_mut(2).zip(values) {
                to.copy_from_slice(&(v as u16).to_le_bytes());
            }
        }
        4 => {
            out.resize(start + values.len() * 4, 0);
            for (to, v) in out[start..].chunks_exact_mut(4).zip(values) {
                to.copy_from_slice(&(v as u32).to_le_bytes());
            }
        }
        _ => {
            out.resize(start + values.len() * 8, 0);
            for (to, v) in out[start..].chunks_exact_mut(8).zip(values) {
                to.copy_from_slice(&v.to_le_bytes());
            }
        }
    }
}

/// Reads what [`push_narrow`] wrote, handing each value to `each`. `bytes` holds whole values; the width is
/// 1, 2, 4 or 8.
pub(super) fn read_narrow<T>(bytes: &[u8], width: u8, each: impl Fn(u64) -> T) -> Vec<T> {
    match width {
        1 => bytes.iter().map(|&b| each(u64::from(b))).collect(),
        2 => bytes.as_chunks::<2>().0.iter().map(|&b| each(u64::from(u16::from_le_bytes(b)))).collect(),
        4 => bytes.as_chunks::<4>().0.iter().map(|&b| each(u64::from(u32::from_le_bytes(b)))).collect(),
        _ => bytes.as_chunks::<8>().0.iter().map(|&b| each(u64::from_le_bytes(b))).collect(),
    }
}

/// Least and greatest of `values`, or zeros when there are none.
pub(super) fn min_max<T: Copy + Ord + Default>(values: &[T]) -> (T, T) {
    let Some(&first) = values.first() else { return (T::default(), T::default()) };
    values.iter().fold((first, first), |(min, max), &v| (min.min(v), max.max(v)))
}

/// Appends `width u8 | base | offsets` for values between `min` and `max` (as bits of their type).
pub(super) fn push_offsets(
    out: &mut Vec<u8>,
    min: u64,
    max: u64,
    values: impl ExactSizeIterator<Item = u64>,
) {
    let width = width_of(max.wrapping_sub(min)).max(1);
    out.push(width);
    out.extend_from_slice(&min.to_le_bytes());
    push_narrow(out, width, values.map(|v| v.wrapping_sub(min)));
}

/// Appends `width u8 | scale u8 | base i64 | offsets` for timestamps.
pub(super) fn push_times(out: &mut Vec<u8>, times_ns: &[i64]) {
    let (min, max) = min_max(times_ns);
    let offset = |t: i64| t.wrapping_sub(min) as u64;
    let scale = SCALES
        .into_iter()
        .find(|&s| {
            let unit = 10u64.pow(u32::from(s));
            max != min && times_ns.iter().all(|&t| offset(t).is_multiple_of(unit))
        })
        .unwrap_or(0);
    let unit = 10u64.pow(u32::from(scale));
    let width = width_of(offset(max) / unit);
    out.push(width);
    out.push(scale);
    out.extend_from_slice(&min.to_le_bytes());
    match scale {
        0 => push_narrow(out, width, times_ns.iter().map(|&t| offset(t))),
        _ => push_narrow(out, width, times_ns.iter().map(|&t| offset(t) / unit)),
    }
}

/// What timestamps of this scale are multiples of, or `None` for a scale that [`push_times`] never writes.
pub(super) fn unit_of_scale(scale: u8) -> Option<u64> {
    (scale == 0 || SCALES.contains(&scale)).then(|| 10u64.pow(u32::from(scale)))
}

/// Appends a LEB128 number.
pub(super) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
