"""Reads a built library with LIEF: `python3 files.py LIBRARY EXPECTED`. Prints what is checked, and
what is wrong, as JSON."""

import hashlib
import json
import struct
import sys

import lief

lief.logging.disable()
path = sys.argv[1]
expected = json.loads(sys.argv[2])
data = open(path, "rb").read()
checks, wrong = 0, []

# What the host may lack is looked up by a weak import, or in tables.
PTHREAD_OF_LINUX = {
    "pthread_attr_destroy",
    "pthread_attr_init",
    "pthread_attr_setdetachstate",
    "pthread_attr_setstacksize",
    "pthread_create",
    "pthread_key_create",
    "pthread_setspecific",
    "__errno_location",
}
LIBSYSTEM = {
    "___error",
    "___ulock_wait2",
    "___ulock_wake",
    "_clock_gettime_nsec_np",
    "_close",
    "_dladdr",
    "_dlopen",
    "_dup2",
    "_fcntl",
    "_fstat",
    "_fstat$INODE64",
    "_getpid",
    "_kill",
    "_mach_task_self_",
    "_mach_vm_region_recurse",
    "_mmap",
    "_pipe",
    "_poll",
    "_pthread_attr_destroy",
    "_pthread_attr_init",
    "_pthread_attr_setdetachstate",
    "_pthread_create",
    "_pthread_key_create",
    "_pthread_kill",
    "_pthread_main_np",
    "_pthread_mach_thread_np",
    "_pthread_self",
    "_pthread_setname_np",
    "_pthread_setspecific",
    "_pthread_sigmask",
    "_read",
    "_sched_yield",
    "_setsockopt",
    "_sigaction",
    "_socketpair",
    "_thread_policy_set",
    "_write",
    # Zig's linker asks for it in every library; it has been there since Mac OS X 10.6.
    "dyld_stub_binder",
}
# Those that Zig's linker exports from every library for macOS.
LINKERS = {"__mh_dylib_header", "___dso_handle"}
# Those that Zig exports from every DLL: of its entry point, of thread-local variables, and what the
# compiler itself calls.
OF_ZIG_ON_WINDOWS = {
    "DllMainCRTStartup",
    "__xl_a",
    "__xl_z",
    "_tls_end",
    "_tls_index",
    "_tls_start",
    "_tls_used",
    "memcpy",
    "memset",
    "strlen",
}


def check(name, found, wanted):
    global checks
    checks += 1
    if found != wanted:
        wrong.append(f"{name}: {found}, not {wanted}")


def check_names(name, found, wanted):
    check(f"{name}: missing", sorted(set(wanted) - set(found)), [])
    check(f"{name}: too many", sorted(set(found) - set(wanted)), [])


def is_runtimes(name):
    return name.startswith(("napi_", "uv_"))


def check_elf():
    elf = lief.ELF.parse(path)
    E = lief.ELF
    machine = {"x64": E.ARCH.X86_64, "arm64": E.ARCH.AARCH64}[expected["cpu"]]
    page = {"x64": 0x1000, "arm64": 0x10000}[expected["cpu"]]
    check("machine", elf.header.machine_type, machine)
    check("type", elf.header.file_type, E.Header.FILE_TYPE.DYN)
    check("section headers", elf.header.numberof_sections, 0)
    tags = {entry.tag: entry for entry in elf.dynamic_entries}
    T = E.DynamicEntry.TAG
    check("libraries", list(elf.libraries), [])
    check("SONAME", tags[T.SONAME].name, expected["soname"])
    check(
        "RPATH, RUNPATH, TEXTREL",
        [tag for tag in (T.RPATH, T.RUNPATH, T.TEXTREL) if tag in tags],
        [],
    )
    # Without these two flags the first call of a function could be looked up in a signal handler,
    # and the library could be unmapped while a handler points into it.
    flags = tags[T.FLAGS_1].value
    check("BIND_NOW", flags & E.DynamicEntryFlags.FLAG.NOW.value & 0xFFFFFFFF != 0, True)
    check("NODELETE", flags & E.DynamicEntryFlags.FLAG.NODELETE.value & 0xFFFFFFFF != 0, True)
    # Neither: then all is bound when the library is opened, before any of its code runs.
    check(
        "constructors",
        [
            tag
            for tag in (T.INIT, T.INIT_ARRAY, T.FINI, T.FINI_ARRAY)
            if tag in tags and tags[tag].value != 0
        ],
        [],
    )
    check_names("exports", [s.name for s in elf.exported_symbols], expected["exports"])
    imports = list(elf.imported_symbols)
    check(
        "imports that are not weak",
        [s.name for s in imports if s.binding != E.Symbol.BINDING.WEAK],
        [],
    )
    names = [symbol.name for symbol in imports]
    check(
        "imports: too many",
        [n for n in names if not is_runtimes(n) and n not in PTHREAD_OF_LINUX],
        [],
    )
    check("symbol versions", [n for n in elf.symbols_version_requirement], [])
    for segment in elf.segments:
        access = segment.flags.value
        check("a segment that is writable and executable", access & 3 == 3, False)
        if segment.type == E.Segment.TYPE.LOAD:
            check("LOAD alignment", segment.alignment, page)
            offset, address = segment.file_offset, segment.virtual_address
            check("LOAD: offset and address", offset % page, address % page)
    kinds = {segment.type for segment in elf.segments}
    check("RELRO", E.Segment.TYPE.GNU_RELRO in kinds, True)
    check("GNU_STACK", E.Segment.TYPE.GNU_STACK in kinds, True)


