//! Names to bytes: roots, loader search path, path safety.
#![forbid(unsafe_code)]
