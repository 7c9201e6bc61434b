import type { Column } from "./question.ts";

const formats = [0, 1, 2].map((digits) =>
  new Intl.NumberFormat("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    // No "-0.00".
    signDisplay: "negative",
  })
);

/** About three digits, and the unit: "12.3 ns". */
export function format(value: number, unit: Column["unit"] = ""): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = formats[digits]!.format(value);
  if (unit === "ratio") return `${text} x`;
  return unit === "" ? text : `${text} ${unit}`;
}
