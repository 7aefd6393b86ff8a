//! The book's code, compiled and run: each chapter of `docs/` that has any.
//!
//! `tests/tests/book.rs` sees to it that none is forgotten.

macro_rules! chapters {
    ($($name:ident = $file:literal;)*) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../docs/", $file))]
            pub struct $name;
        )*

        /// The chapters, as paths below `docs/`.
        pub const CHAPTERS: &[&str] = &[$($file),*];
    };
}

chapters! {
    Tutorial = "tutorial.md";
    Libraries = "guide/libraries.md";
    Types = "guide/types.md";
    Calls = "guide/calls.md";
    Callbacks = "guide/callbacks.md";
    Strings = "guide/strings.md";
    Errors = "guide/errors.md";
    Threads = "guide/threads.md";
    Variadics = "guide/variadics.md";
    Declarations = "guide/declarations.md";
    Conventions = "guide/conventions.md";
}
