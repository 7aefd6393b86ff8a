//! SQLite from end to end: a table, a prepared statement, and a function and a collation of SQL's
//! that are Rust closures.

use ffi::{Arg, Bindings, CType, Callback, Declared, Header, Library, arg};
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// From sqlite3.h. A database, a statement, a value and a context are pointers to us.
const DECLARATIONS: &str = "
    int sqlite3_open(const char *name, void **database);
    int sqlite3_close(void *database);
    const char *sqlite3_errmsg(void *database);
    int sqlite3_prepare_v2(void *database, const char *sql, int bytes, void **statement, void *tail);
    int sqlite3_bind_text(void *statement, int index, const char *, int bytes, void (*)(void *));
    int sqlite3_bind_double(void *statement, int index, double);
    int sqlite3_step(void *statement);
    int sqlite3_reset(void *statement);
    int sqlite3_finalize(void *statement);
    int sqlite3_column_count(void *statement);
    const char *sqlite3_column_text(void *statement, int column);
    double sqlite3_value_double(void *value);
    void sqlite3_result_double(void *context, double);
    int sqlite3_create_function(void *database, const char *name, int arguments, int encoding,
        void *user, void (*call)(void *, int, void **), void (*)(void), void (*)(void));
    int sqlite3_create_collation(void *database, const char *name, int encoding, void *user,
        int (*compare)(void *, int, const void *, int, const void *));
";
const ROW: i32 = 100;
const UTF8: i32 = 1;
/// Has SQLite make its own copy of a text.
const TRANSIENT: isize = -1;
const NULL: *const c_void = null();

type Failure = Box<dyn std::error::Error>;

/// Calls one of the functions above.
fn call<R: CType>(sqlite: &Bindings, name: &str, arguments: &[Arg<'_>]) -> Result<R, Failure> {
    // SAFETY: the declarations are SQLite's, and this program's handles are open.
    Ok(unsafe { sqlite.function(name)?.call(arguments) }?)
}

struct Database {
    sqlite: Arc<Bindings>,
    handle: *mut c_void,
    /// What SQLite may call until the database is closed.
    callbacks: Vec<Callback>,
}

impl Database {
    fn in_memory() -> Result<Self, Failure> {
        // SAFETY: SQLite has no constructors.
        let library = unsafe { Library::open("libsqlite3.so.0") }?;
        let sqlite = Arc::new(library.bind(&Header::parse(DECLARATIONS)?)?);
        let mut handle: *mut c_void = null_mut();
        let (name, to) = (c":memory:".as_ptr(), &raw mut handle);
        call::<i32>(&sqlite, "sqlite3_open", &[arg(&name), arg(&to)])?;
        Ok(Self { sqlite, handle, callbacks: Vec::new() })
    }

    /// Calls a function that returns a status; SQLite's own words if it is a bad one.
    fn check(&self, name: &str, arguments: &[Arg<'_>]) -> Result<i32, Failure> {
        let status = call(&self.sqlite, name, arguments)?;
        // 100 and 101 are "there is a row" and "there is none any more".
        if [0, ROW, 101].contains(&status) {
            return Ok(status);
        }
        let message: *const c_char = call(&self.sqlite, "sqlite3_errmsg", &[arg(&self.handle)])?;
        // SAFETY: SQLite returns a string.
        Err(unsafe { CStr::from_ptr(message) }.to_string_lossy().into())
    }

    fn prepare(&self, sql: &str) -> Result<*mut c_void, Failure> {
        let (sql, mut statement) = (CString::new(sql)?, null_mut());
        let (sql, to) = (sql.as_ptr(), &raw mut statement);
        let arguments = [arg(&self.handle), arg(&sql), arg(&-1_i32), arg(&to), arg(&NULL)];
        self.check("sqlite3_prepare_v2", &arguments)?;
        Ok(statement)
    }

    /// Runs a statement, and prints its rows.
    fn run(&self, sql: &str) -> Result<(), Failure> {
        let statement = self.prepare(sql)?;
        while self.check("sqlite3_step", &[arg(&statement)])? == ROW {
            let columns: i32 = call(&self.sqlite, "sqlite3_column_count", &[arg(&statement)])?;
            for column in 0..columns {
                let of = [arg(&statement), arg(&column)];
                let text: *const c_char = call(&self.sqlite, "sqlite3_column_text", &of)?;
                // SAFETY: none of the columns is null, so it is a string, until the next step.
                let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
                print!("{text}{}", if column + 1 < columns { " " } else { "\n" });
            }
        }
        self.check("sqlite3_finalize", &[arg(&statement)]).map(drop)
    }
}

fn main() -> Result<(), Failure> {
    let mut database = Database::in_memory()?;
    let handle = database.handle;
    database.run("CREATE TABLE fruit (name TEXT, grams REAL)")?;

    let insert = database.prepare("INSERT INTO fruit VALUES (?, ?)")?;
    for (name, grams) in [("banana", 120.0), ("fig", 45.0), ("pear", 178.0), ("kiwi", 69.5)] {
        let (text, bytes) = (name.as_ptr(), name.len() as i32);
        let bind = [arg(&insert), arg(&1_i32), arg(&text), arg(&bytes), arg(&TRANSIENT)];
        database.check("sqlite3_bind_text", &bind)?;
        database.check("sqlite3_bind_double", &[arg(&insert), arg(&2_i32), arg(&grams)])?;
        database.check("sqlite3_step", &[arg(&insert)])?;
        database.check("sqlite3_reset", &[arg(&insert)])?;
    }
    database.check("sqlite3_finalize", &[arg(&insert)])?;

    let sqlite = Arc::clone(&database.sqlite);
    let ounces = Callback::new(move |context: *mut c_void, _: i32, values: *const *mut c_void| {
        // SAFETY: SQLite passes as many values as the function was made for, which is one.
        let value = unsafe { *values };
        let grams: f64 = call(&sqlite, "sqlite3_value_double", &[arg(&value)]).unwrap_or(0.0);
        let ounces = grams / 28.35;
        let result = [arg(&context), arg(&ounces)];
        call::<()>(&sqlite, "sqlite3_result_double", &result).unwrap_or(());
    })?;
    let (name, none) = (c"ounces".as_ptr(), arg(&NULL));
    let with = [arg(&handle), arg(&name), arg(&1_i32), arg(&UTF8), none, ounces.arg(), none, none];
    database.check("sqlite3_create_function", &with)?;

    let compare =
        |_: *mut c_void, a: i32, _: *const u8, b: i32, _: *const u8| -> i32 { a.cmp(&b) as i32 };
    let by_length = Callback::new(compare)?;
    let name = c"by_length".as_ptr();
    let with = [arg(&handle), arg(&name), arg(&UTF8), none, by_length.arg()];
    database.check("sqlite3_create_collation", &with)?;
    database.callbacks.extend([ounces, by_length]);

    database.run(
        "SELECT name, printf('%.2f', ounces(grams)) FROM fruit ORDER BY name COLLATE by_length, name",
    )?;
    if let Err(error) = database.run("SELECT name FROM vegetables") {
        println!("{error}");
    }
    database.check("sqlite3_close", &[arg(&handle)]).map(drop)
}
