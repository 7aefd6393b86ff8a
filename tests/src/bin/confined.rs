//! `confined RULE… -- PROGRAM ARGUMENT…`: runs a program under a filter of system calls. As Cargo's
//! runner, it confines every test.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> std::process::ExitCode {
    use ffi_tests::confine::{Rule, confine};
    use std::os::unix::process::CommandExt;
    let mut words = std::env::args_os().skip(1);
    let mut rules = Vec::new();
    for word in words.by_ref().take_while(|word| word != "--") {
        match Rule::NAMES.iter().find(|(name, _)| word == *name) {
            Some((_, rule)) => rules.push(*rule),
            None => {
                let names = Rule::NAMES.map(|(name, _)| name);
                eprintln!("confined: expected one of {names:?}, found {word:?}");
                return std::process::ExitCode::from(2);
            }
        }
    }
    let Some(program) = words.next().filter(|_| !rules.is_empty()) else {
        eprintln!("usage: confined RULE… -- PROGRAM ARGUMENT…");
        return std::process::ExitCode::from(2);
    };
    if let Err(error) = confine(&rules) {
        eprintln!("confined: {error}");
        return std::process::ExitCode::from(2);
    }
    // What returns has failed.
    let error = std::process::Command::new(&program).args(words).exec();
    eprintln!("confined: {}: {error}", program.display());
    std::process::ExitCode::from(2)
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() -> std::process::ExitCode {
    eprintln!("confined: the filters are written for x86-64 Linux");
    std::process::ExitCode::from(2)
}
