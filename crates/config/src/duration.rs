use std::time::Duration;

/// Reads `90s`, `30m`, `12h`, `7d`, or a few of them in a row (`1h30m`).
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let unit = match behind.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = behind[1..].trim_start();
    }
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in
            [("90s", Some(90)), ("12h", Some(43_200)), ("1h30m", Some(5400)), ("7d 1s", Some(604_801))]
        {
            assert_eq!(parse(text), seconds.map(Duration::from_secs), "{text}");
        }
        for text in ["", "12", "h", "-1h", "1.5h", "12 h", "9999999999999999999h", "1w", "1ä"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
