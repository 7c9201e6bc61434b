//! Writes what JavaScript or C must know of a table of functions: `generate typescript|header
//! SOURCE SONAME > file`. The build chooses the module `table`: `root.zig`, or the native helpers
//! of the tests or of the benchmark.
const std = @import("std");
const table = @import("table");
const bindings = table.bindings;

comptime {
    bindings.check(table.functions);
}

/// The helpers have functions only.
const is_library = @hasDecl(table, "constants");

pub fn main(init: std.process.Init) !void {
    var buffer: [4096]u8 = undefined;
    var file = std.Io.File.stdout().writer(init.io, &buffer);
    const out = &file.interface;
    var arguments = init.minimal.args.iterate();
    _ = arguments.next();
    const what = arguments.next().?;
    const source = arguments.next().?;
    const soname = arguments.next().?;
    if (std.mem.eql(u8, what, "typescript")) {
        try functionsInTypeScript(out, source);
        if (is_library) try constantsInTypeScript(out, soname);
    } else if (is_library) {
        try header(out);
    }
    try out.flush();
}

fn functionsInTypeScript(out: *std.Io.Writer, source: []const u8) !void {
    try out.print("// Generated from {s} by `zig build generate`. Do not edit.\n\n", .{source});
    const what = if (is_library) "library" else "helpers";
    try out.print("/** The functions of the native {s}. */\n", .{what});
    try out.writeAll("export const symbols = {\n");
    inline for (table.functions) |function| {
        const info = @typeInfo(@TypeOf(function[1])).@"fn";
        try writeComment(out, .typescript, 2, function[3]);
        try out.print("  {s}: {{ parameters: [", .{function[0]});
        inline for (info.param_types, 0..) |T, index| {
            if (index > 0) try out.writeAll(", ");
            try out.print("\"{t}\"", .{comptime bindings.Scalar.of(T.?)});
        }
        try out.print(
            "], result: \"{t}\" }},\n",
            .{comptime bindings.Scalar.of(info.return_type.?)},
        );
    }
    try out.writeAll("} as const;\n");
}

