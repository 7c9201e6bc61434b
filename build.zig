const std = @import("std");

// Checked first: another version of Zig would stop at a name that it does not know, and not say
// why.
comptime {
    const found = @import("builtin").zig_version_string;
    const wanted = zigVersion(@embedFile("scripts/lib/versions.json"));
    if (!std.mem.eql(u8, found, wanted)) @compileError("this is Zig " ++ found ++
        ", and async-interrupt is built by Zig " ++ wanted ++
        " (scripts/lib/versions.json): `deno task build` gets and runs that one");
}

/// "zig" in versions.json, which has the versions of all tools.
fn zigVersion(comptime json: []const u8) []const u8 {
    var strings = std.mem.tokenizeScalar(u8, json, '"');
    while (strings.next()) |string| {
        if (!std.mem.eql(u8, string, "zig")) continue;
        _ = strings.next();
        return strings.next().?;
    }
    @compileError("scripts/lib/versions.json names no version of Zig");
}

const Optimize = std.lang.Optimize;
const Step = std.Build.Step;

/// The targets that `lib/` can hold; each file is named after its JavaScript platform and
/// architecture.
const Target = struct { query: std.Target.Query, name: []const u8 };
const targets = [_]Target{
    .{ .query = .{ .cpu_arch = .x86_64, .os_tag = .linux, .abi = .none }, .name = "linux-x64" },
    .{ .query = .{ .cpu_arch = .aarch64, .os_tag = .linux, .abi = .none }, .name = "linux-arm64" },
    .{ .query = macos(.x86_64), .name = "darwin-x64" },
    .{ .query = macos(.aarch64), .name = "darwin-arm64" },
    .{ .query = .{ .cpu_arch = .x86_64, .os_tag = .windows, .abi = .gnu }, .name = "win32-x64" },
    .{ .query = .{ .cpu_arch = .aarch64, .os_tag = .windows, .abi = .gnu }, .name = "win32-arm64" },
};

/// 13 is the oldest that Node 24, Bun and Deno run on.
fn macos(cpu: std.Target.Cpu.Arch) std.Target.Query {
    const oldest: std.Target.Query.OsVersion =
        .{ .semver = .{ .major = 13, .minor = 0, .patch = 0 } };
    return .{ .cpu_arch = cpu, .os_tag = .macos, .os_version_min = oldest };
}

/// The targets that `-Dtarget=` names, by default the one that this machine runs.
fn chosenTargets(b: *std.Build) []const Target {
    const names = b.option(
        []const []const u8,
        "target",
        "Build for these platforms, such as linux-arm64, or for all; default: for this machine",
    ) orelse &.{};
    const host = b.graph.host.result;
    var chosen: std.ArrayList(Target) = .empty;
    for (targets) |target| {
        const is_chosen = for (names) |name| {
            if (std.mem.eql(u8, name, target.name)) break true;
            if (std.mem.eql(u8, name, "all") and hasPlatformFile(b, target)) break true;
        } else names.len == 0 and
            target.query.cpu_arch == host.cpu.arch and target.query.os_tag == host.os.tag;
        if (is_chosen) chosen.append(b.allocator, target) catch @panic("OOM");
    }
    if (chosen.items.len == 0) std.process.fatal("no target of this name: see build.zig", .{});
    return chosen.items;
}

fn hasPlatformFile(b: *std.Build, target: Target) bool {
    const file = b.fmt("platform/{t}.zig", .{target.query.os_tag.?});
    return std.mem.find(u8, @embedFile("zig-src/platform.zig"), file) != null;
}

/// How the stress is built. The library is all Zig, so debug and safe builds find by Zig's own
/// checks what UBSan finds in C.
const Stress = enum { debug, safe, small, thread };

