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
 * Signals the Interrupt that arg (signalFunc().arg) names: 1 signalled, 0 closed, negative: nobody
 * ever had this arg. Any thread.
 */
int32_t ai_signal(uint64_t arg, int32_t value);

/*
 * An agent for the calling thread, by its token, with its number in the lower half. Or a status, as
 * int64.
 */
uint64_t ai_agent_open(void);

/*
 * Closes it, with all that it has open; nothing if it is closed. A deallocator of its words, too.
 */
void ai_agent_close(uint64_t words, uint64_t token);

/*
 * Address of the int32 that JavaScript reads: the attention word, the list of records that became
 * pending, what failed, what is due.
 */
uint64_t ai_agent_address(uint32_t agent);

/* Makes the socket that wakes the loop; gives its read side to the caller. */
int32_t ai_agent_wake_socket(uint32_t agent, uint32_t forgets);

/* 0 if as many pairs of descriptors can be had just now. */
int32_t ai_check_descriptors(uint32_t pairs);

/*
 * A record of the agent, by its token: the arg that signal, block and unblock take, with the slot
 * in its lower half. Or a status, as int64.
 */
uint64_t ai_record_open(uint32_t agent, uint32_t flags);

/* Address of the record's words. */
uint64_t ai_record_address(uint32_t slot);

/* Says again that this record is pending. */
void ai_record_notify(uint32_t slot);

/* Flags: FLAG_WAKE, FLAG_PIPE or FLAG_PIPE_LAST. */
void ai_record_flag(uint32_t slot, uint32_t flag, uint32_t on);

/* The EventPipe, by its token, to make readable. */
void ai_record_pipe(uint32_t slot, uint64_t pipe);

/* Hooks a POSIX signal. Options: 1 chain, 2 hysteresis. */
int32_t ai_record_hook(uint32_t slot, uint32_t signal, uint32_t options);

/* Changes the options. */
int32_t ai_record_hook_options(uint32_t slot, uint32_t options);

/* After a signal with hysteresis was handled. */
int32_t ai_record_rearm(uint32_t slot);

/* From here on nobody signals it. */
void ai_record_retire(uint32_t slot);

/* The slot may serve another. */
void ai_record_release(uint32_t slot);

/* 0 when the signal can be hooked. */
int32_t ai_hook_check(uint32_t signal);

/* Before a listener of the runtime is registered. 1: the signal is ignored until now. */
int32_t ai_hook_listening(uint32_t agent, uint32_t signal);

/* After that: ours goes on top, where the runtime has installed its handler. */
int32_t ai_hook_listened(uint32_t signal);

/* That listener was called. */
void ai_hook_heard(uint32_t agent, uint32_t signal, uint32_t coalesces);

/* How many signals ours has passed on to the runtime. */
uint32_t ai_hook_passed_on(uint32_t signal);

/*
 * That listener is gone. put_back: with the last one, what was there before returns; 2: and the
 * runtime calls no later listener for an earlier signal.
 */
int32_t ai_hook_unlistened(uint32_t agent, uint32_t signal, uint32_t put_back);

/* Whether this agent, of another thread, needs a listener of the main thread's runtime. */
void ai_agent_borrow(uint32_t agent, uint32_t signal, uint32_t on);

/* A bit for each signal, from 1, that some agent needs one for. */
uint64_t ai_agent_borrowed(void);

/* An eventfd, or a pipe. */
int32_t ai_pipe_open(uint32_t agent);

/* The caller's descriptors, which it keeps. */
int32_t ai_pipe_adopt(uint32_t agent, int32_t read_fd, int32_t write_fd);

/* The arg that pipe_signal and pipe_drain take. */
uint64_t ai_pipe_token(uint32_t slot);

/* PIPE_READ_FD, PIPE_WRITE_FD, or PIPE_KIND: an index of pipeKinds. */
int32_t ai_pipe_info(uint32_t slot, uint32_t what);

/* Makes it readable. Any thread, any signal handler; nothing after close. */
void ai_pipe_signal(uint64_t arg);

/* Makes it unreadable. Any thread, any signal handler; nothing after close. */
void ai_pipe_drain(uint64_t arg);

/* 1 readable, 0 timed out; a timeout of 2^64-1 waits for ever. */
int32_t ai_pipe_wait(uint32_t slot, uint64_t timeout_ns);

/* New descriptors under the old numbers. */
int32_t ai_pipe_renew(uint32_t slot);

/* Closes it. */
void ai_pipe_close(uint32_t slot);

/* Address of one of the functions for native code. */
uint64_t ai_function_address(uint32_t which);

/* 0 when code can run at that address. */
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
