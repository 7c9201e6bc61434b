import process from "node:process";
import { platforms } from "../../lib/platforms.ts";

const here = `${process.platform}-${process.arch}`;

/** The platforms whose library cannot run on this machine. */
export const otherPlatforms: readonly string[] = platforms.filter((platform) => platform !== here);
