/*
 * A pipe that makes somebody else's loop look: one for each record or one for both (SHARED), drained before the callback
 * (AUTODRAIN) or by that loop, which then handles (BY_HANDLE) or calls checkpoint(). No record wakes its own loop.
 *
 * FOREIGN: both have the same descriptor, but not the same pipe: the first one's was closed, and its number came back.
 */
#define SLOTS 3
#define OWN_VALUE 9
#if defined(SHARED)
#define PIPES 1
#else
#define PIPES 2
#endif
#if defined(SHARED) || defined(FOREIGN)
#define SHARES(record, other) true
#define WATCHED readable[0]
#else
#define SHARES(record, other) (record == other)
#define WATCHED (readable[0] || readable[1])
#endif
/* @record.ts:close, its two halves. */
bool retired[SLOTS];
bool closed[SLOTS];
/* @record.ts:setPipe, what JavaScript knows of it. */
bool pipe_flag[SLOTS];
bool drains_once[SLOTS];
#define NAMES(r, life) (!retired[r])
#include "protocol.pml"
#include "javascript.pml"

proctype signaller(byte target; byte value) {
  SIGNAL_LOCALS;
  send(target, 0, value)
}

proctype owner() {
  JAVASCRIPT_LOCALS;
  SIGNAL_LOCALS;
  javascript()
}

init {
  byte i = 0;
  byte target = 1;
  atomic {
#ifdef FOREIGN
    pipe_of[1] = 1;
#else
    pipe_of[2] = PIPES - 1;
#endif
#ifndef CAN_ENABLE
    piped[1] = true; pipe_flag[1] = true;
#endif
    piped[2] = true; pipe_flag[2] = true;
    run owner();
    do
    :: i < SIGNALLERS && target < SLOTS - 1 -> target++
    :: i < SIGNALLERS -> i++; run signaller(target, i)
    :: else -> break
    od
  }
}