def check_macho():
    M = lief.MachO
    fat = M.parse(path)
    check("how many architectures", fat.size, 1)
    macho = fat.at(0)
    cpu = {"x64": M.Header.CPU_TYPE.X86_64, "arm64": M.Header.CPU_TYPE.ARM64}[expected["cpu"]]
    check("processor", macho.header.cpu_type, cpu)
    check("type", macho.header.file_type, M.Header.FILE_TYPE.DYLIB)
    check("macOS", list(macho.build_version.minos), [13, 0, 0])
    check("platform", macho.build_version.platform, M.BuildVersion.PLATFORMS.MACOS)
    commands = [command.command for command in macho.commands]
    names = {
        c: [l.name for l in macho.libraries if l.command == getattr(M.LoadCommand.TYPE, c)]
        for c in ("ID_DYLIB", "LOAD_DYLIB")
    }
    check("install name", names["ID_DYLIB"], [expected["soname"]])
    check("libraries", names["LOAD_DYLIB"], ["/usr/lib/libSystem.B.dylib"])
    check("UUID", commands.count(M.LoadCommand.TYPE.UUID), 1)
    check("constructors", macho.has_routine_command, False)
    # dyld would look the function behind a stub up at the first call, with a lock.
    sections = [section.name for segment in macho.segments for section in segment.sections]
    bad = {"__stubs", "__stub_helper", "__la_symbol_ptr", "__mod_init_func", "__thread_vars"}
    check("stubs and constructors", sorted(bad & set(sections)), [])
    check("lazy imports", macho.dyld_info.lazy_bind[1], 0)
    check("weak definitions", macho.dyld_info.weak_bind[1], 0)
    check_names(
        "exports",
        [e.symbol.name for e in macho.dyld_info.exports],
        {f"_{name}" for name in expected["exports"]} | LINKERS,
    )
    for binding in macho.bindings:
        name = binding.symbol.name
        if is_runtimes(name[1:]):
            # -2: whatever image has it; weak: dyld leaves null where none has.
            check(f"import of {name}", (binding.library_ordinal, binding.weak_import), (-2, True))
        else:
            check(f"import of {name}", (binding.library_ordinal, binding.weak_import), (1, False))
            check(f"libSystem has {name}", name in LIBSYSTEM, True)
    # What dyld refuses in a file that says it was built for a new SDK (mach_o/UnsafeHeader.cpp).
    page = {"x64": 0x1000, "arm64": 0x4000}[expected["cpu"]]
    access = {"__TEXT": 5, "__DATA_CONST": 3, "__DATA": 3, "__LINKEDIT": 1}
    check("segments", [s.name for s in macho.segments], list(access))
    end = 0
    for segment in macho.segments:
        check(f"{segment.name}: access", int(segment.init_protection), access[segment.name])
        check(f"{segment.name}: alignment", segment.virtual_address % page, 0)
        check(f"{segment.name}: follows", segment.virtual_address >= end, True)
        end = segment.virtual_address + segment.virtual_size
        inside = all(s.virtual_address + s.size <= end for s in segment.sections)
        check(f"{segment.name}: sections inside", inside, True)
    SG_READ_ONLY = 0x10
    check(
        "__DATA_CONST: SG_READ_ONLY",
        int(macho.get_segment("__DATA_CONST").flags) & SG_READ_ONLY,
        SG_READ_ONLY,
    )
    info, names = macho.dyld_info, macho.symbol_command
    indirect = macho.dynamic_symbol_command
    end = macho.get_segment("__LINKEDIT").file_offset
    for offset, size in sorted(
        [
            *(info.rebase, info.bind, info.export_info),
            (macho.function_starts.data_offset, macho.function_starts.data_size),
            (macho.data_in_code.data_offset, macho.data_in_code.data_size),
            (names.symbol_offset, 16 * names.numberof_symbols),
            (indirect.indirect_symbol_offset, 4 * indirect.nb_indirect_symbols),
            (names.strings_offset, names.strings_size),
        ]
    ):
        check(f"__LINKEDIT: what begins at {offset}", (offset % 8, offset >= end), (0, True))
        end = offset + size
    # On x64 macOS runs code without a signature.
    check("signature", macho.has_code_signature, expected["cpu"] == "arm64")
    if macho.has_code_signature:
        check_signature(macho.code_signature)


