/*
 * Close against signal: records, a pipe and a Worker end while threads that cannot know signal them, and the slots are
 * used again. A value is the life that its sender meant, so that one that reaches another life is seen. Both records are
 * the main thread's (ONE_AGENT), or one is the Worker's, or the Worker's place is taken by the next one (AGENT_AGAIN).
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

byte agent_of[SLOTS];
byte pipe_life[SLOTS];
bool is_free[SLOTS];
/* @agent.zig:open: the place is somebody's. */
bool has_thread = true;
/* Ghost: no record writes to the pipe that is open. */
bool is_nobodys;
#include "protocol.pml"

/* A record of this thread's was signalled, whether it is open still or not. */
#define OWN(r) (first[r] != 0 && signalled[r] >= first[r])

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
  /* @agent.ts:#takeList */
  atomic { slot = list[me]; list[me] = 0 }
  do
  :: slot != 0 ->
     /* Whoever is on the list is open: the scan finds its object. */
     atomic { PROPERTY(none_after_close, mine[slot] != 0); queue[slot] = mine[slot]; following = next[slot]; on_list[slot] = false };
     atomic { slot = following; following = 0 }
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
  :: queue[r] == mine[r] ->
     /* @record.ts:unlist */
     listed[r] = false;
     if
     :: pending[r] != 0 -> take(r)
     :: else
     fi
  :: else
  fi;
  atomic { queue[r] = 0; r = 0 }
}

inline wait_until_idle(r) {
#ifndef M_RETIRE_WITHOUT_WAIT
  /* @slab.zig:retire */
  busy[r] == 0
#else
  skip
#endif
}

inline unlist(r) {
  /* @record.zig:unlist */
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
  wait_until_idle(r);
#ifndef M_UNLIST_BEFORE_RETIRE
  unlist(r)
#endif
}

inline release(r) {
  /* @record.zig:release */
  atomic {
    PROPERTY(slots_are_reused_cleanly, busy[r] == 0 && !listed[r] && !on_list[r]);
    mine[r] = 0; is_free[r] = true
  }
}

inline close(r) {
  /* @record.ts:close */
  retire(r);
  if
  :: dies -> break
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
  atomic { agent_of[r] = me; pending[r] = 0; PROPERTY(slots_are_reused_cleanly, !listed[r]); wakes[r] = has_wake; pipe_life[r] = 0 };
  atomic {
    generation[r]++; mine[r] = generation[r]; acts--;
#ifdef AGENT_AGAIN
    first[r] = (first[r] == 0 -> mine[r] : first[r])
#endif
  }
}

inline close_pipe(p) {
  /* @event_pipe.zig:close */
#ifdef M_PIPE_CLOSES_FIRST
  file[p] = 0;
#endif
  pipe_generation[p]++;
#ifndef M_PIPE_WITHOUT_BUSY
  pipe_busy[p] == 0;
#endif
  atomic { file[p] = 0; is_nobodys = false }
}

inline open_pipe(p) {
  /* @event_pipe.zig:publish; @slab.zig:release gives away no slot whose generations come again. No record writes to this one. */
#ifdef M_GENERATION_COMES_AGAIN
  atomic { readable[p] = false; pipe_generation[p]--; file[p] = pipe_generation[p]; is_nobodys = true }
#else
  atomic { readable[p] = false; pipe_generation[p]++; file[p] = pipe_generation[p]; is_nobodys = true }
#endif
}

inline renew_pipe(p) {
  /* @event_pipe.zig:renew, its write side: the number is never nobody's. */
#ifdef M_RENEW_CLOSES_FIRST
  file[p] = 0;
#endif
  atomic { file[p] = pipe_generation[p]; readable[p] = false }
}

inline leave_place() {
  /* @agent.zig:release */
  has_thread = false
}

inline close_wake() {
  /* @agent.zig:release, its socket; a function's owner comes later, with @agent.zig:releaseWakeFunction. */
  if
  :: has_wake -> atomic { wake_open[me] = false; bytes[me] = 0 }
  :: else
  fi
}

