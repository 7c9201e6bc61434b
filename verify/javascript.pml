/*
 * One JavaScript thread: its code, its event loop, and the delivery of its records. A machine with a stack of its own,
 * since a callback may do all that other code may, checkpoint() and handle() included.
 *
 * ACTS bounds what the code does; CAN_... says what it may do.
 *
 * CAN_CUT: once, an exception comes out of any step that is a call, and not even `finally` runs (a `vm` timeout; where a
 * stack overflow is caught on its way, more is put right). What called the user's code goes on, so a turn of the loop is
 * never cut.
 */
#ifdef CAN_CUT
#define STEP(does) if :: atomic { does } :: atomic { IS_CUTTABLE(USER_DEPTH) -> cut(USER_DEPTH) }; goto unwound fi
/* What a cut signal() was for, its caller knows. */
#define WAITS(r) (pending[r] != 0 || (taken[r] != 0 && taken[r] != OWN_VALUE))
#else
#define STEP(does) atomic { does }
#define WAITS(r) (pending[r] != 0 || taken[r] != 0)
#endif
#ifdef PIPES
/* A blocked record leaves its pipe readable: whoever blocks does not watch. */
#define WATCHES (blocked[1] == 0 && blocked[2] == 0)
#if defined(CAN_CUT)
/* Cut off between the drain and what follows, the pipe stays empty until the next checkpoint. */
#define MUST_HANDLE(r) false
#elif defined(FOREIGN)
#define MUST_HANDLE(r) (r == 2 && WATCHES)
#else
#define MUST_HANDLE(r) (wakes[r] || (pipe_flag[r] && WATCHES))
#endif
#define OPEN(r) (!retired[r])
/* @record.ts:#drains */
#define DRAINS(r) ((AUTODRAIN && pipe_flag[r]) || drains_once[r])
#else
#define MUST_HANDLE(r) wakes[r]
#define OPEN(r) true
#define DRAINS(r) false
#endif

/* The wake failed, and the next checkpoint will handle what it was for. */
#ifdef CAN_FAIL
#define IS_DEAF (has_failed && (attention[0] & (NEEDS_SCAN | OWED)))
#else
#define IS_DEAF false
#endif

/* Nobody needs to look for it: it waits for nothing, or for code that runs below. */
#define AT_EASE(r) (!WAITS(r) || blocked[r] > 0 || running[r])

#define TOP frame[depth]
/* @record.ts:deliver between two callbacks. */
#define IN_DELIVER (depth > 0 && !calling[depth])
/* No scan and no delivery on top: the user's code runs, or nothing does. */
#define IN_USER (!scanning[depth] && !IN_DELIVER)

/* deliver() stops though something is pending, so that others have their turn. */
#ifdef CAN_STOP
#define HAS_CALLED bool has_called[SLOTS];
#else
#define HAS_CALLED
#endif

#ifdef CAN_CUT
#define CUT_LOCALS bool is_turn; bool has_cut;
/* Where the user's code called what is cut; nobody's did where a turn of the loop began. */
#define USER_DEPTH (IN_DELIVER -> depth - 1 : depth)
#define IS_CUTTABLE(level) (!has_cut && !(is_turn && (level) == 0))
#else
#define CUT_LOCALS
#endif

/* A record may be queued twice: it is listed again while its callback runs. */
#define QUEUE (2 * SLOTS)
#define IN_QUEUE(r) (queue[0] == r || queue[1] == r || queue[2] == r || queue[3] == r || queue[4] == r || queue[5] == r)

#define JAVASCRIPT_LOCALS \
  byte depth; byte frame[SLOTS]; bool calling[SLOTS]; bool scanning[SLOTS]; byte looked[SLOTS]; bool running[SLOTS]; \
  bool drain_due[SLOTS]; byte taken[SLOTS]; bool is_queued[SLOTS]; CUT_LOCALS \
  HAS_CALLED byte chain; byte queue[QUEUE]; byte queued; byte acts = ACTS; bool drained; bool last; byte reacts; \
  byte idle_reactions; byte r; byte other; byte value

inline pick(r) {
  if
  :: OPEN(1) -> r = 1
  :: OPEN(2) -> r = 2
  fi
}

