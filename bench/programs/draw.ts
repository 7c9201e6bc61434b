/**
 * `draw.ts <folder of the packages> <file>`: draws the Vega-Lite specifications in the file as SVG
 * and PNG. Runs on Node.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import process from "node:process";

const [folder, file] = process.argv.slice(2);
const { resolve } = createRequire(`${folder}x.js`);
const load = (name: string) => import(pathToFileURL(resolve(name)).href);
const { compile } = await load("vega-lite");
const { parse, View } = await load("vega");
const { Resvg } = await load("@resvg/resvg-js");

const font = {
  // The machine's fonts would change the picture.
  loadSystemFonts: false,
  fontFiles: ["400Regular/Inter_400Regular", "600SemiBold/Inter_600SemiBold"]
    .map((name) => resolve(`@expo-google-fonts/inter/${name}.ttf`)),
};
const specs: Record<string, object> = JSON.parse(readFileSync(file!, "utf8"));
for (const [path, spec] of Object.entries(specs)) {
  const drawn: string = await new View(parse(compile(spec).spec)).toSVG();
  // Two decimals of a pixel are enough.
  const svg = drawn.replace(
    /\d+\.\d{3,}/g,
    (number) => String(Number(Number(number).toFixed(2))),
  );
  writeFileSync(`${path}.svg`, svg + "\n");
  const options = { fitTo: { mode: "zoom", value: 1.5 }, font };
  writeFileSync(`${path}.png`, new Resvg(svg, options).render().asPng());
}
