//! The same functions as N-API properties, for Node. The host's symbols stay undefined in the
//! library and resolve when it is opened; weak, so that Deno.dlopen and bun:ffi open the file too,
//! in hosts that lack some of them.
const std = @import("std");
const builtin = @import("builtin");
pub const bindings = @import("bindings.zig");
const imported = @import("platform/from_host.zig").imported;

pub const Env = *opaque {};
pub const Value = *opaque {};
pub const Ref = *opaque {};
pub const CallbackInfo = *opaque {};
pub const Callback = *const fn (Env, CallbackInfo) callconv(.c) ?Value;
pub const Scope = *opaque {};
pub const CleanupHandle = *opaque {};
pub const CleanupHook = *const fn (CleanupHandle, *anyopaque) callconv(.c) void;
const Status = c_int;

const windows_host = @import("platform/windows_host.zig");
const is_windows = builtin.os.tag == .windows;

/// A function of the host, by its name.
pub fn host(comptime name: [:0]const u8, comptime F: type) *const F {
    if (is_windows) return windows_host.find(name, F);
    return imported(@extern(?*const F, .{ .name = name, .linkage = .weak }).?);
}

fn napi(comptime name: [:0]const u8, comptime F: type) *const F {
    return host("napi_" ++ name, F);
}

/// `extra`: callbacks that take or give what the table has no type for.
pub fn exportModule(comptime functions: anytype, comptime extra: anytype) void {
    const Module = struct {
        const table = blk: {
            var list: [functions.len]Native = undefined;
            for (&list, 0..) |*native, index| native.* = .of(functions[index][1]);
            break :blk list;
        };
        /// All names in one string: a pointer for each would be a relocation for each.
        const names = blk: {
            var all: [:0]const u8 = "";
            for (0..functions.len) |index| all = all ++ functions[index][0] ++ "\x00";
            for (0..extra.len) |index| all = all ++ extra[index][0] ++ "\x00";
            break :blk all;
        };

        fn register(env: Env, exports: Value) callconv(.c) ?Value {
            // The dynamic linkers of the others find a library that is loaded already.
            if (is_windows) if (windows_host.findInFirst(init)) |address| {
                const first: *const @TypeOf(register) = @ptrCast(@alignCast(address));
                return first(env, exports);
            };
            var rest: [*:0]const u8 = names;
            for (&table) |*native| rest = add(env, exports, rest, call, native);
            inline for (extra) |function| rest = add(env, exports, rest, function[1], null);
            return exports;
        }
    };
    @export(&Module.register, .{ .name = init });
}

const init = "napi_register_module_v1";

/// Gives back where the next name starts.
fn add(
    env: Env,
    exports: Value,
    name: [*:0]const u8,
    callback: Callback,
    data: ?*const Native,
) [*:0]const u8 {
    const length = std.mem.len(name);
    var function: Value = undefined;
    const create = napi(
        "create_function",
        fn (Env, [*]const u8, usize, Callback, ?*const Native, *Value) callconv(.c) Status,
    );
    if (create(env, name, length, callback, data, &function) == 0) {
        _ = napi(
            "set_named_property",
            fn (Env, Value, [*:0]const u8, Value) callconv(.c) Status,
        )(env, exports, name, function);
    }
    return name + length + 1;
}

/// One callback serves the whole table, and its data says which function it stands for: a wrapper
/// for each function would be most of the library. Only integers cross: the C calling conventions
/// that we ship for pass them alike, whatever their width.
const Native = struct {
    function: *const fn (u64, u64, u64) callconv(.c) u64,
    /// Unused ones are void.
    parameters: [bindings.parameters_max]bindings.Scalar,
    result: bindings.Scalar,

    fn of(comptime function: anytype) Native {
        const info = @typeInfo(@TypeOf(function)).@"fn";
        var parameters: [bindings.parameters_max]bindings.Scalar = @splat(.void);
        for (info.param_types, 0..) |T, index| parameters[index] = .of(T.?);
        return .{
            .function = @ptrCast(&function),
            .parameters = parameters,
            .result = .of(info.return_type.?),
        };
    }
};

fn call(env: Env, info: CallbackInfo) callconv(.c) ?Value {
    var values: [bindings.parameters_max]Value = undefined;
    var count: usize = bindings.parameters_max;
    var native: *const Native = undefined;
    const get = napi(
        "get_cb_info",
        fn (Env, CallbackInfo, *usize, [*]Value, ?*Value, **const Native) callconv(.c) Status,
    );
    if (get(env, info, &count, &values, null, &native) != 0) return null;
    var words: [bindings.parameters_max]u64 = @splat(0);
    for (native.parameters, values, &words) |scalar, value, *word| {
        word.* = switch (scalar) {
            .i32, .u32 => @bitCast(@as(i64, fromValue(i32, env, value) orelse return null)),
            .u64 => fromValue(u64, env, value) orelse return null,
            .void => break,
        };
    }
    const result = native.function(words[0], words[1], words[2]);
    return switch (native.result) {
        .i32 => toValue(env, @as(i32, @bitCast(@as(u32, @truncate(result))))),
        .u32 => toValue(env, @as(u32, @truncate(result))),
        .u64 => toValue(env, result),
        .void => null,
    };
}

