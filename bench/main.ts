/** `deno task bench`: measures side by side with what people use today. */

import { parseArgs } from "node:util";
import { markdownTable } from "markdown-table";
import { build } from "../scripts/lib/build.ts";
import { machine } from "./lib/machine.ts";
import { measure } from "./lib/measure.ts";
import { installPeers } from "./lib/peers.ts";
import { drawPictures } from "./pictures.ts";
import type { Question, Runtime } from "./lib/question.ts";
import { question as every } from "./questions/every.ts";
import { question as flood } from "./questions/flood.ts";
import { question as idle } from "./questions/idle.ts";
import { question as poll } from "./questions/poll.ts";
import { question as reaction } from "./questions/reaction.ts";
import { cost, quickness } from "./questions/safepoints.ts";
import { question as scale } from "./questions/scale.ts";
import { question as seed } from "./questions/seed.ts";
import { question as sender } from "./questions/sender.ts";
import { question as sqlite } from "./questions/sqlite.ts";
import { question as start } from "./questions/start.ts";
import { question as stop } from "./questions/stop.ts";
import type { Report } from "./lib/report.ts";
import { javaScriptRuntimes } from "./lib/runtimes.ts";
import { table } from "./lib/table.ts";

const questions = [
  sender,
  reaction,
  poll,
  idle,
  flood,
  seed,
  start,
  scale,
  every,
  stop,
  sqlite,
  cost,
  quickness,
];

const help = `Usage: deno task bench [options]

  --only a,c          only these questions: ${
  questions.map(({ letter, title }) => `\n                      ${letter}  ${title}`).join("")
}
  --rounds N          how many rounds to measure (default: as many as five minutes allow, at least 3)
  --runtime deno,bun  only these runtimes: ${javaScriptRuntimes.join(", ")}
  --json FILE         writes all samples, for bench/compare.ts
  --pictures          writes docs/pictures/`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string" },
    runtime: { type: "string", default: javaScriptRuntimes.join() },
    json: { type: "string" },
    pictures: { type: "boolean", default: false },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(help);
  Deno.exit();
}
const letters = values.only === "" ? questions.map(({ letter }) => letter) : values.only.split(",");
const asked = questions.filter(({ letter }) => letters.includes(letter));
const runtimes = values.runtime.split(",") as Runtime[];
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
if (
  asked.length < letters.length || !(rounds === undefined || rounds >= 1) ||
  !runtimes.every((runtime) => javaScriptRuntimes.includes(runtime))
) {
  console.error(help);
  Deno.exit(2);
}

console.error("Building the native library: a minute or two the first time");
await build("testkit", "bench");
await installPeers();

const report: Report = { machine: await machine(), questions: [], targets: [] };
console.log(report.machine);
let failed = false;
for (const question of asked) {
  try {
    await answer(question);
  } catch (error) {
    failed = true;
    console.log(`\n## ${question.letter}. ${question.title}\n\n${error}`);
  }
}

console.log("\n## Targets\n");
console.log(markdownTable([
  ["", "target", "measured", "met"],
  ...report.targets.map(({ letter, text, measured, met }) => [
    letter,
    text,
    measured,
    met === undefined ? "not measured" : met ? "yes" : "no",
  ]),
], { alignDelimiters: false }));
if (values.json !== undefined) {
  await Deno.writeTextFile(values.json, JSON.stringify(report));
}
if (values.pictures) await drawPictures(report);
Deno.exit(failed ? 1 : 0);

async function answer(question: Question) {
  const { letter, title, how, columns } = question;
  const contestants = await question.contestants({ runtimes });
  const results = await measure(contestants, columns, {
    rounds,
    seconds: 300 / questions.length,
    progress: (round) => console.error(`${letter}  ${title}: round ${round + 1}`),
  });

  console.log(`\n## ${letter}. ${title}\n\n${how}\n\n${table(results)}`);
  report.questions.push({
    letter,
    title,
    results: results.all.map(({ contestant, samples, failure }) => ({
      name: contestant.name,
      runtime: contestant.runtime,
      ours: contestant.ours,
      failure,
      samples,
    })),
  });
  // A failing peer is a result, so report it.
  for (const { contestant, failure } of results.all) {
    if (contestant.ours && failure !== undefined) {
      failed = true;
      console.error(`${contestant.name} on ${contestant.runtime}: ${failure}`);
    }
  }

  const targets = question.targets(results);
  report.targets.push(...targets.map((target) => ({ letter, ...target })));
}
