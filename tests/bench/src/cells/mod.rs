//! The cells, a file for each domain.

pub mod dhcp;
pub mod http;
pub mod start;
pub mod state;
pub mod storm;
pub mod tftp;

use crate::cell::Cell;

/// All of them, in the order of the table.
#[must_use]
pub fn all() -> Vec<Cell> {
    [tftp::CELLS, http::CELLS, storm::CELLS, start::CELLS, dhcp::CELLS, state::CELLS].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_name_of_its_own() {
        let mut names: Vec<&str> = all().iter().map(|cell| cell.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
