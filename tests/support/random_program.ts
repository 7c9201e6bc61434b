/**
 * The text of a random async function body that ends by itself. It calls `log(value)` for what it
 * does and `turn()` in each turn of a loop, and does not care whether they throw.
 */
export function randomProgram(random: (limit: number) => number): string {
  let names = 0;
  /** The labels of the loops around the place; undefined for a loop without one. */
  let loops: (string | undefined)[] = [];
  const one = <T>(...items: T[]): T => items[random(items.length)]!;
  const name = () => `v${names++}`;
  const space = () => one("", " ", "\n", " /* while (1); */ ", "\t");

  const value = (depth = 2): string => {
    if (depth === 0) return `${random(9)}`;
    const [a, b] = [value(depth - 1), value(depth - 1)];
    return one(
      a,
      `(${a}, ${b})`,
      `(${a} - ${b})`,
      `(${a} < ${b})`,
      `(() => ${a})()`,
      `(() => (${a}, ${b}))()`,
      `(() => ({ a: ${a} }))().a`,
      `(function (a = ${a}) { return a + ${b} })()`,
      `\`\${${a}}\`.length`,
      `[...(function* () { for (let i = 0; i < 2; i++) yield ${a} })()].length`,
      `(x => y => x ? y : ${a})(1)(${b})`,
      `new (class { get a() { return ${a} } static { log(${b}) } })().a`,
      `(await (async x => await x)(${a}))`,
    );
  };

  const jump = () => {
    if (loops.length === 0) return "log(0);";
    const label = one(...loops);
    return `${one("break", "continue")}${label === undefined ? "" : ` ${label}`};`;
  };

  /** A function has no loops around it. */
  const inFunction = (make: () => string) => {
    const outer = loops;
    loops = [];
    const text = make();
    loops = outer;
    return text;
  };

  const block = (depth: number, start = "") => {
    const list = Array.from({ length: random(4) }, () => statement(depth - 1));
    return `{${space()}${start}${list.join(one(" ", "\n"))}${space()}}`;
  };

  const loop = (depth: number, make: (body: () => string) => string): string => {
    const label = random(2) === 0 ? undefined : `l${names++}`;
    const inner = label !== undefined && random(4) === 0 ? `l${names++}: ` : "";
    const text = make(() => {
      loops.push(label);
      const body = random(3) === 0 ? statement(depth - 1, true) : block(depth, "turn(); ");
      loops.pop();
      return space() + body;
    });
    return `${label === undefined ? "" : `${label}:${space()}`}${inner}${text}`;
  };

  const statement = (depth: number, single = false): string => {
    if (depth <= 0) return one(`log(${value(1)});`, jump(), `log(${value()});`);
    const v = name();
    const turns = random(4);
    const kinds: (() => string)[] = [
      () => `log(${value()});`,
      jump,
      () => block(depth),
      () => `if (${value()})${space()}${statement(depth - 1, true)}`,
      () => `if (${value()}) ${statement(depth - 1, true)}\nelse ${statement(depth - 1, true)}`,
      () => loop(depth, (body) => `for (let ${v} = 0; ${v} < ${turns};${space()}${v}++)${body()}`),
      () =>
        loop(depth, (body) => `for (let ${v} = 0;; ) { if (${v}++ > ${turns}) break;${body()} }`),
      () => loop(depth, (body) => `for (var ${v} = ${turns};${space()}${v}--;)${body()}`),
      () => `for (let ${v} = ${turns}; ${v}--;);`,
      () => loop(depth, (body) => `for (const ${v} of [${value()}, 2])${body()}`),
      () => loop(depth, (body) => `for (const ${v} in { a: 1, b: ${value()} })${body()}`),
      () => loop(depth, (body) => `for await (const ${v} of [1, ${value()}])${body()}`),
      () =>
        loop(depth, (body) => `for (const ${v} of (function* () { yield 1; yield 2 })())${body()}`),
      () => `try ${block(depth)} catch (${v}) { log(7); throw ${v} } finally { log(8); }`,
    ];
    if (!single) {
      const count = one(3, 1023, 1024, 1025, 1026, 2048, 2500);
      const light = () =>
        one(
          `s${v} += ${v};`,
          `{ if (${v} % 7 === 3) continue; s${v} += ${v}${space()}}`,
          `if (${v} === ${random(2600)}) break; else s${v}++`,
          `if (${v} > ${random(2600)}) { s${v} = -1; ${jump()} }`,
          `switch (${v} % 3) { case 0: s${v}++; break; default: s${v} += Math.abs(2) }`,
          ";",
        );
      const before = () => `let s${v} = 0; ${one("", "", `l${names++}: `)}`;
      const after = `\nlog(s${v} + ${v});`;
      kinds.push(
        () => `let ${v}; ${before()}for (${v} = 0; ${v} < ${count}; ${v}++) ${light()}${after}`,
        () => {
          const start = one(0, 1, 2.5, random(2000));
          const update = one(`${v}++`, `++${v}`, `${v} += 3 /* ) */`, `s${v}--, (${v}++)`);
          const more = light() + one("", ` if (${v} % 90 === 80) ${v} += 5;`, ` var c = ${v};`);
          const body = one(light(), `{ ${more} }`);
          const kind = one("let", "var");
          const text = `for (${kind} ${v} = ${start}; ${v} < ${count}; ${update}) ${body}`;
          return before() + text + (kind === "let" ? `\nlog(s${v});` : after);
        },
        () =>
          `${before()}for (let ${v} = 0; ${v} < ${count}; ${v} += 1) ${one("", "if (1)")} ${
            light().replaceAll(/^;$/g, "{}")
          }\nlog(s${v});`,
        () => {
          const test = one(`${v}++ < ${count}`, `${v} < 0 || ++${v} < ${count}`);
          return `let ${v} = 0; ${before()}while (${test}) ${light()}${after}`;
        },
        () => {
          const test = one(`${v}++ < ${count}`, `${v} < 900 ? ++${v} : ${v}++ < ${count}`);
          return `let ${v} = 0; ${before()}do ${light()}${space()}\nwhile (${test})${after}`;
        },
        () => `let ${v} = ${count}, s${v} = 0; while (${v} > 0 && ${v}--) s${v}++${after}`,
        () => {
          const text = loop(depth, (body) => `while${space()}(${v}-- >${space()}0)${body()}`);
          return `let ${v} = ${turns}; ${text}`;
        },
        () => {
          const text = loop(
            depth,
            (body) => `do ${body()}\nwhile${space()}(${v}-- > 0)${one(";", "\n", " ")}`,
          );
          return `let ${v} = ${turns}; ${text}`;
        },
        () => `let ${v} = ${turns}; while (${v}--);`,
        () => {
          const text = inFunction(() => block(depth));
          return random(2) === 0
            ? `async function ${v}(a = ${value()}) ${text} await ${v}();`
            : `async function ${v}() ${text.replace("{", "{ 'use strict'\n")} await ${v}();`;
        },
        () => {
          const text = inFunction(() => block(depth));
          return `class ${v} { async m() { return ${value(1)} } }
class ${v}b extends ${v} { constructor() { super()${one(";", "\n")} log(1) } async n() ${text} }
await new ${v}b().n();`;
        },
        () =>
          `const ${v} = []; for (let i = 0; i < ${turns}; i++) ${v}.push(() => i); log(${v}.map((f) => f()).join());`,
        () => {
          loops.push(undefined);
          const text = `switch (${value()}) { case 1: ${statement(depth - 1)}\ndefault: log(3); }`;
          loops.pop();
          // An unlabelled `continue` belongs to a loop around the switch.
          return text.replaceAll(/continue;/g, "break;");
        },
      );
    }
    return one(...kinds)();
  };
  return Array.from({ length: 4 }, () => statement(3)).join("\n");
}
