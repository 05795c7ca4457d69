use std::sync::Arc;

use nextboot_model::Class;

use crate::{Body, Profile, Site, Tree, answer::clean};

/// The profile whose file this is, when it installs: such a file is the profile's plan itself and not just a file, so it is
/// only for machines whose plan it is. By its text and not only by its name, because links, copies and a root's own path
/// give it others. `text` is asked for only where it matters.
#[must_use]
pub fn installer_at(
    site: &Site,
    tree: &dyn Tree,
    name: &str,
    text: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Arc<Profile>> {
    let installs = |profile: &Arc<Profile>| profile.class == Class::Install;
    let file = |profile: &Profile| match &profile.body {
        Body::File(file) => Some(clean(file)),
        _ => None,
    };
    let of_file = site
        .profiles
        .values()
        .filter(|profile| installs(profile))
        .find(|profile| file(profile).as_deref() == Some(name));
    let of_name = || site.profiles.get(&site.profile_dirs.name_of(name)?);
    if let Some(profile) = of_file.or_else(of_name) {
        // What the site calls harmless under this very name is.
        return Some(Arc::clone(profile)).filter(installs);
    }
    // Most sites have no such file; then no loader and no kernel is read for this.
    site.profiles.values().find(|profile| installs(profile) && file(profile).is_some())?;
    let text = text().filter(|text| !text.is_empty())?;
    site.profile_with_text(tree, &text).filter(installs)
}
