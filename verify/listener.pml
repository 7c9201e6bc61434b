/*
 * Deno calls listeners from a thread of its own, which plays the default action of a signal that nobody listens to. So the
 * listener of an Interrupt stays, after close(), until that thread has come to each signal that the Interrupt has heard.
 * ARRIVALS signals come, each on a thread of its own; those that come after close() may do what they did before.
 */
#ifndef ARRIVALS
#define ARRIVALS 2
#endif

/* @signal/hook.zig:passing and @signal/hook.zig:Hook */
byte passing;
byte passed_on;
bool is_subscribed = true;
bool is_woken;

bool has_listener = true;
/* What Deno's handler wrote for its thread, and how many of those signals the Interrupt has heard. */
byte written;
byte unread;
byte unread_heard;
/* How many of those that were written the thread is done with, and its calls of the listener that are to be made. */
byte done;
byte to_call;

proctype handler() {
  bool is_heard;
  /* @signal/handler.zig:handler */
#if !defined(M_PASSING_IS_NOT_TOLD) && !defined(M_PASSING_AFTER_WAKE)
  passing++;
#endif
  atomic { is_heard = is_subscribed; is_woken = is_woken || is_heard };
#ifdef M_PASSING_AFTER_WAKE
  passing++;
#endif
#ifdef M_PASSED_BEFORE_COUNTED
  passing--;
  passed_on++;
#else
  passed_on++;
#ifndef M_PASSING_IS_NOT_TOLD
  passing--;
#endif
#endif
  atomic { written++; unread++; unread_heard = unread_heard + is_heard }
}

proctype thread_of_deno() {
  byte heard;
  byte upto;
end:
  do
  /* One call stands for all that it reads at once. */
  :: atomic { unread > 0 -> unread = 0; heard = unread_heard; unread_heard = 0; upto = written };
     atomic {
       if
       :: has_listener -> to_call++
       :: else -> PROPERTY(heard_kills_nobody, heard == 0)
       fi;
       done = upto; heard = 0; upto = 0
     }
  od
}

/* After LATE milliseconds Deno's thread is done with all that was counted before: this cannot be known, only waited for. */
#define IS_LATE (done == passed_on && to_call == 0)

inline look() {
#ifdef M_PASSED_ON_IS_ASKED_FIRST
  n = passed_on;
  is_passing = passing > 0;
#else
  is_passing = passing > 0;
  n = passed_on;
#endif
}

proctype realm() {
  byte calls;
  byte passed_then;
  byte n;
  bool is_passing;
  /* @ffi/deno.ts:listen */
end:
  do
  :: to_call > 0 -> atomic { to_call--; calls++ }; passed_then = passed_on
  :: is_woken -> is_subscribed = false; break
  od;
  do
  :: look();
     if
     :: is_passing
     :: !is_passing && n > calls && n != passed_then
     :: !is_passing && n > calls && !IS_LATE
     :: !is_passing && (n <= calls || n == passed_then && IS_LATE) -> break
     fi;
wait:
     if
     :: to_call > 0 -> atomic { to_call--; calls++ }; passed_then = passed_on
     :: IS_LATE ->
        look();
        if
        :: is_passing || n != passed_then -> goto wait
        :: else -> break
        fi
     fi
  od;
  has_listener = false
}

init {
  byte i;
  atomic {
    do
    :: i < ARRIVALS -> i++; run handler()
    :: else -> break
    od;
    run thread_of_deno();
    run realm()
  }
}