#ifdef CAN_CUT
inline cut(level) {
  has_cut = true; r = 0; other = 0;
  value = level;
  do
  :: depth > value ->
#ifndef M_CUT_OFF_RUNS_ON
     /* @record.ts:#isRunning finds that it does not. */
     running[TOP] = (calling[depth] -> false : running[TOP]);
#endif
#ifdef CAN_STOP
     has_called[depth] = false;
#endif
     scanning[depth] = false; looked[depth] = 0; calling[depth] = false; TOP = 0; depth--
  :: else -> break
  od;
  scanning[depth] = false; looked[depth] = 0; value = 0;
#ifdef M_LIST_IN_HAND
  /* The chain is in a variable of its own. */
  chain = 0
#endif
}
#endif

inline queue_chain() {
  /* @agent.ts:queueChain */
  do
  :: chain != 0 ->
#ifdef M_UNLIST_BEFORE_NEXT
     listed[chain] = false;
#endif
     STEP(
       PROPERTY(list_is_whole, queued < QUEUE);
       queue[queued] = chain; queued++; is_queued[chain] = true;
       on_list[chain] = false;
       chain = next[chain])
  :: else -> break
  od
}

inline start_scan() {
  /* @agent.ts:#takeList */
  scanning[depth] = true;
  queue_chain();
  STEP(chain = list[0]; list[0] = 0);
  queue_chain()
}

/* @record.ts:unlist */
inline unlist(record) {
#if !defined(M_UNLIST_AFTER_TAKE) && !defined(M_UNLIST_BEFORE_NEXT)
#ifdef M_UNLIST_AGAIN
  STEP(listed[record] = false; is_queued[record] = false)
#else
  STEP(listed[record] = (is_queued[record] -> false : listed[record]); is_queued[record] = false)
#endif
#else
  is_queued[record] = false
#endif
}

inline start_deliver(record) {
  /* @record.ts:deliver */
#if defined(PIPES) && !defined(M_LATE_WRITE_STAYS)
  drain_due[record] = DRAINS(record);
#endif
  if
  :: running[record] && (pending[record] != 0 || DRAINS(record)) ->
#if defined(M_CUT_OFF_RUNS_ON)
     if
     :: (calling[1] && frame[1] == record) || (calling[2] && frame[2] == record) -> announce(record)
     :: else
     fi
#elif !defined(M_LOOK_IS_SPENT)
     announce(record)
#endif
  :: running[record] && pending[record] == 0 && !DRAINS(record)
  :: !running[record] -> depth++; TOP = record
  fi
}

inline start_call() {
  running[TOP] = true; calling[depth] = true
}

/* The callback returns or throws. */
inline end_call() {
#ifdef CAN_STOP
  has_called[depth] = true;
#endif
  running[TOP] = false; calling[depth] = false
}

inline end_deliver() {
#ifdef CAN_STOP
  has_called[depth] = false;
#endif
  TOP = 0; depth--
}

inline pop(record) {
  if
#ifdef M_POP_THE_LISTED
  :: queued > 0 && queue[queued - 1] == record -> queued--; queue[queued] = 0
#else
  :: queued > 0 && queue[queued - 1] == record && !is_queued[record] -> queued--; queue[queued] = 0
#endif
  :: else
  fi
}

inline settle(begun) {
  /* @agent.ts:settle */
  if
#ifndef M_QUEUE_WITHOUT_LOOK
  :: chain == 0 &&
#ifndef M_SETTLE_WITHOUT_LIST
     list[0] == 0 &&
#endif
     (queued == 0 || (queued == 1 && queue[0] == begun)) -> attention[0] = attention[0] & ~OWED
  :: else
#else
  :: attention[0] = attention[0] & ~OWED
#endif
  fi
}

inline scan_step() {
  /* @agent.ts:#scan */
  if
  :: atomic { looked[depth] != 0 ->
       pop(looked[depth]);
       looked[depth] = 0
     }
  :: atomic { looked[depth] == 0 && queued == 0 }
#ifdef CAN_FAIL
     /* @agent.ts:#reportFailures */
     STEP(failure = false);
#endif
     STEP(settle(0); scanning[depth] = false)
  :: atomic { looked[depth] == 0 && queued > 0 -> r = queue[queued - 1] };
#ifdef M_POP_BEFORE_CALLBACK
     queued--; queue[queued] = 0;
#endif
     unlist(r);
     looked[depth] = r;
     start_deliver(r);
     r = 0
  fi
}

inline take(record) {
#ifdef M_TAKE_IN_TWO_STEPS
  value = pending[record];
  atomic { taken[record] = (value != 0 -> value : taken[record]); pending[record] = 0; value = 0 };
#else
  STEP(taken[record] = (pending[record] != 0 -> pending[record] : taken[record]); pending[record] = 0)
#endif
}