inline open_agent() {
  /* @agent.zig:open */
  atomic {
#ifdef M_PLACE_BEFORE_WAKE_IS_CLOSED
    !has_thread ->
#else
    !has_thread && !wake_open[me] ->
#endif
#ifndef M_PLACE_WITH_OLD_ATTENTION
    attention[me] = 0;
#endif
    /* The code empties it again: nothing is on it. */
    PROPERTY(list_is_whole, list[me] == 0);
    has_thread = true
  };
  /* @agent.zig:setWakeFunction */
  atomic { wake_open[me] = true; bytes[me] = 0; has_wake = true }
}

/* `dies`: terminate() may come at any time. */
proctype javascript(byte me; bool dies) {
  byte acts = ACTS;
  /* The life of this thread's record in each slot; 0 for none. */
  byte mine[SLOTS];
  byte queue[SLOTS];
  byte slot, following, r, value;
  bool has_pipe = (me == WORKER);
  bool has_wake = wake_open[me];
  bool last;
#ifdef AGENT_AGAIN
  /* Ghost: the first life of this thread's records in each slot. */
  byte first[SLOTS];
  if
  :: dies -> mine[2] = 1
  :: else -> has_pipe = false; open_agent()
  fi;
#elif defined(ONE_AGENT)
  atomic { mine[1] = 1; mine[2] = 1 };
#else
  mine[me + 1] = 1;
#endif

  do
  :: QUEUED -> deliver()
  :: atomic { acts > 0 && (attention[me] & NEEDS_SCAN) -> acts-- }; attention[me] = attention[me] & WAKE_SENT; scan()
  :: !QUEUED && bytes[me] > 0 ->
#ifdef AGENT_AGAIN
     /* Nobody wakes it who meant the one before. */
     atomic { PROPERTY(none_after_close, dies || OWN(1) || OWN(2)); bytes[me] = 0 };
#else
     bytes[me] = 0;
#endif
     attention[me] = 0; scan()
  :: acts > 0 && mine[1] != 0 -> acts--; close(1)
  :: acts > 0 && mine[2] != 0 -> acts--; close(2)
  :: atomic { acts > 0 && is_free[1] -> is_free[1] = false; r = 1 }; open(r); r = 0
  :: atomic { acts > 0 && is_free[2] -> is_free[2] = false; r = 2 }; open(r); r = 0
  :: acts > 0 && has_pipe -> acts--; has_pipe = false; close_pipe(0)
#ifdef PIPE_AGAIN
  :: acts > 0 && !has_pipe -> acts--; open_pipe(0); has_pipe = true
  :: acts > 0 && has_pipe -> acts--; renew_pipe(0)
#endif
  :: dies -> break
  :: !dies && timeout -> break
  od;

  if
  :: dies ->
    /* @realm.zig:closeToken, @signal/subscription.zig:closeAllOf */
#ifdef M_WAKE_CLOSES_FIRST
    close_wake();
#endif
#ifdef M_PLACE_IS_LEFT_FIRST
    leave_place();
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
#ifndef M_PLACE_IS_LEFT_FIRST
    leave_place();
#endif
    close_wake()
  :: else ->
    PROPERTY(none_lost, bytes[me] == 0);
    /* Nothing is lost to those who stay. */
    r = 1;
    do
    :: r < SLOTS -> PROPERTY(none_lost, mine[r] == 0 || (pending[r] == 0 && !on_list[r])); r++
    :: else -> break
    od;
#ifdef PIPE_AGAIN
    PROPERTY(none_after_close, !is_nobodys || !readable[0])
#endif
  fi
}

init {
  atomic {
    agent_of[2] = WORKER;
    generation[1] = 1; generation[2] = 1;
    wakes[1] = true; wakes[2] = true;
    wake_open[MAIN] = true; wake_open[WORKER] = true;
    pipe_generation[0] = 1; file[0] = 1; piped[2] = true; pipe_life[2] = 1;
#ifdef AGENT_AGAIN
    is_free[1] = true; generation[1] = 0;
    /* An Interrupt that does not wake makes no wake. */
    if
    :: wake_open[WORKER] = false; wakes[2] = false
    :: true
    fi;
    run javascript(WORKER, true);
    run javascript(WORKER, false);
    run signaller(1, 1, 1);
    run signaller(2, 3, 1);
#else
    run javascript(MAIN, false);
#ifdef ONE_AGENT
    run signaller(1, 1, 1);
#else
    run javascript(WORKER, true);
    run signaller(2, 1, 2);
#endif
#endif
    run signaller(2, 1, 1)
  }
}
