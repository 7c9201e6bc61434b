"""A Mac for one Mach-O library: Unicorn runs its instructions, and the functions that it imports
are written here in Python. Each checks its arguments as the headers of macOS have them, and fails
with the errno that a test asks for."""

import struct

import lief
from unicorn import UC_ARCH_ARM64, UC_ARCH_X86, UC_HOOK_CODE, UC_MODE_64, UC_MODE_ARM, Uc
from unicorn import UC_PROT_ALL, arm64_const, x86_const

BASE = 0x1_0000_0000
IMPORTS = 0x2_0000_0000
STACKS = 0x3_0000_0000
HEAP = 0x4_0000_0000
FOREIGN = 0x5_0000_0000
STOP = FOREIGN
STACK_SIZE = 0x10_0000

# errno.h of macOS, where it differs from Linux's.
ENOENT, EINTR, EBADF, ENOMEM, EBUSY, EINVAL, EMFILE, EPIPE = 2, 4, 9, 12, 16, 22, 24, 32
EAGAIN, ENOTSOCK, ENOBUFS = 35, 38, 55

PROCESS = 4242
MAIN_PORT, NEXT_PORT = 0x103, 0x1203
# What no call may change in errno.
SENTINEL = 77


class Failure(Exception):
    pass


def demand(condition, text):
    if not condition:
        raise Failure(text)


