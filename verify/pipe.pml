/*
 * A pipe that makes somebody else's loop look: one for each record or one for both (SHARED), drained before the callback
 * (AUTODRAIN) or by that loop, which then handles (BY_HANDLE) or calls checkpoint(). No record wakes its own loop.
 */
#define SLOTS 3
#define OWN_VALUE 9
#ifdef SHARED
#define PIPES 1
#else
#define PIPES 2
#endif
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
    pipe_of[2] = PIPES - 1;
#ifndef CAN_ENABLE
    piped[1] = true;
#endif
    piped[2] = true;
    run owner();
    do
    :: i < SIGNALLERS && target < SLOTS - 1 -> target++
    :: i < SIGNALLERS -> i++; run signaller(target, i)
    :: else -> break
    od
  }
}
