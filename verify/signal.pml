/*
 * One POSIX signal and its disposition: two subscribers in two threads hook it, want hysteresis or not, handle and
 * close, while it arrives. That a signalled record is handled is for the other models; here it simply is. With CHAIN one of them,
 * or both, pass on what they get to the handler that came before ours. With LISTENS the runtime has a handler of its own,
 * which it installs with its first listener and takes away with its last; a user of it comes and goes, and subscribers
 * listen too. With ONCE=1 one subscriber, with 2 both want one signal only: the handler that delivers it puts the old disposition back,
 * unless another subscriber stays.
 *
 * Comments and M_... as in protocol.pml.
 */
#define SUBSCRIBERS 2
/* More signals than can be in flight here. */
#define IN_FLIGHT_MAX 4
/* Dispositions. */
#define OLD 0
#define OURS 1
#define IGNORED 2
#define OTHER 3
/* Nothing was kept yet. */
#define NONE 4
/* The runtime's handler, and what it leaves with its last listener. */
#define RUNTIME 5
#define DEFAULT 6
/* In a cell: a subscriber is there; it chains. */
#define SUBSCRIBER 1
#define CHAINS 2
#define ONCE_ONLY 4
/* It has had its one signal. */
#define SPENT 8

byte disposition = OLD;

/* @signal/hook.zig:Hook */
byte cell[SUBSCRIBERS];
byte count;
byte with_hysteresis;
bool hysteresis;
bool ignored;
byte ignoring;
/* Its handler too, which a handler of ours reads without the lock. */
byte old = NONE;
byte changes;
byte in_flight;
bool has_foreign_handler;
bool locked;

bool pending[SUBSCRIBERS];
/* @signal/subscription.zig:retire, as its second step. */
bool lives[SUBSCRIBERS];
/* What it wants now. */
bool chains[SUBSCRIBERS];

/* Ghosts. From the end of add() to the beginning of remove(). */
bool hooked[SUBSCRIBERS];
/* It arrived while ignored: a callback must begin after that. */
bool owed[SUBSCRIBERS];
bool replaced;
/* A foreign handler was installed over ours, and calls it. */
bool calls_ours;

#ifdef LISTENS
/* @signal/hook.zig:Listeners */
byte listeners;
byte before;
/* Its runtime_handler: ours calls it. */
bool passes_on;
/*
 * The runtime's own: the subscribers' listeners; it installs its handler if it is not in, and does not look whether it
 * still is.
 */
byte registered;
bool runtime_is_in;
bool user_listens;
/* A ghost: at some time it was the only listener, so that the runtime itself has forgotten what was there before. */
bool user_was_alone;
#endif

#ifdef ONCE
byte with_once;
/* @signal/hook.zig:Hook */
bool gives_back;
bool given_back;
/* What it wants. */
bool once[SUBSCRIBERS];
/* A signal found no subscriber but spent ones, while the registry was changing them. */
bool missed;
/* Ghosts: a foreign handler was away for a moment; a subscriber was delivered a signal since its add(). */
bool was_away;
bool had[SUBSCRIBERS];
#ifdef LISTENS
/* The program has listeners of its own, as far as the registry knows. */
bool others;
#define ALONE (before == RUNTIME -> DEFAULT : before)
#define TARGET (passes_on && !others -> ALONE : old)
/* What is the target, or was it a moment before. */
#define IS_A_TARGET(d) (d == old || (passes_on && d == ALONE))
/* A ghost: subscribers whose listener is about to come, and which have not hooked the signal yet. */
byte coming;
/* Listeners come and go on one thread, which tells the registry in the same step. */
bool main_thread;
#define IS_MAIN_THREAD_FREE !main_thread
#define TAKE_MAIN_THREAD main_thread = true
#else
#define TARGET old
#define IS_A_TARGET(d) (d == old)
#endif
#define IS_GIVEN(d) (given_back && d == TARGET)
#define IS_SPENT(r) ((cell[r] & SPENT) != 0)
#define ALL_SPENT ((!cell[0] || IS_SPENT(0)) && (!cell[1] || IS_SPENT(1)))
#define HANDED handed
#define WAS_AWAY was_away
#else
#define IS_GIVEN(d) false
#define IS_MAIN_THREAD_FREE true
#define TAKE_MAIN_THREAD skip
#define IS_SPENT(r) false
#define HANDED false
#define WAS_AWAY false
#endif

