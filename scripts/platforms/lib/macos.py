"""Runs the native functions of a library for macOS: `python3 macos.py LIBRARY CONSTANTS`.
Prints what passed as JSON."""

import json
import struct
import sys
import traceback

import lief

from macos_machine import (
    BASE,
    EAGAIN,
    EBUSY,
    EINTR,
    EMFILE,
    ENOBUFS,
    PROCESS,
    Machine,
    demand,
)
from macos_system import (
    O_NONBLOCK,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    S_IFIFO,
    S_IFSOCK,
    SA_ONSTACK,
    SA_RESETHAND,
    SA_RESTART,
    SA_SIGINFO,
    SIG_DFL,
    SIG_IGN,
    File,
    Mac,
)

given = json.loads(sys.argv[2])
C = given["constants"]
calls = given["systemCalls"]
kinds = given["pipeKinds"]
# Where signals come at instructions: at the first, and then at one of so many.
step = given["step"]
(unsupported,) = (
    int(code)
    for code, (name, text) in given["statusErrors"].items()
    if text == "this platform cannot do it"
)
USR2, INT, WINCH, ALL = 31, 2, 28, 0xFFFF_FFFF
MILLISECOND, SECOND = 1_000_000, 1_000_000_000
tests = []


def test(function):
    tests.append(function)
    return function


def equal(found, expected, what="it"):
    demand(found == expected, f"{what} is {found}, not {expected}")


def signed(value):
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value


def status(call, errno):
    return C["SYSTEM_STATUS"] - C["CALL_STEP"] * calls.index(call) - errno


class Scene(Mac):
    """An agent on the main thread, with words as JavaScript reads them."""

    def begin(self):
        self.agent_token = self.export("_ai_agent_open")
        self.agent = self.agent_token & 0xFFFF_FFFF
        self.words = self.export("_ai_agent_address", self.agent)

    def run(self, name, *arguments):
        """A function that returns an i32."""
        return signed(self.export(f"_ai_{name}", *arguments))

    def record(self, flags=0):
        token = self.export("_ai_record_open", self.agent, flags)
        demand(token >> 53 == 0 and token & 1 << 32, "no token of an open record")
        slot = token & 0xFFFF_FFFF
        return token, slot, self.export("_ai_record_address", slot)

    def wake_socket(self):
        read_fd = self.run("agent_wake_socket", self.agent, 1)
        return read_fd, self.files[read_fd][0]

    def attention(self):
        return self.at(self.words, "ATTENTION")

    def at(self, address, index):
        return self.machine.read(address + 4 * C[index], 4, signed=True)

    def take(self, address):
        value = self.at(address, "PENDING")
        self.machine.write(address + 4 * C["PENDING"], 0, 4)
        return value

    def handled(self):
        """What JavaScript does at a turn: drain, clear, take the list."""
        for name in ("ATTENTION", "LIST"):
            self.machine.write(self.words + 4 * C[name], 0, 4)

    def listed(self):
        """The slots on the list, which are taken off it."""
        found = set()
        slot = self.at(self.words, "LIST")
        while slot != 0:
            found.add(slot)
            address = self.export("_ai_record_address", slot)
            slot = self.at(address, "NEXT")
            self.machine.write(address + 4 * C["LISTED"], 0, 4)
        return found

    def close_record(self, slot):
        self.run("record_retire", slot)
        self.run("record_release", slot)


@test
def an_agent_opens_on_the_main_thread_and_its_end_leaves_nothing(mac):
    equal(mac.attention(), 0)
    equal(len(mac.keys), 1, "the number of pthread keys")
    demand(mac.main.specific, "the thread has no value, so no destructor runs")
    equal(mac.openings, [("/private/library.node", 0x11)], "what pins the library")
    mac.wake_socket()
    mac.record(C["FLAG_WAKE"])
    mac.run("pipe_open", mac.agent)
    mac.export("_ai_agent_close", 0, mac.agent_token)
    equal(mac.files, {}, "the open descriptors")