fn constantsInTypeScript(out: *std.Io.Writer, soname: []const u8) !void {
    const platform = table.platform;
    const status = table.status;
    try out.writeAll("\n");
    try writeComment(
        out,
        .typescript,
        0,
        "DT_SONAME: a library that is loaded already is found by it, whatever file it came from.",
    );
    try out.print("export const SONAME = \"{s}\";\n", .{soname});
    inline for (table.constants) |constant| {
        try out.writeAll("\n");
        try writeComment(out, .typescript, 0, constant[2]);
        try out.print("export const {s} = {d};\n", .{ constant[0], constant[1] });
    }
    try out.writeAll("\n/** What can fail: see SYSTEM_STATUS. */\nexport const systemCalls = [\n");
    inline for (@typeInfo(status.Call).@"enum".field_names) |name| {
        try out.print("  \"{s}\",\n", .{name});
    }
    try out.writeAll("] as const;\n\n/** Kinds of an EventPipe. */\nexport const pipeKinds = [");
    inline for (@typeInfo(platform.FdKind).@"enum".field_names, 0..) |name, index| {
        comptime std.debug.assert(@backingInt(@field(platform.FdKind, name)) == index);
        if (index > 0) try out.writeAll(", ");
        try out.print("\"{s}\"", .{name});
    }
    try out.writeAll(
        \\] as const;
        \\
        \\/** By status: the `code` of the InterruptError that is thrown, and the reason. */
        \\export const statusErrors = {
        \\
    );
    inline for (status.errors) |entry| {
        try out.print(
            "  [{d}]: [\n    \"{s}\",\n    \"{s}\",\n  ],\n",
            .{ entry[0].code(), entry[1], entry[2] },
        );
    }
    try out.writeAll("} as const;\n\n");
    try writeComment(
        out,
        .typescript,
        0,
        "By platform and name, as Zig's standard library has them: " ++
            "in Deno it takes long to ask node:os.",
    );
    try out.writeAll(
        \\export const signalNumbers: {
        \\  readonly [platform: string]: { readonly [name: string]: number };
        \\} = {
        \\  linux: {
        \\
    );
    const Signal = std.os.linux.SIG;
    inline for (@typeInfo(Signal).@"enum".field_names) |name| {
        try out.print("    SIG{s}: {d},\n", .{ name, @backingInt(@field(Signal, name)) });
    }
    const aliases = .{
        .{ "IOT", Signal.ABRT },
        .{ "POLL", Signal.IO },
        .{ "CLD", Signal.CHLD },
        .{ "UNUSED", Signal.SYS },
    };
    inline for (aliases) |alias| {
        try out.print("    SIG{s}: {d},\n", .{ alias[0], @backingInt(alias[1]) });
    }
    try out.writeAll("  },\n  win32: {\n");
    // As Node numbers them; which of them reach a program, the library tells.
    const windows = .{
        .{ "HUP", 1 },   .{ "INT", 2 },   .{ "ILL", 4 },    .{ "FPE", 8 },   .{ "KILL", 9 },
        .{ "SEGV", 11 }, .{ "TERM", 15 }, .{ "BREAK", 21 }, .{ "ABRT", 22 }, .{ "WINCH", 28 },
    };
    inline for (windows) |signal| try out.print("    SIG{s}: {d},\n", signal);
    try out.writeAll("  },\n  darwin: {\n");
    const macos_signals = platform.macos_signals;
    inline for (macos_signals, 1..) |name, number| {
        try out.print("    SIG{s}: {d},\n", .{ name, number });
    }
    try out.writeAll("    SIGIOT: 6,\n  },\n};\n");
}

fn header(out: *std.Io.Writer) !void {
    try out.writeAll(
        \\/* Generated from zig-src/root.zig by `zig build generate`. Do not edit. */
        \\#ifndef ASYNC_INTERRUPT_H
        \\#define ASYNC_INTERRUPT_H
        \\
        \\#include <stdint.h>
        \\
        \\#ifdef __cplusplus
        \\extern "C" {
        \\#endif
        \\
        \\/*
        \\ * What native code needs: JavaScript hands it signalFunc().func, an address, and
        \\ * signalFunc().arg, a token. Calling func(arg, value) interrupts the JavaScript that made the
        \\ * Interrupt. Any thread and any signal handler may call it, also after close(): then nothing
        \\ * happens. arg points to nothing: never read through it.
        \\ */
        \\typedef void (*async_interrupt_signal_func)(void *arg, int value);
        \\/*
        \\ * blockFunc() and unblockFunc(), on the JavaScript thread only; EventPipe's signalFunc() and
        \\ * drainFunc(), anywhere.
        \\ */
        \\typedef void (*async_interrupt_func)(void *arg);
        \\/* nativeCallback: called on the JavaScript thread, just before the JavaScript callback. */
        \\typedef void (*async_interrupt_callback)(void *arg, int value);
        \\
        \\/*
        \\ * The library's symbols. All but the signalling ones belong to the JavaScript side and its
        \\ * thread.
        \\ */
        \\
    );
    inline for (table.functions) |function| {
        const info = @typeInfo(@TypeOf(function[1])).@"fn";
        const result = comptime bindings.Scalar.of(info.return_type.?).c();
        try out.writeAll("\n");
        try writeComment(out, .c, 0, function[3]);
        try out.print("{s} {s}{s}(", .{ result, bindings.prefix, function[0] });
        if (info.param_types.len == 0) try out.writeAll("void");
        inline for (info.param_types, function[2], 0..) |T, name, index| {
            if (index > 0) try out.writeAll(", ");
            try out.print("{s} {s}", .{ comptime bindings.Scalar.of(T.?).c(), name });
        }
        try out.writeAll(");\n");
    }
    try out.writeAll(
        \\
        \\#ifdef __cplusplus
        \\}
        \\#endif
        \\#endif
        \\
    );
}

const columns_max = 100;

/// Writes a comment on one line if it fits, else wrapped.
fn writeComment(
    out: *std.Io.Writer,
    language: enum { typescript, c },
    indent: usize,
    text: []const u8,
) !void {
    const opening = if (language == .typescript) "/**" else "/*";
    try out.splatByteAll(' ', indent);
    if (indent + opening.len + text.len + " ".len + " */".len <= columns_max) {
        return out.print("{s} {s} */\n", .{ opening, text });
    }
    try out.writeAll(opening);
    var column: usize = columns_max;
    var words = std.mem.tokenizeScalar(u8, text, ' ');
    while (words.next()) |word| {
        if (column + " ".len + word.len > columns_max) {
            try out.writeAll("\n");
            try out.splatByteAll(' ', indent);
            try out.writeAll(" *");
            column = indent + " *".len;
        }
        try out.print(" {s}", .{word});
        column += " ".len + word.len;
    }
    try out.writeAll("\n");
    try out.splatByteAll(' ', indent);
    try out.writeAll(" */\n");
}
