/// An error and its causes in one line. Some errors tell their cause in their own words; nothing is said twice.
#[must_use]
pub fn explain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error =
            anyhow::anyhow!("no such file").context("cannot read x: no such file").context("cannot start");
        assert_eq!(explain(&error), "cannot start: cannot read x: no such file");
    }
}
