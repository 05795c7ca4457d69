//! The command line.

use crate::cell::{Bench, Cell};

/// How often each contestant runs, unless somebody says otherwise.
const ROUNDS: usize = 5;

pub(crate) const HELP: &str = "\
usage: tests/bench/run [--list] [--quick] [--rounds N] [CELL...]

Measures nextboot beside what would be installed instead, and writes target/bench/table.md and table.json.

  CELL        a cell by its name, or the first part of the names of several (`tftp`); all without any
  --list      shows the cells
  --quick     one round with small sizes: shows that the bench works, and says nothing about speed
  --rounds N  how often each contestant runs (5)
  --help      shows this
";

/// What somebody wants.
#[derive(Debug)]
pub(crate) enum Wish {
    /// To read the help.
    Help,
    /// To see what there is.
    List,
    /// To run these cells.
    Run(Bench, Vec<Cell>),
}

/// Reads the words behind the program's name.
pub(crate) fn read(words: impl IntoIterator<Item = String>, cells: &[Cell]) -> Result<Wish, String> {
    let mut bench = Bench { quick: false, rounds: ROUNDS };
    let mut rounds = None;
    let mut chosen: Vec<Cell> = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(Wish::Help),
            "--list" => return Ok(Wish::List),
            "--quick" => bench.quick = true,
            "--rounds" => {
                let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
                rounds = Some(number.ok_or("--rounds wants a number above 0")?);
            }
            option if option.starts_with('-') => return Err(format!("there is no option {option}")),
            name => {
                let exact = cells.iter().any(|cell| cell.name == name);
                let wanted = |cell: &&Cell| {
                    if exact { cell.name == name } else { cell.name.starts_with(name) }
                };
                let found: Vec<&Cell> = cells.iter().filter(wanted).collect();
                if found.is_empty() {
                    return Err(format!("there is no cell {name}; --list shows all"));
                }
                for cell in found {
                    if !chosen.iter().any(|chosen| chosen.name == cell.name) {
                        chosen.push(*cell);
                    }
                }
            }
        }
    }
    bench.rounds = rounds.unwrap_or_else(|| bench.size(ROUNDS, 1));
    Ok(Wish::Run(bench, if chosen.is_empty() { cells.to_vec() } else { chosen }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    fn wish(words: &[&str]) -> Result<(Bench, Vec<&'static str>), String> {
        let cell = |name| Cell { name, what: "", run: |_| Ok(Outcome::new("")) };
        let cells = ["tftp-one", "tftp-one-more", "http-one"].map(cell);
        match read(words.iter().map(|&word| word.to_owned()), &cells)? {
            Wish::Run(bench, cells) => Ok((bench, cells.iter().map(|cell| cell.name).collect())),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn cells_are_named_in_full_or_by_their_first_part() {
        assert_eq!(wish(&[]).unwrap().1.len(), 3);
        assert_eq!(wish(&["tftp", "tftp-one"]).unwrap().1, ["tftp-one", "tftp-one-more"]);
        assert_eq!(wish(&["tftp-one"]).unwrap().1, ["tftp-one"]);
        assert!(wish(&["moon"]).is_err());
    }

    #[test]
    fn quick_is_one_round_unless_said_otherwise() {
        assert_eq!(wish(&[]).unwrap().0.rounds, ROUNDS);
        assert_eq!(wish(&["--quick"]).unwrap().0.rounds, 1);
        assert_eq!(wish(&["--rounds", "3", "--quick"]).unwrap().0.rounds, 3);
        assert!(wish(&["--rounds", "0"]).is_err() && wish(&["--rounds"]).is_err());
        assert!(wish(&["--quik"]).is_err());
    }
}
