//! For functions of libc, which the library does not link.

/// A function that the host process may have, declared with `@extern` and weak linkage: null where
/// it has none. Zig 0.17 takes the address of an `@extern` for known when it compiles, and leaves
/// every comparison with null out; so the address goes through a variable.
pub fn fromHost(function: anytype) @TypeOf(function) {
    var address = function;
    _ = &address;
    return address;
}
