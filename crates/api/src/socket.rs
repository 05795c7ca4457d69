use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixStream as StdUnixStream,
    },
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// Why the unix socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another server answers there.
    #[error("another server listens on {0}")]
    InUse(PathBuf),
    /// Something else is there.
    #[error("{0} is not a socket; it is not touched")]
    NotASocket(PathBuf),
    /// The kernel refuses.
    #[error("cannot listen on the unix socket {path}: {source}")]
    Refused {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Makes the unix socket of the control API, and its directory where that is missing. What a server that was killed left
/// behind is taken away; a server that still answers there is not disturbed.
///
/// Anybody may connect (mode 0666): who may do what is decided by who is connected, and others get an answer that says
/// what they need.
///
/// # Errors
/// Why there is no socket.
pub fn bind_socket(path: &Path) -> Result<UnixListener, SocketError> {
    let refused = |source| SocketError::Refused { path: path.to_owned(), source };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(refused)?;
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NotASocket(path.to_owned())),
        Ok(_) => match StdUnixStream::connect(path) {
            Ok(_) => return Err(SocketError::InUse(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(refused)?;
            }
            Err(error) => return Err(refused(error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(refused(error)),
    }
    let listener = UnixListener::bind(path).map_err(refused)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).map_err(refused)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_killed_server_left_behind_is_replaced_and_a_living_server_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/api.sock");
        let living = bind_socket(&path).unwrap();
        assert!(matches!(bind_socket(&path), Err(SocketError::InUse(_))));
        drop(living);
        assert!(path.exists());
        bind_socket(&path).unwrap();
    }

    #[tokio::test]
    async fn what_is_not_a_socket_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("precious");
        fs::write(&path, "x").unwrap();
        assert!(matches!(bind_socket(&path), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    }
}
