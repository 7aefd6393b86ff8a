//! The subcommands, a module each: `Args` is its part of the command line, and `run` does it.

pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod layout;
pub(crate) mod symbols;