inline begin(record) {
  /* @record.ts:begin */
#ifdef M_TAKEN_IS_FORGOTTEN
  value = taken[record];
  taken[record] = 0;
#endif
  STEP(settle(record));
  STEP(
#ifdef M_TAKEN_IS_FORGOTTEN
    taken[record] = value; value = 0;
#endif
    /* Not twice: there is one. Not lost: it is the last, or a newer one waits. */
    PROPERTY(none_twice, taken[record] != 0 && (pending[record] != 0 || taken[record] == signalled[record]));
    signalled[record] = pending[record];
    taken[record] = 0; idle_reactions = 0;
    PROPERTY(none_while_blocked, blocked[record] == 0 || !OPEN(record));
    start_call();
    if
    :: in_flight == 0 ->
       /* A checkpoint in the callback that does not look is right. */
       PROPERTY(checkpoint_sees_what_waits, (attention[0] & (NEEDS_SCAN | OWED)) || (AT_EASE(1) && AT_EASE(2)));
#ifdef PIPES
       /* Signalled again after the value was taken: the callback finds the pipe readable. */
       PROPERTY(pipe_is_readable_while_pending, !piped[record] || !AUTODRAIN || pending[record] == 0 || readable[pipe_of[record]])
#endif
    :: else
    fi)
}

#ifdef PIPES
inline refill(record, waits) {
  /* @record.ts:refillPipe */
  other = 1;
  do
  :: other == SLOTS -> break
  :: other < SLOTS ->
     if
     :: SHARES(record, other) && (other != record || (waits)) && pending[other] != 0 ->
        /* @record.ts:notify */
        if
        :: !retired[other] -> announce(other)
        :: else
        fi;
        if
        :: (true
#ifndef M_REFILL_STOPS_AT_DISABLED
           && pipe_flag[other]
#endif
#ifndef M_REFILL_STOPS_AT_RETIRED
           && !retired[other]
#endif
#ifndef M_REFILL_STOPS_AT_FOREIGN
           && pipe_of[other] == pipe_of[record]
#endif
           ) -> break
        :: else
        fi
     :: else
     fi;
     other++
  od;
  other = 0
}

inline drain(record) {
  /* @record.ts:#drain, @event_pipe.zig:drain */
#ifdef M_DRAINED_BEFORE_IT_IS
  drain_due[record] = false; drains_once[record] = false;
#endif
  STEP(readable[pipe_of[record]] = false);
#if defined(M_DRAIN_FOR_ONE)
  if
  :: blocked[record] > 0 && pending[record] != 0 -> announce(record)
  :: else
  fi;
#elif defined(M_DRAINED_WHILE_BLOCKED)
  refill(record, false);
#else
  refill(record, blocked[record] > 0);
#endif
  atomic { drain_due[record] = false; drains_once[record] = false }
}
#else
#define drain(record) skip
#endif

inline handle(record) {
  /* @record.ts:#handle */
#ifdef M_TAKE_BEFORE_DRAIN
  take(record);
#endif
  if
  :: DRAINS(record) -> drain(record)
  :: else
  fi;
#ifndef M_TAKE_BEFORE_DRAIN
  take(record);
#endif
#ifdef M_UNLIST_AFTER_TAKE
  listed[record] = false;
#endif
#ifdef CAN_AWAIT
  /* @listeners.ts:#rest, it had what it waited for. */
  wakes[QUIET] = (record == QUIET -> false : wakes[QUIET]);
#endif
  begin(record)
}

#ifdef PIPES
inline end_close(record) {
  atomic {
    closed[record] = true;
    pending[record] = 0; taken[record] = 0; signalled[record] = 0; blocked[record] = 0;
    piped[record] = false; pipe_flag[record] = false; drains_once[record] = false; drain_due[record] = false
  }
}

inline close(record) {
  queue_chain();
  /* @record.ts:close, @record.zig:retire; what unlisting one of many is like, see close.pml. */
  retired[record] = true;
  busy[record] == 0;
  atomic {
    if
    :: list[0] == record -> list[0] = next[record]
    :: list[0] == 3 - record && next[3 - record] == record -> next[3 - record] = next[record]
    :: else
    fi;
    listed[record] = false; on_list[record] = false; is_queued[record] = false
  };
  if
  :: !running[record] && (pending[record] != 0 || taken[record] != 0) -> depth++; TOP = record; handle(record)
  :: else ->
#ifndef M_CLOSED_IS_NOT_DRAINED
     if
     :: DRAINS(record) -> drain(record)
     :: else
     fi;
#endif
     end_close(record)
  fi
}
#endif

