/*
 * The native half, which all models but signal.pml share: the words that threads see, and what any thread or handler runs.
 *
 * One step is one atomic operation on shared memory, or one system call, with what follows it in locals. "@file:function"
 * names the code that a step stands for; `deno task verify` fails when it is gone. M_... are mutants: each breaks one rule.
 * PROPERTY asserts something, as part of what its name says, which `deno task verify` prints.
 *
 * A handler on the owner's own thread is among these interleavings: those in which the owner stands still until it ends.
 * It waits for nobody, so standing still cannot last.
 *
 * A CAS loop is one step: only the round in which nobody came between changes anything. Memory here is sequentially
 * consistent: a thread that loads, says "already pending" and returns would pass. tests/memory_order_test.ts is for that.
 *
 * A model says what it has before it includes this: SLOTS (records are 1 to SLOTS - 1; 0 is "none", as in the code),
 * AGENTS and AGENT_OF, PIPES, LIVES (slots are closed and used again), NAMES (whether that life may still be signalled).
 */
#define NEEDS_SCAN 1
#define WAKE_SENT 2
#define OWED 4

#ifndef AGENTS
#define AGENTS 1
#define AGENT_OF(r) 0
#endif

/* @agent.zig:get */
byte attention[AGENTS];
byte list[AGENTS];
/* What waits in the wake's descriptor. */
byte bytes[AGENTS];

#ifdef CAN_FAIL
/* A wake may fail, once: foreign code has replaced the descriptor. */
bool has_failed;
/* @agent.zig:fail */
bool failure;
#endif

/* @record.zig:get */
byte pending[SLOTS];
byte blocked[SLOTS];
bool listed[SLOTS];
byte next[SLOTS];
bool wakes[SLOTS];

/* Ghosts: what the properties must know and the code does not. */
byte signalled[SLOTS];
bool on_list[SLOTS];
byte in_flight;
byte turns_owed;

#if defined(LIVES) || defined(PIPES)
/* @slab.zig:tagOf */
#define BUSY
byte busy[SLOTS];
#endif

#ifdef LIVES
byte generation[SLOTS];
bool wake_open[AGENTS];
#ifdef M_ANY_GENERATION
#define NAMES(r, life) (generation[r] % 2 == 1)
#else
#define NAMES(r, life) (life == generation[r])
#endif
#endif
#ifndef NAMES
#define NAMES(r, life) true
#endif

#ifdef PIPES
bool piped[SLOTS];
byte pipe_of[SLOTS];
bool readable[PIPES];
#ifdef LIVES
byte pipe_generation[PIPES];
byte pipe_busy[PIPES];
/* The life whose file is open under the pipe's number; 0: closed, or foreign. */
byte file[PIPES];
#endif
#endif

#define NOT_SENT 0
#define SENT 1
#define SENT_FIRST 2

#define SIGNAL_LOCALS byte head; byte before; byte sent; bool was; bool wants

inline wake(a) {
  /* @agent.zig:wake */
  if
  :: atomic {
#ifdef LIVES
       PROPERTY(no_write_to_a_closed_descriptor, wake_open[a]);
#endif
       /* WAKE_SENT was clear: whatever was on its way has arrived, and been read. */
       PROPERTY(one_wake_at_a_time, bytes[a] == 0);
       bytes[a]++; turns_owed++
     }
#ifdef CAN_FAIL
  :: atomic { !has_failed -> has_failed = true };
#ifndef M_FAILED_WAKE_IS_ON_ITS_WAY
     attention[a] = attention[a] & ~WAKE_SENT;
#endif
     /* @agent.zig:fail */
#ifdef M_LOOK_BEFORE_FAILURE
     attention[a] = attention[a] | NEEDS_SCAN;
#endif
     failure = true;
#if !defined(M_LOOK_BEFORE_FAILURE) && !defined(M_FAILURE_WITHOUT_LOOK)
     attention[a] = attention[a] | NEEDS_SCAN
#endif
#endif
  fi
}

inline enlist(r) {
  /* @record.zig:list */
  atomic { was = listed[r]; listed[r] = true }
  if
  :: was
  :: else ->
    do
    :: atomic { head = list[AGENT_OF(r)]; next[r] = head };
#ifdef M_PUSH_WITHOUT_CAS
       atomic { list[AGENT_OF(r)] = r; head = 0; on_list[r] = true; break }
#else
       if
       :: atomic {
            list[AGENT_OF(r)] == head ->
            list[AGENT_OF(r)] = r; head = 0;
            PROPERTY(list_is_whole, !on_list[r]); on_list[r] = true;
            break
          }
       :: else
       fi
#endif
    od
  fi;
  was = false
}