class Arm64:
    name = "arm64"
    cpu = lief.MachO.Header.CPU_TYPE.ARM64
    page = 0x4000
    pc, sp = arm64_const.UC_ARM64_REG_PC, arm64_const.UC_ARM64_REG_SP
    result = arm64_const.UC_ARM64_REG_X0
    double = arm64_const.UC_ARM64_REG_D0
    arguments = [getattr(arm64_const, f"UC_ARM64_REG_X{i}") for i in range(8)]

    @staticmethod
    def machine():
        uc = Uc(UC_ARCH_ARM64, UC_MODE_ARM)
        uc.ctl_set_cpu_model(arm64_const.UC_CPU_ARM64_MAX)
        uc.reg_write(arm64_const.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        return uc

    def enter(self, uc, sp):
        uc.reg_write(self.sp, sp)
        uc.reg_write(arm64_const.UC_ARM64_REG_LR, STOP)

    def leave(self, uc):
        return uc.reg_read(arm64_const.UC_ARM64_REG_LR)

    def stack_argument(self, uc, index):
        return uc.reg_read(self.sp) + 8 * index

    def variadic(self, uc, _):
        """All variadic arguments are on the stack."""
        return read(uc, uc.reg_read(self.sp), 8)


class X64:
    name = "x64"
    cpu = lief.MachO.Header.CPU_TYPE.X86_64
    page = 0x1000
    pc, sp = x86_const.UC_X86_REG_RIP, x86_const.UC_X86_REG_RSP
    result = x86_const.UC_X86_REG_RAX
    double = x86_const.UC_X86_REG_XMM0
    arguments = [
        getattr(x86_const, f"UC_X86_REG_{name}")
        for name in ("RDI", "RSI", "RDX", "RCX", "R8", "R9")
    ]

    @staticmethod
    def machine():
        return Uc(UC_ARCH_X86, UC_MODE_64)

    def enter(self, uc, sp):
        uc.reg_write(self.sp, sp - 8)
        uc.mem_write(sp - 8, struct.pack("<Q", STOP))

    def leave(self, uc):
        sp = uc.reg_read(self.sp)
        demand(sp % 16 == 8, "the stack is not aligned at a call")
        uc.reg_write(self.sp, sp + 8)
        return read(uc, sp, 8)

    def stack_argument(self, uc, index):
        return uc.reg_read(self.sp) + 8 + 8 * index

    def variadic(self, uc, index):
        demand(uc.reg_read(x86_const.UC_X86_REG_RAX) & 0xFF == 0, "al counts no vector registers")
        return uc.reg_read(self.arguments[index])


def read(uc, address, size, signed=False):
    return int.from_bytes(uc.mem_read(address, size), "little", signed=signed)


class Machine:
    """Loads the library as dyld does, and calls its functions."""

    def __init__(self, file, system):
        self.file = file
        self.arch = next(arch for arch in (Arm64(), X64()) if arch.cpu == self.file.header.cpu_type)
        self.uc = self.arch.machine()
        self.system = system
        self.used_exports, self.used_imports = set(), set()
        self.failure = None
        self.has_ended = False
        self.stacks = 0
        self.parked = None
        for segment in self.file.segments:
            start = segment.virtual_address
            size = -(-segment.virtual_size // self.arch.page) * self.arch.page
            demand(start % self.arch.page == 0, f"{segment.name} is not aligned to a page")
            self.uc.mem_map(BASE + start, size, UC_PROT_ALL)
            self.uc.mem_write(BASE + start, bytes(segment.content))
        self.uc.mem_map(IMPORTS, 0x1_0000)
        self.uc.mem_map(FOREIGN, 0x1_0000)
        self.heap = HEAP
        self.foreign = {}
        self.exports = {symbol.name: BASE + symbol.value for symbol in self.file.exported_symbols}
        for relocation in self.file.relocations:
            self.write(BASE + relocation.address, self.read(BASE + relocation.address) + BASE)
        self.names = []
        for binding in self.file.bindings:
            name = binding.symbol.name
            address = IMPORTS + 16 * len(self.names)
            if name == "_mach_task_self_":
                address = self.allocate(8)
                self.write(address, 0x203, 4)
                self.used_imports.add(name)
            self.names.append(name)
            self.write(BASE + binding.address, address)
        self.uc.hook_add(UC_HOOK_CODE, self.on_import, begin=IMPORTS, end=IMPORTS + 0xFFFF)
        self.uc.hook_add(UC_HOOK_CODE, self.on_foreign, begin=FOREIGN, end=FOREIGN + 0xFFFF)
        self.main_stack = self.new_stack()
        system.attach(self)

    def new_stack(self):
        start = STACKS + 2 * STACK_SIZE * self.stacks
        self.stacks += 1
        self.uc.mem_map(start, STACK_SIZE)
        return start + STACK_SIZE - 0x100

    def allocate(self, size):
        size = -(-size // 0x4000) * 0x4000
        address = self.heap
        self.uc.mem_map(address, size)
        self.heap += size + 0x4000
        return address

    def read(self, address, size=8, signed=False):
        return read(self.uc, address, size, signed)

    def write(self, address, value, size=8):
        self.uc.mem_write(address, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def text(self, address, length=None):
        data = bytearray()
        while (length is None and self.read(address, 1) != 0) or (length or 0) > len(data):
            data.append(self.read(address, 1))
            address += 1
        return data.decode()

    def put(self, data):
        """Bytes in memory of their own."""
        address = self.allocate(len(data) or 1)
        self.uc.mem_write(address, bytes(data))
        return address

    def function(self, call):
        """An address that foreign code calls: `call` gets three arguments."""
        address = FOREIGN + 16 * (len(self.foreign) + 1)
        self.foreign[address] = call
        return address

    def argument(self, index, size=8, signed=False):
        registers = self.arch.arguments
        if index < len(registers):
            value = self.uc.reg_read(registers[index])
        else:
            where = self.arch.stack_argument(self.uc, index - len(registers))
            value = self.read(where)
        value &= (1 << 8 * size) - 1
        return value - (1 << 8 * size) if signed and value >> 8 * size - 1 else value

    def give_back(self, value):
        self.uc.reg_write(self.arch.result, (value or 0) & (1 << 64) - 1)
        self.uc.reg_write(self.arch.pc, self.arch.leave(self.uc))

    def on_import(self, _uc, address, _size, _data):
        name = self.names[(address - IMPORTS) // 16]
        self.used_imports.add(name)
        try:
            demand(address % 16 == 0, f"the code behind {name} is run")
            result = self.system.answer(name)
            if self.system.parks:
                self.system.parks = False
                return self.park()
            self.give_back(result)
        except Exception as error:
            self.stop(error)

    def on_foreign(self, _uc, address, _size, _data):
        if address == STOP:
            self.has_ended = True
            return self.uc.emu_stop()
        try:
            self.give_back(self.foreign[address](*[self.argument(i) for i in range(3)]))
        except Exception as error:
            self.stop(error)

    def stop(self, error):
        self.failure = self.failure or error
        self.uc.emu_stop()

    def park(self):
        """Ends the call of a thread that waits: resume() goes on with it."""
        self.uc.reg_write(self.arch.result, 0)
        self.uc.reg_write(self.arch.pc, self.arch.leave(self.uc))
        self.parked = self.uc.context_save()
        self.has_ended = True
        self.uc.emu_stop()

    def run(self, start):
        outer, self.has_ended = self.has_ended, False
        # A signal handler that an import has called stops this call too: then go on.
        while not self.has_ended:
            self.uc.emu_start(start, 0)
            if self.failure:
                raise self.failure
            start = self.uc.reg_read(self.arch.pc)
        self.has_ended = outer

    def call(self, address, *arguments, stack=None):
        saved = self.uc.context_save()
        self.arch.enter(self.uc, stack or self.main_stack)
        for register, argument in zip(self.arch.arguments, arguments):
            self.uc.reg_write(register, argument & (1 << 64) - 1)
        self.run(address)
        result = self.uc.reg_read(self.arch.result)
        self.uc.context_restore(saved)
        return result

    def call_interrupted(self, address, count, interrupt, *arguments):
        """Calls `interrupt` before the instruction with this number of the library's own. Returns
        whether there is one."""
        left, place = count, None

        def on_instruction(uc, address, _size, _data):
            nonlocal left, place
            left -= 1
            if left == 0:
                place = address
                uc.emu_stop()

        end = BASE + self.file.get_segment("__TEXT").virtual_size
        hook = self.uc.hook_add(UC_HOOK_CODE, on_instruction, begin=BASE, end=end)
        # What is translated already has no hook.
        self.uc.ctl_flush_tb()
        self.arch.enter(self.uc, self.main_stack)
        for register, argument in zip(self.arch.arguments, arguments):
            self.uc.reg_write(register, argument)
        self.has_ended = False
        self.uc.emu_start(address, 0)
        self.uc.hook_del(hook)
        if place is not None:
            saved = self.uc.context_save()
            interrupt()
            self.uc.context_restore(saved)
            self.run(place)
        if self.failure:
            raise self.failure
        return place is not None

    def resume(self, context):
        saved = self.uc.context_save()
        self.uc.context_restore(context)
        self.run(self.uc.reg_read(self.arch.pc))
        self.uc.context_restore(saved)
