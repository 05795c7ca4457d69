//! Tables as pxe-pilot draws them (tablewriter 0.0.4 with its defaults): scripts cut them by columns.

use crate::output::plain;

/// A table with this header, which is centred; cells stand left, numbers right.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| len(cell)).chain(header.get(at).map(|title| len(title))).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line: String = widths.iter().map(|width| format!("+{}", "-".repeat(width + 2))).collect();
    let line = format!("{line}+\n");
    let row = |cells: Vec<String>| format!("|{}|\n", cells.join("|"));
    let titles = header.iter().zip(&widths).map(|(title, width)| {
        let left = (width - len(title)) / 2;
        let right = width - len(title) - left;
        format!(" {}{title}{} ", " ".repeat(left), " ".repeat(right))
    });
    let mut text = format!("{line}{}{line}", row(titles.collect()));
    for cells in &rows {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| {
            let room = " ".repeat(width - len(cell));
            if is_number(cell) { format!(" {room}{cell} ") } else { format!(" {cell}{room} ") }
        });
        text.push_str(&row(cells.collect()));
    }
    text.push_str(&line);
    text
}

fn len(text: &str) -> usize {
    text.chars().count()
}

/// Digits with a sign, a fraction, or commas between thousands.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let grouped =
        rest.is_empty() || (first.len() <= 3 && rest.iter().all(|group| group.len() == 3 && digits(group)));
    digits(first) && grouped && fraction.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn tables_are_drawn_as_scripts_know_them() {
        let drawn = table(
            &["NAME", "FILE", "CONFIG PATH"],
            &rows(&[&["pxelinux", "pxelinux.0", ""], &["grub", "grubnetx64.efi.signed", "grub/grub.cfg"]]),
        );
        let wanted = "\
+----------+-----------------------+---------------+
|   NAME   |         FILE          |  CONFIG PATH  |
+----------+-----------------------+---------------+
| pxelinux | pxelinux.0            |               |
| grub     | grubnetx64.efi.signed | grub/grub.cfg |
+----------+-----------------------+---------------+
";
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn numbers_stand_right_and_an_empty_table_has_its_header() {
        let drawn = table(&["NAME", "ON"], &rows(&[&["17", "OK"], &["node", "ERROR"]]));
        assert!(drawn.contains("|   17 | OK    |\n| node | ERROR |\n"), "{drawn}");
        assert_eq!(table(&["NAME"], &[]), "+------+\n| NAME |\n+------+\n+------+\n");
        for number in ["1", "-1", "1.5", "1,000", "12,345,678.9"] {
            assert!(is_number(number), "{number}");
        }
        for text in ["", "-", "1.", ".5", "1,00", "1000,000", "10.0.0.1", "1e3", "١"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn what_a_server_sends_moves_no_cursor() {
        let drawn = table(&["NAME"], &rows(&[&["a\u{1b}[2Jb\n"]]));
        assert!(!drawn.contains('\u{1b}') && drawn.lines().count() == 5, "{drawn:?}");
    }
}
