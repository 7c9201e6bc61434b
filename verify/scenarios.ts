/** A configuration in which a model (`verify/<model>.pml`) is checked. */
export interface Scenario {
  model: string;
  /** Preprocessor names such as SIGNALLERS, separated by spaces. */
  defines: string;
  /** Whether the short form includes it. */
  short: boolean;
  /**
   * The mutants that it must catch, where that is known. All others are tried with one short
   * scenario after another.
   */
  catches?: string;
}

export const scenarios: Scenario[] = [
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=2 CAN_BLOCK CAN_THROW",
    short: true,
    catches: `M_ANNOUNCE_BEFORE_PENDING M_ATTENTION_BEFORE_LISTING
      M_CHECKPOINT_CLEARS_ALL M_CLEAR_BEFORE_DRAIN M_DELIVER_BLOCKED
      M_NATIVE_UNBLOCK_WITHOUT_LOOK M_NO_DRAIN M_ONE_BIT M_PUSH_WITHOUT_CAS
      M_QUEUE_WITHOUT_LOOK M_SCAN_BEFORE_CLEAR M_TAKE_IN_TWO_STEPS
      M_UNBLOCK_WITHOUT_LOOK M_UNLIST_AFTER_TAKE M_UNLIST_BEFORE_NEXT`,
  },
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=2 CAN_SIGNAL CAN_HANDLE CAN_AWAIT",
    short: true,
    catches: `M_AWAIT_LOOKS_FIRST M_AWAIT_WITHOUT_LOOK
      M_CHECKPOINT_IN_TWO_STEPS M_FLAG_BEFORE_LISTING`,
  },
  // deliver() stops while values are still pending.
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=2 CAN_SIGNAL CAN_STOP",
    short: true,
  },
  // One exception, out of any step.
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=2 CAN_CUT CAN_BLOCK",
    short: true,
    catches: `M_CUT_OFF_RUNS_ON M_LIST_IN_HAND M_LOOK_IS_SPENT M_OWES_NOTHING
      M_POP_BEFORE_CALLBACK M_POP_THE_LISTED M_SETTLE_WITHOUT_LIST
      M_TAKEN_IS_FORGOTTEN M_UNBLOCK_LOOKS_LAST M_UNLIST_AGAIN`,
  },
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=2 CAN_CUT CAN_SIGNAL CAN_HANDLE",
    short: false,
    catches: "M_SELF_SIGNAL_UNTOLD",
  },
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=3 CAN_CUT CAN_THROW",
    short: false,
  },
  pipe("SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=1 CAN_CUT"),
  pipe("SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_CUT CAN_DISABLE", {
    short: false,
    catches: "M_DRAINED_BEFORE_IT_IS",
  }),
  pipe("AUTODRAIN=1 BY_HANDLE=1 ACTS=1 CAN_BLOCK CAN_STOP", {
    short: false,
    catches: "M_STOP_WITHOUT_LOOK",
  }),
  ...[
    "SHARED AUTODRAIN=0 BY_HANDLE=0 ACTS=1 CAN_SIGNAL CAN_STOP",
    "SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=1 CAN_SIGNAL CAN_STOP",
  ].map((defines) => pipe(defines, { short: false })),
  // One wake fails.
  {
    model: "wake",
    defines: "SIGNALLERS=2 ACTS=2 CAN_BLOCK CAN_FAIL",
    short: true,
    catches: `M_FAILED_WAKE_IS_ON_ITS_WAY M_FAILURE_WITHOUT_LOOK
      M_LOOK_BEFORE_FAILURE`,
  },
  ...[
    "ACTS=2 CAN_BLOCK CAN_THROW",
    "ACTS=2 CAN_SIGNAL CAN_HANDLE CAN_AWAIT",
    "ACTS=1 CAN_HANDLE CAN_AWAIT CAN_FAIL",
  ].map((does) => ({
    model: "wake",
    defines: `SIGNALLERS=3 ${does}`,
    short: false,
  })),

  pipe("AUTODRAIN=0 BY_HANDLE=0 ACTS=1 CAN_ENABLE CAN_THROW", {
    catches: "M_ENABLE_LOOKS_FIRST M_ENABLE_WITHOUT_LOOK M_PIPE_IN_THE_OTHER_ORDER",
  }),
  pipe("AUTODRAIN=1 BY_HANDLE=0 ACTS=1 CAN_ENABLE CAN_THROW", {
    catches: `M_ENABLE_WITHOUT_REFILL M_LATE_WRITE_STAYS
      M_TAKE_BEFORE_DRAIN`,
  }),
  pipe("AUTODRAIN=0 BY_HANDLE=1 ACTS=1 CAN_ENABLE CAN_THROW"),
  pipe("AUTODRAIN=1 BY_HANDLE=1 ACTS=1 CAN_ENABLE CAN_THROW"),
  pipe("SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=1 CAN_ENABLE CAN_THROW", {
    catches: "M_DRAIN_FOR_ONE",
  }),
  pipe("SHARED AUTODRAIN=1 BY_HANDLE=1 ACTS=1 CAN_ENABLE CAN_THROW"),
  pipe("SHARED AUTODRAIN=0 BY_HANDLE=0 ACTS=1 CAN_ENABLE CAN_THROW"),
  pipe("SHARED AUTODRAIN=0 BY_HANDLE=1 ACTS=1 CAN_ENABLE CAN_THROW"),
  pipe("AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_BLOCK CAN_HANDLE", {
    short: false,
    catches: "M_BLOCKED_IS_NOT_DRAINED M_DRAINED_WHILE_BLOCKED",
  }),
  // Another Interrupt on the pipe stops writing to it, closes, or has another pipe under the same
  // number.
  pipe("SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_DISABLE CAN_RENEW", {
    short: false,
    catches: `M_DISABLED_IS_NOT_DRAINED M_DISABLE_WITHOUT_WAIT
      M_LEAVE_BEFORE_ANNOUNCE M_REFILL_STOPS_AT_DISABLED M_RENEW_FOR_ONE
      M_RENEW_WITHOUT_REFILL`,
  }),
  pipe("SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_CLOSE CAN_BLOCK", {
    catches: `M_CHECK_BEFORE_SWAP M_CLOSED_IS_NOT_DRAINED M_BUSY_AFTER_SWAP
      M_REFILL_STOPS_AT_RETIRED`,
  }),
  pipe("FOREIGN AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_CLOSE CAN_RENEW", {
    short: false,
    catches: "M_REFILL_STOPS_AT_FOREIGN",
  }),
  pipe("SHARED AUTODRAIN=0 BY_HANDLE=0 ACTS=2 CAN_DISABLE CAN_CLOSE CAN_RENEW"),
  ...[
    "AUTODRAIN=0 BY_HANDLE=0 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "AUTODRAIN=0 BY_HANDLE=1 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "AUTODRAIN=1 BY_HANDLE=1 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "SHARED AUTODRAIN=0 BY_HANDLE=0 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "SHARED AUTODRAIN=0 BY_HANDLE=1 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "SHARED AUTODRAIN=1 BY_HANDLE=0 ACTS=2 CAN_BLOCK CAN_SIGNAL",
    "SHARED AUTODRAIN=1 BY_HANDLE=1 ACTS=2 CAN_DISABLE CAN_RENEW",
    "SHARED AUTODRAIN=1 BY_HANDLE=1 ACTS=2 CAN_CLOSE CAN_BLOCK",
    "FOREIGN AUTODRAIN=1 BY_HANDLE=1 ACTS=2 CAN_CLOSE CAN_RENEW",
  ].map((defines) => pipe(defines, { short: false })),

  {
    model: "close",
    defines: "ACTS=2",
    short: true,
    catches: `M_ANY_GENERATION M_CLOSE_WITHOUT_UNLIST M_PIPE_CLOSES_FIRST
      M_PIPE_WITHOUT_BUSY M_RETIRE_WITHOUT_WAIT M_UNLIST_BEFORE_RETIRE
      M_WAKE_CLOSES_FIRST`,
  },
  {
    model: "close",
    defines: "ACTS=4 ONE_AGENT",
    short: true,
    catches: "M_UNLIST_DROPS_THE_OTHERS",
  },
  {
    model: "close",
    defines: "ACTS=3 ONE_AGENT PIPE_AGAIN",
    short: true,
    catches: "M_GENERATION_COMES_AGAIN M_RENEW_CLOSES_FIRST",
  },
  {
    model: "close",
    defines: "ACTS=2 AGENT_AGAIN",
    short: true,
    catches: `M_PLACE_BEFORE_WAKE_IS_CLOSED M_PLACE_IS_LEFT_FIRST
      M_PLACE_WITH_OLD_ATTENTION`,
  },
  { model: "close", defines: "ACTS=3", short: false },
  { model: "close", defines: "ACTS=3 AGENT_AGAIN", short: false },

  {
    model: "signal",
    defines: "ACTS=1 ARRIVALS=1",
    short: true,
    catches: `M_CELL_BEFORE_DISPOSITION M_CHANGE_BEFORE_CELL
      M_CHANGE_WHILE_IGNORING M_CHANGE_WITHOUT_REARM
      M_IGNORE_WITHOUT_SECOND_LOOK M_IGNORING_NOT_COUNTED
      M_INSTALL_BEFORE_CELL M_IN_FLIGHT_IS_LOST M_IN_FLIGHT_WITHOUT_SECOND_LOOK
      M_SIGNAL_THEN_IGNORE M_STALE_IS_DELIVERED M_STOP_WITHOUT_WAIT`,
  },
  {
    model: "signal",
    defines: "ACTS=0 ARRIVALS=2",
    short: true,
    catches: "M_REARM_BEFORE_TAKE",
  },
  {
    model: "signal",
    defines: "ACTS=1 ARRIVALS=1 FOREIGN",
    short: false,
    catches: `M_IGNORE_OVER_OTHERS M_KEPT_IS_NOT_FOREIGN M_FOREIGN_IS_IN_FLIGHT
      M_REARM_OVER_OTHERS M_RESTORE_OVER_OTHERS
      M_RESTORE_WITHOUT_SECOND_LOOK`,
  },
  {
    model: "signal",
    defines: "ACTS=1 ARRIVALS=1 CHAIN",
    short: true,
    catches: `M_CHAIN_IS_ASKED_AFTER M_CHAIN_IS_ASKED_BEFORE
      M_CHANGE_LEAVES_CELL M_KEEP_AFTER_INSTALL M_SENT_AGAIN_IS_PASSED_ON`,
  },
  {
    model: "signal",
    defines: "ACTS=1 ARRIVALS=1 LISTENS",
    short: false,
    catches: `M_LISTENER_COUNTS_LATE M_LISTENS_AFTER_ADD M_NOBODY_LISTENS
      M_NOT_PUT_BACK M_PUT_BACK_WITHOUT_SECOND_LOOK
      M_RUNTIME_IS_NOT_TOLD M_RUNTIME_IS_PUT_BACK
      M_SENT_AGAIN_REACHES_RUNTIME_TWICE`,
  },
  { model: "signal", defines: "ACTS=0 ARRIVALS=1 LISTENS", short: true },
  // `once`: all subscribers want one signal, or one of two does; DEAF: JavaScript never looks.
  {
    model: "signal",
    defines: "ACTS=0 ARRIVALS=2 ONCE=2 CONTENT DEAF",
    short: true,
    catches: `M_GIVE_BACK_UNSPENT M_GIVING_NOT_COUNTED M_MISSED_IS_LOST
      M_MISSED_WITHOUT_SECOND_LOOK M_NOT_GIVEN_BACK M_ONCE_IN_TWO_STEPS M_SPENT_IN_ADD`,
  },
  { model: "signal", defines: "ACTS=1 ARRIVALS=1 ONCE=1 CONTENT", short: true },
  { model: "signal", defines: "ACTS=0 ARRIVALS=1 ONCE=1", short: true },
  {
    model: "signal",
    defines: "ACTS=0 ARRIVALS=1 ONCE=2 CONTENT FOREIGN",
    short: true,
    catches: "M_GIVE_BACK_OVER_OTHERS M_GIVE_BACK_TWICE",
  },
  { model: "signal", defines: "ACTS=0 ARRIVALS=1 ONCE=1 CONTENT CHAIN", short: true },
  {
    model: "signal",
    defines: "ACTS=0 ARRIVALS=1 ONCE=2 CONTENT LISTENS",
    short: false,
    catches: "M_OTHERS_ARE_NOT_TOLD",
  },
  {
    model: "signal",
    defines: "ACTS=0 ARRIVALS=2 ONCE=1 CONTENT LISTENS STILL",
    short: false,
    catches: "M_GIVEN_BACK_IS_TAKEN",
  },
  { model: "signal", defines: "ACTS=0 ARRIVALS=2 ONCE=1 CONTENT", short: false },
  { model: "signal", defines: "ACTS=0 ARRIVALS=2 ONCE=2 CONTENT FOREIGN DEAF", short: false },
  { model: "signal", defines: "ACTS=1 ARRIVALS=2", short: false },
  { model: "signal", defines: "ACTS=0 ARRIVALS=2 FOREIGN", short: false },
  { model: "signal", defines: "ACTS=1 ARRIVALS=1 CHAIN FOREIGN", short: false },

  {
    model: "listener",
    defines: "ARRIVALS=3",
    short: true,
    catches: `M_PASSED_BEFORE_COUNTED M_PASSED_ON_IS_ASKED_FIRST M_PASSING_AFTER_WAKE
      M_PASSING_IS_NOT_TOLD`,
  },
];

function pipe(
  defines: string,
  { short = true, catches }: { short?: boolean; catches?: string } = {},
): Scenario {
  return {
    model: "pipe",
    defines: `${defines} SIGNALLERS=2`,
    short,
    catches,
  };
}