@test
def the_end_of_a_thread_closes_its_agents(mac):
    mac.wake_socket()
    ((key, destructor),) = mac.keys.items()
    mac.guarded(destructor, mac.main.specific[key])
    equal(mac.files, {}, "the open descriptors")


@test
def a_thread_has_an_id_that_no_process_has(mac):
    equal(mac.machine.read(mac.words + C["AGENT_BYTES"] + 4, 4), PROCESS, "the main thread")
    worker = mac.new_thread()
    mac.thread = worker
    token = mac.export("_ai_agent_open")
    mac.thread = mac.main
    other = mac.export("_ai_agent_address", token & 0xFFFF_FFFF)
    equal(mac.machine.read(other + C["AGENT_BYTES"] + 4, 4), worker.port | 1 << 30)
    equal(len(mac.keys), 1, "the number of pthread keys")
    equal(len(mac.openings), 1, "how often the library is pinned")
    # What the Worker borrows from the main thread's agent wakes it.
    _, socket = mac.wake_socket()
    mac.run("agent_borrow", token, USR2, 1)
    equal(mac.export("_ai_agent_borrowed"), 1 << USR2 - 1)
    equal((socket.bytes, mac.at(mac.words, "LISTENERS_DUE")), (1, 1))
    mac.run("agent_borrow", token, USR2, 0)
    equal(mac.export("_ai_agent_borrowed"), 0)


@test
def a_signal_of_any_thread_wakes_once(mac):
    read_fd, socket = mac.wake_socket()
    equal((socket.mode, socket.flags, socket.is_silent), (S_IFSOCK, O_RDWR | O_NONBLOCK, True))
    demand(all(cloexec for _, cloexec in mac.files.values()), "a descriptor stays open on exec")
    token, slot, address = mac.record(C["FLAG_WAKE"])
    for value in (7, 8):
        equal(mac.run("signal", token, value), 1)
    equal(socket.bytes, 1, "what the wake has written")
    equal(mac.attention(), C["NEEDS_SCAN"] | C["WAKE_SENT"])
    equal(mac.at(mac.words, "LIST"), slot)
    equal(mac.take(address), 8)
    mac.handled()
    mac.run("record_notify", slot)
    equal(mac.attention() & C["NEEDS_SCAN"], C["NEEDS_SCAN"])
    mac.run("record_flag", slot, C["FLAG_STOPS"], 1)
    equal(mac.run("record_has_stopped", slot), 0)
    mac.close_record(slot)
    equal(mac.run("signal", token, 1), 0)
    demand(mac.run("signal", 1 << 40 | 999, 1) < 0, "a forged token is taken")
    equal(mac.run("check_descriptors", 3), 0)
    equal(sorted(mac.files), [read_fd, read_fd + 1])


@test
def a_wake_that_cannot_be_written_is_reported_and_tried_again(mac):
    _, socket = mac.wake_socket()
    token, _, _ = mac.record(C["FLAG_WAKE"])
    mac.failures = {"_write": [EINTR, ENOBUFS, EINTR]}
    mac.run("signal", token, 1)
    equal(socket.bytes, 1)
    mac.handled()
    mac.failures = {"_write": [9]}
    mac.run("signal", token, 0x7FFF_FFFF)
    # It was pending already, so this needs a new record.
    token, _, _ = mac.record(C["FLAG_WAKE"])
    mac.handled()
    mac.run("signal", token, 1)
    equal(mac.at(mac.words, "WAKE_FAILURE"), status("send", 9))
    equal(mac.attention() & C["WAKE_SENT"], 0)
    # A full socket is readable: that is no failure.
    token, _, _ = mac.record(C["FLAG_WAKE"])
    mac.machine.write(mac.words + 4 * C["WAKE_FAILURE"], 0, 4)
    mac.handled()
    mac.failures = {"_write": [EAGAIN]}
    mac.run("signal", token, 1)
    equal(mac.at(mac.words, "WAKE_FAILURE"), 0)


