/* Generated from zig-src/root.zig by `zig build generate`. Do not edit. */
#ifndef ASYNC_INTERRUPT_H
#define ASYNC_INTERRUPT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What native code needs: JavaScript hands it signalFunc().func, an address, and
 * signalFunc().arg, a token. Calling func(arg, value) interrupts the JavaScript that made the
 * Interrupt. Any thread and any signal handler may call it, also after close(): then nothing
 * happens. arg points to nothing: never read through it.
 */
typedef void (*async_interrupt_signal_func)(void *arg, int value);
/*
 * blockFunc() and unblockFunc(), on the JavaScript thread only; EventPipe's signalFunc() and
 * drainFunc(), anywhere.
 */
typedef void (*async_interrupt_func)(void *arg);
/* nativeCallback: called on the JavaScript thread, just before the JavaScript callback. */
typedef void (*async_interrupt_callback)(void *arg, int value);

/*
 * The library's symbols. All but the signalling ones belong to the JavaScript side and its
 * thread.
 */

/*
 * Signals the Interrupt whose token is arg. Any thread. Returns 1 if it was signalled, 0 if it is
 * closed, a status if arg was never given to anybody.
 */
int32_t ai_signal(uint64_t arg, int32_t value);

/*
 * Opens an agent for the calling thread. Returns its token, whose lower half is its number; or a
 * status, as int64.
 */
uint64_t ai_agent_open(void);

/*
 * Closes the agent with this token, and all that it has open. Does nothing if it is closed. Engines
 * can call it as the deallocator of the agent's memory.
 */
void ai_agent_close(uint64_t words, uint64_t token);

/* Address of the int32s of the agent that JavaScript reads: see ATTENTION to LISTENERS_DUE. */
uint64_t ai_agent_address(uint32_t agent);

/*
 * Makes the socket that wakes the event loop. The caller owns the read side, which is returned.
 * forgets: the agent closes it too, if the caller has not.
 */
int32_t ai_agent_wake_socket(uint32_t agent, uint32_t forgets);

/* Returns 0 if this many pairs of descriptors can be opened now. */
int32_t ai_check_descriptors(uint32_t pairs);

/*
 * Opens a record of the agent. Returns its token, which signal, block and unblock take as arg, and
 * whose lower half is the slot; or a status, as int64.
 */
uint64_t ai_record_open(uint32_t agent, uint32_t flags);

/* Address of the int32s of the record: see PENDING to LISTED. */
uint64_t ai_record_address(uint32_t slot);

/* Announces once more that this record is pending. */
void ai_record_notify(uint32_t slot);

/*
 * Sets or clears FLAG_WAKE, FLAG_PIPE, FLAG_PIPE_LAST or FLAG_STOPS. Clearing a pipe flag returns
 * after the last write to the pipe.
 */
void ai_record_flag(uint32_t slot, uint32_t flag, uint32_t on);

/* Returns 1 if native code has stopped because of FLAG_STOPS, else 0. */
uint32_t ai_record_has_stopped(uint32_t slot);

/* Sets the token of the EventPipe that signals make readable. */
void ai_record_pipe(uint32_t slot, uint64_t pipe);

/* Hooks a POSIX signal. Options: CHAIN, HYSTERESIS, LISTENED, ONCE. */
int32_t ai_record_hook(uint32_t slot, uint32_t signal, uint32_t options);

/* Changes the options of record_hook. */
int32_t ai_record_hook_options(uint32_t slot, uint32_t options);

/* Makes the kernel deliver a signal with hysteresis again. Call it when the signal is handled. */
int32_t ai_record_rearm(uint32_t slot);

/*
 * With ONCE, when the signal is handled: ends the hook. Returns 1 if it did, 0 if the signal was
 * not delivered yet.
 */
uint32_t ai_record_unhook_spent(uint32_t slot);

/* First half of closing: from here on the record accepts no signals. */
void ai_record_retire(uint32_t slot);

/* Second half of closing: the slot may be used again. */
void ai_record_release(uint32_t slot);

/*
 * Signals the record with 1 every so many nanoseconds until it is retired, from a thread that all
 * timers of the process share.
 */
int32_t ai_timer_start(uint32_t slot, uint64_t period_ns);

/* Returns 0 if the signal can be hooked. */
int32_t ai_hook_check(uint32_t signal);

/*
 * Call it before a listener of the runtime is registered. Returns 1 if the signal is ignored until
 * now.
 */
