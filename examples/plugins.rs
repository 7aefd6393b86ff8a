//! A host whose plug-ins are compiled while it runs, replaced without losing their state, and gone
//! from memory when they are unloaded.
//!
//! For Linux. `CC` names the compiler; without it, it is `cc`.

use ffi::{Bindings, CType, Callback, Declared, Header, Library, arg};
use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the host and its plug-ins agree on.
const HEADER: &str = "
    typedef struct { double value; int seen; } sample;
    void plugin_start(void (*log)(const char *line));
    sample plugin_step(sample last, double input);
    void plugin_stop(void);
";

/// The first version sums up.
const FIRST: &str = r#"
    static void (*say)(const char *);
    void plugin_start(void (*log)(const char *line)) { say = log; say("first: started"); }
    sample plugin_step(sample last, double input) {
        return (sample){last.value + input, last.seen + 1};
    }
    void plugin_stop(void) { say("first: stopped"); }
"#;

/// The second has another idea of what to do with the same samples: it keeps the largest.
const SECOND: &str = r#"
    static void (*say)(const char *);
    void plugin_start(void (*log)(const char *line)) { say = log; say("second: started"); }
    sample plugin_step(sample last, double input) {
        return (sample){last.value > input ? last.value : input, last.seen + 1};
    }
    void plugin_stop(void) { say("second: stopped"); }
"#;

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, Clone, Copy, PartialEq, CType)]
#[repr(C)]
struct Sample {
    value: f64,
    seen: i32,
}

/// A plug-in between its `start` and its `stop`.
struct Plugin {
    library: Library,
    functions: Bindings,
    path: PathBuf,
}

impl Plugin {
    /// Compiles a plug-in. Each has a file of its own: the loader takes one that it has open for
    /// the same library, whatever has been written to it since.
    fn build(source: &str, path: PathBuf) -> Result<PathBuf, Failure> {
        let file = path.with_extension("c");
        std::fs::write(&file, format!("{HEADER}{source}"))?;
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let flags = ["-shared", "-fPIC", "-O2", "-o"];
        let status = Command::new(compiler).args(flags).args([&path, &file]).status()?;
        if status.success() {
            Ok(path)
        } else {
            Err(format!("the compiler failed: {status}").into())
        }
    }

    fn start(path: PathBuf, log: &Callback) -> Result<Self, Failure> {
        // SAFETY: it was compiled from the text above, and runs nothing when it is opened.
        let library = unsafe { Library::open(&path) }?;
        // Everything is looked up before anything runs, so that a plug-in which lacks a function is
        // an error here.
        let functions = library.bind(&Header::parse(HEADER)?)?;
        // SAFETY: the plug-in is compiled against the same header; the host keeps `log` for longer.
        unsafe { functions.function("plugin_start")?.call::<()>(&[log.arg()]) }?;
        Ok(Self { library, functions, path })
    }

    fn step(&self, last: Sample, input: f64) -> Result<Sample, Failure> {
        let step = self.functions.function("plugin_step")?;
        // SAFETY: as above.
        Ok(unsafe { step.call(&[arg(&last), arg(&input)]) }?)
    }

    /// Stops the plug-in, and has the loader say whether it was the last to hold the library.
    fn stop(self) -> Result<PathBuf, Failure> {
        // SAFETY: as above.
        unsafe { self.functions.function("plugin_stop")?.call::<()>(&[]) }?;
        // The bindings keep the library open, as every function taken out of them would.
        drop(self.functions);
        self.library.close()?;
        Ok(self.path)
    }
}

/// Whether the file is part of this process's memory.
fn in_memory(path: &Path) -> Result<bool, Failure> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    Ok(maps.lines().any(|line| line.ends_with(&*path.to_string_lossy())))
}

fn host(directory: &Path) -> Result<(), Failure> {
    let log = Callback::new(|line: *const c_char| {
        // SAFETY: plug-ins pass strings.
        println!("  [{}]", unsafe { CStr::from_ptr(line) }.to_string_lossy());
    })?;

    let first = Plugin::build(FIRST, directory.join("plugin-1.so"))?;
    let mut plugin = Plugin::start(first, &log)?;
    let mut sample = Sample { value: 0.0, seen: 0 };
    for input in [1.0, 2.5, 4.0] {
        sample = plugin.step(sample, input)?;
    }
    println!("after three steps: {sample:?}");

    // The new one is built and started before the old one stops: if it cannot be, nothing is lost.
    let broken = Plugin::build("void plugin_stop(void) {}", directory.join("plugin-2.so"))?;
    if let Err(error) = Plugin::start(broken, &log) {
        println!("not started: {}", error.to_string().replace(&*directory.to_string_lossy(), "."));
    }
    let second = Plugin::build(SECOND, directory.join("plugin-3.so"))?;
    let old = std::mem::replace(&mut plugin, Plugin::start(second, &log)?).stop()?;
    println!("the first is in memory: {}", in_memory(&old)?);
    for input in [3.0, 9.5] {
        sample = plugin.step(sample, input)?;
    }
    println!("after two more: {sample:?}");

    let path = plugin.path.clone();
    println!("the second is in memory: {}", in_memory(&path)?);
    plugin.stop()?;
    println!("the second is in memory: {}", in_memory(&path)?);
    Ok(())
}

fn main() -> Result<(), Failure> {
    let directory = std::env::temp_dir().join(format!("ffi-plugins-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let result = host(&directory);
    std::fs::remove_dir_all(&directory)?;
    result
}