#define LOCK atomic { !locked -> locked = true }
#define UNLOCK locked = false
#define IS_OURS(d) (d == OURS || (d == IGNORED && ignored) || IS_GIVEN(d))

inline arrive_ignored() {
  owed[0] = owed[0] || hooked[0];
  owed[1] = owed[1] || hooked[1]
}

inline ignore() {
  /* @signal/handler.zig:ignore */
  if
  :: hysteresis ->
#ifndef M_IGNORING_NOT_COUNTED
     ignoring++;
#endif
     if
#ifdef M_IGNORE_WITHOUT_SECOND_LOOK
     :: true ->
#else
     :: hysteresis ->
#endif
        atomic { displaced = disposition; disposition = IGNORED };
        if
        :: displaced == OURS -> ignored = true
        :: displaced == IGNORED
#ifdef M_IGNORE_OVER_OTHERS
        :: else -> ignored = true
#else
        :: else -> disposition = displaced
#endif
        fi
#ifndef M_IGNORE_WITHOUT_SECOND_LOOK
     :: else
#endif
     fi;
#ifndef M_IGNORING_NOT_COUNTED
     ignoring--
#endif
  :: else
  fi;
}

#ifdef ONCE
inline give_back(displaced) {
  /* @signal/handler.zig:giveBack */
  if
  :: gives_back ->
#ifndef M_GIVING_NOT_COUNTED
     ignoring++;
#endif
     if
#ifdef M_GIVE_BACK_UNSPENT
     :: gives_back && !given_back ->
#else
     :: gives_back && !given_back && ALL_SPENT ->
#endif
        atomic {
          displaced = disposition; disposition = TARGET;
          was_away = was_away || displaced == OTHER
        };
        if
#ifdef M_GIVE_BACK_OVER_OTHERS
        :: true -> given_back = true
#else
        :: displaced == OURS -> given_back = true
#ifndef M_GIVE_BACK_TWICE
        /* Another thread does the same just now. */
        :: displaced == TARGET -> skip
#endif
        :: else -> disposition = displaced
#endif
        fi
     :: else
     fi;
#ifndef M_GIVING_NOT_COUNTED
     ignoring--
#endif
  :: else
  fi
}
#endif

