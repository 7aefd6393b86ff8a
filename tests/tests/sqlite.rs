//! SQLite: rows through prepared statements, and functions and collations written as closures.
#![cfg(unix)] // where every system has the library, under one name

use ffi::{CType, CallInterface, Callback, Function, Library, Type, arg};
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const P: Type = Type::POINTER;
const INT: Type = Type::C_INT;
const ROW: i32 = 100;
const DONE: i32 = 101;
const ABORT: i32 = 4;
const UTF8: i32 = 1;
const TEXT: i32 = 3;
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
            ("sqlite3_bind_int", INT, vec![P, INT, INT]),
            ("sqlite3_bind_int64", INT, vec![P, INT, i64.clone()]),
            ("sqlite3_bind_null", INT, vec![P, INT]),
            ("sqlite3_bind_double", INT, vec![P, INT, f64.clone()]),
            ("sqlite3_bind_text", INT, vec![P, INT, P, INT, P]),
            ("sqlite3_step", INT, vec![P]),
            ("sqlite3_reset", INT, vec![P]),
            ("sqlite3_finalize", INT, vec![P]),
            ("sqlite3_column_int64", i64.clone(), vec![P, INT]),
            ("sqlite3_column_double", f64.clone(), vec![P, INT]),
            ("sqlite3_column_text", P, vec![P, INT]),
            ("sqlite3_create_function_v2", INT, vec![P, P, INT, INT, P, P, P, P, P]),
            ("sqlite3_create_collation_v2", INT, vec![P, P, INT, P, P, P]),
            ("sqlite3_value_type", INT, vec![P]),
            ("sqlite3_value_double", f64.clone(), vec![P]),
            ("sqlite3_value_int64", i64, vec![P]),
            ("sqlite3_value_text", P, vec![P]),
            ("sqlite3_value_bytes", INT, vec![P]),
            ("sqlite3_user_data", P, vec![P]),
            ("sqlite3_result_double", Type::VOID, vec![P, f64]),
            ("sqlite3_result_text", Type::VOID, vec![P, P, INT, P]),
            ("sqlite3_result_error", Type::VOID, vec![P, P, INT]),
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

/// Names and values, as text.
type Row = Vec<(String, String)>;

struct Database {
    sqlite: Arc<Sqlite>,
    handle: *mut c_void,
    /// What SQLite may call until the database is closed.
    callbacks: Vec<Callback>,
}

const NULL: *const c_void = std::ptr::null();

impl Database {
    fn in_memory() -> Self {
        let sqlite = Arc::new(Sqlite::open());
        let mut handle: *mut c_void = std::ptr::null_mut();
        let (name, at) = (c":memory:".as_ptr(), &raw mut handle);
        assert_eq!(sqlite.call::<i32>("sqlite3_open", &[arg(&name), arg(&at)]), 0);
        Self { sqlite, handle, callbacks: Vec::new() }
    }

