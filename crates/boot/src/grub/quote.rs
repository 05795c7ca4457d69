use crate::pxelinux::Untranslatable;

/// One word of GRUB's shell. `$`, `;`, `{`, `#` and the rest mean nothing within single quotes.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '+' | '@' | '%')
    };
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The words of a kernel's command line as Linux separates them: at blanks outside of quotation marks. The marks
/// themselves go: GRUB puts a word that has blanks in new ones.
pub(super) fn arguments(line: &str) -> Result<Vec<String>, Untranslatable> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' | '\'' => return Err(Untranslatable::Character(c)),
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How GRUB's shell reads a line without commands in it: words, or nothing where a character would mean more.
    fn read(line: &str) -> Option<Vec<String>> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '\'' => {
                    let word = word.get_or_insert_default();
                    loop {
                        match chars.next()? {
                            '\'' => break,
                            c => word.push(c),
                        }
                    }
                }
                '\\' => word.get_or_insert_default().push(chars.next()?),
                ' ' | '\t' => words.extend(word.take()),
                '"' | '$' | ';' | '&' | '|' | '<' | '>' | '{' | '}' | '#' | '\n' | '*' | '?' | '[' => {
                    return None;
                }
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        Some(words)
    }

    #[test]
    fn a_command_line_is_separated_as_linux_does() {
        let words = arguments("quiet ds=nocloud;s=http://x/ a=\"b c\"  \"d e=f\" g= \"\" $h").unwrap();
        assert_eq!(words, ["quiet", "ds=nocloud;s=http://x/", "a=b c", "d e=f", "g=", "", "$h"]);
        for line in [r"a\b", "it's"] {
            assert!(matches!(arguments(line), Err(Untranslatable::Character(_))), "{line}");
        }
        assert_eq!(word("ds=nocloud;s=http://x/"), "'ds=nocloud;s=http://x/'");
        assert_eq!(word("it's"), r"'it'\''s'");
    }

    proptest! {
        #[test]
        fn every_word_comes_back(words in proptest::collection::vec("[ -~äß日]{0,12}", 0..6)) {
            let line: Vec<String> = words.iter().map(|text| word(text)).collect();
            prop_assert_eq!(read(&line.join(" ")), Some(words));
        }
    }
}