int32_t ai_hook_listening(uint32_t agent, uint32_t signal);

/* Call it after that. If the runtime has installed its handler, ours is put on top again. */
int32_t ai_hook_listened(uint32_t signal);

/* Call it in that listener. */
void ai_hook_heard(uint32_t agent, uint32_t signal);

/*
 * How many signals our handler has passed on to the runtime. For signal 0: how many, of any number,
 * it may pass on in the next moment; ask this first.
 */
uint32_t ai_hook_passed_on(uint32_t signal);

/* Tells whether the program has listeners of its own for the signal. */
void ai_hook_others(uint32_t signal, uint32_t on);

/* Call it before that listener is removed, where nobody can tell whether the program has others. */
int32_t ai_hook_removing(uint32_t signal);

/*
 * Call it after that listener is removed. put_back: 1 restores the earlier disposition with the
 * last listener; 2 does so for a runtime that calls no later listener for an earlier signal.
 */
int32_t ai_hook_unlistened(uint32_t agent, uint32_t signal, uint32_t put_back);

/* Sets whether this agent, of another thread, needs a listener on the main thread. */
void ai_agent_borrow(uint32_t agent, uint32_t signal, uint32_t on);

/*
 * A bit for each signal for which some agent needs a listener on the main thread. Bit 0 is signal
 * 1.
 */
uint64_t ai_agent_borrowed(void);

/* Opens an eventfd, or a pipe where there is none. Returns its slot. */
int32_t ai_pipe_open(uint32_t agent);

/* Opens an EventPipe of this kind, an index of pipeKinds. Returns its slot. */
int32_t ai_pipe_open_kind(uint32_t agent, uint32_t kind);

/* Opens an EventPipe with duplicates of the caller's descriptors. Returns its slot. */
int32_t ai_pipe_adopt(uint32_t agent, int32_t read_fd, int32_t write_fd);

/* The token that pipe_signal and pipe_drain take as arg. */
uint64_t ai_pipe_token(uint32_t slot);

/* PIPE_READ_FD, PIPE_WRITE_FD, or PIPE_KIND: an index of pipeKinds. */
int32_t ai_pipe_info(uint32_t slot, uint32_t what);

/* Makes it readable. Any thread, any signal handler. Does nothing after pipe_close. */
void ai_pipe_signal(uint64_t arg);

/* Makes it unreadable. Any thread, any signal handler. Does nothing after pipe_close. */
void ai_pipe_drain(uint64_t arg);

/*
 * Waits until it is readable. Returns 1 if it is, 0 after the timeout. A timeout of 2^64-1 never
 * ends.
 */
int32_t ai_pipe_wait(uint32_t slot, uint64_t timeout_ns);

/* Puts new descriptors under the old numbers. */
int32_t ai_pipe_renew(uint32_t slot);

/* Closes the EventPipe, when it was closed as often as opened. */
void ai_pipe_close(uint32_t slot);

/*
 * Opens a tie for the connection of SQLite that loads this library next on this thread. Returns its
 * token; or a status, as int64.
 */
uint64_t ai_sqlite_open(uint32_t agent);

/*
 * Returns 1 if the connection asks the tie, 0 if it has not loaded this library, a status if it
 * cannot ask.
 */
int32_t ai_sqlite_loaded(uint64_t tie);

/*
 * Sets what stops the connection's queries: records with FLAG_STOPS and the Interrupt with this
 * token; 1 for the records only, 0 for nothing. Returns 0 if the tie is closed.
 */
int32_t ai_sqlite_ask(uint64_t tie, uint64_t interrupt);

/* Closes the tie. Does nothing if the end of the connection or of the agent has closed it. */
void ai_sqlite_close(uint64_t tie);

/* Address of a function for native code: SIGNAL_FUNCTION and so on. */
uint64_t ai_function_address(uint32_t which);

/* Returns 0 if the memory at this address is executable. */
int32_t ai_function_check(uint64_t func);

/* Calls void (*func)(void *arg, int value). */
void ai_function_call(uint64_t func, uint64_t arg, int32_t value);

/*
 * An atomic operation on an int32, for callers without a view of native memory: MEMORY_LOAD,
 * MEMORY_EXCHANGE, MEMORY_AND, MEMORY_OR. Gives what was there.
 */
int32_t ai_memory(uint64_t address, uint32_t operation, int32_t value);

#ifdef __cplusplus
}
#endif
#endif
