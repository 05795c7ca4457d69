use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Longest name or MAC that is looked at, in characters: they come back in messages.
const LONGEST: usize = 200;

/// Which hosts, as a call names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
#[schema(as = DeployRequest)]
pub(crate) struct Ask {
    /// Each with a name, a MAC address, or both.
    pub(super) hosts: Vec<HostAsk>,
}

/// One host of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
#[schema(as = DeployHost)]
pub(crate) struct HostAsk {
    /// Its name.
    pub(super) name: Option<String>,
    /// Its MAC address; `mac_address` works too.
    #[schema(rename = "macAddress")]
    pub(super) mac: Option<String>,
    /// Boot it now. There are no power endpoints yet: the answer says `ERROR` for it, and the profile is assigned.
    pub(super) reboot: bool,
    #[schema(ignore)]
    pub(super) has_configuration: bool,
}

/// Why a body is not such a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadAsk {
    #[error("the body is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("{0}")]
    Shape(&'static str),
}

impl Ask {
    /// Reads a body as pxe-pilot's decoder does: keys in any case, unknown ones ignored, `null` as absent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(body: &[u8]) -> Result<Self, BadAsk> {
        let hosts = match serde_json::from_slice(body)? {
            Value::Null => None,
            Value::Object(object) => take(object, &["hosts"]),
            _ => {
                return Err(BadAsk::Shape("the body must be an object like {\"hosts\":[{\"name\":\"n1\"}]}"));
            }
        };
        let hosts = match hosts {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(hosts)) => hosts.into_iter().map(HostAsk::read).collect::<Result<_, _>>()?,
            Some(_) => return Err(BadAsk::Shape("hosts must be a list")),
        };
        Ok(Self { hosts })
    }
}

impl HostAsk {
    fn read(value: Value) -> Result<Self, BadAsk> {
        let mut host = Self::default();
        let object = match value {
            Value::Null => return Ok(host),
            Value::Object(object) => object,
            _ => return Err(BadAsk::Shape("every host must be an object")),
        };
        for (key, value) in object {
            match key.to_ascii_lowercase().as_str() {
                "name" => host.name = text(value, "a host's name must be text")?,
                "macaddress" | "mac_address" => {
                    host.mac = text(value, "a host's macAddress must be text")?.or(host.mac);
                }
                "reboot" => {
                    host.reboot = match value {
                        Value::Null => false,
                        Value::Bool(reboot) => reboot,
                        _ => return Err(BadAsk::Shape("a host's reboot must be true or false")),
                    }
                }
                "configuration" => {
                    host.has_configuration = !(value.is_null() || value == "");
                }
                _ => {}
            }
        }
        Ok(host)
    }
}

fn take(object: Map<String, Value>, names: &[&str]) -> Option<Value> {
    object
        .into_iter()
        .find_map(|(key, value)| names.iter().any(|name| key.eq_ignore_ascii_case(name)).then_some(value))
}

/// Empty text is absent text there.
fn text(value: Value, complaint: &'static str) -> Result<Option<String>, BadAsk> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if text.chars().nth(LONGEST).is_some() => {
            Err(BadAsk::Shape("a name or MAC address is far too long"))
        }
        Value::String(text) => Ok(Some(text)),
        _ => Err(BadAsk::Shape(complaint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: Option<&str>, mac: Option<&str>) -> HostAsk {
        HostAsk { name: name.map(Into::into), mac: mac.map(Into::into), ..HostAsk::default() }
    }

    #[test]
    fn keys_are_read_in_any_case_and_unknown_ones_ignored() {
        for body in [
            r#"{"hosts":[{"name":"h1","macAddress":"a"}]}"#,
            r#"{"HOSTS":[{"Name":"h1","MACADDRESS":"a","x":[1]}],"y":{}}"#,
            r#"{"hosts":[{"name":"h1","mac_address":"a","reboot":false,"configuration":null}]}"#,
        ] {
            assert_eq!(Ask::read(body.as_bytes()).unwrap().hosts, [host(Some("h1"), Some("a"))], "{body}");
        }
        let reboot = Ask::read(br#"{"hosts":[{"name":"","macAddress":"a","reboot":true}]}"#).unwrap();
        assert_eq!(reboot.hosts, [HostAsk { reboot: true, ..host(None, Some("a")) }]);
    }

    #[test]
    fn nothing_is_no_hosts() {
        for body in ["{}", "null", r#"{"hosts":null}"#, r#"{"hosts":[]}"#] {
            assert_eq!(Ask::read(body.as_bytes()).unwrap().hosts, [], "{body}");
        }
        assert_eq!(Ask::read(br#"{"hosts":[null,{}]}"#).unwrap().hosts, [host(None, None), host(None, None)]);
    }

    #[test]
    fn what_is_no_such_call_is_refused() {
        for body in [
            "",
            "[]",
            "{",
            "hosts=1",
            "1",
            r#"{"hosts":{}}"#,
            r#"{"hosts":[1]}"#,
            r#"{"hosts":[{"name":1}]}"#,
            r#"{"hosts":[{"reboot":"yes"}]}"#,
        ] {
            assert!(Ask::read(body.as_bytes()).is_err(), "{body}");
        }
        let long = format!(r#"{{"hosts":[{{"name":"{}"}}]}}"#, "x".repeat(201));
        assert!(Ask::read(long.as_bytes()).is_err());
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Ask::read(deep.as_bytes()).is_err());
    }
}