    fn error(&self) -> String {
        let text: *const c_char = self.sqlite.call("sqlite3_errmsg", &[arg(&self.handle)]);
        // SAFETY: SQLite returns a string.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// `sqlite3_exec`, with the rows as its callback receives them.
    fn exec(&self, sql: &str) -> Result<Vec<Row>, String> {
        let rows = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&rows);
        let callback = Callback::new(
            move |_: *mut c_void,
                  count: i32,
                  values: *const *const c_char,
                  names: *const *const c_char|
                  -> i32 {
                // SAFETY: SQLite passes two arrays of `count` strings; a value may be null.
                let text = |list: *const *const c_char, index: usize| unsafe {
                    let at = *list.add(index);
                    if at.is_null() { None } else { CStr::from_ptr(at).to_str().ok() }
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

    /// Makes a closure an SQL function of so many arguments, any number for -1. It is a
    /// `void (sqlite3_context *, int, sqlite3_value **)`.
    fn function(
        &mut self,
        (name, count): (&CStr, i32),
        user: usize,
        function: Callback,
        destroy: Option<Callback>,
    ) {
        let name = name.as_ptr();
        let arguments = [
            arg(&self.handle),
            arg(&name),
            arg(&count),
            arg(&UTF8),
            arg(&user),
            function.arg(),
            arg(&NULL),
            arg(&NULL),
            destroy.as_ref().map_or(arg(&NULL), Callback::arg),
        ];
        let status: i32 = self.sqlite.call("sqlite3_create_function_v2", &arguments);
        assert_eq!(status, 0, "{}", self.error());
        self.callbacks.push(function);
        self.callbacks.extend(destroy);
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
        let status = self.sqlite.call::<i32>("sqlite3_close", &[arg(&self.handle)]);
        assert!(status == 0 || std::thread::panicking(), "close: {status}");
    }
}

fn values(rows: &[Row]) -> Vec<&str> {
    rows.iter().flatten().map(|(_, value)| value.as_str()).collect()
}

#[test]
fn ten_thousand_rows_through_prepared_statements() {
    let database = Database::in_memory();
    let sqlite = &database.sqlite;
    let table = "CREATE TABLE t (id INTEGER, x REAL, name TEXT, small INTEGER); BEGIN";
    assert_eq!(database.exec(table), Ok(vec![]));
    let insert = database.prepare(c"INSERT INTO t VALUES (?1, ?2, ?3, ?4)");
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
            match -(id % 100) as i32 {
                0 => sqlite.call("sqlite3_bind_null", &[arg(&insert), arg(&4_i32)]),
                n => sqlite.call("sqlite3_bind_int", &[arg(&insert), arg(&4_i32), arg(&n)]),
            },
        ];
        assert_eq!(bound, [0; 4]);
        assert_eq!(sqlite.call::<i32>("sqlite3_step", &[arg(&insert)]), DONE);
        assert_eq!(sqlite.call::<i32>("sqlite3_reset", &[arg(&insert)]), 0);
    }
    assert_eq!(sqlite.call::<i32>("sqlite3_finalize", &[arg(&insert)]), 0);
    let rows = database.exec(
        "COMMIT; SELECT count(*) AS n, sum(id), sum(x), count(DISTINCT name), sum(small),
         count(small), max(CASE WHEN id % 100 = 0 THEN small END) FROM t",
    );
    let rows = rows.expect("valid SQL");
    assert_eq!(rows[0][0], ("n".into(), "10000".into()));
    let expected = ["10000", "49995000", "6249375.0", "10000", "-495000", "9900", "NULL"];
    assert_eq!(values(&rows), expected);

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
fn exec_stops_when_its_callback_says_so() {
    let database = Database::in_memory();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let third = Callback::dynamic(INT, [P, INT, P, P], move |_, result| {
        let before = count.fetch_add(1, Ordering::Relaxed);
        result.set(i32::from(before == 2)).expect("it fits");
    })
    .expect("a callback");
    let sql = c"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let (sql, mut message) = (sql.as_ptr(), std::ptr::null_mut::<c_char>());
    let message_at = &raw mut message;
    let arguments = [arg(&database.handle), arg(&sql), third.arg(), arg(&NULL), arg(&message_at)];
    assert_eq!(database.sqlite.call::<i32>("sqlite3_exec", &arguments), ABORT);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    // SAFETY: SQLite left a string there, to be freed.
    assert_eq!(unsafe { CStr::from_ptr(message) }, c"query aborted");
    database.sqlite.call::<()>("sqlite3_free", &[arg(&message)]);
    assert_eq!(database.error(), "query aborted");
}

#[test]
fn a_bound_text_is_given_back_to_a_closure() {
    let database = Database::in_memory();
    let freed = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&freed);
    let free = Callback::new(move |text: *mut c_char| {
        // SAFETY: it is one of those that were let go of below.
        sink.lock().expect("no panic").push(unsafe { CString::from_raw(text) });
    })
    .expect("a callback");
    let select = database.prepare(c"SELECT upper(?1)");
    for text in [c"one", c"two"] {
        let owned = text.to_owned().into_raw();
        let arguments = [arg(&select), arg(&1_i32), arg(&owned), arg(&-1_i32), free.arg()];
        assert_eq!(database.sqlite.call::<i32>("sqlite3_bind_text", &arguments), 0);
    }
    // The second took the place of the first.
    assert_eq!(*freed.lock().expect("no panic"), [c"one".to_owned()]);
    assert_eq!(database.sqlite.call::<i32>("sqlite3_step", &[arg(&select)]), ROW);
    let column = [arg(&select), arg(&0_i32)];
    let shown: *const c_char = database.sqlite.call("sqlite3_column_text", &column);
    // SAFETY: the column is a text.
    assert_eq!(unsafe { CStr::from_ptr(shown) }, c"TWO");
    assert_eq!(database.sqlite.call::<i32>("sqlite3_finalize", &[arg(&select)]), 0);
    assert_eq!(*freed.lock().expect("no panic"), [c"one", c"two"].map(CStr::to_owned));
}

#[test]
fn an_sql_function_is_a_rust_closure() {
    let mut database = Database::in_memory();
    let sqlite = Arc::clone(&database.sqlite);
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
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
    database.function((c"rust_power", 2), 0, power, None);
    let rows = database.exec(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
         SELECT sum(rust_power(1.5, i)) FROM n",
    );
    let expected: f64 = (0..10).map(|i| 1.5_f64.powi(i)).sum();
    let sum: f64 = values(&rows.expect("valid SQL"))[0].parse().expect("a number");
    assert!((sum - expected).abs() < 1e-9, "{sum} {expected}");
    assert_eq!(calls.load(Ordering::Relaxed), 10);
    let error = database.exec("SELECT rust_power(1)").expect_err("one argument is too few");
    assert_eq!(error, "wrong number of arguments to function rust_power()");
}

#[test]
fn an_sql_function_takes_texts_and_reports_errors() {
    const USER: usize = 0x5e1f;
    let mut database = Database::in_memory();
    let destroyed = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&destroyed);
    let destroy = Callback::new(move |user: *mut c_void| {
        sink.lock().expect("no panic").push(user.addr());
    })
    .expect("a callback");
    let sqlite = Arc::clone(&database.sqlite);
    // Joins its arguments, last first, each with its letters in reverse; refuses all but texts.
    let reverse = Callback::new(move |context: *mut c_void, n: i32, values: *const *mut c_void| {
        let user: *const c_void = sqlite.call("sqlite3_user_data", &[arg(&context)]);
        assert_eq!(user.addr(), USER);
        let mut joined = String::new();
        for index in (0..n as usize).rev() {
            // SAFETY: SQLite passes `n` values.
            let value = unsafe { *values.add(index) };
            if sqlite.call::<i32>("sqlite3_value_type", &[arg(&value)]) != TEXT {
                let message = format!("argument {index} is not a text");
                let (text, length) = (message.as_ptr(), message.len() as i32);
                let arguments = [arg(&context), arg(&text), arg(&length)];
                return sqlite.call::<()>("sqlite3_result_error", &arguments);
            }
            let text: *const u8 = sqlite.call("sqlite3_value_text", &[arg(&value)]);
            let length: i32 = sqlite.call("sqlite3_value_bytes", &[arg(&value)]);
            // SAFETY: the text has that many bytes.
            let text = unsafe { std::slice::from_raw_parts(text, length as usize) };
            let text = std::str::from_utf8(text).expect("SQLite passes UTF-8");
            joined.extend(text.chars().rev());
        }
        let (text, length) = (joined.as_ptr(), joined.len() as i32);
        let arguments = [arg(&context), arg(&text), arg(&length), arg(&TRANSIENT)];
        sqlite.call::<()>("sqlite3_result_text", &arguments);
    })
    .expect("a callback");
    database.function((c"rust_reverse", -1), USER, reverse, Some(destroy));
    let rows = database.exec("SELECT rust_reverse('straße', '', 'née'), rust_reverse()");
    assert_eq!(values(&rows.expect("valid SQL")), ["eéneßarts", ""]);
    let error = database.exec("SELECT rust_reverse('a', 2, 'c')").expect_err("2 is no text");
    assert_eq!(error, "argument 1 is not a text");
    assert_eq!(*destroyed.lock().expect("no panic"), []);
    drop(database);
    assert_eq!(*destroyed.lock().expect("no panic"), [USER]);
}

#[test]
fn a_collation_is_a_rust_closure_and_is_destroyed_with_the_database() {
    let mut database = Database::in_memory();
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
    database.callbacks.extend([compare, destroy]);
    let rows = database
        .exec(
            "CREATE TABLE w (t TEXT); INSERT INTO w VALUES ('pear'), ('fig'), ('apple'), ('plum'),
             ('kiwi'); SELECT t FROM w ORDER BY t COLLATE by_length",
        )
        .expect("valid SQL");
    assert_eq!(values(&rows), ["fig", "plum", "pear", "kiwi", "apple"]);
    let error = database.exec("SELECT t FROM w ORDER BY t COLLATE by_width").expect_err("none");
    assert_eq!(error, "no such collation sequence: by_width");
    assert_eq!(destroyed.load(Ordering::Relaxed), 0);
    drop(database);
    assert_eq!(destroyed.load(Ordering::Relaxed), 1);
}