/* `called`: not by the kernel, but by the handler that stands over ours, and has the signal. */
proctype handler(bool called) {
  byte displaced;
  byte r;
  byte seen;
  byte found;
  /* The cells of those who have it, or-ed. */
  byte delivered;
  bool again;
  bool calls_old;
#ifdef ONCE
  bool sees_spent;
  bool handed;
  bool was_given;
#endif
  /* Ghosts: some subscriber has it; one that chained when it was found and when it got it; one that chained at either:
   * while it changes, both are right. */
  bool got;
  bool owes_old;
  bool may_call_old;
  bool chained_then;
#ifdef LISTENS
  bool user_listened = user_listens;
  byte passed;
#endif
#if defined(M_CHAIN_IS_ASKED_BEFORE) || defined(M_CHAIN_IS_ASKED_AFTER)
  byte asked;
#endif
begin:
  /* @signal/handler.zig:handler */
#ifdef M_CHAIN_IS_ASKED_BEFORE
  asked = cell[0] | cell[1];
#endif
#ifndef M_SIGNAL_THEN_IGNORE
  ignore();
#endif
  /* @signal/handler.zig:deliver, @signal/subscribers.zig:deliverTo */
  do
  :: seen = changes;
#ifdef ONCE
     sees_spent = false;
#endif
     do
     :: atomic { r < SUBSCRIBERS && cell[r] && !IS_SPENT(r) -> found = cell[r]; chained_then = chains[r] };
#ifdef ONCE
        /* @signal/subscribers.zig:take; if another took it, look at this cell again. */
        if
#ifdef M_ONCE_IN_TWO_STEPS
        :: found & ONCE_ONLY -> cell[r] = found | SPENT
#else
        :: found & ONCE_ONLY ->
           atomic {
             if
             :: cell[r] == found -> cell[r] = found | SPENT
             :: else -> found = 0; chained_then = false
             fi
           }
#endif
        :: else
        fi;
#endif
        /* @record.zig:send; one that was retired meanwhile refuses. */
        atomic {
#ifdef M_STALE_IS_DELIVERED
          delivered = delivered | found;
#endif
          if
          :: !found -> r--
          :: found && lives[r] ->
#ifdef ONCE
             PROPERTY(once_is_once, !(found & ONCE_ONLY) || !had[r]);
             had[r] = true;
#endif
             pending[r] = true; delivered = delivered | found; got = true;
             owes_old = owes_old || (chained_then && chains[r]);
             may_call_old = may_call_old || chained_then || chains[r]
          :: else
          fi;
          found = 0; chained_then = false;
          r++
        }
     :: r < SUBSCRIBERS && !cell[r] -> r++
#ifdef ONCE
     :: atomic { r < SUBSCRIBERS && IS_SPENT(r) -> sees_spent = true; r++ }
#endif
     :: r == SUBSCRIBERS -> break
     od;
     r = 0;
#if defined(ONCE) && !defined(M_NOT_GIVEN_BACK)
     give_back(displaced);
#endif
#ifdef M_IN_FLIGHT_IS_LOST
     break
#else
     if
     :: delivered -> break
     :: else
     fi;
     displaced = disposition;
#ifdef ONCE
     was_given = (IS_A_TARGET(displaced) && !has_foreign_handler);
#endif
     if
#ifndef M_IN_FLIGHT_WITHOUT_SECOND_LOOK
     :: changes != seen
#endif
#ifdef ONCE
     /* Not where a foreign handler may call ours: the two would send it to each other for ever. */
     :: sees_spent && displaced != OURS && changes == seen ->
        atomic {
          again = (was_given || in_flight > 0);
          in_flight = (again && !was_given -> in_flight - 1 : in_flight);
          /* A foreign handler has it. */
          handed = !again;
          PROPERTY(none_lost, again || replaced);
          break
        }
     :: sees_spent && displaced == OURS && changes == seen ->
        /* @signal/handler.zig:leaveToRegistry */
        missed = true;
#ifdef M_MISSED_WITHOUT_SECOND_LOOK
        handed = true;
#else
        if
        :: changes != seen || disposition != OURS || (gives_back && ALL_SPENT) ->
           atomic { handed = !missed; missed = false }
        :: else -> handed = true
        fi;
#endif
        sees_spent = false;
        if
        :: handed -> break
        :: else
        fi
#endif
     :: (true
#ifndef M_IN_FLIGHT_WITHOUT_SECOND_LOOK
        && changes == seen
#endif
#ifdef ONCE
        && !sees_spent
#endif
        ) ->
        atomic {
          again = (displaced != OURS && in_flight > 0);
          in_flight = (again -> in_flight - 1 : in_flight);
          break
        }
     fi
#endif
  od;
#ifdef M_SIGNAL_THEN_IGNORE
  ignore();
#endif
#ifdef M_CHAIN_IS_ASKED_AFTER
  asked = cell[0] | cell[1];
#endif
#ifdef LISTENS
  /* @signal/handler.zig:handler, what is sent again arrives at the runtime's handler by itself. */
  if
#ifdef M_SENT_AGAIN_REACHES_RUNTIME_TWICE
  :: passes_on -> passed++
#else
  :: passes_on && !again -> passed++
#endif
  :: else
  fi;
#endif
  /* What was sent again arrives when the handler returns, and is not passed on. */
  atomic {
#ifdef LISTENS
    passed = passed + (again && disposition == RUNTIME);
    /* One who came or went meanwhile may have got it or not. */
    PROPERTY(listeners_hear, !(user_listened && user_listens) || passed > 0 || again);
    PROPERTY(listeners_hear_once, passed <= 1);
    passed = 0;
#endif
#if defined(M_CHAIN_IS_ASKED_BEFORE) || defined(M_CHAIN_IS_ASKED_AFTER)
    calls_old = (delivered && (asked & CHAINS));
#elif defined(M_SENT_AGAIN_IS_PASSED_ON)
    calls_old = ((delivered & CHAINS) || again);
#else
    calls_old = ((delivered & CHAINS) != 0);
#endif
    PROPERTY(old_handler_is_called, (calls_old -> may_call_old && old != NONE : !owes_old));
    displaced = 0; seen = 0; delivered = 0; calls_old = false; owes_old = false; may_call_old = false;
    if
    :: again && disposition == OURS -> again = false; called = false; goto begin
    :: again && disposition == IGNORED -> arrive_ignored()
    /* Not twice. */
    :: again && disposition != OURS && disposition != IGNORED -> PROPERTY(none_twice, !called || WAS_AWAY)
    :: !again -> PROPERTY(none_lost, got || HANDED || called || has_foreign_handler)
    fi
  }
}

