//! The command line.

use super::cell::Cell;

/// What somebody wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To see what there is.
    List,
    /// To run these cells.
    Run(Vec<Cell>),
}

/// Reads the words behind the program's name.
pub(crate) fn read(words: &[String]) -> Result<Wish, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Ok(Wish::Run(Cell::all().filter(|cell| cell.in_ci()).collect())),
        ["--list"] => Ok(Wish::List),
        ["--all"] => Ok(Wish::Run(Cell::all().collect())),
        names => {
            let mut chosen = Vec::new();
            for &name in names {
                let found: Vec<Cell> = Cell::all().filter(|cell| cell.matches(name)).collect();
                if found.is_empty() {
                    return Err(format!("there is no cell {name}; --list shows all"));
                }
                chosen.extend(found.into_iter().filter(|cell| !chosen.contains(cell)).collect::<Vec<_>>());
            }
            Ok(Wish::Run(chosen))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        match read(&words).unwrap() {
            Wish::Run(cells) => cells.iter().map(Cell::name).collect(),
            Wish::List => panic!("{words:?} is a list"),
        }
    }

    #[test]
    fn cells_are_named_by_row_and_place_or_by_one_of_them() {
        assert_eq!(cells(&["bios-pxe/server", "bios-pxe/server"]), ["bios-pxe/server"]);
        assert!(cells(&["bios-pxe/"]).iter().all(|name| name.starts_with("bios-pxe/")));
        assert!(cells(&["/server"]).contains(&"uefi-x64-pxe/server".to_owned()));
        assert!(read(&["bios-pxe/moon".to_owned()]).is_err());
        assert!(read(&["--al".to_owned()]).is_err());
    }

    #[test]
    fn without_arguments_every_row_and_every_column_has_a_cell() {
        let chosen = cells(&[]);
        for row in super::super::rows::ALL {
            let prefix = format!("{}/", row.name);
            assert!(chosen.iter().any(|name| name.starts_with(&prefix)), "no cell of {}", row.name);
        }
        for place in super::super::place::Place::ALL {
            let suffix = format!("/{}", place.name());
            assert!(chosen.iter().any(|name| name.ends_with(&suffix)), "no cell in {}", place.name());
        }
    }
}
