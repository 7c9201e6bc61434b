//! The protocol under C11's memory model, where a load may give an old value: `protocol SCENARIO
//! BOUND [MUTANT]` runs it in all executions with at most that many preemptions, and prints how many
//! there were. Each step is one atomic operation of the function that the comment names. A mutant
//! breaks one rule, and ends with the property that does not hold. Without arguments it lists both.
//!
//! A plain read in JavaScript is a relaxed load here, an operation of `Atomics` is SeqCst, and a
//! system call on a descriptor is AcqRel, since the kernel locks it.
//!
//! ../litmus has what Loom cannot do. It takes SeqCst for AcqRel, so it would reject the one place
//! that needs more, which is `wait()`; it never delays a store past a later one; and it knows no
//! accesses of different sizes to one word.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicU32, AtomicU64};
use loom::thread;
use std::sync::atomic::{AtomicUsize, Ordering as Std};

const NEEDS_SCAN: u32 = 1;
const WAKE_SENT: u32 = 2;
const OWED: u32 = 4;

/// A record's word: the pending value, the busy count, the generation.
const VALUE: u64 = 0xffff_ffff;
const BUSY: u64 = 1 << 32;
const BUSY_MASK: u64 = 0xfff << 32;
const GENERATION: u64 = 1 << 44;

const NONE: u32 = 0;
const SOCKET: u32 = 1;

/// What each mutant does, and the scenario that catches it.
const MUTANTS: &[(&str, &str)] = &[
    // A signaller that finds a value pending writes nothing.
    ("already_pending", "one_record"),
    ("relaxed_send", "one_record"),
    ("relaxed_take", "one_record"),
    // A signaller that finds the record listed writes nothing.
    ("load_listed", "handled_directly"),
    ("relaxed_listed", "handled_directly"),
    ("unlist_by_plain_store", "handled_directly"),
    ("unlist_after_take", "one_record"),
    ("announce_before_value", "one_record"),
    ("attention_before_listing", "one_record"),
    ("scan_before_clear", "one_record"),
    ("clear_before_drain", "one_record"),
    ("relaxed_push", "two_records"),
    ("push_without_cas", "two_records"),
    ("relaxed_list", "two_records"),
    ("one_bit", "with_and_without_wake"),
    ("relaxed_wake_kind", "close"),
    ("leave_relaxed", "close"),
    ("idle_relaxed", "close"),
    ("leave_before_announce", "close"),
    ("busy_after_value", "close"),
    // Who has a handle is not in the word that takes it.
    ("owner_in_another_word", "handles"),
    ("handle_given_back_relaxed", "handles"),
];

