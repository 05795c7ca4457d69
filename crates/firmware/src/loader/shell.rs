/// Splits a shell's text, or GRUB's, into statements of words: at line ends and semicolons, minding quotes, backslashes
/// and comments. Nothing is expanded.
pub(super) fn statements(text: &str) -> Vec<Vec<String>> {
    let mut statements = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let open = word.is_some();
        match (quote, letter) {
            (Some(end), _) if letter == end => quote = None,
            (None | Some('"'), '\\') => {
                word.get_or_insert_default().extend(letters.next().filter(|next| *next != '\n'))
            }
            (Some(_), _) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if !open => {
                letters.by_ref().take_while(|next| *next != '\n').for_each(drop);
                end_statement(&mut statements);
            }
            (None, ' ' | '\t' | '\r' | '\n' | ';') => {
                if let (Some(word), Some(statement)) = (word.take(), statements.last_mut()) {
                    statement.push(word);
                }
                if matches!(letter, '\n' | ';') {
                    end_statement(&mut statements);
                }
            }
            (None, _) => word.get_or_insert_default().push(letter),
        }
    }
    if let (Some(word), Some(statement)) = (word, statements.last_mut()) {
        statement.push(word);
    }
    statements
}

fn end_statement(statements: &mut Vec<Vec<String>>) {
    if statements.last().is_some_and(|statement| !statement.is_empty()) {
        statements.push(Vec::new());
    }
}

#[cfg(test)]
#[test]
fn quotes_backslashes_comments_and_semicolons_are_minded() {
    let text = "# a; b\nif linux /k a\\;b 'two words' \"c\\\"d\" e#f; then\n  boot\\\n\nfi";
    let words: Vec<Vec<&str>> = vec![
        vec!["if", "linux", "/k", "a;b", "two words", "c\"d", "e#f"],
        vec!["then"],
        vec!["boot"],
        vec!["fi"],
    ];
    assert_eq!(statements(text), words);
}
