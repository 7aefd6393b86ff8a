//! Filters of system calls, as hardened services have them.

use std::io::Error;
use std::mem::offset_of;

/// What a process may no longer do. Whatever tries finds `EPERM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Memory that is writable and executable, or was the one and becomes the other: what systemd's
    /// `MemoryDenyWriteExecute=` forbids.
    WriteExecute,
    /// Running a memory barrier on behalf of other threads.
    Membarrier,
    /// Files that are in memory alone.
    MemoryFile,
    /// Opening files.
    Open,
}

impl Rule {
    /// All, by the names that commands have for them.
    pub const NAMES: [(&str, Self); 4] = [
        ("write-execute", Self::WriteExecute),
        ("membarrier", Self::Membarrier),
        ("memory-file", Self::MemoryFile),
        ("open", Self::Open),
    ];

    /// The system calls, each with the bits of its third argument that have to be set for the rule
    /// to hold.
    fn calls(self) -> &'static [(libc::c_long, u32)] {
        const WRITE: u32 = libc::PROT_WRITE as u32;
        const EXECUTE: u32 = libc::PROT_EXEC as u32;
        match self {
            Self::WriteExecute => &[
                (libc::SYS_mmap, WRITE | EXECUTE),
                (libc::SYS_mprotect, EXECUTE),
                (libc::SYS_pkey_mprotect, EXECUTE),
                (libc::SYS_shmat, libc::SHM_EXEC as u32),
            ],
            Self::Membarrier => &[(libc::SYS_membarrier, 0)],
            Self::MemoryFile => &[(libc::SYS_memfd_create, 0)],
            Self::Open => &[(libc::SYS_open, 0), (libc::SYS_openat, 0), (libc::SYS_openat2, 0)],
        }
    }
}

/// `AUDIT_ARCH_X86_64` of `linux/audit.h`.
const ARCHITECTURE: u32 = 0xc000_003e;

fn instruction(code: u32, equal: u8, otherwise: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: equal, jf: otherwise, k }
}

fn load(offset: usize) -> libc::sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset as u32)
}

/// Skips so many instructions, depending on whether what was loaded is this.
fn skip(value: u32, equal: u8, otherwise: u8) -> libc::sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, equal, otherwise, value)
}

fn end(action: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

fn program(rules: &[Rule]) -> Vec<libc::sock_filter> {
    let refuse = end(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32);
    let number = load(offset_of!(libc::seccomp_data, nr));
    // The lower half of the third argument.
    let argument = load(offset_of!(libc::seccomp_data, args) + 2 * size_of::<u64>());
    // Programs of another architecture have other numbers.
    let architecture = load(offset_of!(libc::seccomp_data, arch));
    let mut program = vec![architecture, skip(ARCHITECTURE, 1, 0), refuse];
    for (call, bits) in rules.iter().flat_map(|rule| rule.calls()) {
        let mask = instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, *bits);
        program.extend([number, skip(*call as u32, 0, 4)]);
        program.extend([argument, mask, skip(*bits, 0, 1), refuse]);
    }
    program.push(end(libc::SECCOMP_RET_ALLOW));
    program
}

/// Forbids all threads of this process, and what it starts, what the rules say, for ever.
///
/// # Errors
/// The system's, where it has no such filters.
pub fn confine(rules: &[Rule]) -> Result<(), Error> {
    let mut filter = program(rules);
    let program =
        libc::sock_fprog { len: filter.len() as libc::c_ushort, filter: filter.as_mut_ptr() };
    // SAFETY: the program is read alone, and is there until the calls return.
    unsafe {
        // Those who may not become more than they are may filter themselves.
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return Err(Error::last_os_error());
        }
        let (mode, all) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC);
        match libc::syscall(libc::SYS_seccomp, mode, all, &raw const program) {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        }
    }
}
