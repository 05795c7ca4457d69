use axum::extract::State;
use nextboot_boot::Body;
use nextboot_model::ProfileName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{ApiError, ErrorBody},
    extract::Named,
    reply::Reply,
    view::ProfileView,
};

/// Profiles by name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileList {
    profiles: Vec<ProfileView>,
}

/// List what there is to boot.
#[utoipa::path(
    get, path = "/api/profiles", tag = "profiles",
    responses((status = 200, body = ProfileList), (status = 401, body = ErrorBody)),
)]
pub(crate) async fn list(State(app): State<App>) -> Result<Reply<ProfileList>, ApiError> {
    let profiles = app.look(|app| app.control.site().all_profiles(&*app.control.tree())).await?;
    let profiles = profiles.iter().map(|profile| ProfileView::of(profile)).collect();
    Ok(Reply::ok(ProfileList { profiles }))
}

/// A profile and, where it is a file, its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeProfile {
    #[serde(flatten)]
    profile: ProfileView,
    /// The text of the file; what is not UTF-8 in it is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// Show a profile.
#[utoipa::path(
    get, path = "/api/profiles/{name}", tag = "profiles",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = WholeProfile), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn show(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Reply<WholeProfile>, ApiError> {
    let unknown = ApiError::unknown_profile(&name);
    let Ok(name) = name.parse::<ProfileName>() else { return Err(unknown) };
    let found = app.look(move |app| {
        let tree = app.control.tree();
        let profile = app.control.site().profile(&*tree, &name)?;
        let content = match &profile.body {
            Body::File(file) => tree.read(file).map(|text| String::from_utf8_lossy(&text).into_owned()),
            Body::Local | Body::Linux(_) | Body::Iso(_) => None,
        };
        Some(WholeProfile { profile: ProfileView::of(&profile), content })
    });
    found.await?.map(Reply::ok).ok_or(unknown)
}