@test
def no_memory_ends_a_write_after_a_while(mac):
    mac.wake_socket()
    token, _, _ = mac.record(C["FLAG_WAKE"])
    mac.failures = {"_write": [ENOBUFS] * 5000}
    mac.run("signal", token, 1)
    equal(mac.at(mac.words, "WAKE_FAILURE"), status("send", ENOBUFS))
    equal(len(mac.failures["_write"]), 4000)


@test
def a_posix_signal_reaches_the_record_and_the_old_disposition_returns(mac):
    for before in (
        (SIG_DFL, 0, 0),
        (SIG_IGN, 0, 0),
        (mac.machine.function(mac.note), 0x5, SA_RESTART),
    ):
        mac.noted = []
        mac.dispositions[USR2] = before
        _, socket = mac.wake_socket() if before[0] == SIG_DFL else (0, mac.socket)
        mac.socket = socket
        socket.bytes = 0
        token, slot, address = mac.record(C["FLAG_WAKE"])
        equal(mac.run("hook_check", USR2), 0)
        equal(mac.run("record_hook", slot, USR2, 0), 0)
        handler, mask, flags = mac.dispositions[USR2]
        equal((mask, flags), (ALL, SA_SIGINFO | SA_RESTART | SA_ONSTACK))
        mac.handled()
        mac.deliver(USR2)
        equal((mac.take(address), socket.bytes), (USR2, 1))
        mac.run("record_hook_options", slot, C["CHAIN"])
        mac.deliver(USR2)
        equal(mac.noted, [] if before[0] <= 1 else [USR2], "what the old handler got")
        mac.close_record(slot)
        equal(mac.dispositions[USR2], before, "the disposition afterwards")


@test
def signals_that_cannot_be_hooked_are_refused(mac):
    reserved = {4, 5, 6, 7, 8, 9, 10, 11, 12, 17}
    for signal in range(1, 32):
        refused = mac.run("hook_check", signal) != 0
        equal(refused, signal in reserved, f"whether {signal} is refused")
    demand(mac.run("hook_check", 32) < 0 and mac.run("hook_check", 0) < 0, "it is no signal")
    _, slot, _ = mac.record()
    mac.failures = {"_sigaction": [22]}
    equal(mac.run("record_hook", slot, USR2, 0), status("sigaction", 22))


@test
def with_hysteresis_the_kernel_ignores_the_signal_until_it_is_handled(mac):
    _, slot, address = mac.record()
    mac.run("record_hook", slot, WINCH, C["HYSTERESIS"])
    ours = mac.dispositions[WINCH]
    mac.deliver(WINCH)
    equal(mac.dispositions[WINCH][0], SIG_IGN)
    equal(mac.take(address), WINCH)
    equal(mac.run("record_rearm", slot), 0)
    equal(mac.dispositions[WINCH], ours)
    mac.close_record(slot)
    equal(mac.dispositions[WINCH][0], SIG_DFL)


@test
def with_once_the_handler_gives_the_signal_back(mac):
    mac.dispositions[INT] = before = (mac.machine.function(mac.note), 0, 0)
    _, slot, address = mac.record()
    mac.run("record_hook", slot, INT, C["ONCE"])
    equal(mac.run("record_unhook_spent", slot), 0)
    mac.deliver(INT)
    equal(mac.dispositions[INT], before)
    mac.deliver(INT)
    equal((mac.noted, mac.take(address)), ([INT], INT))
    equal(mac.run("record_unhook_spent", slot), 1)


@test
def a_handler_that_interrupts_another_signal_at_any_instruction_loses_nothing(mac):
    _, socket = mac.wake_socket()
    token, slot, address = mac.record(C["FLAG_WAKE"])
    _, hooked, hooked_address = mac.record(C["FLAG_WAKE"])
    mac.run("record_hook", hooked, USR2, 0)
    signal = mac.machine.exports["_ai_signal"]
    count, is_interrupted = 1 - step, True
    while is_interrupted:
        count += step
        is_interrupted = mac.machine.call_interrupted(
            signal, count, lambda: mac.deliver(USR2), token, 5
        )
        if not is_interrupted:
            break
        equal((mac.take(address), mac.take(hooked_address)), (5, USR2), f"at instruction {count}")
        equal(socket.bytes, 1, f"at instruction {count}: what was written")
        equal(mac.attention(), C["NEEDS_SCAN"] | C["WAKE_SENT"])
        listed = mac.listed()
        equal(listed, {slot, hooked}, f"at instruction {count}: what is listed")
        mac.handled()
        socket.bytes = 0
    demand(count > 50, f"only {count} instructions were interrupted")


