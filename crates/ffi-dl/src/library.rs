//! Opening and closing libraries.

use crate::error::{LibraryError, Operation, PROGRAM, Reason};
use crate::flags::Flags;
use crate::trace;
use std::ffi::OsStr;
#[cfg(unix)]
use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

#[cfg(unix)]
use libloading::os::unix as os;
#[cfg(windows)]
use libloading::os::windows as os;

/// An open library.
///
/// Clones are the same library, and cheap. It is closed when the last clone and the last
/// [`OwnedSymbol`](crate::OwnedSymbol) are dropped, without a word if that fails;
/// [`close`](Self::close) says whether it worked. The system counts on top of that: a library that
/// was opened twice, or that another one depends on, stays in memory after it is closed here.
///
/// # Threads
/// `Send` and `Sync`: the functions of the loader may be called from any thread, with any handle.
/// The library's destructors run on the thread that drops the last holder.
#[derive(Clone)]
pub struct Library(Arc<Open>);

struct Open {
    name: String,
    handle: os::Library,
    #[cfg(unix)]
    raw: RawHandle,
    /// Behind the handle, to be dropped after it.
    #[cfg(feature = "tracing")]
    _closed: trace::Closed,
}

/// The handle again, because `libloading` lends it to nobody. It is `Open::handle`'s to close.
#[cfg(unix)]
struct RawHandle(*mut c_void);

// SAFETY: the loader's functions take a handle on any thread; nothing here looks behind it.
#[cfg(unix)]
unsafe impl Send for RawHandle {}
// SAFETY: as above.
#[cfg(unix)]
unsafe impl Sync for RawHandle {}

