//! The ways to make a callback.

use crate::callback::{Body, Callback, Frame};
use crate::dynamic::{Arguments, Dynamic, ReturnSlot};
use crate::error::CallbackError;
use crate::exclusive::{Exclusive, Once};
use crate::infer::{Closure, ClosureMut, ClosureOnce};
use crate::on_panic::OnPanic;
use crate::prepared::{Preparation, Prepared};
use crate::variadic::{Variadic, VariadicArguments};
use ffi_types::{CallingConvention, Signature};

/// What a callback is called, and what becomes of its panics; makes callbacks of every kind.
///
/// # Examples
/// ```
/// # #[cfg(target_arch = "x86_64")] {
/// use ffi_abi_sysv::SysV;
/// use ffi_callback::CallbackOptions;
/// let mut seen = Vec::new();
/// let callback = CallbackOptions::new().name("collect").create_mut(&SysV, move |n: i32| {
///     seen.push(n);
/// })?;
/// assert_eq!(callback.name(), Some("collect"));
/// # }
/// # Ok::<(), ffi_callback::CallbackError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CallbackOptions {
    pub(crate) name: Option<Box<str>>,
    pub(crate) on_panic: OnPanic,
}

impl CallbackOptions {
    /// No name, and a panic ends the process.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn is_default(&self) -> bool {
        self.name.is_none() && matches!(self.on_panic, OnPanic::Abort)
    }

    /// What messages call it, besides its signature.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// What becomes of a panic in the closure.
    #[must_use]
    pub fn on_panic(mut self, policy: OnPanic) -> Self {
        self.on_panic = policy;
        self
    }

    /// As [`Callback::new`].
    ///
    /// # Errors
    /// As there, and for a policy that does not fit the signature.
    pub fn create<Parameters, F>(
        self,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: Closure<Parameters> + Send + Sync + 'static,
    {
        // SAFETY: the closure lives as long as it has to.
        unsafe { self.create_borrowing(convention, closure) }
    }

    /// As [`create`](Self::create), for an `FnMut`. While one thread is in the closure, others wait.
    /// A thread that calls it from inside itself panics, which is the policy's affair.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::CallbackOptions;
    /// let mut sum = 0;
    /// let add = CallbackOptions::new().create_mut(&SysV, move |n: i32| -> i32 {
    ///     sum += n;
    ///     sum
    /// })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let call = unsafe {
    ///     std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(i32) -> i32>(add.as_ptr())
    /// };
    /// assert_eq!((call(2), call(40)), (2, 42));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_mut<Parameters, F>(
        self,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: ClosureMut<Parameters> + Send + 'static,
    {
        // SAFETY: the closure lives as long as it has to.
        unsafe { self.create_mut_borrowing(convention, closure) }
    }

    /// As [`create`](Self::create), for an `FnOnce`. A second call panics, which is the policy's
    /// affair.
    ///
    /// # Errors
    /// As for [`create`](Self::create).
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::{CallbackOptions, OnPanic};
    /// let options = CallbackOptions::new().on_panic(OnPanic::returning(-1_i32));
    /// let text = vec![0_u8; 40];
    /// let take = options.create_once(&SysV, move |n: i32| text.into_boxed_slice().len() as i32 + n)?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let call = unsafe {
    ///     std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(i32) -> i32>(take.as_ptr())
    /// };
    /// assert_eq!((call(2), call(2)), (42, -1));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_once<Parameters, F>(
        self,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: ClosureOnce<Parameters> + Send + 'static,
    {
        let prepared = Preparation::Always(Prepared::of::<Parameters, F>(convention)?);
        let once = Once::new(closure);
        // SAFETY: the frame is that of a call by this signature; the closure lives as long as it has
        // to, and the lock around it makes it `Sync`.
        unsafe {
            let body = move |frame: &Frame<'_>| once.take().call_once(frame);
            self.create_typed(convention, prepared, body)
        }
    }

    /// As [`Callback::with_signature`]. The closure may be an `FnMut`, as that of
    /// [`create_dynamic_mut`](Self::create_dynamic_mut).
    ///
    /// # Errors
    /// As there, and for a policy that does not fit the signature.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(target_arch = "x86_64")] {
    /// use ffi_abi_sysv::SysV;
    /// use ffi_callback::CallbackOptions;
    /// use ffi_types::{Convention, Signature, Type};
    /// let signature = Signature::new(Convention::SysV, Type::C_INT, [Type::C_INT])?;
    /// let options = CallbackOptions::new().name("twice");
    /// let twice = options.create_dynamic(&SysV, signature, |arguments, result| {
    ///     result.set(2 * arguments.get::<i32>(0).unwrap()).unwrap();
    /// })?;
    /// // SAFETY: the callback has this type, and is alive.
    /// let call = unsafe {
    ///     std::mem::transmute::<*const std::ffi::c_void, extern "sysv64" fn(i32) -> i32>(twice.as_ptr())
    /// };
    /// assert_eq!(call(21), 42);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_dynamic<F>(
        self,
        convention: &dyn CallingConvention,
        signature: Signature,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: Fn(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + Sync + 'static,
    {
        let prepared = Preparation::Counted(Prepared::new(convention, signature)?.into());
        // SAFETY: it reads what the plan has.
        unsafe { Callback::install(convention, prepared, self, Dynamic(closure)) }
    }

    /// As [`create_dynamic`](Self::create_dynamic), for an `FnMut`; see
    /// [`create_mut`](Self::create_mut).
    ///
    /// # Errors
    /// As for [`create_dynamic`](Self::create_dynamic).
    pub fn create_dynamic_mut<F>(
        self,
        convention: &dyn CallingConvention,
        signature: Signature,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: FnMut(&Arguments<'_>, &mut ReturnSlot<'_>) + Send + 'static,
    {
        let exclusive = Exclusive::new(closure);
        let shared = move |arguments: &Arguments<'_>, result: &mut ReturnSlot<'_>| {
            exclusive.with(|closure| closure(arguments, result));
        };
        self.create_dynamic(convention, signature, shared)
    }

    /// Makes a callback that receives `...`: the signature has the fixed arguments alone, and the
    /// closure takes the others out of its second parameter, as C's `va_arg` does.
    ///
    /// # Errors
    /// As for [`create_dynamic`](Self::create_dynamic), but that the signature is variadic, with its
    /// first variadic argument past the end.
    ///
    /// # Safety
    /// Nobody but the caller knows how many arguments a call passes, and of which types. The closure
    /// takes out no more than each call has passed, and of the same types, up to the sign of
    /// integers, and pointers for each other.
    pub unsafe fn create_variadic<F>(
        self,
        convention: &'static dyn CallingConvention,
        signature: Signature,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: Fn(&Arguments<'_>, &mut VariadicArguments<'_>, &mut ReturnSlot<'_>)
            + Send
            + Sync
            + 'static,
    {
        let prepared = Preparation::Counted(Prepared::variadic(convention, signature)?.into());
        // SAFETY: it reads what the plan has, and what the caller promises besides.
        unsafe { Callback::install(convention, prepared, self, Variadic { convention, closure }) }
    }

    /// # Safety
    /// The closure lives as long as the callback.
    pub(crate) unsafe fn create_borrowing<Parameters, F>(
        self,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: Closure<Parameters> + Send + Sync,
    {
        let prepared = Preparation::Always(Prepared::of::<Parameters, F>(convention)?);
        // SAFETY: the frame is that of a call by this signature.
        let body = move |frame: &Frame<'_>| unsafe { closure.call(frame) };
        // SAFETY: the caller's.
        unsafe { self.create_typed(convention, prepared, body) }
    }

    /// # Safety
    /// The closure lives as long as the callback.
    pub(crate) unsafe fn create_mut_borrowing<Parameters, F>(
        self,
        convention: &dyn CallingConvention,
        closure: F,
    ) -> Result<Callback, CallbackError>
    where
        F: ClosureMut<Parameters> + Send,
    {
        let prepared = Preparation::Always(Prepared::of::<Parameters, F>(convention)?);
        let exclusive = Exclusive::new(closure);
        let body = move |frame: &Frame<'_>| {
            // SAFETY: the frame is that of a call by this signature.
            exclusive.with(|closure| unsafe { closure.call_mut(frame) });
        };
        // SAFETY: the caller's.
        unsafe { self.create_typed(convention, prepared, body) }
    }

    /// # Safety
    /// The body may be run with frames of this plan, and lives as long as the callback.
    unsafe fn create_typed<B>(
        self,
        convention: &dyn CallingConvention,
        prepared: Preparation,
        body: B,
    ) -> Result<Callback, CallbackError>
    where
        B: Fn(&Frame<'_>) + Send + Sync,
    {
        // SAFETY: the caller's.
        unsafe { Callback::install(convention, prepared, self, Typed(body)) }
    }
}

/// The body of a closure whose signature is inferred: it does all by itself.
struct Typed<B>(B);

impl<B: Fn(&Frame<'_>) + Send + Sync> Body for Typed<B> {
    #[inline(always)]
    unsafe fn run(&self, frame: &Frame<'_>) {
        (self.0)(frame);
    }
}
