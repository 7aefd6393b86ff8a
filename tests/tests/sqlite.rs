//! SQLite: rows through prepared statements, and functions and collations written as closures.

use ffi::{CType, CallInterface, Callback, Function, Library, Type, arg};
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const ROW: i32 = 100;
const DONE: i32 = 101;
const UTF8: i32 = 1;
/// SQLite is to make its own copy of a text.
const TRANSIENT: isize = -1;

/// The functions used here, by name, with their C types.
struct Sqlite(HashMap<&'static str, Function>);

impl Sqlite {
    fn open() -> Self {
        // SAFETY: SQLite has no constructors.
        let library = unsafe { Library::open("libsqlite3.so.0") }
            .expect("libsqlite3.so.0, of the package libsqlite3-0");
        let i64 = Type::I64;
        let f64 = Type::F64;
        let table: Vec<(&str, Type, Vec<Type>)> = vec![
            ("sqlite3_open", INT, vec![P, P]),
            ("sqlite3_close", INT, vec![P]),
            ("sqlite3_exec", INT, vec![P, P, P, P, P]),
            ("sqlite3_free", Type::VOID, vec![P]),
            ("sqlite3_errmsg", P, vec![P]),
            ("sqlite3_prepare_v2", INT, vec![P, P, INT, P, P]),
            ("sqlite3_bind_int64", INT, vec![P, INT, i64.clone()]),
            ("sqlite3_bind_double", INT, vec![P, INT, f64.clone()]),
            ("sqlite3_bind_text", INT, vec![P, INT, P, INT, Type::ISIZE]),
            ("sqlite3_step", INT, vec![P]),
            ("sqlite3_reset", INT, vec![P]),
            ("sqlite3_finalize", INT, vec![P]),
            ("sqlite3_column_int64", i64.clone(), vec![P, INT]),
            ("sqlite3_column_double", f64.clone(), vec![P, INT]),
            ("sqlite3_column_text", P, vec![P, INT]),
            ("sqlite3_create_function_v2", INT, vec![P, P, INT, INT, P, P, P, P, P]),
            ("sqlite3_create_collation_v2", INT, vec![P, P, INT, P, P, P]),
            ("sqlite3_value_double", f64.clone(), vec![P]),
            ("sqlite3_value_int64", i64, vec![P]),
            ("sqlite3_result_double", Type::VOID, vec![P, f64]),
        ];
        let load = |(name, result, arguments)| {
            let interface = CallInterface::new(result, arguments).expect("a C signature");
            (name, Function::load(&library, name, &interface).expect("it is in SQLite"))
        };
        Self(table.into_iter().map(load).collect())
    }

    fn call<R: CType>(&self, name: &str, arguments: &[ffi::Arg<'_>]) -> R {
        // SAFETY: the table has SQLite's own types, and the tests pass valid handles.
        unsafe { self.0[name].call(arguments) }.unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

struct Database {
    sqlite: Arc<Sqlite>,
    handle: *mut c_void,
}

const NULL: *const c_void = std::ptr::null();

impl Database {
    fn in_memory() -> Self {
        let sqlite = Arc::new(Sqlite::open());
        let mut handle: *mut c_void = std::ptr::null_mut();
        let (name, at) = (c":memory:".as_ptr(), &raw mut handle);
        assert_eq!(sqlite.call::<i32>("sqlite3_open", &[arg(&name), arg(&at)]), 0);
        Self { sqlite, handle }
    }

    fn error(&self) -> String {
        let text: *const c_char = self.sqlite.call("sqlite3_errmsg", &[arg(&self.handle)]);
        // SAFETY: SQLite returns a string.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// `sqlite3_exec`, with the rows as its callback receives them.
    fn exec(&self, sql: &str) -> Result<Vec<Vec<(String, String)>>, String> {
        let rows = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&rows);
        let callback = Callback::new(
            move |_: *mut c_void,
                  count: i32,
                  values: *const *const c_char,
                  names: *const *const c_char|
                  -> i32 {
                let text = |list: *const *const c_char, index: usize| {
                    // SAFETY: SQLite passes two arrays of `count` strings; a value may be null.
                    unsafe {
                        let at = *list.add(index);
                        if at.is_null() { None } else { CStr::from_ptr(at).to_str().ok() }
                    }
                };
                let row = (0..count as usize).map(|index| {
                    let value = text(values, index).unwrap_or("NULL").to_owned();
                    (text(names, index).expect("a name").to_owned(), value)
                });
                sink.lock().expect("no panic").push(row.collect());
                0
            },
        )
        .expect("a callback");
        let sql = CString::new(sql).expect("no NUL");
        let sql = sql.as_ptr();
        let arguments = [arg(&self.handle), arg(&sql), callback.arg(), arg(&NULL), arg(&NULL)];
        if self.sqlite.call::<i32>("sqlite3_exec", &arguments) != 0 {
            return Err(self.error());
        }
        Ok(std::mem::take(&mut *rows.lock().expect("no panic")))
    }

    fn prepare(&self, sql: &CStr) -> *mut c_void {
        let mut statement: *mut c_void = std::ptr::null_mut();
        let (sql, at) = (sql.as_ptr(), &raw mut statement);
        let arguments = [arg(&self.handle), arg(&sql), arg(&-1_i32), arg(&at), arg(&NULL)];
        let status: i32 = self.sqlite.call("sqlite3_prepare_v2", &arguments);
        assert_eq!(status, 0, "{}", self.error());
        statement
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        assert_eq!(self.sqlite.call::<i32>("sqlite3_close", &[arg(&self.handle)]), 0);
    }
}

fn values(rows: &[Vec<(String, String)>]) -> Vec<&str> {
    rows.iter().flatten().map(|(_, value)| value.as_str()).collect()
}

#[test]
fn ten_thousand_rows_through_prepared_statements() {
    let database = Database::in_memory();
    let sqlite = &database.sqlite;
    database.exec("CREATE TABLE t (id INTEGER, x REAL, name TEXT); BEGIN").expect("valid SQL");
    let insert = database.prepare(c"INSERT INTO t VALUES (?1, ?2, ?3)");
    for id in 0..10_000_i64 {
        let x = id as f64 / 8.0;
        let name = format!("row {id}");
        let (text, length) = (name.as_ptr(), name.len() as i32);
        let bound = [
            sqlite.call::<i32>("sqlite3_bind_int64", &[arg(&insert), arg(&1_i32), arg(&id)]),
            sqlite.call("sqlite3_bind_double", &[arg(&insert), arg(&2_i32), arg(&x)]),
            sqlite.call(
                "sqlite3_bind_text",
                &[arg(&insert), arg(&3_i32), arg(&text), arg(&length), arg(&TRANSIENT)],
            ),
        ];
        assert_eq!(bound, [0; 3]);
        assert_eq!(sqlite.call::<i32>("sqlite3_step", &[arg(&insert)]), DONE);
        assert_eq!(sqlite.call::<i32>("sqlite3_reset", &[arg(&insert)]), 0);
    }
    assert_eq!(sqlite.call::<i32>("sqlite3_finalize", &[arg(&insert)]), 0);
    let rows = database.exec("COMMIT; SELECT count(*) AS n, sum(id), sum(x) FROM t");
    let rows = rows.expect("valid SQL");
    assert_eq!(rows[0][0], ("n".into(), "10000".into()));
    assert_eq!(values(&rows), ["10000", "49995000", "6249375.0"]);

    let select = database.prepare(c"SELECT id, x, name FROM t WHERE id >= 9998 ORDER BY id");
    for id in 9998..10_000_i64 {
        assert_eq!(sqlite.call::<i32>("sqlite3_step", &[arg(&select)]), ROW);
        let found: i64 = sqlite.call("sqlite3_column_int64", &[arg(&select), arg(&0_i32)]);
        let x: f64 = sqlite.call("sqlite3_column_double", &[arg(&select), arg(&1_i32)]);
        let name: *const c_char = sqlite.call("sqlite3_column_text", &[arg(&select), arg(&2_i32)]);
        assert_eq!((found, x), (id, id as f64 / 8.0));
        // SAFETY: the column is a text.
        assert_eq!(unsafe { CStr::from_ptr(name) }.to_str(), Ok(format!("row {id}").as_str()));
    }
    assert_eq!(sqlite.call::<i32>("sqlite3_step", &[arg(&select)]), DONE);
    assert_eq!(sqlite.call::<i32>("sqlite3_finalize", &[arg(&select)]), 0);
}

#[test]
fn exec_reports_errors_in_sqlites_words() {
    let database = Database::in_memory();
    let error = database.exec("SELECT nonsense FROM nowhere").expect_err("no such table");
    assert_eq!(error, "no such table: nowhere");
}

#[test]
fn an_sql_function_is_a_rust_closure() {
    let database = Database::in_memory();
    let sqlite = Arc::clone(&database.sqlite);
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    // void power(sqlite3_context *, int, sqlite3_value **)
    let power = Callback::new(move |context: *mut c_void, _: i32, values: *const *mut c_void| {
        count.fetch_add(1, Ordering::Relaxed);
        // SAFETY: SQLite passes as many values as the function was declared with.
        let (base, exponent) = unsafe { (*values, *values.add(1)) };
        let base: f64 = sqlite.call("sqlite3_value_double", &[arg(&base)]);
        let exponent: i64 = sqlite.call("sqlite3_value_int64", &[arg(&exponent)]);
        let result = base.powi(exponent as i32);
        sqlite.call::<()>("sqlite3_result_double", &[arg(&context), arg(&result)]);
    })
    .expect("a callback");
    let name = c"rust_power".as_ptr();
    let arguments = [
        arg(&database.handle),
        arg(&name),
        arg(&2_i32),
        arg(&UTF8),
        arg(&NULL),
        power.arg(),
        arg(&NULL),
        arg(&NULL),
        arg(&NULL),
    ];
    assert_eq!(database.sqlite.call::<i32>("sqlite3_create_function_v2", &arguments), 0);
    let rows = database.exec(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
         SELECT sum(rust_power(1.5, i)) FROM n",
    );
    let expected: f64 = (0..10).map(|i| 1.5_f64.powi(i)).sum();
    let rows = rows.expect("valid SQL");
    let sum: f64 = values(&rows)[0].parse().expect("a number");
    assert!((sum - expected).abs() < 1e-9, "{sum} {expected}");
    assert_eq!(calls.load(Ordering::Relaxed), 10);
    drop(database);
}

#[test]
fn a_collation_is_a_rust_closure_and_is_destroyed_with_the_database() {
    let database = Database::in_memory();
    let destroyed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&destroyed);
    let destroy = Callback::new(move |_: *mut c_void| {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .expect("a callback");
    // By length, and then backwards: no collation of SQLite's own sorts so.
    let compare =
        Callback::new(|_: *mut c_void, n: i32, a: *const u8, m: i32, b: *const u8| -> i32 {
            // SAFETY: SQLite passes two texts with their lengths.
            let (a, b) = unsafe {
                (
                    std::slice::from_raw_parts(a, n as usize),
                    std::slice::from_raw_parts(b, m as usize),
                )
            };
            a.len().cmp(&b.len()).then_with(|| b.cmp(a)) as i32
        })
        .expect("a callback");
    let name = c"by_length".as_ptr();
    let arguments =
        [arg(&database.handle), arg(&name), arg(&UTF8), arg(&NULL), compare.arg(), destroy.arg()];
    assert_eq!(database.sqlite.call::<i32>("sqlite3_create_collation_v2", &arguments), 0);
    let rows = database
        .exec(
            "CREATE TABLE w (t TEXT); INSERT INTO w VALUES ('pear'), ('fig'), ('apple'), ('plum'),
             ('kiwi'); SELECT t FROM w ORDER BY t COLLATE by_length",
        )
        .expect("valid SQL");
    assert_eq!(values(&rows), ["fig", "plum", "pear", "kiwi", "apple"]);
    assert_eq!(destroyed.load(Ordering::Relaxed), 0);
    drop(database);
    assert_eq!(destroyed.load(Ordering::Relaxed), 1);
}