pub fn build(b: *std.Build) void {
    const optimize = b.option(
        Optimize,
        "optimize",
        "What ships is small; tests are debug by default",
    );
    const variants = b.option(
        []const Stress,
        "stress",
        "Only these builds of the stress; thread is ThreadSanitizer's",
    );
    const node_headers = b.option(
        []const u8,
        "node-headers",
        "For uv-poll: the folder that has Node's uv.h",
    );

    const chosen = chosenTargets(b);
    const lib = b.step("lib", "Build lib/<platform>.node");
    const finish_elf = addFinishElf(b);
    for (chosen) |target| addShippedLibrary(b, lib, target, finish_elf, optimize orelse .small);
    b.getInstallStep().dependOn(lib);

    const generate = b.step("generate", "Write the tables for JavaScript and the C header");
    addGenerated(b, generate);

    const testkit = b.step("testkit", "Build the native helpers of the tests");
    for (chosen) |target| {
        addTestkit(b, testkit, target, optimize orelse .safe);
        if (target.query.os_tag == .windows) continue;
        addFaulty(b, testkit, target);
        addPlanted(b, testkit, target);
    }
    for (chosen) |target| {
        if (target.query.os_tag != .linux) continue;
        const resolved = b.resolveTargetQuery(target.query);
        const name = b.fmt("sender-{s}", .{target.name});
        addTestProgram(b, testkit, "sender", name, resolved, optimize orelse .safe);
    }
    addTestProgram(b, testkit, "tracer", "tracer", b.graph.host, optimize orelse .safe);

    const uv_poll = b.step("uv-poll", "Build the addon that watches a descriptor with libuv");
    if (node_headers) |headers| {
        for (chosen) |target| addUvPoll(b, uv_poll, target, headers);
    } else {
        uv_poll.dependOn(&b.addFail("name the folder that has Node's uv.h: -Dnode-headers=").step);
    }

    const bench = b.step("bench", "Build the native helpers of the benchmark");
    for (chosen) |target| addBenchkit(b, bench, target);

    const stress = b.step(
        "stress",
        "Run the stress, one build after the other: -- --seconds 3 --seed 1",
    );
    addStress(b, stress, variants orelse std.enums.values(Stress));

    const unit_tests = b.step("test", "Run the unit tests");
    addUnitTests(b, unit_tests, optimize orelse .debug);
}

/// `lib/<platform>.node`, which ships: compiled to an archive, linked by `zig cc`, and finished.
fn addShippedLibrary(
    b: *std.Build,
    step: *Step,
    target: Target,
    finish_elf: *Step.Compile,
    optimize: Optimize,
) void {
    const resolved = b.resolveTargetQuery(target.query);
    const path = b.fmt("lib/{s}.node", .{target.name});
    if (target.query.os_tag == .windows) {
        // The linker writes this name into the file: zig-src/platform/windows_host.zig.
        const name = b.fmt("async_interrupt-{s}", .{release(b)});
        const library = addLibrary(b, .dynamic, name, "zig-src/root.zig", resolved, optimize);
        library.bundle_compiler_rt = false;
        return copyTo(b, step, library.getEmittedBin(), path);
    }
    if (target.query.os_tag == .macos) return addMachO(b, step, resolved, optimize, path);
    const objects =
        addLibrary(b, .static, "async_interrupt", "zig-src/root.zig", resolved, optimize);
    const triple = target.query.zigTriple(b.allocator) catch @panic("OOM");
    // std.Build has no option for the hash style. Every loader knows the GNU style, and a table in
    // the old style would be half a kilobyte more.
    const flags = "-Wl,--hash-style=gnu,-z,now,--gc-sections,-u,napi_register_module_v1,-u,sqlite3_extension_init";
    const link = b.addSystemCommand(&.{ b.graph.zig_exe, "cc", "-target", triple });
    link.addArgs(&.{ "-shared", "-nostdlib", "-s", flags });
    link.addArg(b.fmt("-Wl,-soname,{s}", .{soname(b)}));
    link.addFileArg(objects.getEmittedBin());
    link.addArg("-o");
    const finish = b.addRunArtifact(finish_elf);
    finish.addFileArg(link.addOutputFileArg("library.so"));
    const finished = finish.addOutputFileArg("library.node");
    copyTo(b, step, finished, path);
}

