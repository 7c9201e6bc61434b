/*
 * Signallers, a record that wakes its loop and one that does not: is nothing lost between the attention word, the wake's
 * descriptor and the list?
 */
#define SLOTS 3
#define QUIET 1
#define LOUD 2
#define OWN_VALUE 9
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
  byte target = QUIET;
  atomic {
    wakes[LOUD] = true;
    run owner();
    do
    :: i < SIGNALLERS && target < LOUD -> target++
    :: i < SIGNALLERS -> i++; run signaller(target, i)
    :: else -> break
    od
  }
}
