//! What differs between operating systems, behind one set of names.
const builtin = @import("builtin");

const implementation = switch (builtin.os.tag) {
    .linux => @import("platform/linux.zig"),
    else => @compileError("no platform/ file for " ++ @tagName(builtin.os.tag) ++ " yet"),
};

pub const Disposition = implementation.Disposition;
pub const signal_max = implementation.signal_max;
pub const isReserved = implementation.isReserved;
pub const disposition = implementation.disposition;
pub const setDisposition = implementation.setDisposition;
pub const swapDisposition = implementation.swapDisposition;
pub const ours = implementation.ours;
pub const ignored = implementation.ignored;
pub const isOneShot = implementation.isOneShot;
pub const sendAgain = implementation.sendAgain;
pub const chain = implementation.chain;
pub const Errno = implementation.Errno;

pub const map = implementation.map;
pub const yield = implementation.yield;
pub const threadId = implementation.threadId;
pub const processId = implementation.processId;
pub const onThreadExit = implementation.onThreadExit;
pub const isExecutable = implementation.isExecutable;
pub const isHosts = implementation.isHosts;

pub const Fd = implementation.Fd;
pub const FdKind = implementation.FdKind;
pub const eventFd = implementation.eventFd;
pub const pipePair = implementation.pipePair;
pub const streamPair = implementation.streamPair;
pub const inspect = implementation.inspect;
pub const duplicate = implementation.duplicate;
pub const inode = implementation.inode;
pub const sameFile = implementation.sameFile;
pub const replace = implementation.replace;
pub const would_block = implementation.would_block;
pub const write = implementation.write;
pub const drain = implementation.drain;
pub const waitReadable = implementation.waitReadable;
pub const close = implementation.close;
