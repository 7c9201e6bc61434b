import type { Sample, Target } from "./question.ts";

/** What `--json` writes and compare.ts reads. */
export interface Report {
  machine: string;
  questions: {
    letter: string;
    title: string;
    results: {
      name: string;
      runtime: string;
      ours: boolean;
      failure?: string;
      samples: readonly Sample[];
    }[];
  }[];
  targets: (Target & { letter: string })[];
}
