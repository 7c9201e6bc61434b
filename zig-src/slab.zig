//! Slots that are never unmapped: a signalling thread or handler may hold a handle to a slot that was closed long ago.
//!
//! A handle is `generation << 32 | slot`, below 2^53 so that it survives a JavaScript number. A slot's tag holds the
//! generation and the number of signallers that are inside it just now: a handle of an older generation is refused, and
//! a slot is not used again before the last signaller has left it.
const std = @import("std");
const assert = std.debug.assert;
const platform = @import("platform.zig");
const Lock = @import("lock.zig").Lock;

pub const slot_size = 64;
pub const chunk_slots = 1024;
const chunks_max = 4096;

/// The upper half of a slot's first word pair: who the slot is (generation) and how many are inside (guests).
pub const Tag = packed struct(u32) {
    guests: u12 = 0,
    generation: u20 = 0,
};

pub const Handle = packed struct(u64) {
    slot: u32,
    generation: u20,
    zero: u12 = 0,
};

/// How every slot begins. What follows is its user's: `Record`, `EventPipe`.
pub const Head = extern struct {
    word: std.atomic.Value(i32),
    /// A `Tag`.
    tag: std.atomic.Value(u32),
    free_next: u32,
};

const Slot = extern struct {
    head: Head,
    rest: [slot_size - @sizeOf(Head)]u8 align(4),
};

/// Not generic: two copies of this code would be a twentieth of the library.
pub const Slab = struct {
    const Chunk = [chunk_slots]Slot;

    chunks: [chunks_max]std.atomic.Value(?*Chunk) = @splat(.init(null)),
    lock: Lock = .{},
    /// Slots handed out so far, free ones included: 1 to `used`. Slot 0 is nobody's: it means "none" in lists.
    used: u32 = 0,
    free: u32 = 0,

    /// null: 4,194,303 slots are in use, or the kernel has no memory.
    pub fn open(slab: *Slab) ?u32 {
        slab.lock.acquire();
        defer slab.lock.release();
        if (slab.free != 0) {
            const slot = slab.free;
            slab.free = slab.get(slot).free_next;
            slab.get(slot).free_next = 0;
            return slot;
        }
        const slot = slab.used + 1;
        if (slot == chunks_max * chunk_slots) return null;
        const chunk = &slab.chunks[slot / chunk_slots];
        if (chunk.load(.monotonic) == null) {
            const memory = platform.map(@sizeOf(Chunk)) orelse return null;
            // Release: whoever finds the chunk finds it zeroed.
            chunk.store(@ptrCast(@alignCast(memory)), .release);
        }
        slab.used = slot;
        const item = slab.get(slot);
        item.tag.store(@bitCast(Tag{ .generation = 1 }), .release);
        return slot;
    }

    /// Ends the life that `handle` names: from here on it is refused. Returns when the last signaller has left.
    pub fn retire(slab: *Slab, slot: u32) void {
        const tag = &slab.get(slot).tag;
        var old = tag.load(.monotonic);
        while (true) {
            var new: Tag = @bitCast(old);
            // A generation of 0 is never valid: a slot that has used up all of them stays closed for ever.
            new.generation = if (new.generation == std.math.maxInt(u20)) 0 else new.generation + 1;
            old = tag.cmpxchgWeak(old, @bitCast(new), .seq_cst, .monotonic) orelse break;
        }
        while (@as(Tag, @bitCast(tag.load(.seq_cst))).guests != 0) platform.yield();
    }

    /// Lets a retired slot be used again.
    pub fn release(slab: *Slab, slot: u32) void {
        const item = slab.get(slot);
        const tag: Tag = @bitCast(item.tag.load(.monotonic));
        assert(tag.guests == 0);
        if (tag.generation == 0) return;
        slab.lock.acquire();
        defer slab.lock.release();
        item.free_next = slab.free;
        slab.free = slot;
    }

    pub fn get(slab: *Slab, slot: u32) *Head {
        assert(slot != 0);
        return &slab.chunks[slot / chunk_slots].load(.acquire).?[slot % chunk_slots].head;
    }

    /// For values from outside: null when no such slot was ever handed out.
    pub fn find(slab: *Slab, slot: u32) ?*Head {
        if (slot == 0 or slot >= chunks_max * chunk_slots) return null;
        const chunk = slab.chunks[slot / chunk_slots].load(.acquire) orelse return null;
        return &chunk[slot % chunk_slots].head;
    }

    pub fn usedSlots(slab: *Slab) u32 {
        slab.lock.acquire();
        defer slab.lock.release();
        return slab.used;
    }

    pub fn handle(slab: *Slab, slot: u32) Handle {
        const tag: Tag = @bitCast(slab.get(slot).tag.load(.monotonic));
        return .{ .slot = slot, .generation = tag.generation };
    }

    /// Counts the caller as inside the slot, unless the life that `wanted` names is over.
    pub fn enter(slab: *Slab, wanted: Handle) ?*Head {
        const item = slab.find(wanted.slot) orelse return null;
        var old = item.tag.load(.monotonic);
        while (true) {
            var new: Tag = @bitCast(old);
            if (wanted.zero != 0 or wanted.generation == 0 or new.generation != wanted.generation) return null;
            assert(new.guests != std.math.maxInt(u12));
            new.guests += 1;
            // Sequentially consistent against retire(): either it sees the guest, or the guest sees the new generation.
            old = item.tag.cmpxchgWeak(old, @bitCast(new), .seq_cst, .monotonic) orelse return item;
        }
    }

    pub fn leave(_: *Slab, item: *Head) void {
        const old: Tag = @bitCast(item.tag.fetchSub(1, .release));
        assert(old.guests > 0);
    }
};