@test
def a_signal_at_any_instruction_of_hooking_and_closing_is_delivered_once(mac):
    before = (mac.machine.function(mac.note), 0, 0)
    for name in ("record_hook", "record_retire"):
        count, is_interrupted = 1 - step, True
        while is_interrupted:
            count += step
            mac.dispositions[USR2], mac.noted = before, []
            _, slot, address = mac.record()
            if name == "record_retire":
                mac.run("record_hook", slot, USR2, 0)
            is_interrupted = mac.machine.call_interrupted(
                mac.machine.exports[f"_ai_{name}"], count, lambda: mac.deliver(USR2), slot, USR2, 0
            )
            found = [*mac.noted, *[value for value in [mac.take(address)] if value != 0]]
            equal(found, [USR2] * is_interrupted, f"{name}, at instruction {count}: what got it")
            mac.listed()
            mac.handled()
            if name == "record_hook":
                mac.run("record_retire", slot)
            mac.run("record_release", slot)
            equal(
                mac.dispositions[USR2], before, f"{name}, at instruction {count}: the disposition"
            )
        demand(count > 100, f"only {count} instructions were interrupted")


@test
def a_signal_that_nobody_takes_while_listeners_change_is_sent_again(mac):
    mac.dispositions[INT] = (mac.machine.function(mac.note), 0, 0)
    _, slot, address = mac.record()
    mac.run("record_hook", slot, INT, C["ONCE"])
    # The first spends the Interrupt. The second is for the handler that was there before.
    mac.arriving = [INT, INT]
    mac.run("hook_listened", INT)
    equal((mac.take(address), mac.pending), (INT, [(INT, "process")]))


@test
def a_one_shot_handler_is_called_once(mac):
    mac.dispositions[INT] = (mac.machine.function(mac.note), 0, SA_RESETHAND)
    _, slot, _ = mac.record()
    mac.run("record_hook", slot, INT, C["CHAIN"])
    for _ in range(2):
        mac.deliver(INT)
    equal(mac.noted, [INT])
    mac.close_record(slot)


@test
def a_signal_that_is_in_flight_when_the_last_subscriber_leaves_is_sent_again(mac):
    _, slot, _ = mac.record()
    mac.run("record_hook", slot, USR2, 0)
    handler = mac.dispositions[USR2][0]
    mac.close_record(slot)
    info = mac.machine.put(bytes(104))
    mac.in_handler = True
    mac.guarded(handler, USR2, info, 0)
    mac.in_handler = False
    equal(mac.pending, [(USR2, "thread")])


@test
def the_runtimes_listener_is_called_too(mac):
    runtime = mac.machine.function(mac.note)
    equal(mac.run("hook_listening", mac.agent, USR2), 0)
    mac.dispositions[USR2] = (runtime, 0, SA_RESTART)
    equal(mac.run("hook_listened", USR2), 0)
    mac.run("hook_others", USR2, 1)
    _, slot, address = mac.record()
    equal(mac.run("record_hook", slot, USR2, C["LISTENED"]), 0)
    mac.deliver(USR2)
    equal((mac.noted, mac.take(address)), ([USR2], USR2))
    equal(mac.run("hook_passed_on", USR2), 1)
    mac.run("hook_heard", mac.agent, USR2)
    mac.close_record(slot)
    mac.run("hook_removing", USR2)
    mac.dispositions[USR2] = (SIG_DFL, 0, 0)
    equal(mac.run("hook_unlistened", mac.agent, USR2, 1), 0)
    equal(mac.dispositions[USR2][0], SIG_DFL)


