//! What is loaded, prepared and called is told to `tracing`'s subscriber. Run by
//! `cargo xtask package`, as the feature would make every other test slower.

use ffi::{CallInterface, Callback, Library, Type, arg};
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps events, as lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Addresses differ from run to run.
        if !["function", "pointer", "address"].contains(&field.name()) {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ffi"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no panic").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn what_happens_is_told_in_order() -> Result<(), ffi::Error> {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let name = if cfg!(windows) { "msvcrt.dll" } else { "libc.so.6" };
        // SAFETY: the C library is part of this program already.
        let libc = unsafe { Library::open(name) }?;
        let abs = CallInterface::new(Type::C_INT, [Type::C_INT])?;
        let address = libc.symbol("abs")?.as_ptr();
        // SAFETY: `int abs(int)`.
        assert_eq!(unsafe { abs.call::<i32>(address, &[arg(&-5_i32)]) }, Ok(5));
        // What is refused is not called.
        // SAFETY: as above.
        assert!(unsafe { abs.call::<i32>(address, &[]) }.is_err());
        let _callback = Callback::options().name("half").create(|n: f64| -> f64 { n / 2.0 })?;
        drop(libc);
        Ok::<(), ffi::Error>(())
    })?;
    let lines = lines.0.lock().expect("no panic");
    let expected = [
        ("DEBUG message=opened", " library=\""),
        ("DEBUG message=prepared", " signature=int32_t (int32_t)"),
        ("DEBUG message=found", " symbol=\"abs\""),
        ("TRACE message=call", " signature=int32_t (int32_t)"),
        ("DEBUG message=callback", " name=\"half\""),
        ("DEBUG message=closed", " library=\""),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, (start, part)) in lines.iter().zip(expected) {
        assert!(line.starts_with(start) && line.contains(part), "{line}: expected {start}…{part}");
    }
    Ok(())
}
