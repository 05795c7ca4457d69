use crate::document::Item;

/// Reads bytes that equipment and systems choose: pairs of hexadecimal digits joined by `:`, or behind `0x`; anything else is
/// a text and means its own bytes.
pub(super) fn read(item: &Item<'_>, lengths: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    let text = item.line_of_text(1024)?;
    let bytes = match text.strip_prefix("0x") {
        Some(digits) => match pairs(digits.as_bytes().chunks(2)) {
            Some(bytes) => bytes,
            None => return item.wrong("behind 0x come pairs of hexadecimal digits, e.g. \"0x0a3f\""),
        },
        None => {
            let hex = text.contains(':').then(|| pairs(text.split(':').map(str::as_bytes))).flatten();
            hex.unwrap_or_else(|| text.into_bytes())
        }
    };
    if lengths.contains(&bytes.len()) {
        Some(bytes)
    } else {
        item.wrong(format!("this has {} bytes; use {} to {}", bytes.len(), lengths.start(), lengths.end()))
    }
}

fn pairs<'a>(pairs: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        }
    };
    pairs.map(byte).collect()
}