@test
def event_pipes_are_pipes_and_sockets(mac):
    equal(mac.run("pipe_open_kind", mac.agent, kinds.index("eventfd")), unsupported)
    for opening, kind, mode in (
        (("pipe_open",), "pipe", S_IFIFO),
        (("pipe_open_kind", kinds.index("pipe")), "pipe", S_IFIFO),
        (("pipe_open_kind", kinds.index("socketpair")), "socketpair", S_IFSOCK),
    ):
        slot = mac.run(opening[0], mac.agent, *opening[1:])
        equal(mac.run("pipe_info", slot, C["PIPE_KIND"]), kinds.index(kind))
        read_fd, write_fd = (
            mac.run("pipe_info", slot, C[f"PIPE_{end}_FD"]) for end in ("READ", "WRITE")
        )
        read_end, write_end = mac.files[read_fd][0], mac.files[write_fd][0]
        demand(all(cloexec for _, cloexec in mac.files.values()), "a descriptor stays open on exec")
        equal([file.flags & O_NONBLOCK for file in (read_end, write_end)], [O_NONBLOCK] * 2)
        equal((read_end.mode, write_end.is_silent), (mode, kind == "socketpair"))
        token = mac.export("_ai_pipe_token", slot)
        start = mac.clock
        mac.failures = {"_poll": [EINTR]}
        equal(mac.run("pipe_wait", slot, 2_500_000), 0)
        demand(2_500_000 <= mac.clock - start <= 4_000_000, f"it waits {mac.clock - start} ns")
        equal(mac.run("pipe_wait", slot, 0), 0)
        mac.run("pipe_signal", token)
        equal((read_end.bytes > 0, mac.run("pipe_wait", slot, (1 << 64) - 1)), (True, 1))
        mac.run("pipe_drain", token)
        equal(read_end.bytes, 0)
        # A pipe that is full is readable already.
        for _ in range(100):
            mac.run("pipe_signal", token)
        equal(mac.at(mac.words, "PIPE_FAILURE"), 0)
        mac.failures = {"_read": [EINTR]}
        mac.run("pipe_drain", token)
        equal(read_end.bytes, 0)
        _, record, _ = mac.record()
        mac.run("record_pipe", record, token)
        mac.run("record_flag", record, C["FLAG_PIPE"], 1)
        mac.run("pipe_close", slot)
        mac.run("pipe_signal", token)
        equal(mac.files, {}, "the open descriptors")
    equal(mac.sigpipes, 0)


@test
def a_renewed_pipe_keeps_its_numbers_and_closes_on_exec(mac):
    slot = mac.run("pipe_open_kind", mac.agent, kinds.index("pipe"))
    token = mac.export("_ai_pipe_token", slot)
    before = {number: file for number, (file, _) in mac.files.items()}
    mac.failures = {"_dup2": [EBUSY, EINTR]}
    equal(mac.run("pipe_renew", slot), 0)
    equal(sorted(mac.files), sorted(before))
    for number, (file, cloexec) in mac.files.items():
        demand(file is not before[number] and cloexec, f"descriptor {number} is the old one")
    mac.run("pipe_signal", token)
    equal(mac.run("pipe_wait", slot, 0), 1)
    mac.failures = {"_dup2": [EMFILE]}
    equal(mac.run("pipe_renew", slot), status("dup2", EMFILE))
    mac.run("pipe_close", slot)
    equal(mac.files, {}, "the open descriptors")


