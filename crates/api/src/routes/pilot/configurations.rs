//! What pxe-pilot calls a configuration is a profile; what it calls a boot loader is a word for the directory that some of them
//! stand in.

use axum::{extract::State, http::StatusCode, response::Response};
use nextboot_boot::{Body, Profile, Site, pxelinux};
use nextboot_model::ProfileName;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Complaint, Refused, to_the_byte};
use crate::{app::App, extract::Named};

/// A boot loader, as the configuration of pxe-pilot names it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PilotBootloader)]
pub(super) struct Bootloader {
    name: String,
    /// The file that machines load.
    file: String,
    /// Where it looks for its configuration.
    config_path: String,
}

impl Bootloader {
    fn of(loader: &nextboot_boot::Bootloader) -> Self {
        Self { name: loader.name.clone(), file: loader.file.clone(), config_path: loader.config_path.clone() }
    }

    /// What all configurations were for before there was a choice.
    fn usual() -> Self {
        Self { name: "pxelinux".into(), file: "pxelinux.0".into(), config_path: String::new() }
    }
}

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotConfiguration)]
pub(super) struct Configuration {
    name: String,
    bootloader: Bootloader,
}

impl Configuration {
    pub(super) fn of(site: &Site, profile: &Profile) -> Self {
        let loader = at(site, profile).and_then(|at| site.bootloaders.get(at));
        let bootloader = loader.map_or_else(Bootloader::usual, Bootloader::of);
        Self { name: profile.name.to_string(), bootloader }
    }
}

/// The place of the boot loader in whose directory the profile stands.
fn at(site: &Site, profile: &Profile) -> Option<usize> {
    let Body::File(file) = &profile.body else { return None };
    site.bootloaders.iter().position(|loader| loader.directory.name_of(file).is_some())
}

/// List the boot loaders of pxe-pilot's configuration, in its order.
#[utoipa::path(
    get, path = "/v1/bootloaders", tag = "compatible",
    responses((status = 200, body = Vec<Bootloader>), (status = 401, body = Complaint)),
)]
pub(super) async fn bootloaders(State(app): State<App>) -> Response {
    let site = app.control.site();
    let all: Vec<Bootloader> = site.bootloaders.iter().map(Bootloader::of).collect();
    to_the_byte(StatusCode::OK, &all)
}

/// List what hosts can boot: by boot loaders, then by names.
#[utoipa::path(
    get, path = "/v1/configurations", tag = "compatible",
    responses((status = 200, body = Vec<Configuration>), (status = 401, body = Complaint)),
)]
pub(super) async fn list(State(app): State<App>) -> Result<Response, Refused> {
    let all = app.look(|app| {
        let site = app.control.site();
        let mut profiles = site.all_profiles(&*app.control.tree());
        // Stable, and they come by their names.
        profiles.sort_by_key(|profile| at(&site, profile).unwrap_or(usize::MAX));
        profiles.iter().map(|profile| Configuration::of(&site, profile)).collect::<Vec<_>>()
    });
    Ok(to_the_byte(StatusCode::OK, &all.await?))
}

/// A profile's text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PilotContent)]
struct Content {
    name: String,
    /// The file; for a profile without one what PXELINUX would read, its arguments as the template that they are.
    content: String,
}

/// Show a configuration.
#[utoipa::path(
    get, path = "/v1/configurations/{name}", tag = "compatible",
    params(("name" = String, Path, description = "The profile")),
    responses(
        (status = 200, body = Content),
        (status = 401, body = Complaint),
        (status = 404, body = Complaint),
        (status = 500, body = Complaint),
    ),
)]
pub(super) async fn show(State(app): State<App>, Named(name): Named) -> Result<Response, Refused> {
    let unknown = unknown(&name);
    let Ok(name) = name.parse::<ProfileName>() else { return Ok(unknown) };
    let found = app.look(move |app| {
        let (site, tree) = (app.control.site(), app.control.tree());
        let profile = site.profile(&*tree, &name)?;
        let serial = site.serial.as_deref();
        let content = match &profile.body {
            Body::File(file) => String::from_utf8_lossy(&tree.read(file)?).into_owned(),
            Body::Local => pxelinux::local(serial, site.exits.bios),
            // iPXE boots it; PXELINUX has no words for it.
            Body::Iso(image) => format!("# {}: the disk image {image}, by iPXE\n", profile.name),
            Body::Linux(linux) => pxelinux::linux(serial, &profile.name, None, linux, &linux.args),
        };
        Some(Content { name: profile.name.to_string(), content })
    });
    Ok(found.await?.map_or(unknown, |content| to_the_byte(StatusCode::OK, &content)))
}

/// That there is no such configuration, in pxe-pilot's words.
pub(super) fn unknown(name: &str) -> Response {
    let name: String = name.chars().take(200).collect();
    Complaint::of(StatusCode::NOT_FOUND, format!("Configuration '{name}' does not exists"))
}
