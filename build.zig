const std = @import("std");

/// The targets that `lib/` can hold; each file is named after its JavaScript platform and
/// architecture.
const Target = struct { query: std.Target.Query, name: []const u8 };
const targets = [_]Target{
    .{ .query = .{ .cpu_arch = .x86_64, .os_tag = .linux, .abi = .none }, .name = "linux-x64" },
};

pub fn build(b: *std.Build) void {
    const optimize = b.option(std.lang.Optimize, "optimize", "What ships is small; tests are debug by default");
    const native = b.graph.host;
    // Each release has a name of its own: a process may have several, and they are found by name
    // (ffi/load.ts). /dev/null is no folder: the dynamic linker compares the name with those of the
    // libraries that are loaded, but can find no file by it.
    const soname = b.fmt("/dev/null/libasync_interrupt-{s}.so", .{release(b)});

    const finish_elf = b.addExecutable(.{
        .name = "finish_elf",
        .root_module = b.createModule(.{ .root_source_file = b.path("zig-src/finish_elf.zig"), .target = native }),
    });
    const update = b.addUpdateSourceFiles();
    for (targets) |target| {
        const objects = addLibrary(b, .static, "async_interrupt", "zig-src/root.zig", b.resolveTargetQuery(target.query), optimize orelse .small);
        const triple = target.query.zigTriple(b.allocator) catch @panic("OOM");
        // std.Build has no option for the hash style: two tables, where every loader knows the one,
        // are half a kilobyte.
        const link = b.addSystemCommand(&.{ b.graph.zig_exe, "cc", "-target", triple, "-shared", "-nostdlib", "-s", "-Wl,--hash-style=gnu,-z,now,--gc-sections,-u,napi_register_module_v1" });
        link.addArg(b.fmt("-Wl,-soname,{s}", .{soname}));
        link.addFileArg(objects.getEmittedBin());
        link.addArg("-o");
        const finish = b.addRunArtifact(finish_elf);
        finish.addFileArg(link.addOutputFileArg("library.so"));
        update.addCopyFileToSource(finish.addOutputFileArg("library.node"), b.fmt("lib/{s}.node", .{target.name}));
    }
    b.getInstallStep().dependOn(&update.step);
    b.step("lib", "Build lib/<platform>.node").dependOn(&update.step);

    const generated = b.addUpdateSourceFiles();
    for ([_][3][]const u8{
        .{ "typescript", "zig-src/root.zig", "ffi/symbols.ts" },
        .{ "header", "zig-src/root.zig", "include/async_interrupt.h" },
        .{ "typescript", "tests/native/testkit.zig", "tests/support/testkit_symbols.ts" },
        .{ "typescript", "bench/native/benchkit.zig", "bench/programs/benchkit_symbols.ts" },
    }) |what| {
        const table = b.createModule(.{ .root_source_file = b.path(what[1]), .target = native });
        const is_library = std.mem.eql(u8, what[1], "zig-src/root.zig");
        if (!is_library) table.addImport("napi", b.createModule(.{ .root_source_file = b.path("zig-src/napi.zig") }));
        const generator = b.addExecutable(.{
            .name = "generate",
            .root_module = b.createModule(.{ .root_source_file = b.path("zig-src/generate.zig"), .target = native }),
        });
        generator.root_module.addImport("table", table);
        const run = b.addRunArtifact(generator);
        run.addArgs(&.{ what[0], what[1], soname });
        generated.addCopyFileToSource(run.captureStdOut(.{}), what[2]);
    }
    b.step("generate", "Write the tables for JavaScript and the C header").dependOn(&generated.step);

    // The fuzzer needs the coverage that only LLVM puts in.
    const tests = b.addTest(.{ .use_llvm = true, .root_module = b.createModule(.{
        .root_source_file = b.path("zig-src/root.zig"),
        .target = native,
        .optimize = optimize orelse .debug,
        .link_libc = true,
    }) });
    // The helpers of the tests are stripped: what prints their traces takes the compiler longer
    // than all the rest of them.
    const testkit = b.addUpdateSourceFiles();
    for (targets) |target| {
        const resolved = b.resolveTargetQuery(target.query);
        const library = addLibrary(b, .dynamic, "testkit", "tests/native/testkit.zig", resolved, optimize orelse .safe);
        library.root_module.addImport("napi", b.createModule(.{ .root_source_file = b.path("zig-src/napi.zig") }));
        library.root_module.strip = true;
        testkit.addCopyFileToSource(library.getEmittedBin(), b.fmt("tests/native/lib/testkit-{s}.node", .{target.name}));
    }
    for (targets) |target| {
        const resolved = b.resolveTargetQuery(target.query);
        const library = addLibrary(b, .dynamic, "faulty", "tests/native/faulty.zig", resolved, .safe);
        library.root_module.strip = true;
        library.root_module.addImport("async_interrupt", b.createModule(.{ .root_source_file = b.path("zig-src/root.zig") }));
        testkit.addCopyFileToSource(library.getEmittedBin(), b.fmt("tests/native/lib/faulty-{s}.node", .{target.name}));
    }
    for (targets) |target| {
        const library = addLibrary(b, .dynamic, "planted", "tests/native/planted.zig", b.resolveTargetQuery(target.query), .small);
        testkit.addCopyFileToSource(library.getEmittedBin(), b.fmt("tests/native/lib/planted-{s}.node", .{target.name}));
    }
    for ([_][]const u8{ "sender", "tracer" }) |name| {
        const program = b.addExecutable(.{
            .name = name,
            .root_module = b.createModule(.{
                .root_source_file = b.path(b.fmt("tests/native/{s}.zig", .{name})),
                .target = native,
                .optimize = optimize orelse .safe,
                .strip = true,
            }),
        });
        testkit.addCopyFileToSource(program.getEmittedBin(), b.fmt("tests/native/lib/{s}", .{name}));
    }
    b.step("testkit", "Build the native helpers of the tests").dependOn(&testkit.step);

    const bench = b.addUpdateSourceFiles();
    for (targets) |target| {
        const library = addLibrary(b, .dynamic, "benchkit", "bench/native/benchkit.zig", b.resolveTargetQuery(target.query), .fast);
        library.root_module.addImport("napi", b.createModule(.{ .root_source_file = b.path("zig-src/napi.zig") }));
        bench.addCopyFileToSource(library.getEmittedBin(), b.fmt("build/peers/benchkit-{s}.node", .{target.name}));
    }
    b.step("bench", "Build the native helpers of the benchmark").dependOn(&bench.step);

    addStress(b);

    b.step("test", "Run the unit tests").dependOn(&b.addRunArtifact(tests).step);
}

