use super::{Profile, or_dash};
use crate::output::{pairs, plain_lines, table};

/// A list of profiles.
pub(crate) fn profiles(profiles: &[Profile]) -> String {
    let row = |profile: &Profile| {
        let what = profile.file.as_ref().or(profile.kernel.as_ref()).cloned();
        vec![
            profile.name.clone(),
            profile.class.clone(),
            what.unwrap_or_else(|| "the host's own disk".into()),
            or_dash(profile.title.as_deref()),
        ]
    };
    table(&["NAME", "CLASS", "WHAT", "TITLE"], profiles.iter().map(row).collect())
}

/// One profile; of a file the text below.
pub(crate) fn profile(profile: &Profile) -> String {
    let mut text = pairs(vec![
        ("name", Some(profile.name.clone())),
        ("title", profile.title.clone()),
        ("class", Some(profile.class.clone())),
        ("kind", Some(profile.kind.clone())),
        ("kernel", profile.kernel.clone()),
        ("initrd", profile.initrds.as_ref().filter(|all| !all.is_empty()).map(|all| all.join(" "))),
        ("args", profile.args.clone().filter(|args| !args.is_empty())),
        ("file", profile.file.clone()),
        ("seed", profile.seed.clone()),
    ]);
    if let Some(content) = &profile.content {
        text.push('\n');
        text.push_str(&plain_lines(&content.replace("\r\n", "\n")));
    }
    text
}
