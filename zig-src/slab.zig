//! Slots that are never unmapped: a signalling thread or handler may hold a token to a slot that
//! was closed long ago.
//!
//! A token is `generation << 32 | slot`, below 2^53 so that it survives a JavaScript number. A
//! slot's tag holds the generation, odd while it is in use, and the busy count, which says how many
//! signallers are inside the slot. A token of another generation is refused, and a slot is not used
//! again before the last signaller has left it.
const std = @import("std");
const debugCheck = @import("invariant.zig").debugCheck;
const invariant = @import("invariant.zig").invariant;
const platform = @import("platform.zig");
const Lock = @import("lock.zig").Lock;

pub const slot_size = 64;
pub const chunk_slots = 1024;
const chunks_max = 4096;

/// The upper half of a slot's first word pair: who the slot is (generation), and how many threads
/// and handlers are inside (busy).
pub const Tag = packed struct(u32) {
    busy: u12 = 0,
    generation: u20 = 0,
};

pub const Token = packed struct(u64) {
    slot: u32,
    generation: u20,
    zero: u12 = 0,

    /// Whether the token names the life that the slot has now.
    pub fn names(token: Token, tag: Tag) bool {
        return token.zero == 0 and token.generation % 2 == 1 and token.generation == tag.generation;
    }
};

/// What every slot begins with. The rest belongs to its user: `Record`, `EventPipe`, `Agent`.
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
    /// Slots handed out so far, free ones included: 1 to `used`. Slot 0 is nobody's: it means
    /// "none" in lists.
    used: std.atomic.Value(u32) = .init(0),
    free: u32 = 0,

    /// A slot for its user to fill in and publish(). null: 4,194,303 are in use, or the kernel has
    /// no memory.
    pub fn open(slab: *Slab) ?u32 {
        slab.lock.acquire();
        defer slab.lock.release();
        if (slab.free != 0) {
            const slot = slab.free;
            slab.free = slab.get(slot).free_next;
            return slot;
        }
        const slot = slab.used.load(.monotonic) + 1;
        if (slot == chunks_max * chunk_slots) return null;
        const chunk = &slab.chunks[slot / chunk_slots];
        if (chunk.load(.monotonic) == null) {
            const memory = platform.map(@sizeOf(Chunk)) orelse return null;
            // Release: a thread that finds the chunk finds it zeroed.
            chunk.store(@ptrCast(@alignCast(memory)), .release);
        }
        slab.used.store(slot, .release);
        return slot;
    }

    /// The slot lives: from here on its token is good.
    pub fn publish(slab: *Slab, slot: u32) void {
        const generation = slab.step(slot);
        debugCheck(generation % 2 == 1);
    }

    /// Ends this life: its token is refused. Returns when the last signaller has left.
    pub fn retire(slab: *Slab, slot: u32) void {
        const generation = slab.step(slot);
        // Retired twice it would live again, with no owner.
        invariant(generation % 2 == 0);
        slab.awaitIdle(slot);
    }

    /// Returns when nobody is inside. All that entered before have left then, and act no more on
    /// what they saw.
    pub fn awaitIdle(slab: *Slab, slot: u32) void {
        while (slab.isBusy(slot)) platform.yield();
    }

    pub fn isBusy(slab: *Slab, slot: u32) bool {
        return slab.tagOf(slot).busy != 0;
    }

    fn step(slab: *Slab, slot: u32) u20 {
        const tag = &slab.get(slot).tag;
        var old = tag.load(.monotonic);
        while (true) {
            var new: Tag = @bitCast(old);
            new.generation +%= 1;
            old = tag.cmpxchgWeak(old, @bitCast(new), .seq_cst, .monotonic) orelse
                return new.generation;
        }
    }

    /// Published and not yet retired.
    pub fn lives(slab: *Slab, slot: u32) bool {
        return slab.tagOf(slot).generation % 2 == 1;
    }

    fn tagOf(slab: *Slab, slot: u32) Tag {
        return @bitCast(slab.get(slot).tag.load(.seq_cst));
    }

    /// Lets a retired slot be used again, unless it has used up its generations: no token may ever
    /// become good again.
    pub fn release(slab: *Slab, slot: u32) void {
        const tag = slab.tagOf(slot);
        // Else the slot's next owner would share it with a signaller.
        invariant(tag.busy == 0 and tag.generation % 2 == 0);
        if (tag.generation == 0) return;
        slab.lock.acquire();
        defer slab.lock.release();
        slab.get(slot).free_next = slab.free;
        slab.free = slot;
    }

    pub fn get(slab: *Slab, slot: u32) *Head {
        debugCheck(slot != 0);
        invariant(slot < chunks_max * chunk_slots);
        const chunk = slab.chunks[slot / chunk_slots].load(.acquire);
        invariant(chunk != null);
        return &chunk.?[slot % chunk_slots].head;
    }

    /// For values from outside: null when no such slot was ever handed out.
    pub fn find(slab: *Slab, slot: u32) ?*Head {
        if (slot == 0 or slot > slab.used.load(.acquire)) return null;
        return slab.get(slot);
    }

    pub fn token(slab: *Slab, slot: u32) Token {
        const tag = slab.tagOf(slot);
        debugCheck(tag.generation % 2 == 1);
        return .{ .slot = slot, .generation = tag.generation };
    }

    /// Counts the caller as inside the slot, unless the life that `wanted` names is over.
    pub fn enter(slab: *Slab, wanted: Token) ?*Head {
        const item = slab.find(wanted.slot) orelse return null;
        var old = item.tag.load(.monotonic);
        while (true) {
            var new: Tag = @bitCast(old);
            if (!wanted.names(new)) return null;
            // One more would wrap to 0 and end in the generation: retire() would not wait.
            invariant(new.busy != std.math.maxInt(u12));
            new.busy += 1;
            // Sequentially consistent against retire(): either retire() sees this caller counted,
            // or the caller sees the new generation.
            old = item.tag.cmpxchgWeak(old, @bitCast(new), .seq_cst, .monotonic) orelse return item;
        }
    }

    pub fn leave(_: *Slab, item: *Head) void {
        const old: Tag = @bitCast(item.tag.fetchSub(1, .release));
        invariant(old.busy > 0);
    }
};
