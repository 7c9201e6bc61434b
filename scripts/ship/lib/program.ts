const cjs = await Deno.readTextFile(new URL("../program/main.cjs", import.meta.url));
const names = "{ checkpoint, Interrupt }";

/** The program that each way must run, as CommonJS and as an ES module. */
export const programs = {
  cjs,
  mjs: cjs.replace(
    `const ${names} = require("async-interrupt")`,
    `import ${names} from "async-interrupt"`,
  ),
};
