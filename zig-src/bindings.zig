//! One table of functions (`root.zig`) is the only place that names what the bindings have. From
//! it come the C exports, the N-API properties (`napi.zig`), and, by `zig build generate`,
//! `ffi/symbols.ts` and the C header.
//!
//! An entry is `.{ name, function, parameter names, doc }`. Only `i32`, `u32`, `u64` and `void` may
//! cross, so that all three adapters agree on every value: an address is a `u64`.

/// Every C symbol starts with this.
pub const prefix = "ai_";

/// One callback of `napi.zig` serves all functions, so it passes each as many as any may have.
pub const parameters_max = 3;

pub const Scalar = enum(u8) {
    i32,
    u32,
    u64,
    void,

    pub fn of(comptime T: type) Scalar {
        return switch (T) {
            i32 => .i32,
            u32 => .u32,
            u64 => .u64,
            void => .void,
            else => @compileError("the bindings cannot pass: " ++ @typeName(T)),
        };
    }

    pub fn c(scalar: Scalar) []const u8 {
        return switch (scalar) {
            .i32 => "int32_t",
            .u32 => "uint32_t",
            .u64 => "uint64_t",
            .void => "void",
        };
    }
};

/// Refuses a table that the bindings cannot serve.
pub fn check(comptime functions: anytype) void {
    inline for (functions) |function| {
        const info = @typeInfo(@TypeOf(function[1])).@"fn";
        if (info.param_types.len > parameters_max) {
            @compileError("the bindings pass at most three parameters: " ++ function[0]);
        }
        if (info.param_types.len != function[2].len) {
            @compileError("the table must name each parameter: " ++ function[0]);
        }
        inline for (info.param_types) |parameter| _ = Scalar.of(parameter.?);
        _ = Scalar.of(info.return_type.?);
    }
}

/// The C symbols of `functions`.
pub fn exportAll(comptime symbol_prefix: []const u8, comptime functions: anytype) void {
    comptime check(functions);
    inline for (functions) |function| {
        // A local constant, since the field of a tuple has no address at compile time.
        const pointer = &struct {
            const f = function[1];
        }.f;
        @export(pointer, .{ .name = symbol_prefix ++ function[0] });
    }
}
