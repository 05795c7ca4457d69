/// The two digits of a byte, in lower case, without a formatter: for the names and tokens that every request needs.
#[must_use]
pub fn hex(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_formatter() {
        for byte in 0..=255 {
            assert_eq!(hex(byte).iter().collect::<String>(), format!("{byte:02x}"));
        }
    }
}