/* The signal comes ARRIVALS times. */
proctype kernel() {
  byte left = ARRIVALS;
  do
  :: left > 0 ->
     atomic {
       left--;
       if
       :: disposition == OURS ->
          /* A subscriber sets its cell before the disposition, and clears it after\. */
          PROPERTY(none_lost, cell[0] || cell[1]);
          run handler(false)
       :: disposition == IGNORED -> arrive_ignored()
       :: disposition == OLD || disposition == RUNTIME || disposition == DEFAULT ->
          PROPERTY(none_lost, (!hooked[0] || IS_SPENT(0)) && (!hooked[1] || IS_SPENT(1)));
#if defined(ONCE) && defined(LISTENS)
          PROPERTY(listeners_hear, !user_listens || main_thread || disposition == RUNTIME);
          /* There the signal would go to our own listener, which does nothing. */
          PROPERTY(second_is_old, !given_back || user_listens || main_thread || coming > 0
            || disposition != RUNTIME)
#endif
       :: disposition == OTHER ->
          if
          :: calls_ours -> run handler(true)
          :: else
          fi
       fi
     }
  :: else -> break
  od
}

#ifdef FOREIGN
/* Foreign code installs a handler over ours, and stays. */
proctype foreign() {
  atomic { calls_ours = (disposition == OURS); disposition = OTHER; replaced = true }
}
#endif

#ifdef LISTENS
inline runtime_comes() {
  if
  :: !runtime_is_in -> runtime_is_in = true; disposition = RUNTIME
  :: else
  fi
}

inline runtime_goes() {
  if
  :: registered == 0 && !user_listens -> runtime_is_in = false; disposition = DEFAULT
  :: else
  fi
}

inline listen() {
  /* @signal/registry.zig:listening */
#ifdef ONCE
  atomic { !locked -> locked = true; coming++ };
#else
  LOCK;
#endif
  before = (listeners == 0 -> (IS_OURS(disposition) -> old : disposition) : before);
#ifndef M_LISTENER_COUNTS_LATE
  listeners++;
#endif
  UNLOCK;
  /* @signal_listeners.ts:#listen */
#ifndef M_NOBODY_LISTENS
  atomic { IS_MAIN_THREAD_FREE -> registered++; runtime_comes() };
#endif
#ifdef M_LISTENER_COUNTS_LATE
  listeners++;
#endif
  skip
}