/// Zig links Mach-O itself, and signs it for arm64: after that no byte may change. libSystem is
/// there in every process, and what else is undefined comes from the runtime.
fn addMachO(
    b: *std.Build,
    step: *Step,
    target: std.Build.ResolvedTarget,
    optimize: Optimize,
    path: []const u8,
) void {
    const library =
        addLibrary(b, .dynamic, "async_interrupt", "zig-src/root.zig", target, optimize);
    library.root_module.link_libc = true;
    library.root_module.no_builtin = true;
    library.install_name = soname(b);
    library.discard_local_symbols = true;
    library.link_gc_sections = true;
    copyTo(b, step, library.getEmittedBin(), path);
}

/// The program that takes out of the library what the linker cannot leave out.
fn addFinishElf(b: *std.Build) *Step.Compile {
    return b.addExecutable(.{
        .name = "finish_elf",
        .root_module = b.createModule(.{
            .root_source_file = b.path("zig-src/finish_elf.zig"),
            .target = b.graph.host,
        }),
    });
}

/// What JavaScript and C must know of the tables of native functions. The results are committed.
fn addGenerated(b: *std.Build, step: *Step) void {
    const library = "zig-src/root.zig";
    const files = [_]struct { kind: []const u8, table: []const u8, path: []const u8 }{
        .{ .kind = "typescript", .table = library, .path = "ffi/symbols.ts" },
        .{ .kind = "header", .table = library, .path = "include/async_interrupt.h" },
        .{
            .kind = "typescript",
            .table = "tests/native/testkit.zig",
            .path = "tests/support/testkit_symbols.ts",
        },
        .{
            .kind = "typescript",
            .table = "bench/native/benchkit.zig",
            .path = "bench/programs/benchkit_symbols.ts",
        },
    };
    for (files) |file| {
        const generator = b.addExecutable(.{
            .name = "generate",
            .root_module = b.createModule(.{
                .root_source_file = b.path("zig-src/generate.zig"),
                .target = b.graph.host,
            }),
        });
        const table = b.createModule(.{
            .root_source_file = b.path(file.table),
            .target = b.graph.host,
        });
        // The library has napi.zig in its own module.
        if (!std.mem.eql(u8, file.table, library)) addImport(b, table, "napi", "zig-src/napi.zig");
        generator.root_module.addImport("table", table);
        const run = b.addRunArtifact(generator);
        run.addArgs(&.{ file.kind, file.table, soname(b) });
        copyTo(b, step, run.captureStdOut(.{}), file.path);
    }
}

/// The native helpers of the tests. They are stripped: the code that prints stack traces takes the
/// compiler longer than all the rest.
fn addTestkit(b: *std.Build, step: *Step, target: Target, optimize: Optimize) void {
    const resolved = b.resolveTargetQuery(target.query);
    const library =
        addLibrary(b, .dynamic, "testkit", "tests/native/testkit.zig", resolved, optimize);
    addImport(b, library.root_module, "napi", "zig-src/napi.zig");
    library.root_module.strip = true;
    if (target.query.os_tag != .windows) {
        library.root_module.addObjectFile(addExamples(b, target, .posix, null));
    }
    copyTo(b, step, library.getEmittedBin(), testFile(b, "testkit", target));
}

/// The addon that watches a descriptor with libuv.
fn addUvPoll(b: *std.Build, step: *Step, target: Target, node_headers: []const u8) void {
    const resolved = b.resolveTargetQuery(target.query);
    const library =
        addLibrary(b, .dynamic, "uv_poll", "tests/native/uv_poll.zig", resolved, .safe);
    addImport(b, library.root_module, "napi", "zig-src/napi.zig");
    library.root_module.strip = true;
    library.root_module.addObjectFile(addExamples(b, target, .libuv, node_headers));
    copyTo(b, step, library.getEmittedBin(), testFile(b, "uv_poll", target));
}