def check_signature(signature):
    """The hashes that the kernel compares when it maps a page (osfmk/kern/cs_blobs.h)."""
    start = signature.data_offset
    check("signature: alignment", start % 16, 0)
    check("signature: ends the file", start + signature.data_size, len(data))
    magic, _, count = struct.unpack_from(">III", data, start)
    check("signature: magic", magic, 0xFADE0CC0)
    blobs = dict(struct.unpack_from(">II", data, start + 12 + 8 * i) for i in range(count))
    directory = start + blobs[0]
    fields = struct.unpack_from(">IIIIIIIIIBBBB", data, directory)
    magic, _, _, flags, hashes, _, _, slots, limit, size, kind, _, shift = fields
    check("code directory: magic", magic, 0xFADE0C02)
    CS_ADHOC, CS_LINKER_SIGNED = 2, 0x20000
    check("code directory: flags", flags, CS_ADHOC | CS_LINKER_SIGNED)
    check("code directory: SHA-256", (kind, size), (2, 32))
    check("code directory: ends where the signature starts", limit, start)
    page = 1 << shift
    check("code directory: pages", slots, -(-limit // page))
    for slot in range(slots):
        found = data[directory + hashes + size * slot :][:size]
        content = data[slot * page : min((slot + 1) * page, limit)]
        check(f"code directory: hash of page {slot}", found, hashlib.sha256(content).digest())


def check_pe():
    P = lief.PE
    pe = P.parse(path)
    machine = {"x64": P.Header.MACHINE_TYPES.AMD64, "arm64": P.Header.MACHINE_TYPES.ARM64}
    check("machine", pe.header.machine, machine[expected["cpu"]])
    check("DLL", pe.header.has_characteristic(P.Header.CHARACTERISTICS.DLL), True)
    wanted = {
        P.OptionalHeader.DLL_CHARACTERISTICS.DYNAMIC_BASE,
        P.OptionalHeader.DLL_CHARACTERISTICS.HIGH_ENTROPY_VA,
        P.OptionalHeader.DLL_CHARACTERISTICS.NX_COMPAT,
    }
    found = set(pe.optional_header.dll_characteristics_lists)
    check("address space randomization and no execution of data", wanted - found, set())
    libraries = {library.name.lower() for library in pe.imports}
    check(
        "libraries: too many", sorted(libraries - {"kernel32.dll", "ntdll.dll", "ws2_32.dll"}), []
    )
    check("delayed imports", pe.has_delay_imports, False)
    check("constructors", [c for c in pe.tls.callbacks if c != 0] if pe.has_tls else [], [])
    exports = {entry.name for entry in pe.get_export().entries}
    check_names("exports", exports - OF_ZIG_ON_WINDOWS, expected["exports"])
    both = P.Section.CHARACTERISTICS.MEM_WRITE, P.Section.CHARACTERISTICS.MEM_EXECUTE
    check(
        "writable and executable",
        [s.name for s in pe.sections if all(s.has_characteristic(c) for c in both)],
        [],
    )


check("mode", len(data) <= expected["limit"] or len(data), True)
{"linux": check_elf, "darwin": check_macho, "win32": check_pe}[expected["os"]]()
print(json.dumps({"passed": checks - len(wrong), "wrong": wrong, "size": len(data)}))