inline unlisten() {
  /* @signal_listeners.ts:close */
#ifndef M_NOBODY_LISTENS
  atomic { IS_MAIN_THREAD_FREE -> registered--; user_was_alone = user_was_alone || (registered == 0 && user_listens); runtime_goes() };
#endif
  /* @signal/registry.zig:unlistened, @signal/registry.zig:putBack */
  LOCK;
  listeners--;
#ifndef M_NOT_PUT_BACK
  if
  :: (count == 0 && listeners == 0 && disposition == DEFAULT
#ifndef M_RUNTIME_IS_PUT_BACK
     && before != RUNTIME
#endif
     ) ->
     atomic { current = disposition; disposition = before };
     if
#ifndef M_PUT_BACK_WITHOUT_SECOND_LOOK
     :: current != DEFAULT -> disposition = current
#endif
     :: else
     fi
  :: else
  fi;
#endif
#ifdef ONCE
  given_back = (listeners == 0 && count == 0 -> false : given_back);
#endif
  UNLOCK
}
#endif

inline stop_ignoring() {
  /* @signal/registry.zig:stopIgnoring */
#ifdef M_CHANGE_WHILE_IGNORING
  skip
#else
  hysteresis = false;
#ifdef ONCE
  gives_back = false;
#endif
#ifndef M_STOP_WITHOUT_WAIT
  ignoring == 0
#endif
#endif
}

inline resume_ignoring() {
  /* @signal/registry.zig:resumeIgnoring */
#ifdef ONCE
  gives_back = (count != 0 && with_once >= count);
  hysteresis = (count != 0 && with_hysteresis >= count && !gives_back);
#ifndef M_SPENT_IN_ADD
  give_back(current);
#endif
#ifndef M_MISSED_IS_LOST
  /* It arrives again. */
  if
  :: atomic {
       missed -> missed = false;
       if
       :: disposition == OURS -> run handler(false)
       :: disposition == IGNORED -> arrive_ignored()
       :: disposition == OTHER && calls_ours -> run handler(true)
       :: else ->
          PROPERTY(none_lost, replaced || (!hooked[0] || IS_SPENT(0)) && (!hooked[1] || IS_SPENT(1)))
       fi
     }
  :: !missed
  fi
#endif
#else
  hysteresis = (count != 0 && with_hysteresis >= count)
#endif
}

#ifdef LISTENS
#ifdef ONCE
inline tell_others() {
  /* @signal/registry.zig:othersListen */
  LOCK;
  stop_ignoring();
  atomic {
    if
    :: IS_GIVEN(disposition) -> others = user_listens; disposition = TARGET
    :: else -> others = user_listens
    fi
  };
  resume_ignoring();
  UNLOCK
}
#endif

/*
 * process.on and process.off of the program, one of them: a listener that comes and goes on another thread, both between two
 * system calls of unlistened(), may leave the runtime's handler there.
 */
proctype user() {
#ifdef STILL
  byte acts = 0;
#else
  byte acts = 1;
#endif
#ifdef ONCE
  byte current;
#endif
  do
  :: acts > 0 ->
     atomic {
       TAKE_MAIN_THREAD;
       acts--; user_was_alone = user_was_alone || registered == 0;
       if
       :: user_listens -> user_listens = false; runtime_goes()
       :: else -> user_listens = true; runtime_comes()
       fi
     };
#ifdef ONCE
#ifndef M_OTHERS_ARE_NOT_TOLD
     tell_others();
#endif
     main_thread = false
#endif
  :: acts == 0 -> break
  :: true -> break
  od
}
#endif

inline foreign_handler_installed() {
  /* @signal/registry.zig:foreignHandlerInstalled */
  has_foreign_handler = true;
#ifndef M_FOREIGN_IS_IN_FLIGHT
  in_flight = 0
#endif
}

inline keep(what) {
  /* @signal/registry.zig:keep */
#ifndef M_KEPT_IS_NOT_FOREIGN
  if
  :: count != 0 -> foreign_handler_installed()
  :: else
  fi;
#endif
  old = what
}