@test
def the_callers_descriptors_are_looked_at(mac):
    ends = mac.pair(File(S_IFIFO, O_RDONLY), File(S_IFIFO, O_WRONLY))
    equal(mac.run("pipe_adopt", mac.agent, *ends), mac.run("pipe_adopt", mac.agent, *ends))
    blocking = mac.run("pipe_adopt", mac.agent, *ends)
    for number in ends:
        mac.files[number][0].flags |= O_NONBLOCK
    wrong = mac.run("pipe_adopt", mac.agent, *reversed(ends))
    closed = mac.run("pipe_adopt", mac.agent, 200, 201)
    demand(blocking < 0 and wrong < 0 and blocking != wrong, "it is adopted")
    equal(closed, status("fcntl", 9))
    slot = mac.run("pipe_adopt", mac.agent, *ends)
    equal(mac.run("pipe_adopt", mac.agent, *ends), slot, "the same pipe again")
    # Another file has the number now.
    mac.release(ends[0])
    mac.files[ends[0]] = [File(S_IFIFO, O_RDONLY), False]
    mac.files[ends[0]][0].descriptors = 1
    equal(mac.run("pipe_renew", slot), C["BAD_FD_STATUS"])
    for _ in range(2):
        mac.run("pipe_close", slot)
    sockets = mac.pair(File(S_IFSOCK, O_RDWR), File(S_IFSOCK, O_RDWR))
    for number in sockets:
        mac.files[number][0].flags |= O_NONBLOCK
    slot = mac.run("pipe_adopt", mac.agent, *sockets)
    equal(mac.run("pipe_info", slot, C["PIPE_KIND"]), kinds.index("socketpair"))
    token = mac.export("_ai_pipe_token", slot)
    mac.release(sockets[0])
    mac.files[sockets[1]][0].peer.descriptors = 0
    mac.run("pipe_signal", token)
    equal((mac.sigpipes, mac.at(mac.words, "PIPE_FAILURE")), (0, status("write", 32)))


@test
def every_call_that_fails_is_named_and_leaves_nothing_open(mac):
    for call, errno, run, name in (
        ("_socketpair", EMFILE, ("agent_wake_socket", mac.agent, 0), "socketpair"),
        ("_pipe", EMFILE, ("pipe_open_kind", mac.agent, kinds.index("pipe")), "pipe"),
        ("_fcntl", 9, ("pipe_open_kind", mac.agent, kinds.index("pipe")), "fcntl"),
        ("_fcntl", 9, ("check_descriptors", 1), "fcntl"),
        (mac.fstat, 9, ("agent_wake_socket", mac.agent, 1), "fstat"),
    ):
        mac.failures = {call: [errno]}
        equal(mac.run(*run), status(name, errno))
        equal(mac.files, {}, f"the open descriptors after {call}")
    slot = mac.run("pipe_open_kind", mac.agent, kinds.index("pipe"))
    mac.failures = {"_poll": [22]}
    equal(mac.run("pipe_wait", slot, 5), status("poll", 22))
    for call in ("_pthread_attr_init", "_pthread_create"):
        _, record, _ = mac.record()
        mac.failures = {call: [EAGAIN]}
        equal(mac.run("timer_start", record, SECOND), status("pthread_create", EAGAIN))
        equal(mac.main.mask, 0)


@test
def no_agent_opens_where_pthread_refuses(mac):
    # The key of this library is made, and the value of the next thread is refused.
    mac.thread = mac.new_thread()
    mac.failures = {"_pthread_setspecific": [12]}
    equal(signed(mac.export("_ai_agent_open")), status("pthread_key_create", 12))
    mac.thread = mac.main


@test
def timers_tick_from_a_thread_that_takes_no_signals(mac):
    token, slot, address = mac.record(C["FLAG_WAKE"])
    _, socket = mac.wake_socket()
    start = mac.clock
    equal(mac.run("timer_start", slot, 10 * MILLISECOND), 0)
    (thread,) = mac.threads
    equal((thread.mask, mac.main.mask), (ALL, 0), "the masks")
    for tick in range(1, 4):
        mac.let_run(thread)
        equal(thread.deadline, start + tick * 10 * MILLISECOND, "when it wakes")
        mac.clock = thread.deadline
        mac.handled()
        mac.let_run(thread)
        equal(mac.take(address), 1)
    equal(socket.bytes, 3)
    equal((thread.name, thread.policy), ("async-interrupt", (7, 0xFF0001)))
    # An earlier one wakes the thread.
    _, other, other_address = mac.record()
    mac.run("timer_start", other, MILLISECOND)
    equal(thread.deadline, mac.clock, "when it wakes")
    mac.let_run(thread)
    mac.clock = thread.deadline
    mac.let_run(thread)
    equal(mac.take(other_address), 1)
    for record in (slot, other):
        mac.close_record(record)
    for _ in range(4):
        if thread.has_ended:
            break
        mac.let_run(thread)
        mac.clock = max(mac.clock, thread.deadline)
    demand(thread.has_ended, "the thread does not end")
    demand(mac.clock - start >= SECOND, "it ends at once")
    equal(len(mac.threads), 1)