impl Library {
    /// Opens a library with the [default flags](Flags::default): by name, which the system looks
    /// for in the places where it looks for libraries, or by path, which is any name with a
    /// separator in it.
    ///
    /// # Safety
    /// Code of the library and of those it depends on runs: constructors now, functions that
    /// choose an implementation (`IFUNC`) when a symbol is looked up, and destructors when the
    /// library is closed, on whatever thread drops the last holder. All of it must be sound to run
    /// in this program.
    ///
    /// # Platform-specific behaviour
    /// The name is not changed: no `lib` is put before it and no `.so` after it. On Unix an empty
    /// name may open the program itself, as `dlopen` has it. On Windows `.dll` is added to a name
    /// without an extension, by the system.
    ///
    /// On Unix the file at a path is looked at before the loader has it, which does not survive each:
    /// see the errors. A library that one depends on, or one found by name, is not looked at; nor does
    /// a look help against a file that is written to, or cut short, after it.
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Load`]: [`Reason::InteriorNul`] for a NUL byte anywhere
    /// in the name; [`Reason::NotAFile`], [`Reason::Truncated`] and [`Reason::OtherProcessor`] for a
    /// path on Unix; and [`Reason::Os`] for whatever the system objects to.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// use ffi_dl::{Library, Operation};
    ///
    /// let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// // SAFETY: libm runs nothing that could do harm when it is opened or closed.
    /// let libm = unsafe { Library::open(name) }?;
    /// assert_eq!(libm.name(), name);
    ///
    /// // SAFETY: there is no such library, so no code runs.
    /// let error = unsafe { Library::open("./libnope.so") }.unwrap_err();
    /// assert_eq!(error.operation, Operation::Load);
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub unsafe fn open(name: impl AsRef<OsStr>) -> Result<Self, LibraryError> {
        // SAFETY: the caller's.
        unsafe { Self::open_with(name, Flags::default()) }
    }

    /// Opens a library with the given flags. `NOW` is added where neither it nor `LAZY` is given,
    /// since one of them must be.
    ///
    /// # Safety
    /// As for [`open`](Self::open). With [`Flags::GLOBAL`], libraries that are opened later may
    /// find this one's symbols instead of those that they were written for. With [`Flags::LAZY`],
    /// a function that is missing ends the program when the library calls it.
    ///
    /// # Platform-specific behaviour
    /// Windows ignores the flags.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use ffi_dl::{Flags, Library};
    ///
    /// // SAFETY: libm runs nothing that could do harm when it is opened.
    /// let libm = unsafe { Library::open_with("libm.so.6", Flags::NODELETE) }?;
    /// libm.close()?; // and yet it stays in memory
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub unsafe fn open_with(name: impl AsRef<OsStr>, flags: Flags) -> Result<Self, LibraryError> {
        let name = name.as_ref();
        let shown = name.to_string_lossy().into_owned();
        // libloading would take a NUL at the very end for the end of the name.
        if let Some(position) = name.as_encoded_bytes().iter().position(|&byte| byte == 0) {
            let reason = Reason::InteriorNul { position };
            return Err(LibraryError::found_here(Operation::Load, shown, None, reason));
        }
        #[cfg(unix)]
        if let Some(reason) = crate::file::objection(name) {
            return Err(LibraryError::found_here(Operation::Load, shown, None, reason));
        }
        #[cfg(unix)]
        // SAFETY: the caller's.
        let opened = unsafe { os::Library::open(Some(name), flags.for_dlopen()) };
        #[cfg(windows)]
        // SAFETY: the caller's.
        let opened = unsafe {
            let _ = flags;
            os::Library::new(name)
        };
        match opened {
            Ok(handle) => {
                trace::debug!(library = shown, ?flags, "opened");
                Ok(Self::from_handle(shown, handle))
            }
            Err(error) => {
                Err(LibraryError::reported(Operation::Load, shown, None, Reason::Os, error))
            }
        }
    }

    /// The program itself.
    ///
    /// # Platform-specific behaviour
    /// On Unix a symbol is looked for in the program, in every library that it was linked with,
    /// and in every library that was opened with [`Flags::GLOBAL`]. On Windows it is looked for in
    /// the program's file alone.
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Load`] where Windows reports one; on Unix none is known.
    ///
    /// # Examples
    /// ```
    /// let program = ffi_dl::Library::this()?;
    /// assert_eq!(program.name(), "(the program itself)");
    /// # #[cfg(unix)]
    /// assert!(program.symbol_optional("malloc")?.is_some());
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn this() -> Result<Self, LibraryError> {
        let name = String::from(PROGRAM);
        #[cfg(unix)]
        let opened: Result<_, libloading::Error> = Ok(os::Library::this());
        #[cfg(windows)]
        let opened = os::Library::this();
        match opened {
            Ok(handle) => Ok(Self::from_handle(name, handle)),
            Err(error) => {
                Err(LibraryError::reported(Operation::Load, name, None, Reason::Os, error))
            }
        }
    }

    fn from_handle(name: String, handle: os::Library) -> Self {
        #[cfg(unix)]
        let (handle, raw) = {
            let raw = handle.into_raw();
            // SAFETY: the handle was just taken out of an open library, without closing it.
            (unsafe { os::Library::from_raw(raw) }, RawHandle(raw))
        };
        Self(Arc::new(Open {
            #[cfg(feature = "tracing")]
            _closed: trace::Closed(name.clone()),
            name,
            handle,
            #[cfg(unix)]
            raw,
        }))
    }

    /// The name it was opened by, or `(the program itself)` for [`this`](Self::this). Bytes that
    /// are not UTF-8 are replaced.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The handle that `dlopen` returned, for functions that this crate does not have (`dlinfo`).
    /// It is valid while the library is open, and must not be closed.
    ///
    /// # Platform-specific behaviour
    /// Exists on Unix.
    #[cfg(unix)]
    pub fn as_raw(&self) -> *mut c_void {
        self.0.raw.0
    }

    pub(crate) fn handle(&self) -> &os::Library {
        &self.0.handle
    }

    /// Closes the library and says whether that worked.
    ///
    /// It is closed only where this is the last holder. Where clones or owned symbols hold it too,
    /// this one is dropped, the error says how many are left, and the library is closed when the
    /// last of them is dropped. A [`Symbol`](crate::Symbol) that still borrows it is an error of
    /// the compiler.
    ///
    /// # Platform-specific behaviour
    /// A library that was closed may stay in memory: because it was opened elsewhere too, because
    /// of `NODELETE`, because it uses what cannot be taken back (glibc keeps a library with unique
    /// symbols or with destructors of threads that are to run), or because the C library never
    /// unloads (musl).
    ///
    /// # Errors
    /// A [`LibraryError`] with [`Operation::Free`]: [`Reason::StillInUse`], or [`Reason::Os`] for
    /// what the system objects to. In the second case the handle is lost.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(any(target_os = "linux", windows))] {
    /// use ffi_dl::{Library, Reason};
    ///
    /// let name = if cfg!(windows) { "msvcrt.dll" } else { "libm.so.6" };
    /// // SAFETY: libm runs nothing that could do harm when it is opened or closed.
    /// let libm = unsafe { Library::open(name) }?;
    /// let sqrt = libm.symbol("sqrt")?.into_owned();
    /// let error = libm.clone().close().unwrap_err();
    /// assert_eq!(error.reason, Reason::StillInUse { holders: 2 }); // `libm` and `sqrt`
    /// drop(sqrt);
    /// libm.close()?;
    /// # }
    /// # Ok::<(), ffi_dl::LibraryError>(())
    /// ```
    pub fn close(self) -> Result<(), LibraryError> {
        let others = Arc::strong_count(&self.0) - 1;
        let shown = self.0.name.clone();
        // Not `try_unwrap`: of threads that close the last clones at once, each could be refused
        // by it, and the library then be closed by a drop that says nothing.
        let Some(Open { handle, .. }) = Arc::into_inner(self.0) else {
            // The others may be fewer by now, or one more; there was at least one just now.
            let reason = Reason::StillInUse { holders: others.max(1) };
            return Err(LibraryError::found_here(Operation::Free, shown, None, reason));
        };
        handle.close().map_err(|error| {
            LibraryError::reported(Operation::Free, shown, None, Reason::Os, error)
        })
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Library").field(&self.name()).finish()
    }
}
