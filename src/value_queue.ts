/** What a {@linkcode ValueQueue} tells its owner. */
export interface QueueOwner {
  /** A `next()` waits from here on. */
  waits(): void;
  /** None waits any more. */
  rests(): void;
  /** The consumer has returned or thrown: no more values are wanted. */
  ended(): void;
}

interface Waiting {
  resolve(result: IteratorResult<number, undefined>): void;
  reject(reason: unknown): void;
  served: boolean;
}

/**
 * The values of an async iterator. Those that arrive while no `next()` is waiting are queued,
 * without a limit.
 */
export class ValueQueue implements AsyncIterableIterator<number> {
  readonly #owner: QueueOwner;
  readonly #values: number[] = [];
  readonly #waiting: Waiting[] = [];
  #done = false;
  /** What the next `next()` rejects with. */
  #failure: { readonly reason: unknown } | undefined;

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  push(value: number): void {
    if (this.#done) return;
    // An exception between resolve() and shift() leaves a served promise in the queue.
    while (this.#waiting[0]?.served) this.#waiting.shift();
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#values.push(value);
    } else {
      next.resolve({ done: false, value });
      next.served = true;
      this.#waiting.shift();
    }
    if (this.#waiting.length === 0) this.#owner.rests();
  }

  /** No more values come. Those that are queued can still be had. */
  end(): void {
    this.#done = true;
    for (const next of this.#waiting) next.resolve({ done: true, value: undefined });
    this.#rest();
  }

  /** No more values come, for this reason: the `next()` after those that are queued rejects. */
  fail(reason: unknown): void {
    if (this.#done) return;
    this.#done = true;
    const [next] = this.#waiting;
    if (next === undefined) this.#failure = { reason };
    next?.reject(reason);
    this.end();
  }

  #rest(): void {
    this.#waiting.length = 0;
    this.#owner.rests();
  }

  next(): Promise<IteratorResult<number, undefined>> {
    if (this.#values.length > 0) {
      return Promise.resolve({ done: false, value: this.#values.shift()! });
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      return Promise.reject(failure.reason);
    }
    if (this.#done) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, served: false });
      this.#owner.waits();
    });
  }

  return(): Promise<IteratorResult<number, undefined>> {
    this.#stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error?: unknown): Promise<IteratorResult<number, undefined>> {
    this.#stop();
    return Promise.reject(error);
  }

  #stop(): void {
    this.#values.length = 0;
    this.#failure = undefined;
    this.end();
    this.#owner.ended();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
