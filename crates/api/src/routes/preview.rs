use axum::extract::State;
use nextboot_boot::{Kind, decide};
use nextboot_model::{Class, ProfileName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hosts::find;
use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::{Named, Params},
    loader::{as_host, last_seen},
    reply::Reply,
};

/// As which machine.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct As {
    /// A key of the configuration's `[boot.loaders]`, or `http-` and one of UEFI's for HTTP Boot; when absent, what the host
    /// was when it last asked for something to boot.
    #[param(example = "uefi-x64")]
    #[serde(rename = "as")]
    machine: Option<String>,
}

/// What a host would get now, if it came as such a machine.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WouldGet {
    /// As which machine.
    #[serde(rename = "as")]
    machine: String,
    /// What it would boot; nothing when it would be left alone.
    #[schema(value_type = Option<String>)]
    profile: Option<ProfileName>,
    /// What that does to it.
    #[schema(value_type = Option<String>)]
    class: Option<Class>,
    /// Why, in words.
    why: String,
    /// Nothing when it would be left to its next boot device.
    loader: Option<String>,
    /// Why that loader, or none.
    loader_why: String,
    /// What DHCP would tell it: the loader's name for TFTP, or an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_file: Option<String>,
    /// Whose configuration `text` is: `PXELINUX`, `iPXE` or `GRUB`; nothing when the loader's name does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    reads: Option<&'static str>,
    /// What the loader would read; its token proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why it would read nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_text: Option<String>,
}

/// Show what a host would get.
///
/// The same decision that answers the machine itself. Nothing comes of it: no attempt, no event, no delivery.
#[utoipa::path(
    get, path = "/api/hosts/{name}/preview", tag = "hosts",
    params(("name" = String, Path, description = "Its name, or one of its MAC addresses"), As),
    responses(
        (status = 200, body = WouldGet),
        (status = 400, description = "No such machine is known", body = ErrorBody),
        (status = 404, body = ErrorBody),
    ),
)]
pub(crate) async fn preview(
    State(app): State<App>,
    Named(name): Named,
    Params(wanted): Params<As>,
) -> Result<Reply<WouldGet>, ApiError> {
    let host = find(&app.state(), &name)?.host.name.clone();
    let client = match &wanted.machine {
        Some(word) => Kind::client(word).ok_or_else(|| no_such_machine(word))?,
        None => last_seen(&app, &host).ok_or_else(never_seen)?,
    };
    let would = app.look(move |app| {
        let state = app.state();
        let record = state.host(&host)?;
        let client = as_host(client, record);
        let plan = decide(&app.control.site(), &state, &*app.control.tree(), &client);
        let written = app.control.written(&client, &plan);
        let (text, no_text) = match written.text {
            Some(Ok(text)) => (Some(text), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        Some(WouldGet {
            machine: Kind::word(&client).unwrap_or_default(),
            profile: plan.profile.as_ref().map(|profile| profile.name.clone()),
            class: plan.profile.as_ref().map(|profile| profile.class),
            why: plan.why,
            loader: plan.loader.map(|loader| loader.to_string()),
            loader_why: plan.loader_why,
            boot_file: written.boot_file,
            reads: written.language.map(|language| language.loader()),
            text,
            no_text,
        })
    });
    would.await?.map(Reply::ok).ok_or_else(|| ApiError::unknown_host(&name))
}

fn no_such_machine(word: &str) -> ApiError {
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.key()).collect();
    let word: String = word.chars().take(64).collect();
    ApiError::bad_request(format!(
        "{word:?} is no kind of machine; use {}, or http- before one of UEFI's",
        known.join(", ")
    ))
}

fn never_seen() -> ApiError {
    ApiError::bad_request(
        "the host has not asked for anything to boot since the server started; say as which machine",
    )
}
