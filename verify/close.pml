/*
 * Close against signal: records, a pipe and a Worker end while threads that cannot know signal them, and the slots are
 * used again. A value is the life that its sender meant, so that one that reaches another life is seen. Both records are
 * the main thread's (ONE_AGENT), or one is the Worker's.
 */
#define SLOTS 3
#define AGENTS 2
#define PIPES 1
#define LIVES
#define AUTODRAIN 1
#define AGENT_OF(r) agent_of[r]
#define PIPE_LIFE(r) pipe_life[r]
#define MAIN 0
#ifdef ONE_AGENT
#define WORKER MAIN
#else
#define WORKER 1
#endif
#define QUEUED (queue[1] != 0 || queue[2] != 0)
/* terminate() may come at any time. */
#define DIES (me != MAIN)

byte agent_of[SLOTS];
byte pipe_life[SLOTS];
bool is_free[SLOTS];
#include "protocol.pml"

proctype signaller(byte target; byte life; byte times) {
  SIGNAL_LOCALS;
  do
  :: times > 0 -> times--; send(target, life, life)
  :: else -> break
  od
}

inline take(record) {
  /* @record.ts:#handle */
  atomic {
    value = pending[record]; pending[record] = 0;
    PROPERTY(none_after_close, value == 0 || value == mine[record]);
    value = 0
  }
}

inline scan() {
  /* @agent.ts:#takeList, @record.ts:unlist */
  atomic { slot = list[me]; list[me] = 0 }
  do
  :: slot != 0 ->
     /* Whoever is on the list is open: the scan finds its object. */
     atomic { PROPERTY(none_after_close, mine[slot] != 0); queue[slot] = mine[slot]; following = next[slot]; on_list[slot] = false };
     atomic { listed[slot] = false; slot = following; following = 0 }
  :: else -> break
  od
}

/* One of the queue; between two of them a callback may do anything. */
inline deliver() {
  /* @record.ts:deliver */
  if
  :: queue[1] != 0 -> r = 1
  :: queue[2] != 0 -> r = 2
  fi;
  if
  :: queue[r] == mine[r] && pending[r] != 0 -> take(r)
  :: else
  fi;
  atomic { queue[r] = 0; r = 0 }
}

inline wait_for_guests(r) {
#ifndef M_RETIRE_WITHOUT_WAIT
  /* @slab.zig:retire */
  guests[r] == 0
#else
  skip
#endif
}

inline unlist(r) {
  /* @agent.zig:unlist */
#ifndef M_CLOSE_WITHOUT_UNLIST
  if
  :: listed[r] ->
     atomic { slot = list[me]; list[me] = 0 };
     do
     :: slot == 0 -> break
     :: slot == r -> atomic { slot = next[slot]; on_list[r] = false }
     :: else ->
#ifdef M_UNLIST_DROPS_THE_OTHERS
        atomic { on_list[slot] = false; slot = next[slot] }
#else
        atomic { following = next[slot]; next[slot] = list[me]; list[me] = slot; slot = following; following = 0 }
#endif
     od;
     listed[r] = false
  :: else
  fi
#else
  skip
#endif
}

inline retire(r) {
  /* @record.zig:retire */
#ifdef M_UNLIST_BEFORE_RETIRE
  unlist(r);
#endif
  generation[r]++;
  wait_for_guests(r);
#ifndef M_UNLIST_BEFORE_RETIRE
  unlist(r)
#endif
}

inline release(r) {
  /* @record.zig:release */
  atomic {
    PROPERTY(slots_are_reused_cleanly, guests[r] == 0 && !listed[r] && !on_list[r]);
    mine[r] = 0; is_free[r] = true
  }
}

inline close(r) {
  /* @record.ts:close */
  retire(r);
  if
  :: DIES -> break
  :: true
  fi;
  if
  :: pending[r] != 0 -> take(r)
  :: else
  fi;
  release(r)
}

inline open(r) {
  /* @record.zig:open, @slab.zig:publish */
  atomic { agent_of[r] = me; pending[r] = 0; PROPERTY(slots_are_reused_cleanly, !listed[r]); wakes[r] = true; pipe_life[r] = 0 };
  atomic { generation[r]++; mine[r] = generation[r]; acts-- }
}

inline close_pipe(p) {
  /* @event_pipe.zig:close */
#ifdef M_PIPE_CLOSES_FIRST
  file[p] = 0;
#endif
  pipe_generation[p]++;
#ifndef M_PIPE_WITHOUT_GUESTS
  pipe_guests[p] == 0;
#endif
  file[p] = 0
}

inline close_wake() {
  /* @agent.zig:close */
  atomic { wake_open[me] = false; bytes[me] = 0 }
}

proctype javascript(byte me) {
  byte acts = ACTS;
  /* The life of this thread's record in each slot; 0 for none. */
  byte mine[SLOTS];
  byte queue[SLOTS];
  byte slot, following, r, value;
  bool has_pipe = (me == WORKER);
  bool last;
#ifdef ONE_AGENT
  atomic { mine[1] = 1; mine[2] = 1 };
#else
  mine[me + 1] = 1;
#endif

  do
  :: QUEUED -> deliver()
  :: atomic { acts > 0 && attention[me] != 0 -> acts-- }; attention[me] = attention[me] & WAKING; scan()
  :: !QUEUED && bytes[me] > 0 -> bytes[me] = 0; attention[me] = 0; scan()
  :: acts > 0 && mine[1] != 0 -> acts--; close(1)
  :: acts > 0 && mine[2] != 0 -> acts--; close(2)
  :: atomic { acts > 0 && is_free[1] -> is_free[1] = false; r = 1 }; open(r); r = 0
  :: atomic { acts > 0 && is_free[2] -> is_free[2] = false; r = 2 }; open(r); r = 0
  :: acts > 0 && has_pipe -> acts--; has_pipe = false; close_pipe(0)
  :: DIES -> break
  :: !DIES && timeout -> break
  od;

  if
  :: DIES ->
    /* @agent.zig:close, @record.zig:closeAllOf */
#ifdef M_WAKE_CLOSES_FIRST
    close_wake();
#endif
    r = 1;
    do
    :: r < SLOTS ->
       if
       :: mine[r] != 0 ->
          if
          :: generation[r] == mine[r] -> retire(r)
          :: else
          fi;
          release(r)
       :: else
       fi;
       r++
    :: else -> break
    od;
    r = 0;
    /* @event_pipe.zig:closeAllOf */
    if
    :: has_pipe -> close_pipe(0)
    :: else
    fi;
    close_wake()
  :: else ->
    PROPERTY(none_lost, bytes[me] == 0);
    /* Nothing is lost to those who stay. */
    r = 1;
    do
    :: r < SLOTS -> PROPERTY(none_lost, mine[r] == 0 || (pending[r] == 0 && !on_list[r])); r++
    :: else -> break
    od
  fi
}

init {
  atomic {
    agent_of[2] = WORKER;
    generation[1] = 1; generation[2] = 1;
    wakes[1] = true; wakes[2] = true;
    wake_open[MAIN] = true; wake_open[WORKER] = true;
    pipe_generation[0] = 1; file[0] = 1; piped[2] = true; pipe_life[2] = 1;
    run javascript(MAIN);
#ifdef ONE_AGENT
    run signaller(1, 1, 1);
#else
    run javascript(WORKER);
    run signaller(2, 1, 2);
#endif
    run signaller(2, 1, 1)
  }
}