@test
def a_deadline_that_passes_just_before_the_wait_is_not_missed(mac):
    _, slot, address = mac.record()
    mac.run("timer_start", slot, 10 * MILLISECOND)
    (thread,) = mac.threads
    # So much passes with each of the next looks at the clock.
    mac.step, mac.looks = 6 * MILLISECOND, 2
    mac.let_run(thread)
    equal(mac.take(address), 1)


@test
def code_is_told_from_data(mac):
    address = mac.export("_ai_function_address", C["SIGNAL_FUNCTION"])
    equal(mac.run("function_check", address), 0)
    for bad in (mac.words, 0x10, mac.machine.exports["_ai_signal"] + 0x1000_0000_0000, BASE - 16):
        demand(mac.run("function_check", bad) < 0, f"{bad:x} is executable")
    mac.region_failure = 5
    equal(mac.run("function_check", 0x10), 0, "what the kernel does not tell")
    mac.region_failure = 0


@test
def functions_and_memory_have_addresses(mac):
    token, slot, address = mac.record()
    signal, block, unblock, poll = (
        mac.export("_ai_function_address", C[f"{name}_FUNCTION"])
        for name in ("SIGNAL", "BLOCK", "UNBLOCK", "POLL")
    )
    mac.run("function_call", signal, token, 5)
    equal(mac.at(address, "PENDING"), 5)
    mac.guarded(block, token)
    equal(mac.at(address, "BLOCKED"), 1)
    mac.guarded(unblock, token)
    equal(signed(mac.guarded(poll, token)) & 1, 1)
    word = address + 4 * C["PENDING"]
    for operation, value, expected in (
        ("LOAD", 0, 5),
        ("EXCHANGE", 6, 5),
        ("OR", 9, 6),
        ("AND", 8, 15),
    ):
        equal(mac.run("memory", word, C[f"MEMORY_{operation}"], value), expected)
    equal(mac.at(address, "PENDING"), 8)


@test
def queries_of_sqlite_stop(mac):
    for has_progress_handler in (True, False):
        asked, interrupts = [], []
        destroy = []
        api = bytearray(8 * 163)

        def progress(_connection, _steps, asker):
            asked.append(asker)

        def create(_connection, name, _parameters):
            equal(mac.machine.text(name), "async_interrupt")
            destroy.append((mac.machine.argument(8), mac.machine.argument(4)))
            return 0

        struct.pack_into("<Q", api, 8 * 64, mac.machine.function(lambda *_: interrupts.append(1)))
        if has_progress_handler:
            struct.pack_into("<Q", api, 8 * 75, mac.machine.function(progress))
        struct.pack_into("<Q", api, 8 * 162, mac.machine.function(create))
        tie = mac.export("_ai_sqlite_open", mac.agent)
        equal(mac.run("sqlite_loaded", tie), 0)
        result = mac.export("_sqlite3_extension_init", 64, 0, mac.machine.put(api))
        equal(result, 256, "SQLITE_OK_LOAD_PERMANENTLY")
        equal(mac.run("sqlite_loaded", tie), 1)
        token, slot, _ = mac.record()
        mac.run("sqlite_ask", tie, token)
        if has_progress_handler:
            equal(mac.guarded(asked[0], tie), 0)
            mac.run("signal", token, 1)
            equal(mac.guarded(asked[0], tie), 1)
        else:
            thread = mac.threads[-1]
            mac.let_run(thread)
            equal((thread.name, interrupts), ("sqlite-watcher", []))
            mac.run("signal", token, 1)
            mac.let_run(thread)
            equal(interrupts, [1])
            equal(thread.deadline, mac.clock + MILLISECOND)
        callback, argument = destroy[0]
        mac.guarded(callback, argument)
        mac.run("sqlite_close", tie)
        equal(mac.run("sqlite_ask", tie, token), 0)
    mac.let_run(thread)
    demand(thread.has_ended, "the thread does not end")