/// The arguments of a call; those that are missing are undefined.
pub fn arguments(env: Env, info: CallbackInfo) [bindings.parameters_max]Value {
    var values: [bindings.parameters_max]Value = undefined;
    var got: usize = bindings.parameters_max;
    const get = napi(
        "get_cb_info",
        fn (Env, CallbackInfo, *usize, [*]Value, ?*Value, ?*anyopaque) callconv(.c) Status,
    );
    _ = get(env, info, &got, &values, null, null);
    return values;
}

/// null: the value is of another type.
pub fn fromValue(comptime T: type, env: Env, value: Value) ?T {
    var result: T = undefined;
    var lossless: bool = undefined;
    const status = switch (T) {
        // Takes the low 32 bits, whatever the sign.
        i32, u32 => napi(
            "get_value_int32",
            fn (Env, Value, *T) callconv(.c) Status,
        )(env, value, &result),
        u64 => napi(
            "get_value_bigint_uint64",
            fn (Env, Value, *u64, *bool) callconv(.c) Status,
        )(env, value, &result, &lossless),
        else => comptime unreachable,
    };
    if (status == 0) return result;
    // Our own modules are the only callers, and their types are checked.
    if (!std.debug.runtime_safety) return null;
    const throw = napi(
        "throw_type_error",
        fn (Env, ?[*:0]const u8, [*:0]const u8) callconv(.c) Status,
    );
    _ = throw(env, null, "not a " ++ @typeName(T));
    return null;
}

pub fn toValue(env: Env, native: anytype) ?Value {
    var result: Value = undefined;
    const status = switch (@TypeOf(native)) {
        i32, u32 => napi(
            "create_double",
            fn (Env, f64, *Value) callconv(.c) Status,
        )(env, @floatFromInt(native), &result),
        u64 => napi(
            "create_bigint_uint64",
            fn (Env, u64, *Value) callconv(.c) Status,
        )(env, native, &result),
        else => comptime unreachable,
    };
    return if (status == 0) result else null;
}

/// view(address, length): an ArrayBuffer over native memory. undefined where the engine forbids
/// such (V8's sandbox).
pub fn view(env: Env, info: CallbackInfo) callconv(.c) ?Value {
    const values = arguments(env, info);
    const address = fromValue(u64, env, values[0]) orelse return null;
    const length = fromValue(i32, env, values[1]) orelse return null;
    return externalArrayBuffer(env, address, @intCast(length), null, 0);
}

pub const Finalizer = *const fn (Env, ?*anyopaque, u64) callconv(.c) void;

pub fn externalArrayBuffer(
    env: Env,
    address: u64,
    length: usize,
    finalizer: ?Finalizer,
    hint: u64,
) ?Value {
    var result: Value = undefined;
    const create = napi(
        "create_external_arraybuffer",
        fn (Env, u64, usize, ?Finalizer, u64, *Value) callconv(.c) Status,
    );
    return if (create(env, address, length, finalizer, hint, &result) == 0) result else null;
}

/// get_reference_value gives null once it is collected.
pub fn holdWeakly(env: Env, value: Value) ?Ref {
    var result: Ref = undefined;
    const status = napi(
        "create_reference",
        fn (Env, Value, u32, *Ref) callconv(.c) Status,
    )(env, value, 0, &result);
    return if (status == 0) result else null;
}

pub fn setStrong(env: Env, ref: Ref, on: bool) void {
    const F = fn (Env, Ref, ?*u32) callconv(.c) Status;
    const set = if (on) napi("reference_ref", F) else napi("reference_unref", F);
    _ = set(env, ref, null);
}

pub fn drop(env: Env, ref: Ref) void {
    _ = napi("delete_reference", fn (Env, Ref) callconv(.c) Status)(env, ref);
}