const SCENARIOS: &[(&str, fn(&'static str))] = &[
    ("one_record", one_record),
    ("handled_directly", handled_directly),
    ("two_records", two_records),
    ("with_and_without_wake", with_and_without_wake),
    ("close", close),
    ("handles", handles),
];

struct Record {
    word: AtomicU64,
    wakes: bool,
    next: AtomicU32,
    listed: AtomicU32,
}

struct World {
    mutant: &'static str,
    attention: AtomicU32,
    list: AtomicU32,
    wake_kind: AtomicU32,
    /// What a signaller reads after it has found the kind.
    wake: UnsafeCell<u32>,
    /// What waits in the descriptor of the wake.
    bytes: AtomicU32,
    /// Slots are counted from 1, as in the code.
    records: Vec<Record>,
    /// What each signaller writes before it signals.
    data: Vec<AtomicU32>,
}

/// Ends the run: the property does not hold.
fn violated(property: &str) -> ! {
    panic!("property {property}");
}

impl World {
    fn new(mutant: &'static str, wakes: &[bool], signallers: usize) -> World {
        World {
            mutant,
            attention: AtomicU32::new(0),
            list: AtomicU32::new(0),
            wake_kind: AtomicU32::new(NONE),
            wake: UnsafeCell::new(0),
            bytes: AtomicU32::new(0),
            records: wakes
                .iter()
                .map(|&wakes| Record {
                    word: AtomicU64::new(GENERATION),
                    wakes,
                    next: AtomicU32::new(0),
                    listed: AtomicU32::new(0),
                })
                .collect(),
            data: (0..signallers).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    fn is(&self, mutant: &str) -> bool {
        assert!(MUTANTS.iter().any(|(name, _)| *name == mutant));
        self.mutant == mutant
    }

    /// The order that the code uses, or a relaxed one in this mutant.
    fn unless(&self, mutant: &str, order: Ordering) -> Ordering {
        if self.is(mutant) { Relaxed } else { order }
    }

    fn record(&self, slot: u32) -> &Record {
        &self.records[slot as usize - 1]
    }

    /// @record.zig:send
    fn send(&self, slot: u32, value: u64) {
        let record = self.record(slot);
        if self.is("announce_before_value") {
            self.announce(slot);
        }
        let mut old = record.word.load(Relaxed);
        loop {
            // The token is of the first life.
            if old & !(VALUE | BUSY_MASK) != GENERATION {
                return;
            }
            let was_idle = old & VALUE == 0;
            if self.is("already_pending") && !was_idle {
                return;
            }
            let mut new = old & !VALUE | value;
            if was_idle && !self.is("busy_after_value") {
                new += BUSY;
            }
            let order = self.unless("relaxed_send", SeqCst);
            match record.word.compare_exchange_weak(old, new, order, Relaxed) {
                Ok(_) if was_idle => break,
                Ok(_) => return,
                Err(current) => old = current,
            }
        }
        if self.is("busy_after_value") {
            record.word.fetch_add(BUSY, SeqCst);
        }
        if self.is("leave_before_announce") {
            self.leave(slot);
        }
        if !self.is("announce_before_value") {
            self.announce(slot);
        }
        if !self.is("leave_before_announce") {
            self.leave(slot);
        }
    }

    /// @slab.zig:leave
    fn leave(&self, slot: u32) {
        let order = self.unless("leave_relaxed", Release);
        self.record(slot).word.fetch_sub(BUSY, order);
    }

    /// @record.zig:announce
    fn announce(&self, slot: u32) {
        if self.is("attention_before_listing") {
            self.notify(slot);
            self.enlist(slot);
        } else {
            self.enlist(slot);
            self.notify(slot);
        }
    }

    /// @record.zig:list, @record.zig:push
    fn enlist(&self, slot: u32) {
        let record = self.record(slot);
        if self.is("load_listed") && record.listed.load(SeqCst) != 0 {
            return;
        }
        if record.listed.swap(1, self.unless("relaxed_listed", SeqCst)) != 0 {
            return;
        }
        let mut head = self.list.load(Relaxed);
        loop {
            record.next.store(head, Relaxed);
            if self.is("push_without_cas") {
                self.list.store(slot, SeqCst);
                return;
            }
            let order = self.unless("relaxed_push", SeqCst);
            match self.list.compare_exchange_weak(head, slot, order, Relaxed) {
                Ok(_) => return,
                Err(current) => head = current,
            }
        }
    }

    /// @agent.zig:notify
    fn notify(&self, slot: u32) {
        let wakes = self.record(slot).wakes;
        let bits = if wakes {
            NEEDS_SCAN | WAKE_SENT
        } else {
            NEEDS_SCAN
        };
        let before = self.attention.fetch_or(bits, SeqCst);
        let sent = if self.is("one_bit") {
            before & NEEDS_SCAN
        } else {
            before & WAKE_SENT
        };
        if wakes && sent == 0 {
            self.wake();
        }
    }

    /// @agent.zig:wake
    fn wake(&self) {
        if self
            .wake_kind
            .load(self.unless("relaxed_wake_kind", Acquire))
            == NONE
        {
            return;
        }
        // A plain read: Loom finds whoever writes it meanwhile.
        if self.wake.with(|wake| unsafe { *wake }) != SOCKET {
            violated("no_write_to_a_closed_descriptor");
        }
        if self.bytes.fetch_add(1, Ordering::AcqRel) != 0 {
            violated("one_wake_at_a_time");
        }
    }

    /// @agent.zig:openWakeSocket
    fn open_wake(&self) {
        self.wake.with_mut(|wake| unsafe { *wake = SOCKET });
        self.wake_kind
            .store(SOCKET, self.unless("relaxed_wake_kind", Release));
    }

    /// @slab.zig:retire, @slab.zig:awaitIdle
    fn retire(&self, slot: u32) {
        let record = self.record(slot);
        record.word.fetch_add(GENERATION, SeqCst);
        while record.word.load(self.unless("idle_relaxed", SeqCst)) & BUSY_MASK != 0 {
            thread::yield_now();
        }
    }
}

/// The thread of the realm.
struct Owner {
    world: Arc<World>,
    /// The slot that each signaller signals.
    targets: Vec<u32>,
    /// Whether a callback has seen what it wrote.
    seen: Vec<bool>,
}

impl Owner {
    /// @agent.ts:atCheckpoint, @agent.ts:#begin
    fn checkpoint(&mut self) {
        let attention = &self.world.attention;
        let word = attention.load(Relaxed);
        if word & (NEEDS_SCAN | OWED) == 0 {
            return;
        }
        attention.fetch_xor(word & NEEDS_SCAN | OWED & !word, SeqCst);
        self.scan();
    }

    /// @agent.ts:#onWake, if it was woken.
    fn turn(&mut self) {
        let world = self.world.clone();
        if world.bytes.load(Ordering::Acquire) == 0 {
            return;
        }
        if world.is("clear_before_drain") {
            world.attention.swap(OWED, SeqCst);
            world.bytes.swap(0, Ordering::AcqRel);
            return self.scan();
        }
        world.bytes.swap(0, Ordering::AcqRel);
        if world.is("scan_before_clear") {
            self.scan();
            world.attention.swap(0, SeqCst);
            return;
        }
        world.attention.swap(OWED, SeqCst);
        self.scan();
    }

    /// @agent.ts:#scan, @agent.ts:#takeList, @agent.ts:settle
    fn scan(&mut self) {
        let world = self.world.clone();
        let mut chain = world.list.swap(0, world.unless("relaxed_list", SeqCst));
        let mut queue = Vec::new();
        while chain != 0 {
            if queue.contains(&chain) {
                violated("list_is_whole");
            }
            queue.push(chain);
            chain = world.record(chain).next.load(Relaxed);
        }
        while let Some(slot) = queue.pop() {
            self.look(slot);
        }
        if world.attention.load(Relaxed) & OWED != 0 && world.list.load(Relaxed) == 0 {
            world.attention.fetch_xor(OWED, SeqCst);
        }
    }

    fn look(&mut self, slot: u32) {
        let late = self.world.is("unlist_after_take");
        if !late {
            self.unlist(slot);
        }
        self.deliver(slot);
        if late {
            self.unlist(slot);
        }
    }

    /// @record.ts:unlist
    fn unlist(&mut self, slot: u32) {
        let listed = &self.world.record(slot).listed;
        if self.world.is("unlist_by_plain_store") {
            listed.store(0, Relaxed);
        } else {
            listed.swap(0, SeqCst);
        }
    }

    /// @record.ts:deliver, @record.ts:#handle. @interrupt.ts:handle calls it though the record may be
    /// listed.
    fn deliver(&mut self, slot: u32) {
        let world = self.world.clone();
        let word = &world.record(slot).word;
        while word.load(Relaxed) & VALUE != 0 {
            // An exchange of the lower half.
            let value = word.fetch_and(!VALUE, world.unless("relaxed_take", SeqCst)) & VALUE;
            self.callback(slot, value);
        }
    }

    /// The value is the number of the signaller, counted from 1.
    fn callback(&mut self, slot: u32, value: u64) {
        for (index, target) in self.targets.iter().enumerate() {
            if *target == slot && self.world.data[index].load(Relaxed) == 1 {
                self.seen[index] = true;
            }
        }
        if !self.seen[value as usize - 1] {
            violated("what_was_written_before_is_seen");
        }
    }

    /// All signallers have ended: what no callback has seen is still going to be looked at.
    fn end(mut self) {
        let world = self.world.clone();
        for (index, target) in self.targets.iter().enumerate() {
            if self.seen[index] {
                continue;
            }
            let record = world.record(*target);
            let looks = if record.wakes {
                world.bytes.load(SeqCst) > 0
            } else {
                world.attention.load(SeqCst) & (NEEDS_SCAN | OWED) != 0
            };
            if !looks {
                violated("no_signal_is_lost");
            }
        }
        self.turn();
        self.checkpoint();
        if self.seen.contains(&false) {
            violated("no_signal_is_lost");
        }
    }
}

/// The signallers each write, and then signal the target.
fn run(mutant: &'static str, wakes: &[bool], targets: &[u32], acts: &'static [fn(&mut Owner)]) {
    let world = Arc::new(World::new(mutant, wakes, targets.len()));
    world.open_wake();
    let targets = targets.to_vec();
    let mut owner = Owner {
        seen: vec![false; targets.len()],
        targets,
        world: world.clone(),
    };
    let signallers: Vec<_> = (owner.targets.iter().enumerate())
        .map(|(index, &target)| {
            let world = world.clone();
            thread::spawn(move || {
                world.data[index].store(1, Relaxed);
                world.send(target, index as u64 + 1);
            })
        })
        .collect();
    // Not the main thread: Loom runs that first, unless it calls yield_now(), and then gives it no
    // old values.
    let owner = thread::spawn(move || {
        for act in acts {
            act(&mut owner);
        }
        owner
    });
    let owner = owner.join().unwrap();
    for thread in signallers {
        thread.join().unwrap();
    }
    owner.end();
}

fn one_record(mutant: &'static str) {
    run(
        mutant,
        &[true],
        &[1, 1],
        &[Owner::turn, Owner::checkpoint, Owner::turn],
    );
}

fn handled_directly(mutant: &'static str) {
    run(
        mutant,
        &[true],
        &[1, 1],
        &[|owner| owner.deliver(1), Owner::checkpoint, Owner::turn],
    );
}

fn two_records(mutant: &'static str) {
    run(
        mutant,
        &[true, true],
        &[1, 2],
        &[Owner::checkpoint, Owner::turn],
    );
}

fn with_and_without_wake(mutant: &'static str) {
    run(
        mutant,
        &[false, true],
        &[1, 2],
        &[Owner::checkpoint, Owner::turn],
    );
}

/// The wake is made while others signal; then the record closes, and with it the wake.
fn close(mutant: &'static str) {
    let world = Arc::new(World::new(mutant, &[true], 2));
    let threads: Vec<_> = (1..=2)
        .map(|value| {
            let world = world.clone();
            thread::spawn(move || world.send(1, value))
        })
        .collect();
    thread::yield_now();
    world.open_wake();
    world.retire(1);
    // The slot's next owner: whoever still reads the old wake is in a race with this.
    world.wake.with_mut(|wake| unsafe { *wake = NONE });
    for thread in threads {
        thread.join().unwrap();
    }
}

const FREE: u32 = 0;
const CLOSING: u32 = 3;

/// The signal handle of a Node Worker, in an array that all Workers share.
struct Handle {
    mutant: &'static str,
    owner: AtomicU32,
    /// The rest of it.
    signal: UnsafeCell<u32>,
    /// In the mutant: the owner, and whether it is closing.
    agent: AtomicU32,
    closes: AtomicU32,
}

impl Handle {
    /// @uv_signal.zig:tryStart
    fn start(&self, agent: u32) -> bool {
        let taken = self.owner.compare_exchange(FREE, agent, Acquire, Relaxed);
        if taken.is_ok() {
            self.agent.store(agent, Relaxed);
            self.closes.store(0, Relaxed);
            self.signal.with_mut(|signal| unsafe { *signal = agent });
        }
        taken.is_ok()
    }

    /// @uv_signal.zig:stop, and @uv_signal.zig:onClosed, which comes later.
    fn stop(&self, agent: u32) {
        let is_own = if self.mutant == "owner_in_another_word" {
            self.owner.load(Acquire) != FREE
                && self.closes.load(Relaxed) == 0
                && self.agent.load(Relaxed) == agent
        } else {
            self.owner.load(Relaxed) == agent
        };
        if !is_own {
            return;
        }
        if self.signal.with(|signal| unsafe { *signal }) != agent {
            violated("each_closes_its_own");
        }
        self.closes.store(1, Relaxed);
        self.owner.store(CLOSING, Relaxed);
        let relaxed = self.mutant == "handle_given_back_relaxed";
        self.owner
            .store(FREE, if relaxed { Relaxed } else { Release });
    }
}

/// Two Workers take the same handle in turn.
fn handles(mutant: &'static str) {
    let handle = Arc::new(Handle {
        mutant,
        owner: AtomicU32::new(FREE),
        signal: UnsafeCell::new(0),
        agent: AtomicU32::new(0),
        closes: AtomicU32::new(0),
    });
    let workers = [1, 2].map(|agent| {
        let handle = handle.clone();
        thread::spawn(move || {
            handle.start(agent);
            handle.stop(agent);
            handle.stop(agent);
        })
    });
    for worker in workers {
        worker.join().unwrap();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scenario, bound, mutant @ ..] = arguments.as_slice() else {
        for (name, _) in SCENARIOS {
            println!("scenario {name}");
        }
        for (name, scenario) in MUTANTS {
            println!("mutant {name} {scenario}");
        }
        return;
    };
    let (_, scenario) = SCENARIOS
        .iter()
        .find(|(name, _)| name == scenario)
        .expect("a scenario");
    let mutant = match mutant {
        [] => "",
        [name, ..] => {
            MUTANTS
                .iter()
                .find(|(known, _)| known == name)
                .expect("a mutant")
                .0
        }
    };
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(bound.parse().expect("a number"));
    static EXECUTIONS: AtomicUsize = AtomicUsize::new(0);
    model.check(|| {
        EXECUTIONS.fetch_add(1, Std::Relaxed);
        scenario(mutant);
    });
    println!("{} executions", EXECUTIONS.load(Std::Relaxed));
}