inline install() {
  /* @signal/registry.zig:install */
#ifndef M_KEEP_AFTER_INSTALL
  current = disposition;
  if
  :: !IS_OURS(current) -> keep(current)
  :: else
  fi;
#endif
#if defined(LISTENS) && !defined(M_RUNTIME_IS_NOT_TOLD)
  /* @signal/registry.zig:passOn */
  passes_on = true;
#endif
  atomic { current = disposition; disposition = OURS };
  if
  :: !IS_OURS(current) -> keep(current)
  :: else
  fi;
#ifdef ONCE
  given_back = false;
#endif
  ignored = false
}

inline set_cell() {
  /* @signal/subscribers.zig:wordOf */
#ifdef ONCE
  cell[me] = SUBSCRIBER | (chains[me] -> CHAINS : 0) | (once[me] -> ONCE_ONLY : 0)
#else
  cell[me] = SUBSCRIBER | (chains[me] -> CHAINS : 0)
#endif
}

inline add() {
#if defined(LISTENS) && !defined(M_LISTENS_AFTER_ADD)
  listen();
#endif
  /* @signal/registry.zig:add */
  LOCK;
#ifdef M_INSTALL_BEFORE_CELL
  install();
#endif
#ifdef M_CHANGE_BEFORE_CELL
  changes++;
#endif
#ifdef ONCE
  atomic { set_cell(); lives[me] = true; had[me] = false };
#else
  atomic { set_cell(); lives[me] = true };
#endif
#ifndef M_CHANGE_BEFORE_CELL
  changes++;
#endif
  stop_ignoring();
  with_hysteresis = with_hysteresis + wants;
#ifdef ONCE
  with_once = with_once + once[me];
#endif
#ifndef M_INSTALL_BEFORE_CELL
  install();
#endif
  count++;
  resume_ignoring();
#if defined(LISTENS) && defined(ONCE)
  atomic { hooked[me] = true; coming--; UNLOCK }
#else
  atomic { hooked[me] = true; UNLOCK }
#endif
#ifdef M_LISTENS_AFTER_ADD
  listen()
#endif
}

inline rearm() {
  /* @signal/registry.zig:rearmLocked */
  if
  :: count != 0 && ignored ->
     ignored = false;
     atomic { current = disposition; disposition = OURS };
     if
#ifndef M_REARM_OVER_OTHERS
     :: current == OTHER -> disposition = current
#endif
     :: else
     fi
  :: else
  fi
}

inline restore() {
  /* @signal/registry.zig:restore */
  current = disposition;
  if
#ifdef M_RESTORE_OVER_OTHERS
  :: true ->
#else
  :: IS_OURS(current) ->
#endif
     in_flight = (has_foreign_handler -> 0 : IN_FLIGHT_MAX);
#if defined(ONCE) && !defined(M_GIVEN_BACK_IS_TAKEN)
     /* What was given back stays. */
     atomic { current = disposition; disposition = (IS_GIVEN(current) -> current : old) };
#else
     atomic { current = disposition; disposition = old };
#endif
     if
#if !defined(M_RESTORE_WITHOUT_SECOND_LOOK) && !defined(M_RESTORE_OVER_OTHERS)
     :: !IS_OURS(current) -> foreign_handler_installed(); disposition = current
#endif
     :: else
     fi
#ifndef M_RESTORE_OVER_OTHERS
  :: else -> foreign_handler_installed()
#endif
  fi;
  ignored = false
}

inline remove() {
  /* @signal/registry.zig:remove */
#ifdef ONCE
  atomic { hooked[me] = false; owed[me] = false; had[me] = false };
#else
  atomic { hooked[me] = false; owed[me] = false };
#endif
  LOCK;
  changes++;
  count--;
  stop_ignoring();
#ifdef M_CELL_BEFORE_DISPOSITION
  cell[me] = 0;
#endif
  if
  :: count == 0 -> restore()
  :: else
  fi;
  cell[me] = 0;
  with_hysteresis = with_hysteresis - wants;
#ifdef ONCE
  with_once = with_once - once[me];
#endif
  resume_ignoring();
  UNLOCK;
  lives[me] = false;
#ifdef LISTENS
  unlisten()
#endif
}

