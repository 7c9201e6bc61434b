/*
 * What signals and descriptors cost in C: the floor for every runtime. And the process that sends the signals. Linux.
 *
 *   floor send near|far COUNT MICROSECONDS SIGNAL PID...   COUNT to each, in bursts of 20 in turn; prints a line for
 *                                 each PID: when they were sent. The main threads of the PIDs run on one processor, the
 *                                 sender on the same one or on another
 *   floor idle                    handler, eventfd, epoll; at the end of stdin prints when SIGUSR2 was handled
 *   floor flood PID COUNT ONCE FIRST SECOND...    ONCE is sent once, after COUNT of the others in turn; prints when
 *                                 the last of each was sent
 *   floor flooded blocked|free SIGNALS SENDER...  the same as idle, under that flood; SIGNALS with commas between
 *   floor eventfd COUNT           nanoseconds of a write and a read
 *   floor kill COUNT              nanoseconds of a kill to itself, with its handler
 *   floor every COUNT             a thread counts milliseconds, and the main thread computes and looks each 100 ns; prints
 *                                 when it has noticed each, from the first one on
 *
 * Times are CLOCK_MONOTONIC, in nanoseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most = 65536 };

static int event;
static volatile sig_atomic_t arrived[NSIG];

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void must(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static void on_signal(int signal) {
  int saved = errno;
  uint64_t one = 1;
  arrived[signal] = 1;
  /* Full is fine: it is readable then. */
  if (write(event, &one, sizeof one) < 0) arrived[signal] = 1;
  errno = saved;
}

static void on_counted_signal(int signal) { arrived[signal]++; }

static void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  must(sigaction(signal, &action, NULL) == 0, "sigaction");
}

static void watch(int epoll, int fd) {
  struct epoll_event events = {.events = EPOLLIN, .data.fd = fd};
  must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &events) == 0, "epoll_ctl");
}

/* The next descriptor that is readable; the eventfd is empty then. */
static int turn(int epoll) {
  struct epoll_event ready;
  uint64_t count;
  while (epoll_wait(epoll, &ready, 1, -1) != 1) must(errno == EINTR, "epoll_wait");
  if (ready.data.fd == event) must(read(event, &count, sizeof count) == sizeof count, "read");
  return ready.data.fd;
}

static void pin(pid_t thread, int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  must(sched_setaffinity(thread, sizeof set, &set) == 0, "sched_setaffinity");
}

