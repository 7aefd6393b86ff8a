//! What is told to `tracing`, with that feature; without it, the macro is nothing.

#[cfg(feature = "tracing")]
macro_rules! debug {
    ($($event:tt)*) => { ::tracing::debug!(target: "ffi", $($event)*) };
}

#[cfg(not(feature = "tracing"))]
macro_rules! debug {
    ($($event:tt)*) => {};
}

pub(crate) use debug;

/// Tells that a library was closed, when it is dropped.
#[cfg(feature = "tracing")]
pub(crate) struct Closed(pub(crate) String);

#[cfg(feature = "tracing")]
impl Drop for Closed {
    fn drop(&mut self) {
        debug!(library = self.0, "closed");
    }
}
