/**
 * Which room of src/ may import from which (`npm run imports`, part of `npm test`): from rooms further down in this list,
 * never from its own line or above, types included. No file is in a circle.
 */
const ROOMS = [
  ["cli", "index", "reference"],
  ["api"],
  ["commands"],
  ["bench", "notebook"],
  ["experiments"],
  ["adapt", "replay", "run"],
  ["queue", "serving"],
  ["tasks"],
  ["restem"],
  ["judge"],
  ["openai"],
  ["full"],
  ["lora", "selfedit"],
  ["model"],
  ["engine", "jinja", "plot"],
  ["schema"],
  ["files", "statistics"],
  ["messages", "setup"],
];

/** Experiments know nothing of each other, but for what those on passages share. */
const EXPERIMENTS = ["arc", "biographies", "continual", "knowledge", "pretraining"];

const inRooms = (rooms) => `^src/(${rooms.join("|")})(/|[.]ts$)`;

const downwards = ROOMS.flatMap((line, i) =>
  line.map((room) => ({
    name: `${room}-imports-downwards`,
    severity: "error",
    from: { path: inRooms([room]) },
    to: {
      path: inRooms(
        ROOMS.slice(0, i + 1)
          .flat()
          .filter((other) => other !== room),
      ),
    },
  })),
);

const apart = EXPERIMENTS.map((name) => ({
  name: `${name}-stands-alone`,
  severity: "error",
  from: { path: `^src/experiments/${name}/` },
  to: { path: `^src/experiments/(?!${name}/|lessons/)` },
}));

export default {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    {
      name: "every-room-has-a-line",
      comment: "A new folder of src/ gets its place in ROOMS.",
      severity: "error",
      from: { path: "^src/", pathNot: inRooms(ROOMS.flat()) },
      to: {},
    },
    {
      name: "lessons-know-no-experiment",
      severity: "error",
      from: { path: "^src/experiments/lessons/" },
      to: { path: "^src/experiments/(?!lessons/)" },
    },
    ...apart,
    ...downwards,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