static void send_in_turn(int near, int count, long microseconds, int signal, int targets, char **pids) {
  enum { burst = 20 };
  uint64_t(*sent)[most] = calloc((size_t)targets, sizeof *sent);
  struct timespec pause = {.tv_nsec = microseconds * 1000};
  cpu_set_t allowed;
  int first = -1, last = -1;
  must(sent != NULL && count <= most, "count");
  must(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  for (int processor = 0; processor < CPU_SETSIZE; processor++) {
    if (!CPU_ISSET(processor, &allowed)) continue;
    if (first < 0) first = processor;
    last = processor;
  }
  for (int target = 0; target < targets; target++) pin(atoi(pids[target]), last);
  pin(0, near ? last : first);
  /* Who is woken goes first; otherwise the scheduler's fairness decides whether the sender goes on for a while. */
  struct sched_param none = {0};
  must(sched_setscheduler(0, SCHED_IDLE, &none) == 0, "sched_setscheduler");
  for (int start = 0; start < count; start += burst) {
    for (int target = 0; target < targets; target++) {
      pid_t pid = atoi(pids[target]);
      for (int i = start; i < start + burst && i < count; i++) {
        nanosleep(&pause, NULL);
        sent[target][i] = now();
        must(kill(pid, signal) == 0, "kill");
      }
    }
  }
  for (int target = 0; target < targets; target++) {
    for (int i = 0; i < count; i++) printf("%llu ", (unsigned long long)sent[target][i]);
    puts("");
  }
}

static void idle(void) {
  static uint64_t times[most];
  int epoll = epoll_create1(EPOLL_CLOEXEC), calls = 0;
  event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  handle(SIGUSR2, on_signal);
  watch(epoll, event);
  watch(epoll, 0);
  puts("ready");
  fflush(stdout);
  while (turn(epoll) == event) {
    if (!arrived[SIGUSR2]) continue;
    arrived[SIGUSR2] = 0;
    times[calls++ % most] = now();
  }
  printf("{\"times\":[");
  for (int i = 0; i < calls && i < most; i++) printf("%s%llu", i ? "," : "", (unsigned long long)times[i]);
  puts("]}");
}

static void flood(pid_t pid, int count, int once, int signals, char **numbers) {
  uint64_t last[NSIG] = {0};
  struct timespec pause = {.tv_nsec = 200000000};
  /* Until the target has measured what it used before. */
  nanosleep(&pause, NULL);
  for (int i = 0; i < count; i++) {
    int signal = atoi(numbers[i % signals]);
    last[signal] = now();
    must(kill(pid, signal) == 0, "kill");
  }
  last[once] = now();
  must(kill(pid, once) == 0, "kill");
  for (int signal = 1; signal < NSIG; signal++) {
    if (last[signal]) printf("%d %llu\n", signal, (unsigned long long)last[signal]);
  }
}

static double processor_ms(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* The sender's end closes its side of the pipe, which turns the loop. */
static void flooded(int blocked, char *signals, char **sender) {
  uint64_t handled[NSIG] = {0}, last;
  int epoll = epoll_create1(EPOLL_CLOEXEC), ends[2], calls = 0, lost = 0, signal;
  event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  must(pipe(ends) == 0, "pipe");
  pid_t target = getpid(), child = fork();
  if (child == 0) {
    char pid[16];
    snprintf(pid, sizeof pid, "%d", target);
    for (char **arg = sender; *arg; arg++) {
      if (!strcmp(*arg, "PID")) *arg = pid;
    }
    dup2(ends[1], 1);
    execvp(sender[0], sender);
    must(0, sender[0]);
  }
  close(ends[1]);
  for (char *number = strtok(signals, ","); number; number = strtok(NULL, ",")) handle(atoi(number), on_signal);
  watch(epoll, event);
  watch(epoll, ends[0]);
  usleep(100000);
  double before = processor_ms();
  struct pollfd end = {.fd = ends[0], .events = POLLIN};
  while (blocked && poll(&end, 1, -1) < 0) must(errno == EINTR, "poll");
  int more = 1;
  while (more) {
    more = turn(epoll) == event;
    for (signal = 1; signal < NSIG; signal++) {
      if (!arrived[signal]) continue;
      arrived[signal] = 0;
      calls++;
      handled[signal] = now();
    }
  }
  double after = processor_ms();
  unsigned long long time;
  FILE *output = fdopen(ends[0], "r");
  while (fscanf(output, "%d %llu", &signal, &time) == 2) {
    last = time;
    lost += handled[signal] < last;
  }
  waitpid(child, NULL, 0);
  printf("{\"callbacks\":%d,\"lost\":%d,\"cpu\":%.3f}\n", calls, lost, after - before);
}

static void time_eventfd(int count) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  uint64_t value = 1, start = now();
  for (int i = 0; i < count; i++) {
    must(write(fd, &value, sizeof value) == sizeof value, "write");
    must(read(fd, &value, sizeof value) == sizeof value, "read");
  }
  printf("{\"ns\":%.1f}\n", (double)(now() - start) / count);
}

static void time_kill(int count) {
  handle(SIGUSR2, on_counted_signal);
  pid_t self = getpid();
  uint64_t start = now();
  for (int i = 0; i < count; i++) kill(self, SIGUSR2);
  uint64_t end = now();
  must(arrived[SIGUSR2] == count, "a signal is missing");
  printf("{\"ns\":%.1f}\n", (double)(end - start) / count);
}

static int milliseconds;

static void *count_milliseconds(void *nothing) {
  struct timespec next;
  prctl(PR_SET_TIMERSLACK, 1);
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (;;) {
    next.tv_nsec += 1000000;
    if (next.tv_nsec >= 1000000000) {
      next.tv_sec++;
      next.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) != 0) {}
    __atomic_fetch_add(&milliseconds, 1, __ATOMIC_SEQ_CST);
  }
  return nothing;
}

static void every(int count) {
  static uint64_t times[most];
  pthread_t thread;
  volatile uint32_t state = 1;
  must(count > 0 && count <= most, "count");
  must(pthread_create(&thread, NULL, count_milliseconds, NULL) == 0, "pthread_create");
  for (int seen = 0, noticed = 0; noticed < count;) {
    uint32_t x = state;
    for (int i = 0; i < 100; i++) x = x * 1664525 + 1013904223;
    state = x;
    int now_seen = __atomic_load_n(&milliseconds, __ATOMIC_SEQ_CST);
    if (now_seen == seen) continue;
    times[noticed++] = now();
    seen = now_seen;
  }
  printf("{\"times\":[");
  for (int i = 0; i < count; i++) printf("%s%llu", i ? "," : "", (unsigned long long)(times[i] - times[0]));
  puts("]}");
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "send") && argc > 6) send_in_turn(!strcmp(argv[2], "near"), atoi(argv[3]), atol(argv[4]), atoi(argv[5]), argc - 6, argv + 6);
  else if (!strcmp(mode, "idle")) idle();
  else if (!strcmp(mode, "flood") && argc > 5) flood(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argc - 5, argv + 5);
  else if (!strcmp(mode, "flooded") && argc > 8) flooded(!strcmp(argv[2], "blocked"), argv[3], argv + 4);
  else if (!strcmp(mode, "eventfd") && argc > 2) time_eventfd(atoi(argv[2]));
  else if (!strcmp(mode, "kill") && argc > 2) time_kill(atoi(argv[2]));
  else if (!strcmp(mode, "every") && argc > 2) every(atoi(argv[2]));
  else {
    fprintf(stderr, "see the head of floor.c\n");
    return 2;
  }
  return 0;
}