inline attract(r) {
  /* @agent.zig:notify, its attention word */
  atomic {
    before = attention[AGENT_OF(r)];
    attention[AGENT_OF(r)] = before | (wants -> NEEDS_SCAN | WAKE_SENT : NEEDS_SCAN)
  }
  if
#ifdef M_ONE_BIT
  :: wants && before == 0 ->
#else
  :: wants && !(before & WAKE_SENT) ->
#endif
     wake(AGENT_OF(r))
  :: else
  fi;
  atomic { wants = false; before = 0 }
}

inline notify(r) {
  /* @agent.zig:notify */
#if defined(M_ATTENTION_BEFORE_LISTING)
  wants = wakes[r]; attract(r); enlist(r)
#elif defined(M_FLAG_BEFORE_LISTING)
  wants = wakes[r]; enlist(r); attract(r)
#else
  enlist(r); wants = wakes[r]; attract(r)
#endif
}

#ifdef PIPES
#ifdef LIVES
inline write_pipe(p, life) {
  /* @event_pipe.zig:signal, @slab.zig:enter */
  atomic {
    sent = (life == pipe_generation[p] -> SENT_FIRST : NOT_SENT);
#ifndef M_PIPE_WITHOUT_BUSY
    pipe_busy[p] = (sent != NOT_SENT -> pipe_busy[p] + 1 : pipe_busy[p])
#endif
  }
  if
  :: sent != NOT_SENT ->
    atomic { PROPERTY(no_write_to_a_closed_descriptor, file[p] == life); readable[p] = true };
    /* @slab.zig:leave */
#ifndef M_PIPE_WITHOUT_BUSY
    pipe_busy[p]--
#endif
  :: else
  fi;
  sent = SENT_FIRST
}
#else
/* @event_pipe.zig:signal */
#define write_pipe(p, life) readable[p] = true
#endif
#endif

/* Before the listing when the owner drains (FLAG_PIPE), after it when the watcher does (FLAG_PIPE_LAST). */
#ifdef M_PIPE_IN_THE_OTHER_ORDER
#define WRITES_LAST AUTODRAIN
#else
#define WRITES_LAST !AUTODRAIN
#endif

inline announce(r) {
  /* @record.zig:announce, @record.zig:writePipe */
#ifdef PIPES
  if
  :: piped[r] && !(WRITES_LAST) -> write_pipe(pipe_of[r], PIPE_LIFE(r))
  :: else
  fi;
#endif
  notify(r);
#ifdef PIPES
  if
  :: piped[r] && WRITES_LAST -> write_pipe(pipe_of[r], PIPE_LIFE(r))
  :: else
  fi
#endif
}

inline send(r, of_life, what) {
  in_flight++;
  /* @record.zig:send */
#ifdef M_ANNOUNCE_BEFORE_PENDING
  announce(r);
#endif
#ifdef M_CHECK_BEFORE_SWAP
  sent = (NAMES(r, of_life) -> SENT : NOT_SENT);
#endif
  atomic {
    if
#ifdef M_CHECK_BEFORE_SWAP
    :: sent == NOT_SENT
#else
    :: !NAMES(r, of_life) -> sent = NOT_SENT
#endif
    :: else ->
       sent = (pending[r] == 0 -> SENT_FIRST : SENT);
       pending[r] = what;
       signalled[r] = what;
#if defined(BUSY) && !defined(M_BUSY_AFTER_SWAP)
       busy[r] = (sent == SENT_FIRST -> busy[r] + 1 : busy[r])
#endif
    fi
  }
#ifndef M_ANNOUNCE_BEFORE_PENDING
  if
  :: sent == SENT_FIRST ->
#if defined(BUSY) && defined(M_BUSY_AFTER_SWAP)
    busy[r]++;
#endif
#if defined(BUSY) && defined(M_LEAVE_BEFORE_ANNOUNCE)
    busy[r]--;
#endif
    announce(r);
#if defined(BUSY) && !defined(M_LEAVE_BEFORE_ANNOUNCE)
    /* @slab.zig:leave */
    busy[r]--
#endif
  :: else
  fi;
#endif
  atomic { sent = 0; in_flight-- }
}
