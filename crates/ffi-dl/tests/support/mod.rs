//! Small libraries to load, of which nothing else in the process has a copy: only of such a one
//! can loading and unloading be told.

#[cfg(windows)]
mod dll;
#[cfg(windows)]
pub(crate) use dll::small_library;

#[cfg(unix)]
mod compiled;
#[cfg(unix)]
pub(crate) use compiled::*;
