/**
 * Opens and closes Interrupts. Prints how many weak references the rounds after the first one made.
 */

let made = 0;

// The modules must find these, so they are loaded later.
const { WeakRef: Ref, FinalizationRegistry: Registry } = globalThis;
Object.assign(globalThis, {
  WeakRef: class extends Ref<WeakKey> {
    constructor(target: WeakKey) {
      super(target);
      made++;
    }
  },
  FinalizationRegistry: class extends Registry<unknown> {
    override register(target: WeakKey, held: unknown, token?: WeakKey) {
      super.register(target, held, token);
      made++;
    }
  },
});

const { Interrupt } = await import("../../mod.ts");

function round() {
  new Interrupt().close();
  new Interrupt({ signal: "SIGUSR2", callback: () => {} }).close();
}

round();
const first = made;
for (let i = 0; i < 1000; i++) round();
console.log(made - first);