inline handle() {
  /* @record.ts:#handle */
#ifdef M_REARM_BEFORE_TAKE
  LOCK; rearm(); UNLOCK;
#endif
  pending[me] = false;
#ifndef M_REARM_BEFORE_TAKE
  /* @signal/registry.zig:rearm */
  if
  :: wants -> LOCK; rearm(); UNLOCK
  :: else
  fi;
#endif
  owed[me] = false
}

/* The subscribers' first wishes are theirs to choose; each changes its mind, closes and comes again, ACTS times. */
proctype subscriber(byte me) {
  byte acts = ACTS;
  byte current;
  bit wants;
#ifndef CONTENT
  do
  :: wants = 1; break
  :: break
  od;
#endif
#ifdef CHAIN
  do
  :: chains[me] = true; break
  :: me == 0 -> break
  od;
#endif
#ifdef ONCE
  once[me] = me < ONCE;
#endif
  add();
  do
#if defined(DEAF)
#elif defined(ONCE)
  :: hooked[me] && pending[me] && once[me] -> pending[me] = false; remove()
  :: hooked[me] && pending[me] && !once[me] -> handle()
#else
  :: hooked[me] && pending[me] -> handle()
#endif
  :: acts > 0 && hooked[me] -> acts--; remove()
  :: acts > 0 && !hooked[me] -> acts--; pending[me] = false; add()
  /* @signal/registry.zig:change */
  :: acts > 0 && hooked[me] ->
     acts--;
     LOCK;
     stop_ignoring();
#ifdef CHAIN
     if
     :: atomic {
          chains[me] = !chains[me];
#ifndef M_CHANGE_LEAVES_CELL
#ifdef ONCE
          /* @signal/subscribers.zig:change */
          cell[me] = (cell[me] & SPENT) | SUBSCRIBER | (chains[me] -> CHAINS : 0) | (once[me] -> ONCE_ONLY : 0)
#else
          set_cell()
#endif
#endif
        }
     :: true
     fi;
#endif
     wants = 1 - wants;
     with_hysteresis = with_hysteresis + wants - (1 - wants);
#ifndef M_CHANGE_WITHOUT_REARM
     rearm();
#endif
     resume_ignoring();
     UNLOCK
  :: timeout -> break
  od;
  skip;
  d_step {
    /* Not lost, and not deaf. */
#ifdef ONCE
    PROPERTY(old_returns_at_once, replaced || !gives_back || !ALL_SPENT || disposition != OURS);
    PROPERTY(none_missed, replaced || !missed);
#endif
#ifndef DEAF
    PROPERTY(none_lost, !hooked[me] || (!pending[me] && !owed[me]));
#endif
#ifndef DEAF
    PROPERTY(never_left_ignored, replaced || count == 0 || disposition == OURS);
#endif
#ifdef LISTENS
    PROPERTY(old_disposition_returns, count != 0 || disposition == (user_listens -> RUNTIME : (user_was_alone && disposition == DEFAULT -> DEFAULT : OLD)));
#else
    PROPERTY(old_disposition_returns, replaced || count != 0 || disposition == OLD);
#endif
    /* Foreign code that came after us keeps its own; a subscriber that comes after that gives it back. */
    PROPERTY(others_keep_theirs, !replaced || disposition == OTHER || (count > 0 && disposition == OURS && old == OTHER))
  }
}

init {
  atomic {
    run subscriber(0);
    run subscriber(1);
#ifdef FOREIGN
    run foreign();
#endif
#ifdef LISTENS
    if
#ifdef ONCE
    :: user_listens = true; others = true; user_was_alone = true; runtime_comes()
#else
    :: user_listens = true; user_was_alone = true; runtime_comes()
#endif
    :: true
    fi;
    run user();
#endif
    run kernel()
  }
}