/// The version that deno.json names.
fn release(b: *std.Build) []const u8 {
    const Package = struct { version: []const u8 };
    const text = @embedFile("deno.json");
    const package = std.json.parseFromSliceLeaky(Package, b.allocator, text, .{ .ignore_unknown_fields = true }) catch @panic("deno.json names no version");
    return package.version;
}

/// How the stress is built. The library is all Zig: what C has UBSan for, Zig's own checks find in
/// debug and safe.
const Stress = enum { debug, safe, small, thread };

fn addStress(b: *std.Build) void {
    const variants = b.option([]const Stress, "stress", "Only these builds of the stress; thread is ThreadSanitizer's") orelse std.enums.values(Stress);
    const step = b.step("stress", "Run the stress, one build after the other: -- --seconds 3 --seed 1");
    var previous: ?*std.Build.Step = null;
    for (variants) |variant| {
        const options: std.Build.Module.CreateOptions = .{
            .target = b.graph.host,
            .optimize = switch (variant) {
                .debug => .debug,
                .safe, .thread => .safe,
                .small => .small,
            },
            .sanitize_thread = variant == .thread,
            .link_libc = true,
        };
        const stress = b.addExecutable(.{ .name = b.fmt("stress-{t}", .{variant}), .root_module = b.createModule(options) });
        stress.root_module.root_source_file = b.path("verify/stress/main.zig");
        const library = b.createModule(options);
        library.root_source_file = b.path("zig-src/root.zig");
        stress.root_module.addImport("async_interrupt", library);
        const run = b.addRunArtifact(stress);
        run.addPassthruArgs();
        run.has_side_effects = true;
        run.setEnvironmentVariable("TSAN_OPTIONS", "halt_on_error=1");
        // They share the cores with nobody.
        if (previous) |it| run.step.dependOn(it);
        previous = &run.step;
    }
    if (previous) |it| step.dependOn(it);
}

fn addLibrary(b: *std.Build, linkage: std.lang.LinkMode, name: []const u8, root: []const u8, target: std.Build.ResolvedTarget, optimize: std.lang.Optimize) *std.Build.Step.Compile {
    const library = b.addLibrary(.{
        .name = name,
        .linkage = linkage,
        .root_module = b.createModule(.{
            .root_source_file = b.path(root),
            .target = target,
            .optimize = optimize,
            .pic = true,
            .strip = optimize == .small,
            .omit_frame_pointer = true,
            .unwind_tables = if (optimize == .small) .none else null,
        }),
    });
    // The host provides N-API and pthread functions.
    library.linker_allow_shlib_undefined = true;
    library.bundle_compiler_rt = true;
    return library;
}