#define HAS(r) (pending[r] != 0 || taken[r] != 0)

inline deliver_step() {
  /* @record.ts:deliver */
  if
#ifdef PIPES
  :: retired[TOP] && !closed[TOP] -> end_close(TOP); end_deliver()
  :: atomic { closed[TOP] -> end_deliver() }
#endif
#ifdef M_DELIVER_BLOCKED
  :: OPEN(TOP) && HAS(TOP) -> handle(TOP)
#else
  :: OPEN(TOP) && blocked[TOP] == 0 && HAS(TOP) -> handle(TOP)
#endif
#ifdef CAN_STOP
  /* The code counts to more than one. */
  :: OPEN(TOP) && blocked[TOP] == 0 && HAS(TOP) && has_called[depth] ->
#if defined(PIPES) && !defined(M_STOP_WITHOUT_LOOK)
     if
     :: pipe_flag[TOP] -> announce(TOP)
     :: else
     fi;
#endif
     atomic { end_deliver() }
#endif
#ifdef M_BLOCKED_IS_NOT_DRAINED
  :: OPEN(TOP) && blocked[TOP] == 0 && !HAS(TOP) && drain_due[TOP] -> drain(TOP)
  :: atomic { OPEN(TOP) && (blocked[TOP] > 0 || (!HAS(TOP) && !drain_due[TOP])) -> end_deliver() }
#else
  :: OPEN(TOP) && !HAS(TOP) && drain_due[TOP] -> drain(TOP)
  :: atomic { OPEN(TOP) && ((HAS(TOP) && blocked[TOP] > 0) || (!HAS(TOP) && !drain_due[TOP])) -> end_deliver() }
#endif
  fi
}

inline checkpoint() {
  /* @agent.ts:atCheckpoint; nothing without NEEDS_SCAN or OWED. */
#if defined(M_CHECKPOINT_CLEARS_ALL)
  STEP(attention[0] = OWED);
#elif defined(M_CHECKPOINT_IN_TWO_STEPS)
  value = (attention[0] & WAKE_SENT) | OWED;
  atomic { attention[0] = value; value = 0 };
#elif defined(M_OWES_NOTHING)
  STEP(attention[0] = attention[0] & WAKE_SENT);
#elif !defined(M_SCAN_BEFORE_CLEAR)
  STEP(attention[0] = (attention[0] & WAKE_SENT) | OWED);
#endif
  start_scan()
#if defined(M_SCAN_BEFORE_CLEAR)
  ; attention[0] = attention[0] & WAKE_SENT
#endif
}

inline turn() {
  /* @agent.ts:#onWake */
#if defined(M_CLEAR_BEFORE_DRAIN)
  atomic { bytes[0] = 0; drained = false };
#elif defined(M_SCAN_BEFORE_CLEAR)
  drained = false;
#else
  atomic { attention[0] = OWED; drained = false };
#endif
  start_scan()
#if defined(M_SCAN_BEFORE_CLEAR)
  ; attention[0] = 0
#endif
}

#ifdef CAN_CUT
#define START_TURN is_turn = true
#define START_CODE is_turn = (depth == 0 -> false : is_turn)
#else
#define START_TURN skip
#define START_CODE skip
#endif

