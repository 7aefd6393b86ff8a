//! What is told to `tracing`, with that feature; without it, the macros are nothing.

#[cfg(feature = "tracing")]
macro_rules! debug {
    ($($event:tt)*) => { ::tracing::debug!(target: "ffi", $($event)*) };
}
#[cfg(feature = "tracing")]
macro_rules! trace {
    ($($event:tt)*) => { ::tracing::trace!(target: "ffi", $($event)*) };
}

#[cfg(not(feature = "tracing"))]
macro_rules! debug {
    ($($event:tt)*) => {};
}
#[cfg(not(feature = "tracing"))]
macro_rules! trace {
    ($($event:tt)*) => {};
}

pub(crate) use {debug, trace};
