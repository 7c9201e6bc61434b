//! For functions of libc and of the runtime, which are not in the library.
const builtin = @import("builtin");

/// A function that the host process may have, declared with `@extern` and weak linkage: null where
/// it has none. Zig 0.17 takes the address of an `@extern` for known when it compiles, and leaves
/// every comparison with null out; so the address goes through a variable.
pub fn fromHost(function: anytype) @TypeOf(function) {
    var address = function;
    _ = &address;
    return address;
}

/// The address of a function that `@extern` declares, or of a variable. On macOS a call by the name
/// goes through a stub, which looks the function up at its first call, with a lock: not in a signal
/// handler. This address is in the file by the time that the library is open.
pub inline fn imported(address: anytype) @TypeOf(address) {
    if (builtin.os.tag != .macos) return address;
    return asm (""
        : [same] "=r" (-> @TypeOf(address)),
        : [address] "0" (address),
    );
}
