//! The one decision, and the texts that loaders and installers read.
#![forbid(unsafe_code)]
