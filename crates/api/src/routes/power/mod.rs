//! Switching hosts on and off.

pub(crate) mod refresh;
pub(crate) mod rescue;
mod result;
pub(crate) mod switch;

use nextboot_model::{HostName, Refusal};

use super::{
    assignments::{check_number, names},
    hosts::targets,
};
use crate::{app::App, error::ApiError};

/// The hosts that a call names. One that is named twice would be switched twice.
fn hosts(app: &App, named: &[String]) -> Result<Vec<HostName>, ApiError> {
    check_number(named)?;
    let hosts = names(&targets(&app.state(), named)?);
    let mut seen = std::collections::HashSet::new();
    match hosts.iter().find(|host| !seen.insert(*host)) {
        Some(twice) => Err(Refusal::Twice(twice.clone()).into()),
        None => Ok(hosts),
    }
}