inline javascript() {
unwound:
  do
  :: scanning[depth] && !IN_DELIVER -> scan_step()
  :: IN_DELIVER -> deliver_step()

  /* The runtime reads the wake's descriptor (@ffi/deno.ts:openWake, @ffi/bun.ts:openWake, @uv_wake.zig:onWake) and calls back. */
  :: atomic { depth == 0 && IN_USER && !drained && bytes[0] > 0 ->
       /* It never spins: a turn for each wake and no more. */
       PROPERTY(loop_never_spins, turns_owed > 0); turns_owed--;
#if defined(M_CLEAR_BEFORE_DRAIN)
       attention[0] = 0;
#elif !defined(M_NO_DRAIN)
       bytes[0] = 0;
#endif
       drained = true
     }
  :: atomic { depth == 0 && IN_USER && drained -> START_TURN }; turn()

  :: atomic { IN_USER && acts > 0 && (attention[0] & (NEEDS_SCAN | OWED)) -> acts--; START_CODE }; checkpoint()
#ifdef CAN_HANDLE
  /* @interrupt.ts:handle */
  :: atomic { IN_USER && acts > 0 -> acts--; START_CODE; pick(r) }; start_deliver(r); r = 0
#endif
#ifdef CAN_SIGNAL
  /* @record.ts:signal */
  :: atomic { IN_USER && acts > 0 -> acts--; START_CODE; pick(r) };
#ifndef M_SELF_SIGNAL_UNTOLD
     if
#ifdef PIPES
     :: (running[r] || (pipe_flag[r] && (blocked[r] > 0 || !DRAINS(r)))) && pending[r] == 0 -> announce(r)
#else
     :: running[r] && pending[r] == 0 -> announce(r)
#endif
     :: else
     fi;
#endif
     if
     :: running[r] || blocked[r] > 0 -> STEP(pending[r] = OWN_VALUE; signalled[r] = OWN_VALUE)
     :: else ->
        atomic { taken[r] = OWN_VALUE; value = pending[r]; signalled[r] = (value == 0 -> OWN_VALUE : signalled[r]) };
        if
        :: value != 0 -> STEP(pending[r] = 0; signalled[r] = OWN_VALUE; value = 0)
        :: else
        fi;
        start_deliver(r)
     fi;
     r = 0
#endif
#ifdef CAN_BLOCK
  /* @record.ts:block, @record.zig:block */
  :: atomic { IN_USER && acts > 0 -> acts--; pick(r); blocked[r]++; r = 0 }
  /* @record.ts:unblock; one too many changes nothing. */
  :: atomic { IN_USER && acts > 0 -> acts--; START_CODE; pick(r) };
     if
     :: blocked[r] == 1 && HAS(r) ->
#if !defined(M_UNBLOCK_WITHOUT_LOOK) && !defined(M_UNBLOCK_LOOKS_LAST)
        announce(r);
#endif
        STEP(blocked[r] = 0);
        STEP(skip);
#ifndef M_UNBLOCK_WITHOUT_LOOK
        start_deliver(r)
#endif
     :: blocked[r] > 1 || (blocked[r] == 1 && !HAS(r)) -> blocked[r]--
     :: blocked[r] == 0
     fi;
     r = 0
  /* @record.zig:unblock */
  :: atomic { IN_USER && acts > 0 ->
       acts--; pick(r);
       if
       :: blocked[r] > 0 -> blocked[r]--
       :: else -> r = 0
       fi
     };
#ifndef M_NATIVE_UNBLOCK_WITHOUT_LOOK
     if
     :: r != 0 && blocked[r] == 0 && pending[r] != 0 -> announce(r)
     :: else
     fi;
#endif
     r = 0
#endif
#ifdef CAN_AWAIT
  /* @listeners.ts:#await */
  :: atomic { IN_USER && acts > 0 && !wakes[QUIET] -> acts-- };
#ifdef M_AWAIT_LOOKS_FIRST
     value = pending[QUIET];
     wakes[QUIET] = true;
#else
     /* @record.zig:setFlag */
     wakes[QUIET] = true;
     value = pending[QUIET];
#endif
#ifndef M_AWAIT_WITHOUT_LOOK
     if
     :: value != 0 -> announce(QUIET)
     :: else
     fi;
#endif
     value = 0
#endif

#ifdef PIPES
  /* Somebody else's loop on this thread, or EventPipe.wait(): the pipe is all that it watches. */
  :: atomic { depth == 0 && IN_USER && reacts == 0 && WATCHES && WATCHED ->
       reacts = 1;
       /* It never spins: once no signal is on its way, it turns for nothing at most as often as somebody wrote. */
       idle_reactions = (in_flight == 0 -> idle_reactions + 1 : 0);
       PROPERTY(loop_never_spins, idle_reactions <= SIGNALLERS + ACTS + 1);
#if !AUTODRAIN
       if
       :: readable[0] -> readable[0] = false
       :: else -> readable[PIPES - 1] = false
       fi
#endif
     }
  :: atomic { depth == 0 && IN_USER && reacts > 0 ->
#if BY_HANDLE
       if
       :: OPEN(reacts) -> START_CODE; start_deliver(reacts)
       :: else
       fi;
       reacts = (reacts + 1) % SLOTS
     }
#else
       reacts = 0
     };
     if
     :: attention[0] & (NEEDS_SCAN | OWED) -> START_CODE; checkpoint()
     :: else
     fi
