//! Lua, embedded without a line of C: a script calls Rust closures, and Rust calls the script.

use ffi::{Arg, Bindings, CType, Callback, Declared, Header, Library, arg};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::null;
use std::sync::Arc;

/// From lua.h and lauxlib.h, of Lua 5.4.
const DECLARATIONS: &str = "
    typedef struct lua_State lua_State;
    typedef int (*lua_CFunction)(lua_State *);
    lua_State *luaL_newstate(void);
    void luaL_openlibs(lua_State *);
    int luaL_loadstring(lua_State *, const char *);
    int lua_pcallk(lua_State *, int arguments, int results, int handler, ptrdiff_t context, void *);
    void lua_close(lua_State *);
    int lua_getglobal(lua_State *, const char *);
    void lua_setglobal(lua_State *, const char *);
    void lua_pushcclosure(lua_State *, lua_CFunction, int upvalues);
    void lua_pushnumber(lua_State *, double);
    double lua_tonumberx(lua_State *, int index, int *is_number);
    const char *lua_tolstring(lua_State *, int index, size_t *length);
    void lua_settop(lua_State *, int);
";

const SCRIPT: &CStr = c"
    say('hello from ' .. _VERSION)
    function fibonacci(n) return n < 2 and n or fibonacci(n - 1) + fibonacci(n - 2) end
    local sum = 0
    for i = 1, 10 do sum = sum + average(i, i + 1) end
    say('the sum of averages is ' .. sum)
";

type Failure = Box<dyn std::error::Error>;

struct Lua {
    functions: Arc<Bindings>,
    state: *mut c_void,
    /// What the scripts may call until the state is closed.
    callbacks: Vec<Callback>,
}

/// A call of one of the functions declared above. What raises an error in Lua jumps over all that
/// is between it and `lua_pcallk`, so nothing here calls such a function outside of it.
fn call<R: CType>(lua: &Bindings, name: &str, arguments: &[Arg<'_>]) -> Result<R, Failure> {
    // SAFETY: the declarations are Lua's, and the states are open.
    Ok(unsafe { lua.function(name)?.call(arguments) }?)
}

/// The value at an index of Lua's stack, as a text.
fn text(lua: &Bindings, state: *mut c_void, index: i32) -> Result<String, Failure> {
    let arguments = [arg(&state), arg(&index), arg(&null::<usize>())];
    let text: *const c_char = call(lua, "lua_tolstring", &arguments)?;
    if text.is_null() {
        return Err("expected a text".into());
    }
    // SAFETY: Lua returns a string, which stays while it is on the stack.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// The value at an index of Lua's stack, as a number; 0 if it is none.
fn number(lua: &Bindings, state: *mut c_void, index: i32) -> Result<f64, Failure> {
    call(lua, "lua_tonumberx", &[arg(&state), arg(&index), arg(&null::<i32>())])
}

impl Lua {
    fn new() -> Result<Self, Failure> {
        // SAFETY: Lua has no constructors.
        let library = unsafe { Library::open("liblua5.4.so.0") }?;
        let functions = Arc::new(library.bind(&Header::parse(DECLARATIONS)?)?);
        let state: *mut c_void = call(&functions, "luaL_newstate", &[])?;
        assert!(!state.is_null(), "there is no memory for a Lua state");
        call::<()>(&functions, "luaL_openlibs", &[arg(&state)])?;
        Ok(Self { functions, state, callbacks: Vec::new() })
    }

    /// Makes a closure a global function. It is given the library and the state, and says how many
    /// results it has pushed; what it fails with is nil to the script.
    fn register(
        &mut self,
        name: &CStr,
        function: impl Fn(&Bindings, *mut c_void) -> Result<i32, Failure> + Send + Sync + 'static,
    ) -> Result<(), Failure> {
        let lua = Arc::clone(&self.functions);
        let callback =
            Callback::new(move |state: *mut c_void| -> i32 { function(&lua, state).unwrap_or(0) })?;
        let (state, name) = (arg(&self.state), name.as_ptr());
        call::<()>(&self.functions, "lua_pushcclosure", &[state, callback.arg(), arg(&0_i32)])?;
        call::<()>(&self.functions, "lua_setglobal", &[state, arg(&name)])?;
        self.callbacks.push(callback);
        Ok(())
    }

    /// Calls what is on the stack below its arguments; Lua's message if that fails.
    fn protected(&self, arguments: i32, results: i32) -> Result<(), Failure> {
        let none = null::<c_void>();
        let (counts, rest) = ([arg(&arguments), arg(&results)], [arg(&0_isize), arg(&none)]);
        let all = [arg(&self.state), counts[0], counts[1], arg(&0_i32), rest[0], rest[1]];
        if call::<i32>(&self.functions, "lua_pcallk", &all)? == 0 {
            return Ok(());
        }
        let message = text(&self.functions, self.state, -1)?;
        call::<()>(&self.functions, "lua_settop", &[arg(&self.state), arg(&0_i32)])?;
        Err(message.into())
    }

    fn run(&self, script: &CStr) -> Result<(), Failure> {
        let (state, script) = (arg(&self.state), script.as_ptr());
        if call::<i32>(&self.functions, "luaL_loadstring", &[state, arg(&script)])? != 0 {
            return Err(text(&self.functions, self.state, -1)?.into());
        }
        self.protected(0, 0)
    }
}

impl Drop for Lua {
    fn drop(&mut self) {
        // The callbacks are dropped after this.
        let _ = call::<()>(&self.functions, "lua_close", &[arg(&self.state)]);
    }
}

fn main() -> Result<(), Failure> {
    let mut lua = Lua::new()?;
    lua.register(c"say", |lua, state| {
        println!("{}", text(lua, state, 1)?);
        Ok(0)
    })?;
    lua.register(c"average", |lua, state| {
        let mean = f64::midpoint(number(lua, state, 1)?, number(lua, state, 2)?);
        call::<()>(lua, "lua_pushnumber", &[arg(&state), arg(&mean)])?;
        Ok(1)
    })?;

    lua.run(SCRIPT)?;
    let (state, name) = (arg(&lua.state), c"fibonacci".as_ptr());
    call::<i32>(&lua.functions, "lua_getglobal", &[state, arg(&name)])?;
    call::<()>(&lua.functions, "lua_pushnumber", &[state, arg(&20.0)])?;
    lua.protected(1, 1)?;
    println!("fibonacci(20) = {}", number(&lua.functions, lua.state, -1)?);

    for mistake in [c"say(nothing.at.all)", c"say('never closed)"] {
        if let Err(message) = lua.run(mistake) {
            println!("error: {message}");
        }
    }
    Ok(())
}
