//! The laboratory: namespaces, emulated machines and peers for the tests.