#endif
#ifdef CAN_ENABLE
  /* @interrupt.ts:pipeEnable, @record.ts:setPipe */
  :: atomic { IN_USER && acts > 0 && !pipe_flag[1] && OPEN(1) -> acts--; pipe_flag[1] = true };
#ifdef M_ENABLE_LOOKS_FIRST
     value = pending[1];
     piped[1] = true;
#else
     /* @record.zig:setFlag */
     piped[1] = true;
     value = pending[1];
#endif
#ifndef M_ENABLE_WITHOUT_LOOK
     if
     :: value != 0 -> write_pipe(pipe_of[1], 0)
     :: else
     fi;
#endif
     atomic { value = 0; drains_once[1] = false };
#if AUTODRAIN
     /* @record.ts:drainPipe */
     readable[pipe_of[1]] = false;
#ifndef M_ENABLE_WITHOUT_REFILL
     refill(1, true)
#endif
#endif
#endif
#ifdef CAN_DISABLE
  /* @interrupt.ts:pipeDisable, @record.ts:setPipe */
  :: atomic { IN_USER && acts > 0 && pipe_flag[1] && OPEN(1) -> acts--; pipe_flag[1] = false };
     piped[1] = false;
#ifndef M_DISABLE_WITHOUT_WAIT
     /* @slab.zig:awaitIdle */
     busy[1] == 0;
#endif
#ifndef M_DISABLED_IS_NOT_DRAINED
     drains_once[1] = AUTODRAIN
#endif
#endif
#ifdef CAN_CLOSE
  :: atomic { IN_USER && acts > 0 && OPEN(1) -> acts-- }; close(1)
#endif
#ifdef CAN_RENEW
  /* @interrupt.ts:postFork */
  :: atomic { IN_USER && acts > 0 -> acts--; pick(r); readable[pipe_of[r]] = false };
#ifdef M_RENEW_FOR_ONE
     if
     :: pending[r] != 0 -> announce(r)
     :: else
     fi;
#elif !defined(M_RENEW_WITHOUT_REFILL)
     refill(r, true);
#endif
     r = 0
#endif
#endif

  :: atomic { depth > 0 && IN_USER -> end_call() }
#ifdef CAN_THROW
  :: atomic { depth > 0 && IN_USER && acts > 0 && OPEN(TOP) -> acts--; end_call(); end_deliver() }
#endif

#ifdef CAN_CUT
  :: atomic { depth > 0 && IN_USER && IS_CUTTABLE(depth - 1) -> cut(depth - 1) }
#endif

  /* The code is done: from here on the thread sleeps in its loop. */
  :: depth == 0 && IN_USER && acts > 0 -> acts = 0

  :: timeout ->
    if
    :: !last -> last = true; at_rest()
    :: else
    fi;
    if
    :: attention[0] & (NEEDS_SCAN | OWED) -> START_CODE; checkpoint()
    :: else -> break
    fi
  od;
  at_end()
}

/* Nothing moves any more, and the loop sleeps. */
inline at_rest() {
  d_step {
    r = 1;
    do
    :: r < SLOTS ->
       PROPERTY(none_lost, !MUST_HANDLE(r) || blocked[r] > 0 || !WAITS(r) || IS_DEAF);
#if defined(PIPES) && AUTODRAIN && !defined(CAN_CUT)
       /* Readable while blocked. */
       PROPERTY(pipe_is_readable_while_pending, !pipe_flag[r] || pending[r] == 0 || readable[pipe_of[r]]);
#endif
       r++
    :: else -> break
    od;
    r = 0;
    PROPERTY(none_lost, bytes[0] == 0);
    /* Whoever signals next makes a wake. */
    PROPERTY(failed_wake_is_tried_again, !(attention[0] & WAKE_SENT))
  }
}

/* And after more checkpoints, until there is nothing to look for. */
inline at_end() {
  d_step {
    r = 1;
    do
    :: r < SLOTS ->
      PROPERTY(none_lost, (pending[r] != 0 -> pending[r] : taken[r]) == signalled[r]);
      PROPERTY(none_lost, blocked[r] > 0 || !WAITS(r));
      /* Looked at meanwhile, it may still be queued. */
      PROPERTY(list_is_whole, !listed[r] || IN_QUEUE(r));
      r++
    :: else -> break
    od;
#ifdef CAN_FAIL
    PROPERTY(failure_is_reported, !failure);
#endif
    r = 0
  }
}