/// Calls JavaScript from the event loop. The function must not throw.
pub fn callFromLoop(env: Env, ref: Ref) void {
    var scope: Scope = undefined;
    if (napi("open_handle_scope", fn (Env, *Scope) callconv(.c) Status)(env, &scope) != 0) return;
    defer _ = napi("close_handle_scope", fn (Env, Scope) callconv(.c) Status)(env, scope);
    var function: ?Value = null;
    const get = napi("get_reference_value", fn (Env, Ref, *?Value) callconv(.c) Status);
    if (get(env, ref, &function) != 0 or function == null) return;
    const Values = ?*const Value;
    const F = fn (Env, ?*anyopaque, Value, Value, usize, Values, ?*Value) callconv(.c) Status;
    // Deno, which calls this on Windows only, writes the result without a look at the address.
    var result: Value = undefined;
    const place = if (is_windows) &result else null;
    _ = napi("make_callback", F)(env, null, function.?, function.?, 0, null, place);
}

pub fn addCleanupHook(env: Env, hook: CleanupHook, arg: *anyopaque, handle: *CleanupHandle) bool {
    const add_hook = napi(
        "add_async_cleanup_hook",
        fn (Env, CleanupHook, *anyopaque, *CleanupHandle) callconv(.c) Status,
    );
    return add_hook(env, hook, arg, handle) == 0;
}

pub fn removeCleanupHook(handle: CleanupHandle) void {
    _ = napi("remove_async_cleanup_hook", fn (CleanupHandle) callconv(.c) Status)(handle);
}

pub fn eventLoop(env: Env) ?*anyopaque {
    var loop: *anyopaque = undefined;
    const get = napi("get_uv_event_loop", fn (Env, **anyopaque) callconv(.c) Status);
    return if (get(env, &loop) == 0) loop else null;
}

pub const ThreadsafeFunction = *opaque {};
pub const CallJs = *const fn (?Env, ?Value, *anyopaque, ?*anyopaque) callconv(.c) void;
pub const Finalize = *const fn (Env, *anyopaque, ?*anyopaque) callconv(.c) void;

/// `call` runs on the event loop after each callThreadsafeFunction(), `finalize` once at the end;
/// both get `context`.
pub fn threadsafeFunction(
    env: Env,
    call_js: CallJs,
    finalize: Finalize,
    context: *anyopaque,
) ?ThreadsafeFunction {
    var name: Value = undefined;
    const create_string = host("napi_create_string_utf8", fn (Env, [*]const u8, usize, *Value) callconv(.c) Status);
    const text = "async-interrupt";
    if (create_string(env, text, text.len, &name) != 0) return null;
    const create = napi("create_threadsafe_function", fn (
        Env,
        function: ?Value,
        resource: ?Value,
        name: Value,
        queue_max: usize,
        threads: usize,
        finalize_data: *anyopaque,
        Finalize,
        context: *anyopaque,
        CallJs,
        *ThreadsafeFunction,
    ) callconv(.c) Status);
    var result: ThreadsafeFunction = undefined;
    const status =
        create(env, null, null, name, 0, 1, context, finalize, context, call_js, &result);
    return if (status == 0) result else null;
}

/// Any thread. Does not wait.
pub fn callThreadsafeFunction(function: ThreadsafeFunction) c_int {
    const F = fn (ThreadsafeFunction, ?*anyopaque, c_int) callconv(.c) Status;
    return napi("call_threadsafe_function", F)(function, null, 0);
}

pub fn releaseThreadsafeFunction(function: ThreadsafeFunction) void {
    const abort = 1;
    const F = fn (ThreadsafeFunction, c_int) callconv(.c) Status;
    _ = napi("release_threadsafe_function", F)(function, abort);
}

pub fn refThreadsafeFunction(env: Env, function: ThreadsafeFunction, on: bool) void {
    const F = fn (Env, ThreadsafeFunction) callconv(.c) Status;
    const set = if (on)
        napi("ref_threadsafe_function", F)
    else
        napi("unref_threadsafe_function", F);
    _ = set(env, function);
}

const SimpleHook = *const fn (*anyopaque) callconv(.c) void;

/// Called at the end of the environment. Not for work that goes on after it returns.
pub fn addSimpleCleanupHook(env: Env, hook: SimpleHook, arg: *anyopaque) void {
    const F = fn (Env, SimpleHook, *anyopaque) callconv(.c) Status;
    _ = napi("add_env_cleanup_hook", F)(env, hook, arg);
}

pub fn removeSimpleCleanupHook(env: Env, hook: SimpleHook, arg: *anyopaque) void {
    const F = fn (Env, SimpleHook, *anyopaque) callconv(.c) Status;
    _ = napi("remove_env_cleanup_hook", F)(env, hook, arg);
}

pub fn toString(env: Env, text: []const u16) ?Value {
    var result: Value = undefined;
    const create = napi(
        "create_string_utf16",
        fn (Env, [*]const u16, usize, *Value) callconv(.c) Status,
    );
    return if (create(env, text.ptr, text.len, &result) == 0) result else null;
}
