"""What the library imports: libSystem of macOS 13, and N-API and libuv of Node. Numbers are those
of the headers of macOS."""

import struct

from macos_machine import (
    BASE,
    EAGAIN,
    EBADF,
    EINVAL,
    ENOTSOCK,
    EPIPE,
    MAIN_PORT,
    NEXT_PORT,
    PROCESS,
    SENTINEL,
    demand,
)

SIG_DFL, SIG_IGN = 0, 1
SA_ONSTACK, SA_RESTART, SA_RESETHAND, SA_SIGINFO = 1, 2, 4, 0x40
O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_NONBLOCK = 0, 1, 2, 3, 4
F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC = 2, 3, 4, 67
POLLIN, POLLNVAL = 1, 0x20
S_IFIFO, S_IFSOCK = 0o010000, 0o140000
UL_COMPARE_AND_WAIT, ULF_NO_ERRNO = 1, 0x0100_0000
CAPACITY = 64

# What POSIX lets a signal handler call, and what of macOS's own is a system call and no more:
# __ulock_wake, pthread_self, pthread_main_np, pthread_mach_thread_np, __error. libuv documents
# uv_async_send.
SAFE_IN_HANDLERS = {
    "_write",
    "_read",
    "_sigaction",
    "_kill",
    "_getpid",
    "_pthread_kill",
    "_pthread_self",
    "_pthread_main_np",
    "_pthread_mach_thread_np",
    "___error",
    "_sched_yield",
    "___ulock_wake",
    "_clock_gettime_nsec_np",
    "_uv_async_send",
}


class Errno(Exception):
    def __init__(self, number):
        super().__init__(f"errno {number}")
        self.number = number


class File:
    """One end of a pipe, or a socket."""

    inodes = 1000

    def __init__(self, mode, access, is_local=True):
        File.inodes += 1
        self.inode = File.inodes if is_local else 0
        self.mode, self.flags = mode, access
        self.bytes = 0
        self.peer = None
        self.descriptors = 0
        self.is_silent = False


class Thread:
    def __init__(self, port):
        self.port = port
        self.mask = 0
        self.specific = {}
        self.main = self.context = self.waits_for = self.deadline = None
        self.name = self.policy = None
        self.has_ended = False