@test
def node_loads_the_addon_and_wakes_by_libuv(mac):
    exports = mac.value("exports")
    equal(mac.export("_napi_register_module_v1", 0xE, exports), exports)
    own = {name[len("_ai_") :] for name in mac.machine.exports if name.startswith("_ai_")}
    demand(own < set(mac.module), f"missing: {own - set(mac.module)}")
    token = int(mac.javascript("record_open", mac.agent, C["FLAG_WAKE"]))
    agent_address = int(mac.javascript("agent_address", mac.agent))
    equal(agent_address, mac.words)
    view = mac.javascript("view", agent_address, C["AGENT_BYTES"], mac.agent_token)
    equal((view["address"], view["size"]), (agent_address, C["AGENT_BYTES"]))
    woken = []
    equal(mac.javascript("agent_wake_async", mac.agent, lambda: woken.append(1)), 0)
    ((handle, uv),) = mac.uv_handles.items()
    equal(uv["referenced"], False)
    mac.javascript("agent_wake_ref", mac.agent, 1)
    equal((uv["referenced"], [count for _, count in mac.references.values()]), (True, [1]))
    mac.javascript("agent_wake_ref", mac.agent, 0)
    mac.in_handler = True
    equal(mac.run("signal", token, -3), 1)
    mac.in_handler = False
    equal(mac.sent, 1)
    mac.guarded(uv["callback"], handle)
    equal(woken, [1])
    address = int(mac.javascript("record_address", token & 0xFFFF_FFFF))
    equal(mac.take(address), -3)
    equal(mac.javascript("agent_signal_start", mac.agent, USR2), 0)
    (signal_handle,) = set(mac.uv_handles) - {handle}
    equal(mac.uv_handles[signal_handle]["signal"], USR2)
    mac.guarded(mac.uv_handles[signal_handle]["callback"], signal_handle, USR2)
    mac.javascript("agent_signal_stop", mac.agent, USR2)
    mac.uv_closed()
    # The view is collected: the realm is gone.
    mac.guarded(view["finalizer"], 0xE, view["address"], view["hint"])
    mac.uv_closed()
    equal((mac.uv_handles, mac.cleanups, mac.references), ({}, {}, {}))


@test
def the_end_of_an_environment_closes_its_wake(mac):
    mac.export("_napi_register_module_v1", 0xE, mac.value("exports"))
    equal(mac.javascript("agent_wake_async", mac.agent, lambda: None), 0)
    ((handle, (hook, argument)),) = mac.cleanups.items()
    mac.guarded(hook, handle, argument)
    mac.uv_closed()
    equal((mac.uv_handles, mac.cleanups, mac.references), ({}, {}, {}))


def main():
    lief.logging.disable()
    file = lief.MachO.parse(sys.argv[1]).at(0)
    passed, failures = 0, []
    used_exports, used_imports = set(), set()
    for function in tests:
        scene = Scene()
        try:
            machine = Machine(file, scene)
            scene.begin()
            function(scene)
            passed += 1
            used_exports |= machine.used_exports
            used_imports |= machine.used_imports
        except Exception:
            failures.append(f"{function.__name__}:\n{traceback.format_exc()}")
    # Those that the linker adds, and that nothing calls.
    linkers = {"__mh_dylib_header", "___dso_handle", "dyld_stub_binder"}
    imports = {binding.symbol.name for binding in file.bindings} - linkers
    exports = {symbol.name for symbol in file.exported_symbols} - linkers
    print(
        json.dumps(
            {
                "passed": passed,
                "failures": failures,
                "exports": [len(used_exports), len(exports)],
                "imports": [len(used_imports), len(imports)],
                "unused": sorted(exports - used_exports) + sorted(imports - used_imports),
            }
        )
    )


main()