/// The C programs of docs/event_loops.md: those that need uv.h, or all others.
fn addExamples(
    b: *std.Build,
    target: Target,
    which: enum { posix, libuv },
    headers: ?[]const u8,
) std.Build.LazyPath {
    var source: std.ArrayList(u8) = .empty;
    var parts = std.mem.splitSequence(u8, @embedFile("docs/event_loops.md"), "\n```c\n");
    _ = parts.next();
    while (parts.next()) |part| {
        const example = part[0 .. std.mem.find(u8, part, "\n```\n").? + 1];
        const needs_libuv = std.mem.find(u8, example, "<uv.h>") != null;
        if (needs_libuv != (which == .libuv)) continue;
        source.appendSlice(b.allocator, example) catch @panic("OOM");
    }
    var query = target.query;
    // For the headers of libc alone: the host of the testkit has a libc of its own.
    query.abi = .gnu;
    const object = b.addObject(.{
        .name = b.fmt("examples-{t}", .{which}),
        .root_module = b.createModule(.{
            .target = b.resolveTargetQuery(query),
            .optimize = .small,
            .link_libc = true,
            .pic = true,
            .sanitize_c = .off,
            .stack_protector = false,
        }),
    });
    object.root_module.addCSourceFile(.{
        .file = b.addWriteFiles().add("examples.c", source.items),
        .flags = &.{ "-Wall", "-Wextra", "-Werror" },
    });
    object.root_module.addIncludePath(b.path("include"));
    if (headers) |path| object.root_module.addIncludePath(.{ .cwd_relative = path });
    // The file alone: the library must not link libc too.
    return object.getEmittedBin();
}

/// The library whose system calls fail when a test says so.
fn addFaulty(b: *std.Build, step: *Step, target: Target) void {
    const resolved = b.resolveTargetQuery(target.query);
    const library = addLibrary(b, .dynamic, "faulty", "tests/native/faulty.zig", resolved, .safe);
    addImport(b, library.root_module, "async_interrupt", "zig-src/root.zig");
    library.root_module.strip = true;
    copyTo(b, step, library.getEmittedBin(), testFile(b, "faulty", target));
}

/// The library that an attacker would plant.
fn addPlanted(b: *std.Build, step: *Step, target: Target) void {
    const resolved = b.resolveTargetQuery(target.query);
    const root = "tests/native/planted.zig";
    const library = addLibrary(b, .dynamic, "planted", root, resolved, .small);
    copyTo(b, step, library.getEmittedBin(), testFile(b, "planted", target));
}

/// A program: `sender`, another process that signals, or `tracer`, which steps through a handler.
fn addTestProgram(
    b: *std.Build,
    step: *Step,
    source: []const u8,
    name: []const u8,
    target: std.Build.ResolvedTarget,
    optimize: Optimize,
) void {
    const program = b.addExecutable(.{
        .name = name,
        .root_module = b.createModule(.{
            .root_source_file = b.path(b.fmt("tests/native/{s}.zig", .{source})),
            .target = target,
            .optimize = optimize,
            .strip = true,
        }),
    });
    copyTo(b, step, program.getEmittedBin(), b.fmt("tests/native/lib/{s}", .{name}));
}

fn testFile(b: *std.Build, name: []const u8, target: Target) []const u8 {
    return b.fmt("tests/native/lib/{s}-{s}.node", .{ name, target.name });
}

fn addBenchkit(b: *std.Build, step: *Step, target: Target) void {
    const resolved = b.resolveTargetQuery(target.query);
    const library =
        addLibrary(b, .dynamic, "benchkit", "bench/native/benchkit.zig", resolved, .fast);
    addImport(b, library.root_module, "napi", "zig-src/napi.zig");
    const path = b.fmt("build/peers/benchkit-{s}.node", .{target.name});
    copyTo(b, step, library.getEmittedBin(), path);
}