class Mac:
    def attach(self, machine):
        self.machine = machine
        self.files = {}
        self.dispositions = {}
        self.pending = []
        self.failures = {}
        self.calls = 0
        self.in_handler = False
        self.alternate_stack = None
        # Signals that come while the next call of sigaction() is made.
        self.arriving = []
        self.noted = []
        self.sigpipes = 0
        self.clock = 5_000_000_000
        self.main = self.thread = Thread(MAIN_PORT)
        self.threads = []
        self.keys = {}
        self.openings = []
        self.errno = machine.allocate(8)
        self.regions = [
            (
                BASE + s.virtual_address,
                BASE + s.virtual_address + s.virtual_size,
                int(s.init_protection),
            )
            for s in machine.file.segments
        ]
        self.hosts = machine.allocate(0x4000)
        self.regions.append((self.hosts, self.hosts + 0x4000, 5))
        self.values = [None]
        self.module = {}
        self.cleanups = {}
        self.references = {}
        self.uv_handles = {}
        self.closing = []
        self.sent = 0
        self.argument_list, self.callback_data = [], 0

    # Calls

    def answer(self, name):
        self.calls += 1
        demand(self.calls < 50_000, "it calls without end")
        if self.in_handler:
            demand(name in SAFE_IN_HANDLERS, f"a signal handler calls {name}")
        try:
            if self.failures.get(name):
                raise Errno(self.failures[name].pop(0))
            return getattr(self, "do_" + name.lstrip("_").replace("$", "_"))()
        except Errno as error:
            # The functions of pthread return it.
            if name.startswith("_pthread"):
                return error.number
            self.machine.write(self.errno, error.number, 4)
            return -1

    def int(self, index):
        return self.machine.argument(index, 4, signed=True)

    def unsigned(self, index):
        return self.machine.argument(index, 4)

    def word(self, index):
        return self.machine.argument(index)

    def store(self, index, value, size=8):
        address = self.word(index)
        if address != 0:
            self.machine.write(address, value, size)

    def do_error(self):
        return self.errno

    # Signals

    def do_sigaction(self):
        signal, new, old = self.int(0), self.word(1), self.word(2)
        if not 1 <= signal <= 31 or (new and signal in (9, 17)):
            raise Errno(EINVAL)
        before = self.dispositions.get(signal, (SIG_DFL, 0, 0))
        if new:
            data = bytes(self.machine.uc.mem_read(new, 16))
            self.dispositions[signal] = struct.unpack("<QIi", data)
        if old:
            self.machine.uc.mem_write(old, struct.pack("<QIi", *before))
        arriving, self.arriving = self.arriving, []
        for number in arriving:
            self.deliver(number)
        return 0

    def do_kill(self):
        demand(self.int(0) == PROCESS, "kill() is for another process")
        self.pending.append((self.int(1), "process"))
        return 0

    def do_pthread_kill(self):
        demand(self.word(0) == id(self.thread), "pthread_kill() is for another thread")
        self.pending.append((self.int(1), "thread"))
        return 0

    # Threads and memory

    def do_mmap(self):
        address, size, access, kind = self.word(0), self.word(1), self.int(2), self.int(3)
        demand((address, access, kind) == (0, 3, 0x1002), "mmap: not private anonymous memory")
        demand((self.int(4), self.word(5)) == (-1, 0), "mmap: of a file")
        start = self.machine.allocate(size)
        self.regions.append((start, start + size, 3))
        return start

    def do_sched_yield(self):
        return 0

    def do_getpid(self):
        return PROCESS

    def do_pthread_main_np(self):
        return int(self.thread is self.main)

    def do_pthread_self(self):
        return id(self.thread)

    def do_pthread_mach_thread_np(self):
        demand(self.word(0) == id(self.thread), "pthread_mach_thread_np: of another thread")
        return self.thread.port

    def do_pthread_key_create(self):
        key = 256 + len(self.keys)
        self.keys[key] = self.word(1)
        self.store(0, key)
        return 0

    def do_pthread_setspecific(self):
        demand(self.word(0) in self.keys, "pthread_setspecific: there is no such key")
        self.thread.specific[self.word(0)] = self.word(1)
        return 0

    def do_dladdr(self):
        demand(BASE <= self.word(0) < BASE + 0x10_0000, "dladdr: of no function of the library")
        self.machine.write(self.word(1), self.machine.put(b"/private/library.node\0"))
        return 1

    def do_dlopen(self):
        self.openings.append((self.machine.text(self.word(0)), self.int(1)))
        return 1

    def do_pthread_attr_init(self):
        self.machine.uc.mem_write(self.word(0), struct.pack("<q56s", 0x54485241, b""))
        return 0

    def attributes(self, index):
        demand(self.machine.read(self.word(index)) == 0x54485241, "no pthread_attr_t")

    def do_pthread_attr_setdetachstate(self):
        self.attributes(0)
        self.machine.write(self.word(0) + 8, self.int(1), 4)
        return 0

    def do_pthread_attr_destroy(self):
        self.attributes(0)
        return 0

    def do_pthread_sigmask(self):
        demand(self.int(0) == 3, "pthread_sigmask: not SIG_SETMASK")
        mask = self.machine.read(self.word(1), 4)
        self.store(2, self.thread.mask, 4)
        self.thread.mask = mask
        return 0

    def do_pthread_create(self):
        self.attributes(1)
        demand(self.machine.read(self.word(1) + 8, 4) == 2, "the thread is not detached")
        thread = self.new_thread()
        thread.mask, thread.main = self.thread.mask, (self.word(2), self.word(3))
        self.store(0, id(thread))
        return 0

    def do_pthread_setname_np(self):
        self.thread.name = self.machine.text(self.word(0))
        return 0

    def do_thread_policy_set(self):
        demand(self.unsigned(0) == self.thread.port, "thread_policy_set: of another thread")
        demand(self.unsigned(3) == 1, "thread_policy_set: the policy has one int")
        self.thread.policy = (self.int(1), self.machine.read(self.word(2), 4))
        return 0

    def do_clock_gettime_nsec_np(self):
        demand(self.int(0) == 8, "not CLOCK_UPTIME_RAW")
        self.looks -= 1
        if self.looks >= 0:
            self.clock += self.step
        return self.clock

    def do_ulock_wait2(self):
        operation, address, value, timeout = (
            self.unsigned(0),
            self.word(1),
            self.word(2),
            self.word(3),
        )
        demand(operation == UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, "not UL_COMPARE_AND_WAIT")
        demand(self.word(4) == 0, "__ulock_wait2: value2")
        demand(timeout != 0, "it waits for ever")
        demand(self.thread is not self.main, "the main thread waits")
        if self.machine.read(address, 4) != value:
            return 0
        self.thread.waits_for, self.thread.deadline = address, self.clock + timeout
        self.parks = True
        return 0

    def do_ulock_wake(self):
        demand(self.unsigned(0) == UL_COMPARE_AND_WAIT | ULF_NO_ERRNO, "not UL_COMPARE_AND_WAIT")
        for thread in self.threads:
            if thread.waits_for == self.word(1):
                thread.deadline = self.clock
        return 0

    def do_mach_vm_region_recurse(self):
        demand(self.unsigned(0) == 0x203, "of another task")
        if self.region_failure:
            return self.region_failure
        demand(self.machine.read(self.word(3), 4) > 100, "it does not look into submaps")
        demand(self.machine.read(self.word(5), 4) == 12, "the size of the information")
        address = self.machine.read(self.word(1))
        after = [region for region in sorted(self.regions) if region[1] > address]
        if not after:
            return 1
        start, end, access = after[0]
        self.store(1, start)
        self.store(2, end - start)
        self.machine.uc.mem_write(self.word(4), struct.pack("<I44s", access, b""))
        return 0

    # Descriptors

    def open(self, file):
        number = next(number for number in range(3, 4000) if number not in self.files)
        self.files[number] = [file, False]
        file.descriptors += 1
        return number

    def file(self, number):
        if number not in self.files:
            raise Errno(EBADF)
        return self.files[number][0]

    def pair(self, *files):
        files[0].peer, files[1].peer = files[1], files[0]
        return [self.open(file) for file in files]

    def do_pipe(self):
        ends = self.pair(File(S_IFIFO, O_RDONLY), File(S_IFIFO, O_WRONLY))
        self.machine.uc.mem_write(self.word(0), struct.pack("<ii", *ends))
        return 0

    def do_socketpair(self):
        demand([self.int(i) for i in range(3)] == [1, 1, 0], "not a local stream")
        ends = self.pair(File(S_IFSOCK, O_RDWR), File(S_IFSOCK, O_RDWR))
        self.machine.uc.mem_write(self.word(3), struct.pack("<ii", *ends))
        return 0

    def do_fcntl(self):
        number, command = self.int(0), self.int(1)
        argument = self.machine.arch.variadic(self.machine.uc, 2) & 0xFFFF_FFFF
        file = self.file(number)
        if command == F_GETFL:
            return file.flags
        if command == F_SETFL:
            file.flags = file.flags & O_ACCMODE | argument & ~O_ACCMODE
            return 0
        if command == F_SETFD:
            self.files[number][1] = argument == 1
            return 0
        demand(command == F_DUPFD_CLOEXEC and argument == 0, f"fcntl command {command}")
        copy = self.open(file)
        self.files[copy][1] = True
        return copy

    def do_setsockopt(self):
        file = self.file(self.int(0))
        if file.mode != S_IFSOCK:
            raise Errno(ENOTSOCK)
        demand((self.int(1), self.int(2)) == (0xFFFF, 0x1022), "not SO_NOSIGPIPE")
        demand(self.machine.read(self.word(3), 4) == 1 and self.int(4) == 4, "SO_NOSIGPIPE: no int")
        file.is_silent = True
        return 0

    def do_write(self):
        file, size = self.file(self.int(0)), self.word(2)
        if file.flags & O_ACCMODE == O_RDONLY:
            raise Errno(EBADF)
        if file.peer.descriptors == 0:
            self.sigpipes += not file.is_silent
            raise Errno(EPIPE)
        if file.peer.bytes + size > CAPACITY:
            demand(file.flags & O_NONBLOCK, "a write blocks")
            raise Errno(EAGAIN)
        file.peer.bytes += size
        return size

    def do_read(self):
        file = self.file(self.int(0))
        if file.bytes == 0 and file.peer.descriptors > 0:
            demand(file.flags & O_NONBLOCK, "a read blocks")
            raise Errno(EAGAIN)
        size = min(file.bytes, self.word(2))
        file.bytes -= size
        return size

    def do_dup2(self):
        file, target = self.file(self.int(0)), self.int(1)
        self.release(target)
        self.files[target] = [file, False]
        file.descriptors += 1
        return target

    def do_poll(self):
        demand(self.unsigned(1) == 1, "poll: of one descriptor")
        number, events = struct.unpack("<ih", self.machine.uc.mem_read(self.word(0), 6))
        demand(events == POLLIN, "poll: not POLLIN")
        if number not in self.files:
            ready = POLLNVAL
        else:
            ready = POLLIN if self.files[number][0].bytes else 0
        self.machine.write(self.word(0) + 6, ready, 2)
        if not ready:
            demand(self.int(2) >= 0, "poll: for ever")
            self.clock += self.int(2) * 1_000_000
        return int(ready != 0)

    def do_fstat(self):
        demand(self.machine.arch.name == "arm64", "fstat() has another struct on x64")
        return self.do_fstat_INODE64()

    def do_fstat_INODE64(self):
        file = self.file(self.int(0))
        data = bytearray(144)
        struct.pack_into("<iHHQ", data, 0, 0, file.mode | 0o600, 1, file.inode)
        self.machine.uc.mem_write(self.word(1), bytes(data))
        return 0

    def release(self, number):
        if number in self.files:
            self.files.pop(number)[0].descriptors -= 1

    def do_close(self):
        self.file(self.int(0))
        self.release(self.int(0))
        return 0

    # N-API: a value is its index in `values`.

    def value(self, value):
        self.values.append(value)
        return len(self.values) - 1

    def do_napi_create_function(self):
        name = self.machine.text(self.word(1), self.word(2))
        self.store(5, self.value((name, self.word(3), self.word(4))))
        return 0

    def do_napi_set_named_property(self):
        name = self.machine.text(self.word(2))
        function = self.values[self.word(3)]
        demand(function[0] == name, f"the function {name} is another")
        self.module[name] = function
        return 0

    def do_napi_get_cb_info(self):
        count, arguments = self.machine.read(self.word(2)), self.word(3)
        for index in range(count):
            given = self.argument_list[index] if index < len(self.argument_list) else None
            self.machine.write(arguments + 8 * index, self.value(given))
        self.store(2, len(self.argument_list))
        self.store(5, self.callback_data)
        return 0

    def do_napi_get_value_int32(self):
        value = self.values[self.word(1)]
        if not isinstance(value, int):
            return 6
        self.store(2, value, 4)
        return 0

    def do_napi_get_value_bigint_uint64(self):
        value = self.values[self.word(1)]
        if not isinstance(value, int):
            return 17
        self.store(2, value)
        self.store(3, 1, 1)
        return 0

    def do_napi_create_double(self):
        # The number is in a register for floating point, so the address is the second argument.
        bits = self.machine.uc.reg_read(self.machine.arch.double) & (1 << 64) - 1
        self.store(1, self.value(struct.unpack("<d", bits.to_bytes(8, "little"))[0]))
        return 0

    def do_napi_create_bigint_uint64(self):
        self.store(2, self.value(self.word(1)))
        return 0

    def do_napi_create_external_arraybuffer(self):
        view = {
            "address": self.word(1),
            "size": self.word(2),
            "finalizer": self.word(3),
            "hint": self.word(4),
        }
        self.store(5, self.value(view))
        return 0

    def do_napi_create_reference(self):
        self.references[len(self.references) + 1] = [self.values[self.word(1)], self.unsigned(2)]
        self.store(3, len(self.references))
        return 0

    def do_napi_delete_reference(self):
        del self.references[self.word(1)]
        return 0

    def count(self, step):
        self.references[self.word(1)][1] += step
        return 0

    def do_napi_reference_ref(self):
        return self.count(1)

    def do_napi_reference_unref(self):
        return self.count(-1)

    def do_napi_get_reference_value(self):
        self.store(2, self.value(self.references[self.word(1)][0]))
        return 0

    def do_napi_open_handle_scope(self):
        return 0

    def do_napi_close_handle_scope(self):
        return 0

    def do_napi_make_callback(self):
        self.values[self.word(3)]()
        return 0

    def do_napi_get_uv_event_loop(self):
        self.store(1, 0xCAFE)
        return 0

    def do_napi_add_async_cleanup_hook(self):
        handle = len(self.cleanups) + 1
        self.cleanups[handle] = (self.word(1), self.word(2))
        self.store(3, handle)
        return 0

    def do_napi_remove_async_cleanup_hook(self):
        del self.cleanups[self.word(0)]
        return 0

    # libuv

    def do_uv_handle_size(self):
        return {1: 128, 16: 152}[self.int(0)]

    def uv_init(self, callback):
        demand(self.word(0) == 0xCAFE, "another loop")
        self.uv_handles[self.word(1)] = {"callback": callback, "referenced": True}
        return 0

    def do_uv_async_init(self):
        return self.uv_init(self.word(2))

    def do_uv_signal_init(self):
        return self.uv_init(None)

    def do_uv_signal_start(self):
        self.uv_handles[self.word(0)].update(callback=self.word(1), signal=self.int(2))
        return 0

    def do_uv_async_send(self):
        demand(self.word(0) in self.uv_handles, "uv_async_send: the handle is closed")
        self.sent += 1
        # It may change errno, which its caller puts back.
        self.machine.write(self.errno, EAGAIN, 4)
        return 0

    def refer(self, on):
        self.uv_handles[self.word(0)]["referenced"] = on
        return 0

    def do_uv_ref(self):
        return self.refer(True)

    def do_uv_unref(self):
        return self.refer(False)

    def do_uv_close(self):
        del self.uv_handles[self.word(0)]
        self.closing.append((self.word(1), self.word(0)))
        return 0

    # What a test does

    parks = False
    # How much time the next looks at the clock take.
    step = looks = 0
    region_failure = 0

    @property
    def fstat(self):
        return "_fstat$INODE64" if self.machine.arch.name == "x64" else "_fstat"

    def new_thread(self):
        thread = Thread(NEXT_PORT + 0x100 * len(self.threads))
        self.threads.append(thread)
        return thread

    def note(self, signal, _info, _context):
        """A handler of other code."""
        self.noted.append(signal)

    def export(self, name, *arguments):
        """Calls an exported function, which leaves errno alone."""
        self.machine.used_exports.add(name)
        return self.guarded(self.machine.exports[name], *arguments)

    def guarded(self, address, *arguments, stack=None):
        self.machine.write(self.errno, SENTINEL, 4)
        result = self.machine.call(address, *arguments, stack=stack)
        errno = self.machine.read(self.errno, 4)
        demand(errno == SENTINEL, f"errno is {errno} afterwards")
        return result

    def deliver(self, signal):
        """The kernel delivers a signal to the main thread."""
        handler, mask, flags = self.dispositions.get(signal, (SIG_DFL, 0, 0))
        if handler in (SIG_DFL, SIG_IGN):
            return handler
        if flags & SA_RESETHAND:
            del self.dispositions[signal]
        info, context = self.machine.put(bytes(104)), self.machine.put(bytes(64))
        self.machine.write(info, signal, 4)
        self.in_handler = True
        # A thread that it interrupts has the other stack.
        self.alternate_stack = self.alternate_stack or self.machine.new_stack()
        self.guarded(handler, signal, info, context, stack=self.alternate_stack)
        self.in_handler = False
        again, self.pending = self.pending, []
        for number, _ in again:
            self.deliver(number)
        return handler

    def let_run(self, thread):
        """Until it waits or ends."""
        before, self.thread = self.thread, thread
        thread.waits_for = None
        stack = self.machine.new_stack() if thread.context is None else None
        self.machine.parked = None
        if stack:
            function, argument = thread.main
            self.machine.call(function, argument, stack=stack)
        else:
            self.machine.resume(thread.context)
        thread.context = self.machine.parked
        thread.has_ended = thread.context is None
        self.thread = before

    def uv_closed(self):
        closing, self.closing = self.closing, []
        for callback, handle in closing:
            self.machine.call(callback, handle)

    def javascript(self, name, *arguments):
        """Calls a property of the addon."""
        _, callback, self.callback_data = self.module[name]
        self.argument_list = list(arguments)
        result = self.guarded(callback, 0xE, 0xC)
        return self.values[result]