fn addStress(b: *std.Build, step: *Step, variants: []const Stress) void {
    var previous: ?*Step = null;
    for (variants) |variant| {
        var options: std.Build.Module.CreateOptions = .{
            .target = b.graph.host,
            .optimize = switch (variant) {
                .debug => .debug,
                .safe, .thread => .safe,
                .small => .small,
            },
            .sanitize_thread = variant == .thread,
            .link_libc = true,
        };
        const library = b.createModule(options);
        library.root_source_file = b.path("zig-src/root.zig");
        const stress = b.createModule(options);
        stress.root_source_file = b.path("verify/stress/main.zig");
        stress.addImport("async_interrupt", library);
        if (variant == .thread) options.optimize = .small;
        const program = b.addExecutable(.{
            .name = b.fmt("stress-{t}", .{variant}),
            .root_module = b.createModule(options),
            // Zig's own backend and linker, the default in debug builds, keep functions that nobody
            // calls. Those need N-API and libuv, which this program has not.
            .use_llvm = true,
            .use_lld = true,
        });
        program.link_gc_sections = true;
        program.root_module.root_source_file = b.path("verify/stress/program.zig");
        program.root_module.addImport("stress", stress);
        const run = b.addRunArtifact(program);
        run.addPassthruArgs();
        run.has_side_effects = true;
        run.setEnvironmentVariable("TSAN_OPTIONS", "halt_on_error=1");
        // One after the other: each needs all cores.
        if (previous) |it| run.step.dependOn(it);
        previous = &run.step;
    }
    if (previous) |it| step.dependOn(it);
}

fn addUnitTests(b: *std.Build, step: *Step, optimize: Optimize) void {
    const tests = b.addTest(.{
        // The fuzzer needs the coverage that only LLVM puts in.
        .use_llvm = true,
        .root_module = b.createModule(.{
            .root_source_file = b.path("zig-src/root.zig"),
            .target = b.graph.host,
            .optimize = optimize,
            .link_libc = true,
        }),
    });
    step.dependOn(&b.addRunArtifact(tests).step);
    // The gate looks which tests are in it.
    copyTo(b, step, tests.getEmittedBin(), "build/unit_tests");
}

/// The name by which ffi/load.ts finds a library that is loaded already. Each release has its own,
/// since a process may have several releases. The dynamic linker compares the name with those of
/// the libraries that are loaded, and can find no file by it: /dev/null is no folder.
fn soname(b: *std.Build) []const u8 {
    return b.fmt("/dev/null/libasync_interrupt-{s}.so", .{release(b)});
}

/// The version that deno.json names.
fn release(b: *std.Build) []const u8 {
    const Package = struct { version: []const u8 };
    const text = @embedFile("deno.json");
    const options: std.json.ParseOptions = .{ .ignore_unknown_fields = true };
    const package = std.json.parseFromSliceLeaky(Package, b.allocator, text, options) catch
        @panic("deno.json names no version");
    return package.version;
}

/// Makes `step` write the file into the source tree.
fn copyTo(b: *std.Build, step: *Step, file: std.Build.LazyPath, path: []const u8) void {
    const update = b.addUpdateSourceFiles();
    update.addCopyFileToSource(file, path);
    step.dependOn(&update.step);
}

fn addImport(b: *std.Build, module: *std.Build.Module, name: []const u8, path: []const u8) void {
    module.addImport(name, b.createModule(.{ .root_source_file = b.path(path) }));
}

fn addLibrary(
    b: *std.Build,
    linkage: std.lang.LinkMode,
    name: []const u8,
    root: []const u8,
    target: std.Build.ResolvedTarget,
    optimize: Optimize,
) *Step.Compile {
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
